"""Videos as phones write them, and what is shown of each, which has the same size."""

from __future__ import annotations

import struct


def box(kind: bytes, *content: bytes, wide: bool = False) -> bytes:
    """A box; ``wide`` with a size of 64 bits."""
    body = b"".join(content)
    if wide:
        return struct.pack(">I4sQ", 1, kind, 16 + len(body)) + body
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _free(blanked: bytes) -> bytes:
    """The box in whose place it is, of the same size."""
    head = 16 if blanked.startswith(b"\0\0\0\1") else 8
    return blanked[:4] + b"free" + blanked[8:head] + bytes(len(blanked) - head)


_FTYP = box(b"ftyp", b"qt  \0\0\0\0qt  ")
_XYZ = box(b"udta", box(b"\xa9xyz", b"\0\x12\x15\xc7+52.5000+013.4000/"), box(b"loci", bytes(6) + b"Home\0"), bytes(4))
_APPLE = box(
    b"meta",
    box(b"hdlr", bytes(8) + b"mdta"),
    box(b"keys", bytes(4), struct.pack(">I", 1), box(b"mdta", b"com.apple.quicktime.location.ISO6709")),
    box(b"ilst", box(b"\0\0\0\1", box(b"data", bytes(8), b"+52.5000+013.4000/"))),
)
_XMP = box(b"uuid", bytes(16), b"<x:xmpmeta exif:GPSLatitude='52,30N'/>", wide=True)
_MINF = box(b"minf", box(b"stbl", box(b"stco", bytes(4), struct.pack(">II", 1, 52))))


def _index(telling: bool) -> bytes:
    when, later = (struct.pack(">2I", 3_900_000_000, 3_900_000_009), struct.pack(">2Q", 9, 8)) if telling else (
        bytes(8), bytes(16)
    )  # fmt: skip
    hide = (lambda data: data) if telling else _free
    return box(
        b"moov",
        box(b"mvhd", bytes(4), when, struct.pack(">II", 1000, 61_000), bytes(80)),
        box(
            b"trak",
            box(b"tkhd", b"\1\0\0\7", later, bytes(72)),
            box(b"mdia", box(b"mdhd", bytes(4), when, bytes(12)), box(b"hdlr", bytes(20)), _MINF, hide(_APPLE)),
            hide(_XYZ),
        ),
        hide(_APPLE),
        hide(_XYZ),
    )


def _film(content: bytes, telling: bool, behind: bytes = b"") -> bytes:
    xmp = _XMP if telling or behind else _free(_XMP)
    return _FTYP + box(b"wide") + box(b"mdat", content, wide=True) + _index(telling) + box(b"free") + xmp + behind


def from_phone(content: bytes) -> tuple[bytes, bytes]:
    """A video with this film in it, and what is shown of it."""
    return _film(content, telling=True), _film(content, telling=False)


FILM = bytes(range(256)) + _XYZ + b"+52.5000+013.4000/"
"""What is only like a place."""
_BEHIND = b"behind, what is no box"
VIDEOS = {
    "of a phone": from_phone(FILM),
    "with something behind it": (
        _film(FILM, True, b"behind, what is no box"),
        _film(FILM, False, b"behind, what is no box"),
    ),
    "whose index does not fit": (
        _FTYP + box(b"moov", _XYZ, b"no box at all"),
        _FTYP + box(b"moov", _XYZ, b"no box at all"),
    ),
    "with nothing to hide": (_film(FILM, telling=False), _film(FILM, telling=False)),
}
