"""SQL of messages in the chat that become versions, and of what a student's next message belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from backend.assignments import models
from backend.assignments.types import SubmissionId, WorkKind
from backend.courses.types import LessonId
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import DataKeyId, UserId

_P: Final = models.SubmissionPart.__table__.c
_O: Final = models.SubmissionOpening.__table__.c


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a message of a student's belongs to; ``about_id`` is the question that goes on."""

    kind: WorkKind
    lesson_id: LessonId
    about_id: SubmissionId | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A message that becomes a version, or is in one; names as in the table."""

    chat_id: int
    message_id: int
    user_id: UserId
    kind: WorkKind
    lesson_id: LessonId
    about_id: SubmissionId | None
    media_group_id: str | None
    data_key_id: DataKeyId | None
    ciphertext: bytes | None
    has_file: bool
    file_id: str | None
    file_name: str | None
    file_size: int | None
    received_at: datetime
    submission_id: SubmissionId | None = None
    version: int | None = None
    refused: str | None = None

    @property
    def waits(self) -> bool:
        """Whether it is neither in a version nor refused."""
        return self.version is None and self.refused is None


async def add(tx: Tx, part: Part) -> bool:
    """Store a message; False for one that was stored before."""
    statement = insert(models.SubmissionPart).values(**msgspec.structs.asdict(part)).on_conflict_do_nothing()
    return (await tx.execute(statement.returning(_P.message_id))).first() is not None


async def find(tx: Tx, chat_id: int, message_id: int) -> Part | None:
    """A message that was stored."""
    where = (_P.chat_id == chat_id) & (_P.message_id == message_id)
    row = (await tx.execute(select(models.SubmissionPart.__table__).where(where))).one_or_none()
    return None if row is None else _part(row)


async def list_album(tx: Tx, part: Part) -> list[Part]:
    """The messages of a message's album as far as they have come, in their order; that one alone without an album."""
    where = (_P.chat_id == part.chat_id) & (
        _P.message_id == part.message_id if part.media_group_id is None else _P.media_group_id == part.media_group_id
    )
    rows = await tx.execute(select(models.SubmissionPart.__table__).where(where).order_by(_P.message_id))
    return [_part(row) for row in rows]


async def find_target(tx: Tx, chat_id: int, user_id: UserId, album: str) -> Target | None:
    """What the other messages of an album belong to."""
    where = (_P.chat_id == chat_id) & (_P.media_group_id == album) & (_P.user_id == user_id)
    row = (await tx.execute(select(_P.kind, _P.lesson_id, _P.about_id).where(where).limit(1))).first()
    if row is None:
        return None
    about = SubmissionId(row.about_id) if row.about_id else None
    return Target(kind=WorkKind(row.kind), lesson_id=LessonId(row.lesson_id), about_id=about)


async def settle(tx: Tx, parts: Sequence[Part], **values: Any) -> None:
    """Note which version messages are in, or why they are in none; their texts are forgotten."""
    ids = [(one.chat_id, one.message_id) for one in parts]
    statement = update(models.SubmissionPart).where(tuple_(_P.chat_id, _P.message_id).in_(ids))
    await tx.execute(statement.values(**values, ciphertext=None, data_key_id=None))


async def open_lesson(tx: Tx, user_id: UserId, lesson_id: LessonId) -> None:
    """Have what the student sends next belong to a lesson."""
    row = {"user_id": user_id, "lesson_id": lesson_id, "opened_at": tx.now}
    statement = insert(models.SubmissionOpening).values(**row)
    await tx.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=row))


async def take_opening(tx: Tx, user_id: UserId, since: datetime) -> LessonId | None:
    """The lesson that was opened ``since``, once: what comes after belongs to it no more."""
    statement = delete(models.SubmissionOpening).where(_O.user_id == user_id).returning(_O.lesson_id, _O.opened_at)
    row = (await tx.execute(statement)).first()
    return LessonId(row.lesson_id) if row is not None and row.opened_at > since else None


def _part(row: Any) -> Part:
    return Part(**dict(row._mapping) | {"kind": WorkKind(row.kind)})
