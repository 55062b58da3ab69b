"""The SQL of what messages of the bot are about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.support import models
from backend.support.types import Subject, SubjectKind

_PURGE_BATCH = 5000
_SUBJECT = models.ChatSubject.__table__.c


async def save_subject(tx: Tx, chat_id: int, message_id: int, subject: Subject) -> None:
    """Record what a message is about."""
    row: dict[str, Any] = {
        "kind": subject.kind.value,
        "subject_id": subject.id,
        "user_id": subject.user_id,
        "version": subject.version,
    }
    row |= {"created_at": tx.now}
    saved = insert(models.ChatSubject).values(chat_id=chat_id, message_id=message_id, **row)
    await tx.execute(saved.on_conflict_do_update(index_elements=["chat_id", "message_id"], set_=row))


async def find_subject(tx: Tx, chat_id: int, message_id: int) -> Subject | None:
    """What a message is about, or None."""
    statement = select(_SUBJECT.kind, _SUBJECT.subject_id, _SUBJECT.user_id, _SUBJECT.version)
    statement = statement.where(_SUBJECT.chat_id == chat_id, _SUBJECT.message_id == message_id)
    row = (await tx.execute(statement)).one_or_none()
    return Subject(SubjectKind(row.kind), row.subject_id, UserId(row.user_id), row.version) if row else None


async def purge_subjects(tx: Tx, before: datetime) -> bool:
    """Delete a batch of records of what messages older than ``before`` were about; whether there may be more."""
    old = select(_SUBJECT.chat_id, _SUBJECT.message_id).where(_SUBJECT.created_at < before).limit(_PURGE_BATCH)
    result = await tx.execute(delete(models.ChatSubject).where(tuple_(_SUBJECT.chat_id, _SUBJECT.message_id).in_(old)))
    return bool(result.rowcount == _PURGE_BATCH)
