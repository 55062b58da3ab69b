"""Words can be read in every theme that Telegram may give, as long as the theme's own text can."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator
from random import Random

from tests.browser.conftest import Windows
from webapp.core.assets import join_css

_LEAST = 4.5
_LOOK = """(theme) => {
    const root = document.documentElement, probe = document.querySelector("i");
    root.removeAttribute("style");
    for (const name in theme) root.style.setProperty(`--tg-theme-${name}`, theme[name]);
    const [r, g, b] = theme["bg-color"].match(/[\\da-f]{2}/g).map((part) => parseInt(part, 16));
    root.dataset.theme = r * 0.3 + g * 0.59 + b * 0.11 < 120 ? "dark" : "light"; // as app.js names it
    const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
        .getContext("2d", { willReadFrequently: true });
    const light = (name) => {
        probe.style.color = `var(--${name})`;
        pen.fillStyle = getComputedStyle(probe).color;
        pen.fillRect(0, 0, 1, 1);
        const [red, green, blue] = [...pen.getImageData(0, 0, 1, 1).data].map((part) => {
            const value = part / 255;
            return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    };
    const on = (ground, ...words) => words.map((name) => [`${name} on ${ground}`,
        Math.max(light(name), light(ground)) / Math.min(light(name), light(ground))]);
    const words = ["text-2", "head", "accent-text", "danger-text", "success-text", "warning-text"];
    const tints = ["danger", "success", "warning", "accent"];
    return {
        own: Object.fromEntries(["surface", "bg", ...tints.map((tint) => `${tint}-soft`)]
            .flatMap((ground) => on(ground, "text"))),
        ours: Object.fromEntries([...on("surface", ...words), ...on("bg", ...words), ...on("fill-2", "text-2"),
            ...on("accent-fill", "on-accent"), ...tints.flatMap((tint) => on(`${tint}-soft`, `${tint}-text`))]),
    };
}"""
_PURPLE = {
    "bg-color": "#2b1b4a", "text-color": "#f4ecff", "secondary-bg-color": "#1e1236", "hint-color": "#9c86c4",
    "link-color": "#c79bff", "button-color": "#8f4dff", "destructive-text-color": "#ff5c7a",
    "section-bg-color": "#35225a",
}  # fmt: skip
_PASTEL = {
    "bg-color": "#fdf1f4", "text-color": "#5a4350", "secondary-bg-color": "#f7e1e8", "hint-color": "#c09aa8",
    "link-color": "#d4799a", "button-color": "#e59ab5", "destructive-text-color": "#e57373",
}  # fmt: skip


def _colour(hue: float, lightness: float, saturation: float) -> str:
    parts = colorsys.hls_to_rgb(hue % 1, min(max(lightness, 0), 1), saturation)
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _themes(count: int) -> Iterator[dict[str, str]]:
    """Two of a tester's, and as many others: dark and light in turn, each with the colours that its user liked."""
    yield _PURPLE
    yield _PASTEL
    draw = Random(22)
    for index in range(count):
        dark, hue, much = index % 2, draw.random(), draw.random()
        ground = draw.uniform(0.03, 0.22) if dark else draw.uniform(0.82, 1)
        yield {
            "bg-color": _colour(hue, ground, much),
            "secondary-bg-color": _colour(hue, ground + draw.uniform(-0.05, 0.05), much),
            "text-color": _colour(draw.random(), draw.uniform(0.9, 1) if dark else draw.uniform(0, 0.2), draw.random()),
            "hint-color": _colour(draw.random(), draw.uniform(0.35, 0.65), draw.random() / 2),
            "link-color": _colour(draw.random(), draw.uniform(0.35, 0.7), draw.random()),
            "button-color": _colour(draw.random(), draw.uniform(0.3, 0.7), draw.random()),
            "destructive-text-color": _colour(draw.uniform(-0.06, 0.06), draw.uniform(0.4, 0.7), draw.uniform(0.5, 1)),
        }


async def test_every_word_can_be_read_in_every_theme(windows: Windows) -> None:
    page = await (await windows.open()).new_page()
    await page.set_content(f"<style>{join_css()}</style><i></i>")
    faint, seen = [], 0
    for theme in _themes(60):
        contrasts = await page.evaluate(_LOOK, theme)
        if min(contrasts["own"].values()) < _LEAST:
            continue  # its own text cannot be read either
        seen += 1
        faint += [f"{words} {ratio:.2f} in {theme}" for words, ratio in contrasts["ours"].items() if ratio < _LEAST]
    assert seen > 50
    assert not faint, "\n".join(faint)
