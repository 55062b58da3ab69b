"""All SQL of support."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, exists, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderId, UserId
from backend.support import models
from backend.support.types import Subject, SubjectKind, SupportMessage, SupportMessageId

_PURGE_BATCH = 5000
_SUBJECT = models.ChatSubject.__table__.c
_MESSAGE = models.SupportMessage.__table__.c


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


async def add_message(tx: Tx, message: SupportMessage) -> bool:
    """Add a message; False when it was added before."""
    values = msgspec.structs.asdict(message) | {"created_at": tx.now}
    added = insert(models.SupportMessage).values(**values).on_conflict_do_nothing().returning(_MESSAGE.id)
    return (await tx.execute(added)).one_or_none() is not None


async def get_message(tx: Tx, message_id: SupportMessageId) -> SupportMessage:
    """One message. Raises NotFound."""
    row = (await tx.execute(select(models.SupportMessage.__table__).where(_MESSAGE.id == message_id))).one_or_none()
    if row is None:
        raise NotFound(f"support message {message_id}")
    return SupportMessage(
        id=SupportMessageId(row.id),
        user_id=UserId(row.user_id),
        author_id=UserId(row.author_id),
        chat_id=row.chat_id,
        message_id=row.message_id,
        order_id=OrderId(row.order_id) if row.order_id else None,
    )


async def wrote_since(tx: Tx, user_id: UserId, since: datetime) -> bool:
    """Whether the customer has written after ``since``."""
    mine = (_MESSAGE.user_id == user_id) & (_MESSAGE.author_id == user_id) & (_MESSAGE.created_at > since)
    return bool((await tx.execute(select(exists().where(mine)))).scalar_one())


async def purge_subjects(tx: Tx, before: datetime) -> bool:
    """Delete a batch of records of what messages older than ``before`` were about; whether there may be more."""
    old = select(_SUBJECT.chat_id, _SUBJECT.message_id).where(_SUBJECT.created_at < before).limit(_PURGE_BATCH)
    result = await tx.execute(delete(models.ChatSubject).where(tuple_(_SUBJECT.chat_id, _SUBJECT.message_id).in_(old)))
    return bool(result.rowcount == _PURGE_BATCH)
