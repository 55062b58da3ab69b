"""SQL of the files of courses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import asdict
from sqlalchemy import delete, insert, select, update

from backend.courses.models.lessons import LessonMedia
from backend.courses.types import CourseId, MediaId, MediaKind
from backend.courses.types.lessons import MediaFile
from backend.infra.unit_of_work import Tx

_FILE: Final = MediaFile.__struct_fields__
_UNSENT: Final = {"telegram_file_id": None, "telegram_bot_id": None}


class Content(msgspec.Struct, frozen=True):
    """Names in the storage: ``stored`` is the author's file.

    Students get ``shown`` instead, where there is one, of ``shown_size`` bytes.
    """

    stored: str
    shown: str | None = None
    shown_size: int | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """Its columns."""
        return asdict(self) | {"sha256": self.stored}


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file with its place in the storage and in Telegram: ``file_id`` is good for the bot ``bot_id`` only."""

    file: MediaFile
    course_id: CourseId
    content: Content
    file_id: str | None
    bot_id: int | None


_ROWS: Final = select(
    *(LessonMedia.__table__.c[name] for name in _FILE),
    LessonMedia.course_id,
    LessonMedia.stored,
    LessonMedia.shown,
    LessonMedia.shown_size,
    LessonMedia.telegram_file_id,
    LessonMedia.telegram_bot_id,
).order_by(LessonMedia.path)


async def list_files(tx: Tx, course_id: CourseId) -> dict[str, StoredFile]:
    """The files of a course by their paths."""
    rows = await tx.execute(_ROWS.where(LessonMedia.course_id == course_id))
    return {row.path: _stored(row) for row in rows}


async def find_file(tx: Tx, media_id: MediaId) -> StoredFile | None:
    """One file."""
    row = (await tx.execute(_ROWS.where(LessonMedia.id == media_id))).one_or_none()
    return None if row is None else _stored(row)


async def add(tx: Tx, course_id: CourseId, values: Mapping[str, Any]) -> MediaId:
    """Insert a file."""
    row = {"id": tx.new_id(), "course_id": course_id}
    await tx.execute(insert(LessonMedia), row | dict(values))
    return MediaId(row["id"])


async def change(tx: Tx, media_id: MediaId, values: Mapping[str, Any]) -> None:
    """Replace a file by another; Telegram has to be sent the new one."""
    row = dict(values) | _UNSENT
    await tx.execute(update(LessonMedia).where(LessonMedia.id == media_id).values(row))


async def set_shown(tx: Tx, media_id: MediaId, content: Content) -> None:
    """Note what students get of a file, unless it was replaced meanwhile; Telegram has to be sent that."""
    statement = update(LessonMedia).where(LessonMedia.id == media_id, LessonMedia.stored == content.stored)
    await tx.execute(statement.values(content.columns | _UNSENT))


async def set_sent(tx: Tx, media_id: MediaId, stored: str, file_id: str, bot_id: int) -> None:
    """Note under which id Telegram knows a file, unless it was replaced while it was sent."""
    statement = update(LessonMedia).where(LessonMedia.id == media_id, LessonMedia.stored == stored)
    await tx.execute(statement.values(telegram_file_id=file_id, telegram_bot_id=bot_id))


async def delete_files(tx: Tx, files: Collection[MediaId]) -> None:
    """Delete files of a course; what they hold is deleted from the storage later."""
    await tx.execute(delete(LessonMedia).where(LessonMedia.id.in_(files)))


async def list_contents(tx: Tx) -> set[str]:
    """The names in the storage that any file of any course has."""
    shown = select(LessonMedia.shown).where(LessonMedia.shown.is_not(None))
    return set((await tx.execute(select(LessonMedia.stored).union(shown))).scalars())


def _stored(row: Any) -> StoredFile:
    values = {name: getattr(row, name) for name in _FILE}
    file = MediaFile(**{**values, "kind": MediaKind(row.kind)})
    return StoredFile(
        file=file,
        course_id=CourseId(row.course_id),
        content=Content(row.stored, row.shown, row.shown_size),
        file_id=row.telegram_file_id,
        bot_id=row.telegram_bot_id,
    )
