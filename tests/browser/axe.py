"""axe-core on a page: what it finds, one line each."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page

ALL: dict[str, Any] = {"resultTypes": ["violations"], "iframes": False, "preload": False}
# What the text of a colour means is worked out for each element again, an eighth of axe's time; there are some fifty.
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
RUN = """async (how) => {
    if (!window.axe) return null;
    const plain = new CSSStyleSheet(), were = [...document.adoptedStyleSheets];
    plain.replaceSync("*::before, *::after { content: none !important }");
    document.adoptedStyleSheets = [...were, plain];
    const { violations } = await axe.run(how);
    document.adoptedStyleSheets = were;
    return violations;
}"""


async def with_axe(page: Page, script: str, arg: Any) -> Any:
    """What a script finds that needs axe-core, and gives null where the page has not loaded it yet."""
    if (answer := await page.evaluate(script, arg)) is not None:
        return answer
    await page.evaluate(AXE_SCRIPT)
    await page.evaluate(_REMEMBER_COLOURS)
    return await page.evaluate(script, arg)


async def violations(page: Page, rules: dict[str, Any] = ALL) -> list[str]:
    """What axe-core finds on the page, one line each."""
    return lines(await with_axe(page, RUN, rules))


def lines(problems: list[dict[str, Any]]) -> list[str]:
    """Each violation as a line."""
    return [f"{rule['id']}: {node['html'][:200]} {_why(node)}" for rule in problems for node in rule["nodes"]]


def _why(node: dict[str, Any]) -> str:
    checks = node["any"] + node["all"] + node["none"]
    return "; ".join(check["message"] for check in checks)
