"""What a small phone and large text do to a screen: one look at each size, all measured in the page at once."""

from __future__ import annotations

from playwright.async_api import Page

from tests.browser.screens.screen import STILL

_TOUCH = 44
_WIDE = {"width": 390, "height": 844}
SIZES: dict[str, tuple[dict[str, int], int]] = {
    "320": ({"width": 320, "height": 568}, 100),
    "360": ({"width": 360, "height": 640}, 100),
    "200%": ({"width": 360, "height": 640}, 200),
}
"""Viewports and the size of text in per cent, as Android's setting enlarges it."""

_MEASURE = """(least) => {
    const name = (node) => node.outerHTML.replace(/\\s+/g, " ").slice(0, 110);
    const said = (text) => JSON.stringify(text.data.trim().slice(0, 40));
    const found = [], sheet = document.querySelector("#sheet[open] .sheet");
    const top = sheet || document.querySelector("#app");
    const page = document.scrollingElement, wide = page.clientWidth;
    if (page.scrollWidth > wide) found.push(`the page scrolls sideways: ${page.scrollWidth} in ${wide}`);
    if (sheet && sheet.scrollWidth > sheet.clientWidth) found.push("the sheet scrolls sideways");

    const styles = new Map();
    const style = (node) => styles.get(node) || styles.set(node, getComputedStyle(node)).get(node);
    const clips = (node) => /hidden|clip/.test(style(node).overflow);
    const hidden = (node) => node.closest(".vh, svg, template, option, [aria-hidden=true]") || !node.checkVisibility();
    const rolls = (node) => /auto|scroll/.test(style(node).overflowX + style(node).overflowY) && node !== top;

    // ---- words: none cut by a box, none outside the screen, none over others
    const lines = [];
    const walker = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
        const parent = text.parentElement;
        if (!text.data.trim() || hidden(parent)) continue;
        const range = document.createRange();
        range.selectNodeContents(text);
        const boxes = [...range.getClientRects()].filter(({ width, height }) => width > 1 && height > 1);
        let rolling = false, clamp = false, fixed = false;
        for (let node = parent; node && node !== document.body; node = node.parentElement) {
            const css = style(node);
            if (/fixed|sticky/.test(css.position)) fixed = true;
            if (rolls(node)) rolling = true;
            if (!rolling && clips(node)) {
                const box = node.getBoundingClientRect(), lines = +css.webkitLineClamp;
                if (lines >= 2) clamp = true; // it said so much before it stopped
                const out = boxes.find((one) => one.right > box.right + 1 || one.left < box.left - 1
                    || !clamp && (one.bottom > box.bottom + 3 || one.top < box.top - 3));
                if (out) { found.push(`cut off: ${said(text)} in ${name(node)}`); break; }
            }
            if (node === top) break;
        }
        if (rolling || clamp) continue;
        if (boxes.some((one) => one.right > wide + 1 || one.left < -1))
            found.push(`outside the screen: ${said(text)} in ${name(parent)}`);
        // a line's box is taller than its letters
        for (const { left, right, top, height } of boxes) {
            const letters = { top: top + height * .15, bottom: top + height * .85 };
            lines.push({ left, right, ...letters, parent, fixed, text: said(text) });
        }
    }
    lines.forEach((one, at) => {
        for (const other of lines.slice(at + 1)) {
            if (other.parent === one.parent || other.fixed !== one.fixed) continue;
            const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
            const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
            if (width > 2 && height > 2) found.push(`over one another: ${one.text}, ${other.text}`);
        }
    });

    // ---- rows: as tall as what is in them
    const rows = ".cell, .btn, .card, .note, .field, .stat, .badge, .count, .chip, .seg__i, .act, .tab";
    for (const node of top.querySelectorAll(rows))
        if (!hidden(node) && !node.closest(".vh") && node.scrollHeight > node.clientHeight + 4 && node.clientHeight)
            found.push(`squashed: ${node.clientHeight} of ${node.scrollHeight} in ${name(node)}`);

    // ---- what can be tapped: large enough, and nothing lies over it. Each scroll is a layout: only where it must be.
    const at = (target) => {
        const { x, y, width, height } = target.getBoundingClientRect();
        return document.elementFromPoint(x + width / 2, y + height / 2);
    };
    const reaches = (hit, target) => hit && (target.contains(hit) || hit.closest("label")?.contains(target));
    const was = [page.scrollTop, sheet?.scrollTop];
    for (const node of top.querySelectorAll("a, button, select, input:not([type=hidden]), [role=button]")) {
        const target = node.matches(".vh, :disabled") ? node.closest("label") : node;
        if (!target?.checkVisibility() || target.closest(".vh") || node.closest(".prose")) continue;
        const grow = getComputedStyle(target, "::after");
        let { width, height } = target.getBoundingClientRect();
        if (grow.position === "absolute" && grow.content !== "none") {
            width = Math.max(width, parseFloat(grow.width) || 0);
            height = Math.max(height, parseFloat(grow.height) || 0);
        }
        if (Math.round(height) < least || Math.round(width) < least)
            found.push(`too small to tap: ${Math.round(width)}x${Math.round(height)} ${name(target)}`);
        let hit = at(target);
        if (!reaches(hit, target)) {
            target.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
            hit = at(target);
        }
        if (!reaches(hit, target))
            found.push(`cannot be pressed: ${name(target)}, ${hit ? `under ${name(hit)}` : "nothing there"}`);
    }
    page.scrollTop = was[0];
    if (sheet) sheet.scrollTop = was[1];
    return [...new Set(found)];
}"""


# In one call: each one costs more than the measuring.
_RESIZE_AND_MEASURE = f"""async ([text, least, keep]) => {{
    if (text !== 100) document.documentElement.style.textSizeAdjust = `${{text}}%`;  // it styles all elements anew
    // What is left in a field may be asked for when the field is: its button is covered meanwhile.
    const busy = () => document.querySelector(".htmx-request");
    do await ({STILL})(); while (busy() && await new Promise((next) => setTimeout(next, 50, true)));
    const found = ({_MEASURE})(least);
    if (text !== 100 && !keep) document.documentElement.style.textSizeAdjust = "";
    return found;
}}"""


async def misfits(page: Page, shot: str = "") -> list[str]:
    """What is clipped, squashed, too small or out of reach on a screen at each size, one line each.

    ``shot`` is the beginning of a picture's path for each size.
    """
    problems: list[str] = []
    for size, (viewport, text) in SIZES.items():
        await page.set_viewport_size(viewport)  # type: ignore[arg-type]
        lines = await page.evaluate(_RESIZE_AND_MEASURE, [text, _TOUCH, bool(shot)])
        problems += [f"{size}: {line}" for line in lines]
        if shot:
            await page.screenshot(path=f"{shot}-{size.rstrip('%')}.png")
            await page.evaluate("() => { document.documentElement.style.textSizeAdjust = '' }")
    await page.set_viewport_size(_WIDE)  # type: ignore[arg-type]
    return problems
