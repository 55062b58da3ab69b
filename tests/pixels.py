"""Reads PNGs as Typst writes them, without a library."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Pixels(NamedTuple):
    """A picture as grey values, row by row."""

    width: int
    height: int
    grey: bytes


def read(png: bytes) -> Pixels:
    """The grey values of a PNG of eight bits a channel, in RGB or RGBA."""
    assert png.startswith(_SIGNATURE)
    at, data, head = len(_SIGNATURE), b"", b""
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        body = png[at + 8 : at + 8 + length]
        head, data = (body, data) if kind == b"IHDR" else (head, data + body if kind == b"IDAT" else data)
        at += 12 + length
    width, height, depth, colours, _, _, interlaced = struct.unpack(">IIBBBBB", head)
    assert (depth, interlaced) == (8, 0)
    step = {2: 3, 6: 4}[colours]
    raw, row, grey = zlib.decompress(data), bytearray(width * step), bytearray()
    for y in range(height):
        start = y * (width * step + 1)
        row = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + width * step]), row, step)
        grey += bytes((row[x] + row[x + 1] + row[x + 2]) // 3 for x in range(0, len(row), step))
    return Pixels(width, height, bytes(grey))


def _unfiltered(kind: int, row: bytearray, above: bytearray, step: int) -> bytearray:
    """Undo the filter of a row. Source: PNG 3, section 9."""
    for x in range(len(row)):
        left = row[x - step] if x >= step else 0
        up, corner = above[x], above[x - step] if x >= step else 0
        if kind == 4:
            guess = left + up - corner
            nearest = min((left, up, corner), key=lambda value: abs(guess - value))
            row[x] = (row[x] + nearest) & 255
        else:
            row[x] = (row[x] + (0, left, up, (left + up) // 2)[kind]) & 255
    return row


def difference(one: Pixels, other: Pixels) -> float:
    """Which part of the pixels differ by more than a quarter of the range."""
    assert (one.width, one.height) == (other.width, other.height)
    return sum(abs(a - b) > 64 for a, b in zip(one.grey, other.grey, strict=True)) / len(one.grey)


def ink(pixels: Pixels, *, left: float, top: float, right: float, bottom: float) -> int:
    """How many dark pixels there are in a part of the picture, whose sides are parts of the whole's."""
    rows = range(int(pixels.height * top), int(pixels.height * bottom))
    columns = range(int(pixels.width * left), int(pixels.width * right))
    return sum(pixels.grey[y * pixels.width + x] < 128 for y in rows for x in columns)
