"""What a file is, by its content: types, sizes, and damaged heads."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.courses.rules.media import MediaFacts, look_at, name_fits, usual_ending
from backend.courses.types import MediaKind


def _facts(data: bytes) -> MediaFacts | None:
    return look_at(io.BytesIO(data), len(data))


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def png(width: int, height: int) -> bytes:
    """The head of a PNG."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(9)


def jpeg(width: int, height: int, orientation: int = 1) -> bytes:
    """The head of a JPEG as a phone writes it."""
    tiff = b"MM\0*" + struct.pack(">IHHHIHH", 8, 1, 0x0112, 3, 1, orientation, 0) + bytes(4)
    exif = b"Exif\0\0" + tiff
    frame = struct.pack(">BHHB", 8, height, width, 3) + bytes(9)
    return (
        b"\xff\xd8"
        + struct.pack(">BBH", 0xFF, 0xE1, len(exif) + 2) + exif
        + struct.pack(">BBH", 0xFF, 0xC0, len(frame) + 2) + frame
    )  # fmt: skip


def mp4(width: int, height: int, seconds: int, *, upright: bool = False, brand: bytes = b"isom") -> bytes:
    """A video whose index comes after its pictures."""
    matrix = struct.pack(">9i", *((0, 1, 0, -1, 0, 0, 0, 0, 0) if upright else (1, 0, 0, 0, 1, 0, 0, 0, 0)))
    header = _box(b"mvhd", bytes(12) + struct.pack(">II", 1000, seconds * 1000) + bytes(80))
    track = _box(b"tkhd", bytes(40) + matrix + struct.pack(">II", width << 16, height << 16))
    sound = _box(b"tkhd", bytes(40) + matrix + bytes(8))
    index = _box(b"moov", header + _box(b"trak", sound) + _box(b"trak", track))
    return _box(b"ftyp", brand + bytes(8)) + _box(b"mdat", bytes(100_000)) + index


_WEBP = b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\x3f\x01\0\xef\0\0"


@pytest.mark.parametrize(
    ("data", "mime", "kind", "measures"),
    [
        (png(640, 480), "image/png", MediaKind.PICTURE, (640, 480, None)),
        (jpeg(640, 480), "image/jpeg", MediaKind.PICTURE, (640, 480, None)),
        (jpeg(640, 480, 6), "image/jpeg", MediaKind.PICTURE, (480, 640, None)),
        (b"GIF89a" + struct.pack("<HH", 3, 4), "image/gif", MediaKind.PICTURE, (3, 4, None)),
        (_WEBP, "image/webp", MediaKind.PICTURE, (320, 240, None)),
        (mp4(1280, 720, 61), "video/mp4", MediaKind.VIDEO, (1280, 720, 61)),
        (mp4(1280, 720, 61, upright=True), "video/mp4", MediaKind.VIDEO, (720, 1280, 61)),
        (mp4(0, 0, 9, brand=b"M4A "), "audio/mp4", MediaKind.AUDIO, (None, None, 9)),
        (b"\x1aE\xdf\xa3\0\0\0\0B\x82\x84webm", "video/webm", MediaKind.VIDEO, (None, None, None)),
        (b"ID3\x04\0", "audio/mpeg", MediaKind.AUDIO, (None, None, None)),
        (b"OggS\0", "audio/ogg", MediaKind.AUDIO, (None, None, None)),
        (b"%PDF-1.7", "application/pdf", MediaKind.FILE, (None, None, None)),
        (b"PK\x03\x04", "application/zip", MediaKind.FILE, (None, None, None)),
    ],
)  # fmt: skip
def test_a_file_is_what_is_in_it(data: bytes, mime: str, kind: MediaKind, measures: tuple[int | None, ...]) -> None:
    facts = _facts(data)
    assert facts is not None
    assert (facts.mime, facts.kind, (facts.width, facts.height, facts.duration)) == (mime, kind, measures)
    assert name_fits(f"media/x.{usual_ending(mime)}", mime)


@pytest.mark.parametrize(
    "data",
    [b"", b"<svg xmlns='x' onload='alert(1)'/>", b"<html><script>", b"MZ\x90", b"#!/bin/sh", b"text",
     mp4(1, 1, 1, brand=b"heic"), b"\x1aE\xdf\xa3 matroska"],
)  # fmt: skip
def test_other_files_are_refused(data: bytes) -> None:
    assert _facts(data) is None


def test_a_name_that_says_something_else() -> None:
    assert not name_fits("media/clip.mp4", "image/png") and not name_fits("clip", "image/png")
    assert name_fits("A.JPEG", "image/jpeg")


_WHOLE = [png(6, 4), jpeg(6, 4), mp4(6, 4, 2)[:600] + mp4(6, 4, 2)[-400:], mp4(6, 4, 2)]


@given(st.sampled_from(_WHOLE), st.data())
def test_damaged_files_end_in_an_unknown_size(whole: bytes, data: st.DataObject) -> None:
    broken = bytearray(whole[: data.draw(st.integers(12, len(whole)))])
    for place in data.draw(st.lists(st.integers(12, len(broken)), max_size=6)):
        broken[place : place + 1] = data.draw(st.binary(min_size=1, max_size=4))
    facts = _facts(bytes(broken))
    assert facts is None or facts.mime in {"image/png", "image/jpeg", "video/mp4"}
