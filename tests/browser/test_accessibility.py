"""axe-core, the size of what is tapped, and how small phones and large text are borne, on every screen.

All of axe-core runs once a screen, light and in English. The elements are the same in every language, which
tests/webapp/core/test_languages.py proves; so dark and in Arabic only those rules run that colour, size, language or
direction can break.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenApp
from tests.browser.screens import screens
from tests.browser.screens.screen import show
from tests.browser.screens.world import PEOPLE, Worlds
from tests.browser.sizes import misfits

_ALL: dict[str, Any] = {"resultTypes": ["violations"], "iframes": False, "preload": False}
_LOOK_RULES = [
    "color-contrast", "css-orientation-lock", "html-has-lang", "html-lang-valid", "link-in-text-block", "meta-viewport",
    "scrollable-region-focusable", "valid-lang",
]  # fmt: skip
_LOOK = _ALL | {"runOnly": {"type": "rule", "values": _LOOK_RULES}}
"""For a look at elements that all rules have seen."""
_LOOKS = [("en", "light"), ("ar", "dark")]
_TOUCH = 44
_SMALL = """(least) => {
    const reach = (node) => {
        const box = node.getBoundingClientRect(), grow = getComputedStyle(node, "::after");
        let { width, height } = box;
        if (grow.position === "absolute" && grow.content !== "none") {
            width = Math.max(width, parseFloat(grow.width) || 0);
            height = Math.max(height, parseFloat(grow.height) || 0);
        }
        return { width, height };
    };
    const small = [];
    for (const node of document.querySelectorAll("a, button, select, input:not([type=hidden]), [role=button]")) {
        const target = node.matches(".vh, :disabled") ? node.closest("label") : node;
        if (!target?.checkVisibility() || target.closest(".vh")) continue;
        const { width, height } = reach(target);
        if (Math.round(height) < least || Math.round(width) < least)
            small.push(`${target.outerHTML.slice(0, 120)} ${Math.round(width)}x${Math.round(height)}`);
    }
    return small;
}"""


async def violations(page: Page, rules: dict[str, Any] = _ALL) -> list[str]:
    """What axe-core finds on the page, one line each."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = await page.evaluate("async (how) => (await axe.run(how)).violations", rules)
    return [f"{rule['id']}: {node['html'][:200]} {_why(node)}" for rule in found for node in rule["nodes"]]


async def too_small(page: Page) -> list[str]:
    """What is narrower or lower than a thumb.

    Hit areas as they reach, a chip's ``::after`` counted; links inside a sentence are read, not aimed at.
    """
    found: list[str] = await page.evaluate(_SMALL, _TOUCH)
    return [f"too small to tap: {line}" for line in found]


def _why(node: dict[str, Any]) -> str:
    checks = node["any"] + node["all"] + node["none"]
    return "; ".join(check["message"] for check in checks)


@pytest.mark.parametrize(("language", "theme"), _LOOKS)
async def test_nothing_is_found(language: str, theme: str, worlds: Worlds, open_app: OpenApp) -> None:
    world = await worlds.get(language)
    rules = _ALL if language == "en" else _LOOK
    shots = os.environ.get("SHOTS")

    async def look(who: str) -> list[str]:
        found = []
        page = await open_app(world.who(who), theme=theme, is_mobile=True)
        for screen in screens(world):
            if screen.who == who:
                await show(page, screen)
                await expect(page.locator("html")).to_have_attribute("data-theme", theme)
                shot = f"{shots}/{language}-{theme}-{screen.name}" if shots else ""
                if shot:  # SHOTS=folder keeps a picture of each, for a person to look at
                    await page.screenshot(path=f"{shot}.png")
                lines = [*await violations(page, rules), *await too_small(page), *await misfits(page, shot)]
                found += [f"{screen.name}: {line}" for line in lines]
        return found

    found = await asyncio.gather(*(look(who) for who in PEOPLE))
    lines = list(itertools.chain.from_iterable(found))
    assert not lines, "\n".join(lines)


async def test_a_fault_would_be_found(worlds: Worlds, open_app: OpenApp) -> None:
    """The check of the check: a picture without words, faint text and a small button are seen."""
    page = await open_app((await worlds.get("en")).who("poor"), "/me")
    await page.evaluate(
        """() => document.querySelector("#app .stack").insertAdjacentHTML("beforeend",
            "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='><p class='faint'>faint</p>"
            + "<button id='tiny' style='all: unset; width: 20px; height: 20px; display: block'>x</button>")"""
    )
    await page.evaluate("document.querySelector('.faint').style.color = '#dddddd'")
    found = " ".join(await violations(page))
    assert "image-alt" in found
    assert "color-contrast" in found
    assert any("tiny" in line for line in await too_small(page))


async def test_a_misfit_would_be_found(worlds: Worlds, open_app: OpenApp) -> None:
    """The same for small phones and large text: what is cut, squashed, too wide or covered is seen."""
    page = await open_app((await worlds.get("en")).who("poor"), "/me", is_mobile=True)
    assert not await misfits(page)
    await page.evaluate(
        """() => document.querySelector("#app .stack").insertAdjacentHTML("beforeend",
            "<p style='overflow: hidden; white-space: nowrap'>All of this is far too long for one line of a phone</p>"
            + "<p style='white-space: nowrap; overflow: visible'>This one is too wide for any small phone there is</p>"
            + "<div class='badge' style='height: 9px; display: block; overflow: hidden'>squashed</div>"
            + "<div style='position: relative'><button class='btn' id='under'>under</button>"
            + "<i style='position: absolute; inset: 0'></i></div>")"""
    )
    found = " ".join(await misfits(page))
    for fault in ("cut off", "outside the screen", "squashed", "cannot be pressed"):
        assert f"320: {fault}" in found, fault


@pytest.mark.parametrize(("language", "theme"), _LOOKS)
async def test_nothing_is_found_in_the_back_office_on_a_desk(
    language: str, theme: str, worlds: Worlds, open_app: OpenApp
) -> None:
    """From 700 px lists are tables, and the pages stand beside the page."""
    world = await worlds.get(language)
    page = await open_app(world.who("admin"), theme=theme, viewport={"width": 1100, "height": 800})
    found: list[str] = []
    rules = _ALL if language == "en" else _LOOK  # what a phone hides is shown here
    for screen in screens(world):
        if screen.who != "admin":
            continue
        if language != "en" and screen.act is not None:
            continue  # a sheet is what it is on a phone, where it was seen in Arabic and dark
        await show(page, screen)
        await expect(page.locator(".side")).to_be_visible()
        if shots := os.environ.get("SHOTS"):
            await page.screenshot(path=f"{shots}/desk-{language}-{theme}-{screen.name}.png")
        found += [f"{screen.name}: {line}" for line in await violations(page, rules)]
    assert not found, "\n".join(found)
