"""What a file of a course is, by its content: its type, how it is shown, and its size in pixels and seconds.

A lesson may have the few types of infra/content_types.py; sizes are read from the same first bytes. The name and what a
sender says of the type are never believed.
"""

from __future__ import annotations

import struct
from itertools import islice
from pathlib import PurePosixPath
from typing import BinaryIO, Final

import msgspec

from backend.courses.rules.mp4 import boxes
from backend.courses.types import MediaKind
from backend.infra.content_types import content_type
from backend.infra.pictures import orientation

HEAD_BYTES: Final = 64 * 1024
_ENDINGS: Final = {
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/webp": ("webp",),
    "image/gif": ("gif",),
    "video/mp4": ("mp4", "m4v", "mov"),
    "video/webm": ("webm",),
    "audio/mpeg": ("mp3",),
    "audio/mp4": ("m4a",),
    "audio/ogg": ("ogg", "oga", "opus"),
    "application/pdf": ("pdf",),
    "application/zip": ("zip", "docx", "xlsx", "pptx", "odt", "ods", "epub"),
}
"""The endings that a name may have for each type; the first is the usual one."""
_KINDS: Final = {"image": MediaKind.PICTURE, "video": MediaKind.VIDEO, "audio": MediaKind.AUDIO}
# Markers of JPEG that begin a frame, and so hold the picture's size.
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_TURNED: Final = frozenset({5, 6, 7, 8})
"""Orientations of EXIF that lay a picture on its side: browsers turn it back."""
_MOST_BOXES: Final = 5000


class MediaFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a file is; sizes in pixels and seconds, where they are known."""

    mime: str
    kind: MediaKind
    width: int | None = None
    height: int | None = None
    duration: int | None = None


def look_at(file: BinaryIO, size: int) -> MediaFacts | None:
    """What an open file of ``size`` bytes is; None for anything that a lesson may not have."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    mime = content_type(head)
    if mime is None:
        return None
    kind = _KINDS.get(mime.partition("/")[0], MediaKind.FILE)
    try:
        width, height, duration = _measures(mime, head, file, size)
    except (struct.error, IndexError, ValueError, OverflowError):
        width = height = duration = None  # a damaged head; it is what it is, of an unknown size
    return MediaFacts(mime=mime, kind=kind, width=width or None, height=height or None, duration=duration)


def name_fits(path: str, mime: str) -> bool:
    """Whether the ending of a file's name says what it is."""
    return PurePosixPath(path).suffix.lower().removeprefix(".") in _ENDINGS[mime]


def usual_ending(mime: str) -> str:
    """The ending that names of this type have."""
    return _ENDINGS[mime][0]


Measures = tuple[int | None, int | None, int | None]


def _measures(mime: str, head: bytes, file: BinaryIO, size: int) -> Measures:
    match mime:
        case "image/png":
            return (*struct.unpack(">II", head[16:24]), None)
        case "image/gif":
            return (*struct.unpack("<HH", head[6:10]), None)
        case "image/webp":
            return _webp(head)
        case "image/jpeg":
            return _jpeg(file)
        case "video/mp4" | "audio/mp4":
            return _mp4(file, size)
        case _:
            return None, None, None


def _webp(head: bytes) -> Measures:
    chunk = head[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little"), None
    if chunk == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), None
    width, height = struct.unpack("<HH", head[26:30])
    return width & 0x3FFF, height & 0x3FFF, None


def _jpeg(file: BinaryIO) -> Measures:
    file.seek(2)
    turned = False
    while True:
        marker, code, length = struct.unpack(">BBH", file.read(4))
        if marker != 0xFF or length < 2:
            raise ValueError("not a segment")
        if code in _FRAMES:
            height, width = struct.unpack(">xHH", file.read(5))
            return (height, width, None) if turned else (width, height, None)
        data = file.read(length - 2)
        if code == 0xE1 and data.startswith(b"Exif\0\0"):
            turned = orientation(data[6:]) in _TURNED


def _mp4(file: BinaryIO, size: int) -> Measures:
    width = height = duration = None
    for box in islice(boxes(file, 0, size, ("moov", "trak")), _MOST_BOXES):
        file.seek(box.body)
        data = file.read(min(box.end - box.body, 128))
        wide = data[:1] == b"\1"
        if box.kind == "mvhd":
            scale, length = struct.unpack_from(">IQ" if wide else ">II", data, 20 if wide else 12)
            duration = round(length / scale) if scale else None
        elif box.kind == "tkhd":
            # In 16.16 fixed point; zero for sound. A video from a phone held upright lies on its side by its matrix.
            across, down = (side >> 16 for side in struct.unpack_from(">II", data, 88 if wide else 76))
            upright = struct.unpack_from(">i", data, 52 if wide else 40) == (0,)
            if across and down and not width:
                width, height = (down, across) if upright else (across, down)
    return width, height, duration
