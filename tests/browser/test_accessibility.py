"""axe-core, the size of what is tapped, and how small phones and large text are borne, on every screen.

All of axe-core runs once a screen, light and in English. The elements are the same in every language, which
tests/webapp/core/test_languages.py proves; so dark and in Arabic only those rules run that colour, size, language or
direction can break. The back office is also looked at as wide as on a desk, where lists are tables.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page, ViewportSize, expect

from tests.browser.conftest import PHONE, OpenApp
from tests.browser.screens import screens
from tests.browser.screens.screen import Screen, show, still
from tests.browser.screens.world import PEOPLE, Worlds
from tests.browser.sizes import misfits

_ALL: dict[str, Any] = {"resultTypes": ["violations"], "iframes": False, "preload": False}
_LOOK_RULES = [
    "color-contrast", "css-orientation-lock", "html-has-lang", "html-lang-valid", "link-in-text-block", "meta-viewport",
    "scrollable-region-focusable", "valid-lang",
]  # fmt: skip
_LOOK = _ALL | {"runOnly": {"type": "rule", "values": _LOOK_RULES}}
"""For a look at elements that all rules have seen."""
# What a colour's text means is worked out for each element again, an eighth of axe's time; there are some fifty texts.
_REMEMBER_COLOURS = """() => {
    const known = new Map(), { prototype } = axe.commons.color.Color, { parseString } = prototype;
    prototype.parseString = function (text) {
        if (!known.has(text)) {
            const { r, g, b, alpha } = parseString.call(this, text);
            known.set(text, { r, g, b, alpha });
        }
        return Object.assign(this, known.get(text));
    };
}"""
# axe judges no colours where a pseudo-element lies over the words, such as the hairline of a row or a larger hit area.
_RUN = """async (how) => {
    const plain = new CSSStyleSheet(), were = [...document.adoptedStyleSheets];
    plain.replaceSync("*::before, *::after { content: none !important }");
    document.adoptedStyleSheets = [...were, plain];
    const { violations } = await axe.run(how);
    document.adoptedStyleSheets = were;
    return violations;
}"""
_LOOKS = [("en", "light"), ("ar", "dark")]
_DESK: ViewportSize = {"width": 1100, "height": 800}
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
        await page.evaluate(_REMEMBER_COLOURS)
    problems: list[dict[str, Any]] = await page.evaluate(_RUN, rules)
    return [f"{rule['id']}: {node['html'][:200]} {_why(node)}" for rule in problems for node in rule["nodes"]]


async def too_small(page: Page) -> list[str]:
    """What is narrower or lower than a thumb.

    Hit areas as they reach, a chip's ``::after`` counted; links inside a sentence are read, not aimed at.
    """
    problems: list[str] = await page.evaluate(_SMALL, _TOUCH)
    return [f"too small to tap: {line}" for line in problems]


def _why(node: dict[str, Any]) -> str:
    checks = node["any"] + node["all"] + node["none"]
    return "; ".join(check["message"] for check in checks)


class _Look:
    """One walk over the screens, in a language and a theme."""

    def __init__(self, language: str, theme: str) -> None:
        self._theme = theme
        self._english = language == "en"
        self._rules = _ALL if self._english else _LOOK
        shots = os.environ.get("SHOTS")  # a folder: keep a picture of each screen, for a person to look at
        self._shots = f"{shots}/%s{language}-{theme}-%s" if shots else ""

    async def at(self, page: Page, screen: Screen) -> list[str]:
        """Go to a screen; what is wrong with it, one line each."""
        await show(page, screen)
        await expect(page.locator("html")).to_have_attribute("data-theme", self._theme)
        shot = self._shots and self._shots % ("", screen.name)
        if shot:
            await page.screenshot(path=f"{shot}.png")
        lines = [*await violations(page, self._rules), *await too_small(page), *await misfits(page, shot)]
        # In Arabic and dark, a sheet on a desk is what it is on a phone.
        office = screen.who == "admin" and screen.path.startswith("/admin")
        if office and (self._english or screen.act is None):
            lines += await self._on_a_desk(page, screen)
        return [f"{screen.name}: {line}" for line in lines]

    async def _on_a_desk(self, page: Page, screen: Screen) -> list[str]:
        """All the rules again: from 700 px lists are tables, and the menu stands beside the page."""
        await page.set_viewport_size(_DESK)
        await expect(page.locator(".side")).to_be_visible()
        await still(page)
        if self._shots:
            await page.screenshot(path=f"{self._shots % ('desk-', screen.name)}.png")
        problems = await violations(page, self._rules)
        await page.set_viewport_size(PHONE["viewport"])
        return [f"on a desk: {line}" for line in problems]


@pytest.mark.parametrize(("language", "theme"), _LOOKS)
async def test_nothing_is_found(language: str, theme: str, worlds: Worlds, open_app: OpenApp) -> None:
    world = await worlds.get(language)
    look = _Look(language, theme)

    async def walk(who: str) -> list[str]:
        page = await open_app(world.who(who), theme=theme, is_mobile=True)
        return [line for screen in screens(world) if screen.who == who for line in await look.at(page, screen)]

    lines = list(itertools.chain.from_iterable(await asyncio.gather(*map(walk, PEOPLE))))
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
    problems = " ".join(await violations(page))
    assert "image-alt" in problems
    assert "color-contrast" in problems
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
    problems = " ".join(await misfits(page))
    for fault in ("cut off", "outside the screen", "squashed", "cannot be pressed"):
        assert f"320: {fault}" in problems, fault
