"""The boxes of MP4 and QuickTime files, and which of them tell more than the film: where, when, on what, by whom.

A box is overwritten in its place: the file keeps its size, and everything else stays where it is, as the index of the
film names places in the file. As with pictures the needed boxes are listed, so that a box that nobody has heard of is
overwritten too; but nothing is where the boxes do not fill the one that they are in exactly.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from backend.infra.content_files import Overwrite

_NEEDED: Final = {
    "": frozenset(["ftyp", "styp", "moov", "moof", "mdat", "wide", "sidx", "ssix", "mfra", "pdin", "emsg", "prft"]),
    "moov": frozenset(["mvhd", "trak", "mvex", "pssh", "iods", "cmov", "rmra", "ctab", "clip"]),
    "trak": frozenset(["tkhd", "tref", "trgr", "edts", "mdia", "tapt", "clip", "matt", "load", "imap"]),
    "mdia": frozenset(["mdhd", "hdlr", "minf", "elng"]),
}
"""The boxes that the film needs, by the box that they are in; "" is the file."""
_DATED: Final = frozenset(("mvhd", "tkhd", "mdhd"))
"""Boxes that begin with a version and flags in 4 bytes, and when they were made and changed."""
_MOST_BOXES: Final = 100_000


class Box(msgspec.Struct, frozen=True):
    """A box: places in the file of its first byte, of its content, and behind it."""

    kind: str
    start: int
    body: int
    end: int


def boxes(file: BinaryIO, start: int, end: int, inside: tuple[str, ...] = ()) -> Iterator[Box]:
    """The boxes between two places, with those in ``inside``, from the outermost in.

    Raises ValueError or struct.error, after those before it, at one that does not fit.
    """
    place = start
    while place + 8 <= end:
        file.seek(place)
        length, kind = struct.unpack(">I4s", file.read(8))
        body = place + 8
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
            body += 8
        after = end if length == 0 else place + length
        if after < body or after > end:
            raise ValueError("a box longer than its place")
        name = kind.decode("latin-1")
        yield Box(name, place, body, after)
        if name in inside[:1]:
            yield from boxes(file, body, after, inside[1:])
        place = after


def list_telling(file: BinaryIO, size: int) -> list[Overwrite]:
    """What makes a film of ``size`` bytes tell nothing but itself; empty where nothing has to be overwritten."""
    return _in(file, "", 0, size, iter(range(_MOST_BOXES)))


def _in(file: BinaryIO, parent: str, start: int, end: int, budget: Iterator[int]) -> list[Overwrite]:
    here: list[Overwrite] = []
    deeper: list[Overwrite] = []
    try:
        for box, _ in zip(boxes(file, start, end), budget, strict=False):
            if box.kind in _NEEDED and box.kind in _NEEDED[parent]:
                deeper += _in(file, box.kind, box.body, box.end, budget)
            elif box.kind in _DATED:
                here += _dates(file, box)
            elif box.kind not in _NEEDED[parent] and not (box.kind == "free" and box.body == box.end):
                here += (Overwrite(box.start + 4, b"free"), Overwrite(box.body, zeros=box.end - box.body))
    except (ValueError, struct.error):
        here = []
    return deeper + here


def _dates(file: BinaryIO, box: Box) -> list[Overwrite]:
    file.seek(box.body)
    length = 16 if file.read(1) == b"\1" else 8
    dates = file.seek(box.body + 4)
    fits = dates + length <= box.end
    return [Overwrite(dates, zeros=length)] if fits and any(file.read(length)) else []
