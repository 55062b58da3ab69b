"""The fonts that documents are set in, and which signs they can draw. fonts.json says where each file is from."""

from __future__ import annotations

import functools
import struct
from pathlib import Path
from typing import Final

FONTS_DIR: Final = Path(__file__).parent
_UNICODE: Final = {(0, 3), (0, 4), (3, 1), (3, 10)}
_NO_GLYPH: Final = 0


@functools.cache
def faces() -> tuple[frozenset[int], ...]:
    """The code points that each bold face has a glyph for: what people have typed is printed bold."""
    return tuple(signs_of(path) for path in sorted(FONTS_DIR.glob("*-Bold.ttf")))


def signs_of(path: Path) -> frozenset[int]:
    """The code points that a TrueType file has a glyph for. Source: OpenType 1.9.1, "cmap", formats 4 and 12."""
    data = path.read_bytes()
    table = _table(data, b"cmap")
    (count,) = struct.unpack_from(">H", data, table + 2)
    signs: set[int] = set()
    for number in range(count):
        platform, encoding, offset = struct.unpack_from(">HHI", data, table + 4 + 8 * number)
        if (platform, encoding) in _UNICODE:
            (kind,) = struct.unpack_from(">H", data, table + offset)
            signs |= {4: _format_4, 12: _format_12}[kind](data, table + offset)
    return frozenset(signs)


def _table(data: bytes, tag: bytes) -> int:
    (count,) = struct.unpack_from(">H", data, 4)
    for number in range(count):
        name, _, offset, _ = struct.unpack_from(">4sIII", data, 12 + 16 * number)
        if name == tag:
            return int(offset)
    raise ValueError("no such table")


def _format_4(data: bytes, at: int) -> set[int]:
    """Segments of code points below 65,536."""
    (twice,) = struct.unpack_from(">H", data, at + 6)
    count = twice // 2
    ends = struct.unpack_from(f">{count}H", data, at + 14)
    starts = struct.unpack_from(f">{count}H", data, at + 16 + twice)
    deltas = struct.unpack_from(f">{count}H", data, at + 16 + 2 * twice)
    offsets_at = at + 16 + 3 * twice
    offsets = struct.unpack_from(f">{count}H", data, offsets_at)
    signs = set()
    for number, (start, end, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        for sign in range(start, min(end, 0xFFFE) + 1):
            glyph = sign
            if offset:
                place = offsets_at + 2 * number + offset + 2 * (sign - start)
                (glyph,) = struct.unpack_from(">H", data, place)
                if glyph == _NO_GLYPH:
                    continue
            if (glyph + delta) % 65536 != _NO_GLYPH:
                signs.add(sign)
    return signs


def _format_12(data: bytes, at: int) -> set[int]:
    """Groups of code points of any size."""
    (count,) = struct.unpack_from(">I", data, at + 12)
    groups = struct.iter_unpack(">III", data[at + 16 : at + 16 + 12 * count])
    return {sign for first, last, _ in groups for sign in range(first, last + 1)}
