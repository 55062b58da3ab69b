"""Chromium in front of the real stack: everything is started once, every test has people and a window of its own."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from backend.infra.settings import Settings
from tests.browser.chromium import launch
from tests.browser.logs import warnings
from tests.browser.screens.world import Worlds
from tests.browser.stack import Stack, running
from tests.browser.telegram import Person, Phone, Telegram

# Each look at whether a process is ready would stand in the report of a test that fails.
logging.getLogger("httpx").setLevel(logging.WARNING)
_TIMEOUT = 40_000
"""Milliseconds: longer than a rare loss costs by design. A job whose lease is lost comes back after 15 s, and a page
that missed a signal looks by itself 15 s after it was opened."""
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "timezone_id": "UTC", "has_touch": True}
DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 960}, "timezone_id": "UTC"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show beside a failed test what the processes of the stack warned of."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and isinstance(stack, Stack):
        report.sections.append(("warnings and errors of the processes", warnings(stack.logs)))
    return report


OpenPhone = Callable[[Person], Awaitable[Phone]]
OpenApp = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="session")
async def stack(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The whole shop, running."""
    async with running(settings, tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture(scope="session")
async def telegram(stack: Stack) -> AsyncIterator[Telegram]:
    """The simulated Telegram."""
    async with httpx.AsyncClient(base_url=stack.simulator, timeout=30) as client:
        yield Telegram(client, stack.app)


@pytest.fixture(scope="session")
def worlds(stack: Stack, telegram: Telegram) -> Worlds:
    """People with a past, by language."""
    return Worlds(stack, telegram)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium."""
    expect.set_options(timeout=_TIMEOUT)
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        yield browser
        await browser.close()


class Windows:
    """Windows that are closed after the test, with what went wrong in their scripts."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._open: list[BrowserContext] = []
        self.errors: list[str] = []

    async def open(self, **options: Any) -> BrowserContext:
        """A window that knows nothing of the others."""
        context = await self._browser.new_context(**options)
        context.set_default_timeout(_TIMEOUT)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        self._open.append(context)
        return context

    async def close(self) -> None:
        """Close them all."""
        for context in self._open:
            await context.close()


@pytest.fixture
async def windows(browser: Browser) -> AsyncIterator[Windows]:
    """Makes windows; a script error in any of them fails the test."""
    windows = Windows(browser)
    yield windows
    await windows.close()
    assert not windows.errors


@pytest.fixture
def open_phone(windows: Windows, stack: Stack) -> OpenPhone:
    """Opens the simulator's page as a person: ``phone = await open_phone(person)``."""

    async def make(person: Person) -> Phone:
        context = await windows.open(**DESK)
        phone = Phone(await context.new_page(), stack.simulator, person)
        await phone.open()
        return phone

    return make


@pytest.fixture
def open_app(windows: Windows, telegram: Telegram) -> OpenApp:
    """Opens the Mini App as a page of its own, without Telegram around it: ordinary buttons stand in for Telegram's.

    ``page = await open_app(person, "/orders", theme="dark")``; ``script`` False means that Telegram's never comes.
    """

    async def make(
        person: Person | int, path: str = "/shop", *, theme: str = "light", script: bool = False, **options: Any
    ) -> Page:
        context = await windows.open(**PHONE | options)
        page = await context.new_page()
        if not script:
            await page.route("**/telegram-web-app.js", lambda route: route.abort())
        await page.goto(await telegram.launch(person, path, theme))
        await expect(page.locator("#app > .screen")).to_be_visible()
        return page

    return make
