"""axe-core, the size of what is tapped, and how small phones and large text are borne, on every screen.

All of axe-core runs once a screen, light and in English. The elements are the same in every language, which
tests/webapp/core/test_languages.py proves; so dark and in Arabic only those rules run that colour, size, language or
direction can break. The back office is also looked at as wide as on a desk, where lists are tables.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import os

import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.browser.axe import ALL, RUN, lines, violations, with_axe
from tests.browser.conftest import OpenApp
from tests.browser.screens import screens
from tests.browser.screens.screen import Screen, show, still
from tests.browser.screens.world import PEOPLE, Worlds
from tests.browser.sizes import misfits

_LOOK_RULES = [
    "color-contrast", "css-orientation-lock", "html-has-lang", "html-lang-valid", "link-in-text-block", "meta-viewport",
    "scrollable-region-focusable", "valid-lang",
]  # fmt: skip
_LOOK = ALL | {"runOnly": {"type": "rule", "values": _LOOK_RULES}}
"""For a look at elements that all rules have seen."""
_LOOKS = [("en", "light"), ("ar", "dark")]
_DESK: ViewportSize = {"width": 1100, "height": 800}
_TOUCH = 44
_MOST = 100
"""Screens that one window shows, one after the other."""
_AT_ONCE = 2
"""Windows at work: with more of them the shop's own processes would wait too long for a core."""
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


# In one call: each one costs three processes as much as a small page.
_RUN_AND_MEASURE = f"""async ([how, least]) => {{
    const violations = await ({RUN})(how), {{ theme }} = document.documentElement.dataset;
    return violations && {{ violations, theme, small: ({_SMALL})(least) }};
}}"""


# Nobody sees these pages, and each step of a walk would be painted: a cover in front of all, which neither axe nor a
# finger finds, spares half of that.
_COVER = """() => {
    const host = document.documentElement.appendChild(document.createElement("span"));
    host.style.display = "contents";
    host.attachShadow({ mode: "closed" }).innerHTML = "<i style='position: fixed; inset: 0; z-index: 2147483647;"
        + " background: #fff; pointer-events: none; will-change: transform'></i>";
}"""


async def too_small(page: Page) -> list[str]:
    """What is narrower or lower than a thumb.

    Hit areas as they reach, a chip's ``::after`` counted; links inside a sentence are read, not aimed at.
    """
    return _said_small(await page.evaluate(_SMALL, _TOUCH))


def _said_small(problems: list[str]) -> list[str]:
    return [f"too small to tap: {line}" for line in problems]


class _Look:
    """One walk over the screens, in a language and a theme."""

    def __init__(self, language: str, theme: str) -> None:
        self._theme = theme
        self._english = language == "en"
        self._rules = ALL if self._english else _LOOK
        shots = os.environ.get("SHOTS")  # a folder: keep a picture of each screen, for a person to look at
        self._shots = f"{shots}/%s{language}-{theme}-%s" if shots else ""

    async def cover(self, page: Page) -> None:
        """Have the page painted no more, unless a person wants pictures of it."""
        if not self._shots:
            await page.evaluate(_COVER)

    async def at(self, page: Page, screen: Screen) -> list[str]:
        """Go to a screen; what is wrong with it, one line each."""
        await show(page, screen)
        shot = self._shots and self._shots % ("", screen.name)
        if shot:
            await page.screenshot(path=f"{shot}.png")
        answer = await with_axe(page, _RUN_AND_MEASURE, [self._rules, _TOUCH])
        assert answer["theme"] == self._theme
        faults = lines(answer["violations"]) + _said_small(answer["small"])
        # In Arabic and dark, a sheet on a desk is what it is on a phone.
        office = screen.who == "admin" and screen.path.startswith("/admin")
        if office and (self._english or screen.act is None):
            faults += await self._on_a_desk(page, screen)
        faults += await misfits(page, shot)
        return [f"{screen.name}: {line}" for line in faults]

    async def _on_a_desk(self, page: Page, screen: Screen) -> list[str]:
        """All the rules again: from 700 px lists are tables, and the menu stands beside the page. Leaves it so wide."""
        await page.set_viewport_size(_DESK)
        await expect(page.locator(".side")).to_be_visible()
        await still(page)
        if self._shots:
            await page.screenshot(path=f"{self._shots % ('desk-', screen.name)}.png")
        return [f"on a desk: {line}" for line in await violations(page, self._rules)]


def _parts(walk: list[Screen]) -> list[list[Screen]]:
    """A long walk in parts, each in their order: side by side, so that no core waits for the longest one."""
    size = math.ceil(len(walk) / math.ceil(len(walk) / _MOST))
    return [walk[start : start + size] for start in range(0, len(walk), size)]


@pytest.mark.parametrize(("language", "theme"), _LOOKS)
async def test_nothing_is_found(language: str, theme: str, worlds: Worlds, open_app: OpenApp) -> None:
    world = await worlds.get(language)
    look = _Look(language, theme)
    turns = asyncio.Semaphore(_AT_ONCE)

    async def see(page: Page, screen: Screen) -> list[str]:
        async with turns:
            return await look.at(page, screen)

    async def walk(who: str, part: list[Screen]) -> list[str]:
        page = await open_app(world.who(who), theme=theme, is_mobile=True)
        await look.cover(page)
        return [line for screen in part for line in await see(page, screen)]

    walks = [(who, part) for who in PEOPLE for part in _parts([one for one in screens(world) if one.who == who])]
    faults = list(itertools.chain.from_iterable(await asyncio.gather(*itertools.starmap(walk, walks))))
    assert not faults, "\n".join(faults)


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
