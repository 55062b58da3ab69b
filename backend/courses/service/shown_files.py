"""What students get of an author's file: where it may tell more than it shows, a copy that does not; else the file."""

from __future__ import annotations

import asyncio
import io
from typing import BinaryIO, Final

from backend.courses.repository import media
from backend.courses.repository.media import Content, StoredFile
from backend.courses.rules.mp4 import list_telling
from backend.courses.types import MediaKind
from backend.infra.content_files import ContentFiles
from backend.infra.pictures import without_metadata
from backend.infra.unit_of_work import UnitOfWork

_FILMS: Final = frozenset(("video/mp4", "audio/mp4"))


async def put(files: ContentFiles, source: BinaryIO, kind: MediaKind, mime: str, size: int) -> Content:
    """Store a file of ``size`` bytes, and its copy where students get one."""
    return await _with_copy(files, await files.put(source), kind, mime, size)


def lacks_copy(item: StoredFile) -> bool:
    """Whether a file was stored before there were copies of its kind, and nobody has needed one since."""
    return item.content.shown is None and (item.file.kind is MediaKind.PICTURE or item.file.mime in _FILMS)


async def shown_of(uow: UnitOfWork, files: ContentFiles, item: StoredFile) -> tuple[str, int]:
    """What students get of a file: its name in the storage and its size in bytes.

    A copy that is lacking is made now. Raises NotFound for such a file that is not in the storage.
    """
    content = item.content
    if lacks_copy(item):
        content = await _with_copy(files, content.stored, item.file.kind, item.file.mime, item.file.size)
        async with uow() as tx:
            await media.set_shown(tx, item.file.id, content)
    if content.shown is None or content.shown_size is None:
        return content.stored, item.file.size
    return content.shown, content.shown_size


async def _with_copy(files: ContentFiles, stored: str, kind: MediaKind, mime: str, size: int) -> Content:
    if mime in _FILMS:
        return Content(stored, await files.overwritten(stored, list_telling), size)
    if kind is not MediaKind.PICTURE:
        return Content(stored)
    clean = await asyncio.to_thread(without_metadata, await files.get(stored), mime)
    return Content(stored, await files.put(io.BytesIO(clean)), len(clean))
