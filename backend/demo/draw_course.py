"""Draws the pictures and the ruled page of the demo's course: ``python -m backend.demo.draw_course``."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

MEDIA: Final = Path(__file__).parent / "courses" / "calm-in-seven-days" / "media"
_WIDTH: Final = 800
_HEIGHT: Final = 450
_FINE: Final = 2
"""Each pixel is the mean of so many times as many points."""

Colour = tuple[int, int, int]
Painter = Callable[[float, float], Colour]
"""The colour of a point; both coordinates in units of the picture's height, from the upper left."""

_SKY: Final = ((246, 226, 206), (250, 236, 218), (252, 244, 230))
_SUN: Final = (244, 178, 120)
_FAR: Final = (164, 198, 190)
_NEAR: Final = (104, 158, 150)
_DARK: Final = (62, 110, 108)
_PATH: Final = (247, 231, 205)


def _sky(y: float) -> Colour:
    return _SKY[min(int(y * 4), 2)]


def _path(x: float, y: float) -> Colour:
    """Hills, a low sun, and a path that leads to it."""
    bend = 0.9 + 0.16 * math.sin((1 - y) * 7) * (1 - y)
    wide = 0.012 + 0.2 * max(y - 0.56, 0) ** 1.5
    if y > 0.56 and abs(x - bend) < wide:
        return _PATH
    if y > 0.80 + 0.05 * math.sin(x * 3.1 + 1):
        return _DARK
    if y > 0.66 + 0.05 * math.sin(x * 2.3 + 4):
        return _NEAR
    if y > 0.56 + 0.04 * math.sin(x * 3.7):
        return _FAR
    return _SUN if math.hypot(x - 1.05, y - 0.42) < 0.13 else _sky(y)


def _breath(x: float, y: float) -> Colour:
    """A wave that rises in four and falls in six, and the circles of a breath on it."""
    for number in range(10):
        rising = number <= 4
        part = number / 4 if rising else 1 - (number - 4) / 6
        height = 0.72 - 0.4 * part
        if math.hypot(x - 0.2 - number * 0.153, y - height) < 0.03 + 0.045 * part:
            return _NEAR if rising else _SUN
    wave = (x - 0.2) / 0.153
    part = wave / 4 if wave <= 4 else 1 - (wave - 4) / 6
    line = 0.72 - 0.4 * min(max(part, 0), 1)
    return _FAR if abs(y - line) < 0.006 else _sky(y)


def _storm(x: float, y: float) -> Colour:
    """A cloud that rains on one house, and a dry path beside it."""
    cloud = any(math.hypot(x - at, (y - 0.22) * 1.25) < size for at, size in ((0.36, 0.11), (0.5, 0.15), (0.65, 0.11)))
    if cloud:
        return (120, 138, 150)
    roof = y > 0.52 and abs(x - 0.5) < (y - 0.52) * 1.2 and y < 0.66
    if roof:
        return _DARK
    if 0.38 < x < 0.62 and 0.66 <= y < 0.86:
        return _SUN if 0.47 < x < 0.53 and y > 0.71 else _PATH
    if 0.3 < x < 0.72 and 0.32 < y < 0.82 and (x * 24 + y * 6) % 1 < 0.12 and (y * 9 + x * 5) % 1 < 0.55:
        return (138, 162, 180)
    if y > 0.84 + 0.02 * math.sin(x * 4):
        return _PATH if abs(x - 1.25 + (y - 0.84) * 0.6) < 0.06 + (y - 0.84) * 0.6 else _NEAR
    return _SUN if math.hypot(x - 1.45, y - 0.25) < 0.1 else _sky(y)


def _png(paint: Painter) -> bytes:
    rows = bytearray()
    for row in range(_HEIGHT):
        rows.append(0)
        for column in range(_WIDTH):
            points = [
                paint((column + (a + 0.5) / _FINE) / _HEIGHT, (row + (b + 0.5) / _FINE) / _HEIGHT)
                for a in range(_FINE)
                for b in range(_FINE)
            ]
            rows += bytes(sum(point[channel] for point in points) // len(points) for channel in range(3))
    head = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _ruled_page() -> bytes:
    """An A4 page with 24 lines, in points."""
    lines = "".join(f"56 {750 - number * 28} m 539 {750 - number * 28} l S\n" for number in range(25))
    drawing = f"0.75 G 0.6 w\n{lines}".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(drawing), drawing),
    ]
    page = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(page))
        page += b"%d 0 obj%s endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(page))
    return page + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table) + end


def main() -> None:
    """Write the files into the course's folder."""
    for name, paint in (("path", _path), ("breath", _breath), ("storm", _storm)):
        (MEDIA / f"{name}.png").write_bytes(_png(paint))
    (MEDIA / "evening-page.pdf").write_bytes(_ruled_page())


if __name__ == "__main__":
    main()
