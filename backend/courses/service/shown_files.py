"""What students get of an author's file: of a picture a copy without metadata, of everything else the file itself."""

from __future__ import annotations

import asyncio
import io
from typing import BinaryIO

from backend.courses.repository import media
from backend.courses.repository.media import Content, StoredFile
from backend.courses.types import MediaKind
from backend.infra.content_files import ContentFiles
from backend.infra.pictures import without_metadata
from backend.infra.unit_of_work import UnitOfWork


async def put(files: ContentFiles, source: BinaryIO, kind: MediaKind, mime: str) -> Content:
    """Store a file, and of a picture its copy."""
    return await _with_copy(files, await files.put(source), kind, mime)


async def shown_of(uow: UnitOfWork, files: ContentFiles, item: StoredFile) -> tuple[str, int]:
    """What students get of a file: its name in the storage and its size in bytes.

    The copy of a picture that was stored before there were copies is made now. Raises NotFound for a picture that is
    not in the storage.
    """
    content = item.content
    if content.shown is None and item.file.kind is MediaKind.PICTURE:
        content = await _with_copy(files, content.stored, item.file.kind, item.file.mime)
        async with uow() as tx:
            await media.set_shown(tx, item.file.id, content)
    if content.shown is None or content.shown_size is None:
        return content.stored, item.file.size
    return content.shown, content.shown_size


async def _with_copy(files: ContentFiles, stored: str, kind: MediaKind, mime: str) -> Content:
    if kind is not MediaKind.PICTURE:
        return Content(stored)
    clean = await asyncio.to_thread(without_metadata, await files.get(stored), mime)
    return Content(stored, await files.put(io.BytesIO(clean)), len(clean))
