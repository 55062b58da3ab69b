"""Pictures that people upload: decoded, cut, and encoded again in the sizes that pages use. See decisions/0118."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import struct
from pathlib import Path
from typing import Final

import msgspec

from backend.infra.children import answer_of
from backend.infra.storage import MAX_UPLOAD_BYTES, UPLOAD_MB, sniff
from backend.kernel.errors import Invalid

WIDTHS: Final = (320, 640, 1280)
"""Widths of the stored pictures in pixels: a cell, a card of a grid, the head of a page, at three pixels a point."""
MAX_MB: Final = UPLOAD_MB
WHOLE: Final = 100_000
_CHILD: Final = Path(__file__).with_name("picture_child.py")
_SECONDS: Final = 20.0
_AT_ONCE: Final = 2
"""How many are decoded at a time by one process of ours; the others wait."""
_SIZED: Final = re.compile(r"([0-9a-f]{40})-(\d{2,4})\.webp")
_HEIC: Final = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"})


class Crop(msgspec.Struct, frozen=True):
    """What is kept of an upright picture: in parts of its width and height, of which there are WHOLE."""

    left: int = 0
    top: int = 0
    width: int = 100_000
    height: int = 100_000


class EncodedPicture(msgspec.Struct, frozen=True):
    """The files of one picture by their names, the largest WebP last; ``name`` is that one's."""

    name: str
    files: tuple[tuple[str, bytes], ...]


def sizes_of(name: str) -> tuple[tuple[str, int], ...]:
    """The names and widths of a stored picture's WebP files, the smallest first; none where it has one size only."""
    match = _SIZED.fullmatch(name)
    if match is None:
        return ()
    digest, most = match[1], int(match[2])
    return tuple((f"{digest}-{width}.webp", width) for width in (*(one for one in WIDTHS if one < most), most))


def chat_name(name: str) -> str | None:
    """The name of the same picture as a JPEG for chats; None for a vector picture, which Telegram does not show."""
    if _SIZED.fullmatch(name):
        return name.removesuffix("webp") + "jpg"
    return None if name.endswith(".svg") else name


class PictureMaker:
    """Makes pictures in processes of their own, a few at a time."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def make(self, data: bytes, crop: Crop | None = None) -> EncodedPicture:
        """A picture without metadata, upright, in all sizes that it is large enough for.

        Raises Invalid (field ``picture``: ``required``, ``too_large``, ``heic``, ``not_a_picture``,
        ``too_many_pixels``, ``too_small``, ``too_complex``, ``damaged``).
        """
        if refusal := _refusal(data):
            raise _refused(refusal)
        cut = crop if crop is not None and _is_part(crop) else Crop()
        box = [part / WHOLE for part in (cut.left, cut.top, cut.width, cut.height)]
        wish = json.dumps({"crop": box, "widths": WIDTHS}).encode()
        async with self._turns:
            out = await answer_of(_CHILD, struct.pack(">I", len(wish)) + wish + data, seconds=_SECONDS)
        if out is None:
            raise _refused("too_complex")
        line, _, rest = out.partition(b"\n")
        head = json.loads(line)
        if head["error"]:
            raise _refused(head["error"])
        return _named(head["files"], rest)


def _named(listed: list[tuple[str, int, int]], rest: bytes) -> EncodedPicture:
    pieces, place = [], 0
    for kind, width, length in listed:
        pieces.append((kind, width, rest[place : place + length]))
        place += length
    largest = max((piece for piece in pieces if piece[0] == "webp"), key=lambda piece: piece[1])
    digest = hashlib.sha256(largest[2]).hexdigest()[:40]
    # The name of the largest says that the others are there: it is written last.
    ordered = sorted(pieces, key=lambda piece: piece is largest)
    files = tuple((f"{digest}-{width}.{kind}", piece) for kind, width, piece in ordered)
    return EncodedPicture(files[-1][0], files)


def _refusal(data: bytes) -> str:
    if not data:
        return "required"
    if len(data) > MAX_UPLOAD_BYTES:
        return "too_large"
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
        return "heic"
    if sniff(data) in {"png", "jpg", "webp"} or data[:6] in {b"GIF87a", b"GIF89a"}:
        return ""
    return "not_a_picture"


def _is_part(crop: Crop) -> bool:
    """Whether it is within the picture; a little over its edge is a rounding of the browser's."""
    sides = ((crop.left, crop.width), (crop.top, crop.height))
    return all(start >= 0 and size > 0 and start + size <= WHOLE + 2 for start, size in sides)


def _refused(code: str) -> Invalid:
    return Invalid("not a picture that is kept", fields={"picture": code})
