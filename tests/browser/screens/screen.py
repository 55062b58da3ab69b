"""One screen: whose it is, its address, and how a test comes to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from playwright.async_api import FilePayload, Frame, Page, expect

Act = Callable[[Page], Awaitable[None]]

# As app.js changes pages: htmx swaps the page's content. It ends when the new content has settled.
_GO = """(path) => new Promise((done) => {
    const app = document.querySelector("#app"), source = document.body.appendChild(document.createElement("i"));
    const settled = ({ detail }) => {
        if (detail.target !== app) return;
        document.removeEventListener("htmx:afterSettle", settled);
        source.remove();
        done();
    };
    document.addEventListener("htmx:afterSettle", settled);
    htmx.ajax("GET", path, { source, target: app, swap: "innerHTML", push: path }).catch(() => {});
})"""

STILL = """async () => {
    await document.fonts.ready;
    while (document.querySelector("[data-waits]:disabled")) await new Promise(requestAnimationFrame);
    const seen = [...document.images].filter((image) => {
        const { top, left, right } = image.getBoundingClientRect();
        return image.checkVisibility() && top < innerHeight && left < innerWidth && right > 0;
    });
    await Promise.all(seen.map((image) => image.decode().catch(() => {})));
    const endless = (one) => one.effect?.getComputedTiming().iterations === Infinity;
    const ending = (one) => one.timeline === document.timeline && !endless(one);
    const left = document.getAnimations().filter(ending);
    for (const one of left) one.finish();
    await Promise.all(left.map((one) => one.finished.catch(() => {})));
}"""
"""Ends when the page's scripts have come, pictures are loaded and animations have ended, to which it brings them: else
each step on the way is painted. Endless ones and what scrolling moves are ignored."""

# In one call: each one costs three processes as much as a small page.
_GO_AND_REST = f"""async ([path, rest]) => {{
    await ({_GO})(path);
    if (rest) await ({STILL})();
    const shown = document.querySelectorAll("#app > .screen");
    return shown.length === 1 && shown[0].checkVisibility() && shown[0].offsetHeight > 0;
}}"""


class Screen(msgspec.Struct, frozen=True):
    """One screen: whose, its address, and what is done there before it is looked at."""

    name: str
    path: str
    who: str = "rich"
    act: Act | None = None


async def show(page: Page, screen: Screen) -> None:
    """Bring the open app to the screen, without loading the app again, and wait until nothing moves on it any more."""
    if not await page.evaluate(_GO_AND_REST, [screen.path, screen.act is None]):
        await expect(page.locator("#app > .screen")).to_be_visible()
        await still(page)
    if screen.act:
        await expect(page.locator("dialog#sheet")).to_be_hidden()  # the one of the screen before fades away
        await screen.act(page)
        # While its answer is under way, a button is covered and its words may change.
        await expect(page.locator(".htmx-request")).to_have_count(0)
        await still(page)


async def still(page: Page | Frame) -> None:
    """Wait until nothing moves on the page."""
    await page.evaluate(STILL)


async def choose(page: Page, field: str, files: str | Path | FilePayload) -> None:
    """Choose a file as a person does, who can't before the field is enabled; Playwright alone would not wait."""
    await expect(page.locator(field)).to_be_enabled()
    await page.locator(field).set_input_files(files)


def press(selector: str) -> Act:
    """Opens the sheet that the first button so selected asks for."""

    async def act(page: Page) -> None:
        await page.locator(selector).first.click()
        await expect(page.locator("dialog#sheet .sheet")).to_be_visible()

    return act


def sheet(end: str) -> Act:
    """Opens the sheet that a button asks for at an address with this end."""
    return press(f"button[hx-get$='/{end}']")


async def send_empty(page: Page) -> None:
    """Send a form that lacks what it must have."""
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator(".field__err:not(:empty)").first).to_be_visible()
