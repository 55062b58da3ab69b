"""A picture without what its camera and its program wrote into it: place, time, name, and a small copy of it.

The parts of the file are chosen, not decoded: pixels, colours, animation and how it is turned stay exactly the same,
and nothing large is unpacked. Of each format only the named parts are kept, so a part that nobody has heard of is left
out, as is what follows the end of the picture. What cannot be read is left out too.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from typing import Final

_PNG_HEAD: Final = b"\x89PNG\r\n\x1a\n"
_PNG_PARTS: Final = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD pHYs acTL fcTL fdAT".split()
)
_WEBP_PARTS: Final = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_WEBP_EXIF: Final = 0x08
_WEBP_XMP: Final = 0x04
_GIF_EXTENSIONS: Final = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")
"""Extensions of applications: how often it is repeated, and its colours."""
_ORIENTATION: Final = 0x0112
_EXIF: Final = b"Exif\0\0"
# In the data of a scan 0xFF is followed by 0x00 or a restart; anything else ends it.
_SCAN_END: Final = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
_JPEG_BARE: Final = frozenset({0x01, 0xFF, *range(0xD0, 0xD8)})
"""Markers without a length, and a byte that fills; outside of a scan they mean nothing."""


def without_metadata(data: bytes, mime: str) -> bytes:
    """The same picture without metadata; a file of another type as it is."""
    clean = _CLEANERS.get(mime)
    return data if clean is None else clean(data)


def orientation(tiff: bytes) -> int:
    """How EXIF says that a picture is turned, 1 for upright. Raises struct.error for what is damaged."""
    order = "<" if tiff[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    for number in range(count):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * number)
        if tag == _ORIENTATION:
            return int(value)
    return 1


def _jpeg(data: bytes) -> bytes:
    parts = [b"\xff\xd8"]
    place, turned = 2, b""
    while place + 4 <= len(data) and data[place] == 0xFF:
        code = data[place + 1]
        if code == 0xD9:
            break
        if code in _JPEG_BARE:
            place += 1 if code == 0xFF else 2
            continue
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if code == 0xDA:
            match = _SCAN_END.search(data, end)
            end = match.start() if match else len(data)
        part = data[place:end]
        if code == 0xE1 and part[4:10] == _EXIF and not turned:
            turned = _turned(part[10:])
            if turned:
                exif = _EXIF + turned
                parts.append(struct.pack(">HH", 0xFFE1, len(exif) + 2) + exif)
        elif _is_needed(code, part):
            parts.append(part)
        place = max(end, place + 2)
    return b"".join(parts) + b"\xff\xd9"


def _is_needed(code: int, part: bytes) -> bool:
    """Whether the picture needs a segment: of the notes of programs, only those about its colours and density."""
    if not 0xE0 <= code <= 0xEF:
        return code != 0xFE
    notes = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
    return code in notes and part[4:].startswith(notes[code])


def _png(data: bytes) -> bytes:
    parts = [_PNG_HEAD]
    place = len(_PNG_HEAD)
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        if kind in _PNG_PARTS:
            parts.append(data[place:end])
        elif kind == b"eXIf" and (turned := _turned(data[place + 8 : end - 4])):
            checksum = zlib.crc32(kind + turned)
            parts.append(struct.pack(">I4s", len(turned), kind) + turned + struct.pack(">I", checksum))
        place = len(data) if kind == b"IEND" else end
    return b"".join(parts)


def _webp(data: bytes) -> bytes:
    parts: list[bytes] = []
    place, end_of_file = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    notes = 0
    while place + 8 <= end_of_file:
        kind, length = struct.unpack_from("<4sI", data, place)
        end = place + 8 + length + length % 2
        if kind in _WEBP_PARTS:
            parts.append(data[place:end])
        elif kind == b"EXIF" and (turned := _turned(data[place + 8 : end].removeprefix(_EXIF))):
            parts.append(struct.pack("<4sI", kind, len(turned)) + turned)
            notes = _WEBP_EXIF
        place = end
    if parts and parts[0].startswith(b"VP8X") and len(parts[0]) > 8:
        flags = parts[0][8] & ~(_WEBP_EXIF | _WEBP_XMP) | notes
        parts[0] = parts[0][:8] + bytes([flags]) + parts[0][9:]
    body = b"WEBP" + b"".join(parts)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def _gif(data: bytes) -> bytes:
    place = 13 + _gif_colours(data, 10)
    parts = [data[:place]]
    while place < len(data):
        kind = data[place]
        if kind == 0x2C:
            end = _gif_blocks(data, place + 11 + _gif_colours(data, place + 9))
        elif kind == 0x21:
            end = _gif_blocks(data, place + 2)
        else:
            break
        label = data[place + 1 : place + 2]
        needed = label == b"\xf9" or (label == b"\xff" and data[place + 3 : place + 14] in _GIF_EXTENSIONS)
        if kind == 0x2C or needed:
            parts.append(data[place:end])
        place = end
    return b"".join(parts) + b";"


def _gif_colours(data: bytes, place: int) -> int:
    """How many bytes the table of colours has that the flags at a place announce."""
    flags = data[place] if place < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _gif_blocks(data: bytes, place: int) -> int:
    """Where the blocks end that begin at a place; the last one is empty."""
    while place < len(data) and data[place]:
        place += 1 + data[place]
    return place + 1


def _turned(tiff: bytes) -> bytes:
    """EXIF that says how the picture is turned and nothing else; nothing for one that is upright."""
    try:
        how = orientation(tiff)
    except struct.error:
        return b""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, how, 0, 0) if how in range(2, 9) else b""


_CLEANERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
    "image/gif": _gif,
}
