"""What a file is, by its first bytes: the name and what its sender says of the type are never believed.

A table of our own: it names the few types that pages show or play. A library would recognise a hundred more, all of
which are saved as they are.
"""

from __future__ import annotations


def content_type(head: bytes) -> str | None:  # noqa: PLR0911 - a table of signs
    """The type of a file that begins with ``head``; None for one that is not in the table."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return _of_mp4(head[8:12])
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "video/webm" if b"webm" in head[:64] else None
    if head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] in {b"\xfb", b"\xf3", b"\xf2"}):
        return "audio/mpeg"
    if head.startswith(b"OggS"):
        return "audio/ogg"
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    return "application/zip" if head.startswith(b"PK\x03\x04") else None


def _of_mp4(brand: bytes) -> str | None:
    if brand in {b"M4A ", b"M4B "}:
        return "audio/mp4"
    # Not HEIC and AVIF, which begin in the same way and which many browsers cannot show.
    known = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  ", b"MSNV", b"dash")
    return "video/mp4" if brand in known else None
