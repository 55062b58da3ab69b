"""Pictures as phones and programs write them, and what is shown of each: by a name, its type, the file, the copy."""

from __future__ import annotations

import struct
import zlib

_TURNED = struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)
"""EXIF of a picture that lies on its side, and nothing else."""
_PHONE = (
    b"II*\0" + struct.pack("<IH", 8, 3)
    + struct.pack("<HHI4s", 0x010F, 2, 4, b"CAM\0") + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    + struct.pack("<HHII", 0x8825, 4, 1, 50) + bytes(4) + b"N 52.5"
)  # fmt: skip
"""EXIF as a phone writes it: its name, how it was held, and where."""
_UPRIGHT = b"MM\0*" + struct.pack(">IHHHI4s", 8, 1, 0x010F, 2, 4, b"CAM\0") + bytes(4)


def _segment(code: int, body: bytes) -> bytes:
    return struct.pack(">HH", 0xFF00 + code, len(body) + 2) + body


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))


def _riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        kind + struct.pack("<I", len(data)) + data + (b"\0" if len(data) % 2 else b"") for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


_JFIF, _ICC = _segment(0xE0, b"JFIF\0 1.1"), _segment(0xE2, b"ICC_PROFILE\0 colours")
_FRAME = _segment(0xC2, struct.pack(">BHHB", 8, 4, 6, 3) + bytes(9))
_SCANS = _segment(0xDA, b"\1\1\0\0") + b"ab\xff\0\xff\xd0cd" + _segment(0xC4, b"t") + _segment(0xDA, b"\1") + b"ef"
_IHDR, _IDAT, _IEND = _chunk(b"IHDR", bytes(13)), _chunk(b"IDAT", b"pixels"), _chunk(b"IEND", b"")
_GIF = b"GIF89a" + struct.pack("<HHBBB", 3, 4, 0x80, 0, 0) + b"colour"
_LOOP, _HELD = b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0", b"!\xf9\4\0\1\0\0\0"
_IMAGE = b"," + struct.pack("<HHHHB", 0, 0, 3, 4, 0x81) + b"local colour" + b"\2\3abc\1d\0"
_FLAGS = 0x20 | 0x10

PICTURES = {
    "a JPEG of a phone": (
        "image/jpeg",
        b"\xff\xd8" + _JFIF + _segment(0xE1, b"Exif\0\0" + _PHONE) + _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0GPS")
        + _segment(0xE2, b"MPF\0") + _ICC + _segment(0xED, b"Photoshop") + _segment(0xFE, b"note") + b"\xff" + _FRAME
        + _SCANS + b"\xff\xd9" + b"\xff\xd8 a second picture",
        b"\xff\xd8" + _JFIF + _segment(0xE1, b"Exif\0\0" + _TURNED) + _ICC + _FRAME + _SCANS + b"\xff\xd9",
    ),
    "an upright JPEG": (
        "image/jpeg",
        b"\xff\xd8" + _segment(0xE1, b"Exif\0\0" + _UPRIGHT) + _FRAME + _SCANS + b"\xff\xd9",
        b"\xff\xd8" + _FRAME + _SCANS + b"\xff\xd9",
    ),
    "a PNG": (
        "image/png",
        b"\x89PNG\r\n\x1a\n" + _IHDR + _chunk(b"eXIf", _PHONE) + _chunk(b"tEXt", b"Author\0A")
        + _chunk(b"tIME", bytes(7)) + _IDAT + _chunk(b"caBX", b"who") + _IEND + b"behind it",
        b"\x89PNG\r\n\x1a\n" + _IHDR + _chunk(b"eXIf", _TURNED) + _IDAT + _IEND,
    ),
    "a WebP": (
        "image/webp",
        _riff((b"VP8X", bytes([_FLAGS | 0x0C]) + bytes(9)), (b"ICCP", b"icc"), (b"VP8 ", b"pixels"), (b"EXIF", _PHONE),
              (b"XMP ", b"who")) + b"behind it",
        _riff((b"VP8X", bytes([_FLAGS | 0x08]) + bytes(9)), (b"ICCP", b"icc"), (b"VP8 ", b"pixels"),
              (b"EXIF", _TURNED)),
    ),
    "a GIF": (
        "image/gif",
        _GIF + _LOOP + b"!\xfe\4note\0" + b"!\xff\x0bXMP DataXMP\3who\0" + _HELD + _IMAGE + b";" + b"behind it",
        _GIF + _LOOP + _HELD + _IMAGE + b";",
    ),
}  # fmt: skip
