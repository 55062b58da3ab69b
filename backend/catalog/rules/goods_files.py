"""Which files can be sold, told by what is in them and never by what they are called."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Final

from backend.infra.storage import MAX_UPLOAD_BYTES, sniff
from backend.kernel.errors import Invalid
from backend.kernel.text import file_name

PDF: Final = "pdf"
_SAME: Final = {"jpeg": "jpg"}
_MOST_MEMBERS: Final = 10_000


def kind_of(data: bytes) -> str:
    """The ending of what a file is: pdf, zip, png, jpg or webp.

    Raises Invalid (field ``file``: ``required``, ``too_large``, ``wrong_type``, ``two_kinds``).
    """
    if not data or len(data) > MAX_UPLOAD_BYTES:
        raise _refused("too_large" if data else "required")
    packed = zipfile.is_zipfile(BytesIO(data))
    if data.startswith(b"PK\x03\x04"):
        if not packed or not _is_whole(data):
            raise _refused("wrong_type")
        return "zip"
    kind = PDF if data.startswith(b"%PDF-") else sniff(data)
    if kind in {None, "svg"}:
        raise _refused("wrong_type")
    if packed:  # it opens as one thing here and as another there
        raise _refused("two_kinds")
    return str(kind)


def name_for(name: str, kind: str) -> str:
    """The name that buyers save a file under: no path, not too long, and with the ending of what it is."""
    cleaned = file_name(name)
    stem, dot, ending = cleaned.rpartition(".")
    ending = ending.lower()
    if dot and _SAME.get(ending, ending) == kind:
        return cleaned
    return file_name(f"{stem if dot else cleaned}.{kind}")


def _is_whole(data: bytes) -> bool:
    """Whether a ZIP's list of members can be read; nothing is unpacked."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as packed:
            return 0 < len(packed.infolist()) <= _MOST_MEMBERS
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, OverflowError):
        return False


def _refused(code: str) -> Invalid:
    return Invalid("not a file that can be sold", fields={"file": code})
