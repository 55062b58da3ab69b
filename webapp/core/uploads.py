"""Files that people send with a form. One limit holds for all of them: ``UPLOAD_MB`` of backend/infra/storage.py."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import UploadFile

from backend.infra.storage import MAX_UPLOAD_BYTES
from webapp.core import forms

_ROOM: Final = 64 * 1024
LARGEST_FORM: Final = MAX_UPLOAD_BYTES + _ROOM
"""``request_max_body_size`` of a handler that takes a file: the file, and what a form needs around it."""


class Upload(msgspec.Struct, frozen=True):
    """A sent file with the name that its sender's device gave it; empty where none was chosen."""

    name: str = ""
    data: bytes = b""


async def posted(request: Request[Any, Any, Any], field: str) -> Upload:
    """The file in a field of the posted form. While it arrives it is on disk, not in memory."""
    sent = (await forms.posted(request)).get(field)
    return Upload(sent.filename, await sent.read()) if isinstance(sent, UploadFile) else Upload()


async def posted_all(request: Request[Any, Any, Any], field: str) -> list[Upload]:
    """The files in a field that takes several; none where none was chosen."""
    sent = (await forms.posted(request)).get(field)
    files = [one for one in (sent if isinstance(sent, list) else [sent]) if isinstance(one, UploadFile)]
    # A browser sends a field without a choice as a file without a name.
    return [Upload(one.filename, await one.read()) for one in files if one.filename]
