"""Draws the demo shop's pictures: ``python -m backend.demo.draw`` writes them anew beside the catalogue.

Each is a gradient of its hue with a motif of plain shapes in the middle, so that a square cut keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import cos, pi, sin
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "pictures"
_X, _Y = 320, 200  # the middle of 640 x 400

# light, middle, deep
_HUES: Final = {
    "blue": ("#8ec5ff", "#2f7df6", "#123f9c"),
    "indigo": ("#b3b0ff", "#6258e8", "#2c2489"),
    "violet": ("#dcb0ff", "#9a4fe0", "#4c1a86"),
    "pink": ("#ffb3d4", "#e5508f", "#862050"),
    "red": ("#ffb4a8", "#e0483e", "#841c1c"),
    "orange": ("#ffd09a", "#ee7d22", "#8c3a08"),
    "amber": ("#ffe6a3", "#e9a81c", "#8a5a05"),
    "green": ("#b6efb4", "#2fa455", "#0f5530"),
    "teal": ("#a9f0ea", "#1b9d9a", "#0a4f57"),
}


def _points(count: int, radius: float, turn: float = 0.0, x: float = _X, y: float = _Y) -> list[tuple[float, float]]:
    angles = [turn + 2 * pi * number / count - pi / 2 for number in range(count)]
    return [(x + radius * cos(angle), y + radius * sin(angle)) for angle in angles]


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _circle(x: float, y: float, radius: float, paint: str = 'fill="#fff"') -> str:
    return f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}" {paint}/>'


def _box(x: float, y: float, width: float, height: float, corner: float, paint: str = 'fill="#fff"') -> str:
    place = f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
    return f'<rect {place} rx="{_number(corner)}" {paint}/>'


def _shape(points: Iterable[tuple[float, float]], paint: str = 'fill="#fff"') -> str:
    return f'<polygon points="{" ".join(f"{_number(x)},{_number(y)}" for x, y in points)}" {paint}/>'


def _path(path: str, paint: str) -> str:
    return f'<path d="{path}" {paint}/>'


def _white(opacity: float) -> str:
    return f'fill="#fff" fill-opacity="{opacity}"'


def _line(width: float, opacity: float = 1.0) -> str:
    return (
        f'fill="none" stroke="#fff" stroke-opacity="{opacity}" stroke-width="{width}" '
        'stroke-linecap="round" stroke-linejoin="round"'
    )


_DEEP: Final = 'fill="url(#d)"'
_SHIELD: Final = "M320 78 L412 112 V196 C412 256 372 298 320 322 C268 298 228 256 228 196 V112 Z"


def _tiles() -> str:
    places = [(x, y) for y in (100, 172, 244) for x in (220, 292, 364)]
    light = (1, 0.55, 0.8, 0.45, 1, 0.6, 0.75, 0.5, 0.9)
    return "".join(_box(x, y, 56, 56, 15, _white(shade)) for (x, y), shade in zip(places, light, strict=True))


def _triangles() -> str:
    return "".join(
        _shape(
            [(236 + 34 * step, 92 + 14 * step), (416, _Y), (236 + 34 * step, 308 - 14 * step)], _white(0.3 + 0.2 * step)
        )
        for step in range(4)
    )


def _bars() -> str:
    heights = (70, 130, 196, 240, 176, 226, 150, 96, 52)
    return "".join(
        _box(194 + 29 * place, _Y - height / 2, 18, height, 9, _white(0.6 + 0.05 * (place % 8)))
        for place, height in enumerate(heights)
    )


def _film() -> str:
    holes = "".join(_box(190 + 38 * n, y, 20, 16, 5, _DEEP) for n in range(7) for y in (104, 280))
    return _box(172, 90, 296, 220, 26, _white(0.92)) + holes + _shape(_points(3, 58, pi / 2), _DEEP)


def _bag() -> str:
    handle = _path("M270 168 V132 A50 50 0 0 1 370 132 V168", _line(16))
    return (
        handle
        + _path("M222 150 H418 L436 312 H204 Z", _white(0.95))
        + _circle(270, 182, 9, _DEEP)
        + _circle(370, 182, 9, _DEEP)
    )


def _plate() -> str:
    plate = _circle(_X, _Y, 92, _white(0.96)) + _circle(_X, _Y, 60, 'fill="none" stroke="url(#d)" stroke-width="7"')
    fork = _path("M184 104 V152 A18 18 0 0 0 220 152 V104 M202 104 V300", _line(12))
    return plate + fork + _path("M440 300 V104 C466 120 470 176 456 206 H440", _line(12))


def _cards() -> str:
    back = _box(216, 96, 236, 150, 22, _white(0.35)) + _box(200, 122, 236, 150, 22, _white(0.6))
    front = _box(184, 148, 236, 150, 22, _white(0.96)) + _box(184, 180, 236, 26, 0, _DEEP)
    return back + front + "".join(_box(210 + 36 * n, 236, 24, 24, 6, _DEEP) for n in range(4))


def _pad() -> str:
    body = _path("M236 132 H404 C462 132 478 214 470 268 C464 308 424 306 404 274 L390 252 H250 L236 274 "
                 "C216 306 176 308 170 268 C162 214 178 132 236 132 Z", _white(0.95))  # fmt: skip
    cross = _box(226, 182, 62, 20, 6, _DEEP) + _box(247, 161, 20, 62, 6, _DEEP)
    return body + cross + "".join(_circle(x, y, 11, _DEEP) for x, y in _points(4, 27, 0, 382, 192))


def _coins() -> str:
    pile = ""
    for x, height in ((232, 3), (320, 6), (408, 4)):
        for level in range(height):
            y = 296 - 30 * level
            pile += f'<ellipse cx="{x}" cy="{y}" rx="42" ry="17" {_white(0.5)}/>'
            pile += f'<ellipse cx="{x}" cy="{y - 9}" rx="42" ry="17" {_white(0.97)}/>'
        pile += _shape(_points(4, 11, 0, x, 296 - 30 * (height - 1) - 9), _DEEP)
    return pile


def _ball() -> str:
    seams = "".join(
        _path(f"M{_number(a)} {_number(c)} L{_number(b)} {_number(d)}", 'fill="none" stroke="url(#d)" stroke-width="9"')
        for (a, c), (b, d) in zip(_points(5, 46), _points(5, 112), strict=True)
    )
    return _circle(_X, _Y, 112, _white(0.95)) + seams + _shape(_points(5, 48), _DEEP)


def _rings() -> str:
    return "".join(
        _circle(x, _Y, radius, _line(14, shade))
        for x in (256, 384)
        for radius, shade in ((76, 1.0), (48, 0.65), (20, 0.4))
    )


def _guard() -> str:
    rings = "".join(_circle(_X, _Y, radius, _line(3, 0.25)) for radius in (150, 176, 202))
    lock = _circle(_X, 180, 24, _DEEP) + _shape([(306, 188), (334, 188), (344, 250), (296, 250)], _DEEP)
    return rings + _path(_SHIELD, _white(0.95)) + lock


def _router() -> str:
    waves = "".join(
        _path(f"M{_X - size} {196 - size * 0.35:.0f} A{size * 1.15:.0f} {size * 1.15:.0f} 0 0 1 {_X + size} "
              f"{196 - size * 0.35:.0f}", _line(15, shade))
        for size, shade in ((34, 1), (72, 0.75), (110, 0.5))
    )  # fmt: skip
    base = _box(204, 232, 232, 74, 24, _white(0.95))
    return waves + base + "".join(_circle(244 + 34 * n, 269, 9, _DEEP) for n in range(3))


def _dial() -> str:
    marks = "".join(_circle(x, y, 6, _white(0.8)) for x, y in _points(12, 124))
    ink = 'stroke="url(#d)" stroke-width="16" stroke-linecap="round"'
    spokes = "".join(_path(f"M{_X} {_Y} L{_number(x)} {_number(y)}", ink) for x, y in _points(3, 66))
    return marks + _circle(_X, _Y, 98, _white(0.95)) + spokes + _circle(_X, _Y, 24, _DEEP)


def _cloud() -> str:
    cloud = _circle(254, 218, 58) + _circle(318, 176, 76) + _circle(388, 222, 54) + _box(224, 216, 196, 60, 30)
    return f'<g fill-opacity=".95">{cloud}</g>' + _path(
        "M286 218 L312 246 L360 190",
        'fill="none" stroke="url(#d)" stroke-width="17" stroke-linecap="round" stroke-linejoin="round"',
    )


def _chip(scene: str) -> str:
    lines = "".join(_path(f"M{x} 168 V232", 'fill="none" stroke="url(#d)" stroke-width="5"') for x in (294, 346))
    chip = _path(
        "M252 92 H352 L412 152 V286 A24 24 0 0 1 388 310 H252 A24 24 0 0 1 228 286 V116 A24 24 0 0 1 252 92 Z",
        _white(0.95),
    )
    contact = (
        _box(268, 168, 104, 64, 14, _DEEP) + _box(268, 194, 104, 5, 0, _white(0.9)) + lines.replace("url(#d)", "#fff")
    )
    return scene + chip + contact


def _hills() -> str:
    return _path("M0 330 C120 240 220 300 320 320 S520 230 640 300 V400 H0 Z", _white(0.28)) + _circle(
        520, 96, 42, _white(0.5)
    )


def _dunes() -> str:
    low = _path("M0 350 C150 300 240 360 400 320 S580 300 640 330 V400 H0 Z", _white(0.4))
    return (
        _path("M0 310 C160 210 300 330 420 260 S600 260 640 280 V400 H0 Z", _white(0.22))
        + low
        + _circle(120, 100, 48, _white(0.55))
    )


def _peak() -> str:
    return (
        _shape([(40, 400), (470, 400), (255, 110)], _white(0.2))
        + _shape([(207, 175), (303, 175), (255, 110)], _white(0.7))
        + _circle(540, 110, 54, _white(0.5))
    )


def _arcs() -> str:
    return "".join(_circle(_X, 470, radius, _line(5, 0.35)) for radius in (170, 230, 290, 350, 410))


def _globe() -> str:
    bent = "".join(f'<ellipse cx="{_X}" cy="{_Y}" rx="{size}" ry="186" {_line(4, 0.4)}/>' for size in (60, 124, 186))
    return bent + "".join(_path(f"M150 {y} H490", _line(4, 0.4)) for y in (110, 200, 290))


def _papers() -> str:
    sheets = _box(222, 82, 150, 200, 18, _white(0.4)) + _box(246, 100, 150, 200, 18, _white(0.65))
    front = _box(270, 118, 150, 200, 18, _white(0.97))
    return sheets + front + "".join(_box(294, 150 + 34 * n, (102, 80, 96, 60)[n], 14, 7, _DEEP) for n in range(4))


def _hex() -> str:
    tick = 'fill="none" stroke="url(#d)" stroke-width="22" stroke-linecap="round" stroke-linejoin="round"'
    return (
        _shape(_points(6, 140), _white(0.3))
        + _shape(_points(6, 112), _white(0.96))
        + _path("M270 202 L308 240 L374 166", tick)
    )


def _aperture() -> str:
    inner, outer = _points(6, 44), _points(6, 112, pi / 5)
    blades = "".join(
        _shape([inner[n], outer[n], outer[(n + 1) % 6], inner[(n + 1) % 6]], _white(0.55 + 0.08 * n)) for n in range(6)
    )
    return _circle(_X, _Y, 132, _line(10, 0.8)) + blades


def _talk() -> str:
    back = _path("M346 92 H444 A28 28 0 0 1 472 120 V196 A28 28 0 0 1 444 224 V262 L404 224 H346 Z", _white(0.5))
    front = _path("M196 130 H350 A30 30 0 0 1 380 160 V240 A30 30 0 0 1 350 270 H252 L206 314 V270 H196 "
                  "A30 30 0 0 1 166 240 V160 A30 30 0 0 1 196 130 Z", _white(0.96))  # fmt: skip
    return back + front + "".join(_circle(224 + 50 * n, 200, 14, _DEEP) for n in range(3))


def _code() -> str:
    frame = _box(172, 92, 296, 216, 26, _white(0.95)) + "".join(_circle(200 + 26 * n, 118, 8, _DEEP) for n in range(3))
    pen = 'fill="none" stroke="url(#d)" stroke-width="20" stroke-linecap="round" stroke-linejoin="round"'
    return (
        frame
        + _path("M264 168 L222 214 L264 260", pen)
        + _path("M376 168 L418 214 L376 260", pen)
        + _path("M338 160 L302 268", pen)
    )


_PICTURES: Final[dict[str, tuple[str, Callable[[], str]]]] = {
    "app-store": ("blue", _tiles),
    "play-credit": ("green", _triangles),
    "music-plan": ("pink", _bars),
    "film-plan": ("red", _film),
    "shopping-card": ("teal", _bag),
    "food-card": ("orange", _plate),
    "pc-wallet": ("violet", _cards),
    "console-wallet": ("green", _pad),
    "battle-coins": ("orange", _coins),
    "football-packs": ("green", _ball),
    "console-plan": ("violet", _rings),
    "private-vpn": ("indigo", _guard),
    "router-vpn": ("blue", _router),
    "password-vault": ("teal", _dial),
    "cloud-safe": ("indigo", _cloud),
    "esim-tr": ("red", lambda: _chip(_hills())),
    "esim-ae": ("amber", lambda: _chip(_dunes())),
    "esim-jp": ("pink", lambda: _chip(_peak())),
    "esim-europe": ("indigo", lambda: _chip(_arcs())),
    "esim-world": ("green", lambda: _chip(_globe())),
    "office-suite": ("orange", _papers),
    "antivirus": ("green", _hex),
    "photo-studio": ("pink", _aperture),
    "english": ("amber", _talk),
    "coding": ("teal", _code),
}


def draw(name: str) -> str:
    """The SVG of one picture."""
    hue, motif = _PICTURES[name]
    light, middle, deep = _HUES[hue]
    stops = f'<stop stop-color="{middle}"/><stop offset="1" stop-color="{deep}"/>'
    ink = (
        f'<linearGradient id="d" gradientUnits="userSpaceOnUse" x1="0" y1="90" x2="0" y2="310">{stops}</linearGradient>'
    )
    bright = f'<stop stop-color="{light}"/>' + stops.replace("<stop ", '<stop offset=".45" ', 1)
    ground = f'<radialGradient id="g" cx=".2" cy="0" r="1.2">{bright}</radialGradient>'
    glow = _circle(110, 40, 230, _white(0.07)) + _circle(580, 390, 200, _white(0.06))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 400" width="640" height="400">'
        f'<defs>{ground}{ink}</defs><rect width="640" height="400" fill="url(#g)"/>{glow}{motif()}</svg>\n'
    )


def main() -> None:
    """Write every picture."""
    FOLDER.mkdir(exist_ok=True)
    for name in _PICTURES:
        (FOLDER / f"{name}.svg").write_text(draw(name), encoding="utf-8")


if __name__ == "__main__":
    main()
