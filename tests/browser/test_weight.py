"""How light it is, how still it stands, and how it feels on a keyboard."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, Response, expect

from tests.browser.conftest import PHONE, OpenApp, Windows
from tests.browser.screens.screen import still
from tests.browser.screens.world import Worlds
from tests.browser.stack import Stack
from tests.browser.telegram import Telegram

_FIRST_LOAD = 60_000
_STILL = 0.01
MAIN = "#bottom [data-main]"


async def _transferred(response: Response) -> int:
    """The body as it came over the line, in bytes."""
    return (await response.request.sizes())["responseBodySize"]


async def test_the_first_load_is_under_60_kb(windows: Windows, telegram: Telegram, stack: Stack) -> None:
    """Shell, style, scripts and icons as they came, compressed; Telegram's own script is Telegram's."""
    page = await (await windows.open(**PHONE)).new_page()
    answers: list[Response] = []
    page.on("response", lambda response: answers.append(response))  # noqa: PLW0108 - Playwright marks it
    await page.goto(await telegram.launch(await telegram.person(), "/shop"))
    await expect(page.locator("a.card").first).to_be_visible()
    await page.wait_for_load_state("networkidle")
    ours = [one for one in answers if one.url.startswith(stack.app) and "/media/" not in one.url]
    sizes = {one.url.removeprefix(stack.app).partition("#")[0]: await _transferred(one) for one in ours}
    assert {".css", ".js", ".svg"} <= {match.group() for name in sizes if (match := re.search(r"\.\w+$", name))}
    assert sum(sizes.values()) < _FIRST_LOAD, sizes
    for one in ours:
        if "/static/" in one.url:
            assert "immutable" in (await one.all_headers())["cache-control"]


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_nothing_jumps(language: str, open_app: OpenApp, worlds: Worlds, stack: Stack) -> None:
    """The layout shift of a whole visit, pictures late: home, product, order."""
    world = await worlds.get(language)
    page = await open_app(world.who("rich"), "/me")
    await page.add_init_script(
        "window.shifts = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries())"
        " if (!entry.hadRecentInput) window.shifts += entry.value; })"
        ".observe({ type: 'layout-shift', buffered: true });"
    )
    order = f"/orders/{world.orders.delivered}"
    for path in ("/shop", "/shop?category=gift-cards", "/shop/private-vpn", order, "/wallet"):
        await page.goto(stack.app + path)
        await expect(page.locator("#app > .screen")).to_be_visible()
        await still(page)
        await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert await page.evaluate("window.shifts") < _STILL, path


async def _focused(page: Page) -> str:
    return str(await page.evaluate("(document.activeElement?.outerHTML ?? '').slice(0, 300)"))


async def _tab_to(page: Page, mark: str, most: int = 40) -> None:
    """Press Tab until what has focus carries the mark; each stop on the way must be seen to have it."""
    for _ in range(most):
        await page.keyboard.press("Tab")
        seen = await page.evaluate(
            """() => {
                const node = document.activeElement;
                if (!node || node === document.body || node.tabIndex < 0) return true;
                const around = ["label, .field", ".promo"].map((one) => node.closest(one));
                const shown = [node, ...around].filter(Boolean);
                return shown.some((one) => {
                    const style = getComputedStyle(one);
                    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
                });
            }"""
        )
        assert seen, f"focus does not show on {await _focused(page)}"
        if mark in await _focused(page):
            return
    raise AssertionError(f"Tab does not reach {mark}: {await _focused(page)}")


async def test_the_whole_purchase_by_keyboard(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    person = await telegram.person()
    await telegram.visit(person)
    await stack.fund(person.id, 5_000)
    page = await open_app(person, "/shop/play-credit-in", has_touch=False)
    await _tab_to(page, 'name="variant"')
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("input[name=variant]").nth(1)).to_be_checked()
    await _tab_to(page, "quantity-more")
    await page.keyboard.press("Enter")
    await expect(page.locator("#quantity output")).to_have_text("2")
    await expect(page.locator("#quantity-more")).to_be_focused()
    # The button is replaced with its price, but a focused element must not be replaced behind an open sheet.
    await expect(page.locator(MAIN)).to_contain_text("$13.20")
    await _tab_to(page, "data-main")
    await page.keyboard.press("Enter")
    sheet = page.locator("dialog#sheet")
    await expect(sheet.locator("#sheet-title")).to_be_focused()

    # Escape closes, and one is back at the button.
    await page.keyboard.press("Escape")
    await expect(sheet).to_be_hidden()
    await expect(page.locator(MAIN)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(sheet.locator("#sheet-title")).to_be_focused()
    await _tab_to(page, "btn--primary", most=8)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Paid. Your keys are here.")).to_be_visible()
    await _tab_to(page, "key-1-show")
    await page.keyboard.press("Enter")
    await expect(page.locator("#key-1-value")).to_be_visible()


async def test_who_wants_no_motion_gets_none(open_app: OpenApp, worlds: Worlds) -> None:
    world = await worlds.get("en")
    page = await open_app(world.who("rich"), "/shop/private-vpn", reduced_motion="reduce")
    await page.locator(MAIN).click()
    await expect(page.locator("dialog#sheet .sheet")).to_be_visible()
    longest = await page.evaluate(
        "Math.max(0, ...document.getAnimations().map((one) => one.effect.getComputedTiming().endTime))"
    )
    assert longest < 20
    # Nor does a change of style start transitions, however short: one for each element is slow.
    started = await page.evaluate(
        """() => {
            document.getAnimations().forEach((one) => one.finish());
            document.body.style.textIndent = "1px";
            return document.getAnimations().filter((one) => one instanceof CSSTransition).length;
        }"""
    )
    assert started == 0


async def test_a_slow_answer_shows_the_coming_shape(open_app: OpenApp, telegram: Telegram) -> None:
    """A skeleton, not before 100 ms and only while one waits."""
    page = await open_app(await telegram.person())
    let_go = asyncio.Event()

    async def hold(route: object) -> None:
        await let_go.wait()
        await route.continue_()  # type: ignore[attr-defined]

    await page.route(re.compile("/shop/private-vpn$"), hold)
    await page.locator('a.card[href="/shop/private-vpn"]').click()
    await expect(page.locator("html")).to_have_class(re.compile("is-waiting"))
    await expect(page.locator("#wait .sk--hero")).to_be_visible()
    let_go.set()
    await expect(page.locator(".tile--hero")).to_be_visible()
    await expect(page.locator("html")).not_to_have_class(re.compile("is-waiting"))
