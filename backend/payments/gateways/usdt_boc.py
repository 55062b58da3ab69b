"""The text that came with a jetton transfer: a bag of cells (BoC), read with bounds on everything a stranger chose.

A small reader of its own: the one library that is at hand (a dependency of bip-utils) trusts its input.
"""

from __future__ import annotations

import base64
from typing import Final

# Source: TON's crypto/tl/boc.tlb, serialized_boc#b5ee9c72; TEP-74 for the comment (32 zero bits, then text).
_MAGIC: Final = b"\xb5\xee\x9c\x72"
_MOST_BYTES: Final = 8192
_MOST_CELLS: Final = 64
_MOST_REFS: Final = 4
_MOST_SIGNS: Final = 120
_EXOTIC: Final = 8
_OPCODE_BYTES: Final = 4
_CRC_BYTES: Final = 4

_Cell = tuple[bytes, tuple[int, ...]]


def read_comment(payload: object) -> str:
    """The comment in a ``forward_payload`` (base64), safe to show; empty if there is none or it is unreadable."""
    if not isinstance(payload, str) or len(payload) > _MOST_BYTES:
        return ""
    try:
        text = _snake(_cells(base64.b64decode(payload, validate=True))).decode()
    except (ValueError, IndexError):  # UnicodeDecodeError and binascii.Error are ValueErrors
        return ""
    return "".join(sign if sign.isprintable() else " " for sign in text[:_MOST_SIGNS]).strip()


def _snake(cells: list[_Cell]) -> bytes:
    """Opcode 0 and text, each cell continued by its first reference. Raises ValueError for anything else."""
    data, refs = cells[0]
    if data[:_OPCODE_BYTES] != bytes(_OPCODE_BYTES):
        raise ValueError("not a text")
    parts = [data[_OPCODE_BYTES:]]
    # References point forwards only, so this ends.
    while refs:
        data, refs = cells[refs[0]]
        parts.append(data)
    return b"".join(parts)


def _cells(boc: bytes) -> list[_Cell]:
    """The cells, the root first. Raises ValueError, IndexError."""
    if boc[:4] != _MAGIC:
        raise ValueError("not a bag of cells")
    flags, offset_bytes = boc[4], boc[5]
    has_index, has_crc, size = flags >> 7, flags >> 6 & 1, flags & 7
    if not 1 <= size <= 4 or not 1 <= offset_bytes <= 8:
        raise ValueError("sizes out of range")
    counts = [int.from_bytes(_cut(boc, 6 + place * size, size), "big") for place in range(3)]
    count, roots, _absent = counts
    at = 6 + 3 * size
    length = int.from_bytes(_cut(boc, at, offset_bytes), "big")
    root = int.from_bytes(_cut(boc, at + offset_bytes, size), "big")
    if not 1 <= count <= _MOST_CELLS or roots != 1 or root != 0:
        raise ValueError("not one small root")
    at += offset_bytes + size + (count * offset_bytes if has_index else 0)
    if len(boc) != at + length + (_CRC_BYTES if has_crc else 0):
        raise ValueError("the length is not what it says")
    cells: list[_Cell] = []
    for number in range(count):
        cell, at = _cell(boc, at, size, number, count)
        cells.append(cell)
    return cells


def _cell(boc: bytes, at: int, size: int, number: int, count: int) -> tuple[_Cell, int]:
    """The ``number``-th cell, and where the next begins. Raises ValueError, IndexError."""
    refs_descriptor, bits_descriptor = boc[at], boc[at + 1]
    ref_count = refs_descriptor & 7
    if refs_descriptor & _EXOTIC or ref_count > _MOST_REFS:
        raise ValueError("not an ordinary cell")
    if bits_descriptor % 2:
        raise ValueError("not whole bytes, so not a text")
    data = _cut(boc, at + 2, bits_descriptor // 2)
    at += 2 + len(data)
    refs = tuple(int.from_bytes(_cut(boc, at + place * size, size), "big") for place in range(ref_count))
    if any(not number < ref < count for ref in refs):
        raise ValueError("a reference that points backwards or nowhere")
    return (data, refs), at + ref_count * size


def _cut(boc: bytes, at: int, length: int) -> bytes:
    part = boc[at : at + length]
    if len(part) != length:
        raise ValueError("cut short")
    return part
