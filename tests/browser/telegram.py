"""Being people in the simulated Telegram: its control API, and its page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
from playwright.async_api import Frame, FrameLocator, Locator, Page, TimeoutError, expect

ADMIN = 900_000_001
_NAMES = {"en": "Olivia", "ar": "سلمى", "ru": "Анна"}

Message = dict[str, Any]


_SILENT = 6
"""Looks of five seconds: a worker has several things to do between two messages."""


class Person(msgspec.Struct, frozen=True):
    """Somebody with a Telegram account."""

    id: int
    language: str


class Telegram:
    """The control API: every test makes its own people."""

    def __init__(self, client: httpx.AsyncClient, app: str) -> None:
        self._client = client
        self._app = app

    async def person(self, language: str = "en", *, started: bool = True) -> Person:
        """Somebody new, who has pressed START before unless told otherwise."""
        body = {"first_name": _NAMES[language], "language_code": language, "started": started}
        return Person((await self._post("/personas", body))["id"], language)

    async def launch(self, person: Person | int, path: str = "/shop", theme: str = "light") -> str:
        """A Mini App address with freshly signed initData behind the hash."""
        body = {"url": self._app + path, "theme": theme}
        number = person if isinstance(person, int) else person.id
        return str((await self._post(f"/personas/{number}/open", body))["url"])

    async def visit(self, person: Person) -> None:
        """Have somebody open the shop once, without a window."""
        data = (await self._post(f"/personas/{person.id}/open", {"url": self._app}))["init_data"]
        answer = await self._client.get(
            f"{self._app}/me", headers={"authorization": f"tma {data}", "hx-request": "true"}
        )
        answer.raise_for_status()

    async def init_data(self, person: Person, auth_date: int) -> str:
        """initData as Telegram would have signed it at ``auth_date``, seconds since 1970."""
        answer = await self._client.get(f"/control/personas/{person.id}/init-data", params={"auth_date": auth_date})
        return str(answer.raise_for_status().json()["init_data"])

    async def send(self, person: int, text: str) -> None:
        """Write to the bot."""
        await self._post(f"/personas/{person}/send", {"text": text})

    async def message(self, person: Person | int, matches: Callable[[Message], bool]) -> Message:
        """The first message of the bot in this person's chat that matches; waits until the chat is silent."""
        number = person if isinstance(person, int) else person.id
        after, seen, silent = 0, [], 0
        for _ in range(40):
            params = {"after": after, "wait": 5}
            answer = await self._client.get(f"/control/personas/{number}/messages", params=params)
            messages: list[Message] = answer.raise_for_status().json()
            for message in messages:
                if message["sender_id"] != number and matches(message):
                    return message
            seen += [message["text"] for message in messages]
            after = max([after, *(message["message_id"] for message in messages)])
            silent = 0 if messages else silent + 1
            if seen and silent == _SILENT:
                break
        raise AssertionError(f"no such message in the chat of {number}: {seen}")

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self._client.post(f"/control{path}", json=body)
        answer.raise_for_status()
        return dict(answer.json())


class Phone:
    """The simulator's page as one person sees it: the chat, and the phone with the Mini App in it."""

    def __init__(self, page: Page, address: str, person: Person) -> None:
        self.page = page
        self.person = person
        self._address = address
        self.app: FrameLocator = page.frame_locator("iframe[name=mini-app]")
        self.main: Locator = page.locator("#main-button")
        self.corner: Locator = page.locator("#phone-left")

    async def open(self) -> None:
        """Open the page as this person."""
        await self.page.goto(f"{self._address}/?as={self.person.id}")

    async def press_start(self) -> None:
        """START, as at every first visit of a bot."""
        await self.page.locator("#start").click()

    async def press_shop_button(self) -> None:
        """The button under the bot's welcome."""
        await self.page.locator(".key--web_app").first.click()
        await expect(self.screen()).to_be_visible()

    async def enter(self) -> None:
        """START, then the button beside the field to write in."""
        await self.press_start()
        await self.page.locator("#menu-button").click()
        await expect(self.screen()).to_be_visible()

    def screen(self) -> Locator:
        """The page that stands in the app."""
        return self.app.locator("#app > .screen")

    async def arrived(self, path: str) -> None:
        """Wait until the app shows this address."""
        frame = self.page.frame(name="mini-app")
        assert frame is not None
        try:
            await frame.wait_for_url(re.compile(rf"{path}(#.*)?$"))
        except TimeoutError as error:
            raise AssertionError(f"the app did not show {path}: {await self._where(frame)}") from error
        await expect(self.screen()).to_be_visible()

    @staticmethod
    async def _where(frame: Frame) -> str:
        """What the app shows, for the message of a test that fails."""
        headings = await frame.locator("h1:visible, h2:visible").all_inner_texts()
        toasts = await frame.locator(".toast").all_inner_texts()
        return f"it is at {frame.url.partition('#')[0]} with the headings {headings} and the toasts {toasts}"

    async def press_main(self, text: str | re.Pattern[str]) -> None:
        """Telegram's MainButton, once it says so."""
        await expect(self.main).to_have_text(text)
        await expect(self.main).to_be_enabled()
        await self.main.click()

    async def press_back(self) -> None:
        """Telegram's BackButton."""
        await expect(self.corner).to_have_attribute("data-role", "back")
        await self.corner.click()
