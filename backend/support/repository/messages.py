"""The SQL of messages between customers and the shop, and of the keys that seal them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, delete, exists, select, text, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert

from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import DataKeyId, OrderId, UserId
from backend.support import models
from backend.support.types import Delivery, SupportMessage, SupportMessageId, TicketId

_MESSAGE = models.SupportMessage.__table__.c
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('support:' || CAST(:user_id AS text), 0))")


class SealedText(msgspec.Struct, frozen=True):
    """A text that ``key_id`` opens."""

    key_id: DataKeyId
    sealed: bytes


class StoredMessage(msgspec.Struct, frozen=True):
    """A message with its sealed text (None for one without) and when it was written."""

    message: SupportMessage
    text: SealedText | None
    at: datetime


async def lock_person(tx: Tx, user_id: UserId) -> None:
    """Let nobody else change a person's conversation until the transaction ends."""
    await tx.execute(_LOCK, {"user_id": str(user_id)})


async def add(tx: Tx, message: SupportMessage, text: SealedText | None, intent: str = "") -> bool:
    """Add a message; False when it was added before."""
    values = msgspec.structs.asdict(message) | {"created_at": tx.now, "intent": intent}
    values |= {"data_key_id": text.key_id if text else None, "sealed": text.sealed if text else None}
    added = insert(models.SupportMessage).values(**values).on_conflict_do_nothing().returning(_MESSAGE.id)
    return (await tx.execute(added)).one_or_none() is not None


async def is_known(tx: Tx, chat_id: int, message_id: int) -> bool:
    """Whether this message of a chat was added before."""
    same = (_MESSAGE.chat_id == chat_id) & (_MESSAGE.message_id == message_id)
    return bool((await tx.execute(select(exists().where(same)))).scalar_one())


async def find_intended(tx: Tx, author_id: UserId, intent: str) -> SupportMessage | None:
    """The message that an admin sent with this idempotency key, or None."""
    rows = select(models.SupportMessage.__table__).where(_MESSAGE.author_id == author_id, _MESSAGE.intent == intent)
    row = (await tx.execute(rows)).one_or_none()
    return _message(row) if row else None


async def get(tx: Tx, message_id: SupportMessageId) -> StoredMessage:
    """One message. Raises NotFound."""
    row = (await tx.execute(select(models.SupportMessage.__table__).where(_MESSAGE.id == message_id))).one_or_none()
    if row is None:
        raise NotFound(f"support message {message_id}")
    return _stored(row)


async def list_of_ticket(
    tx: Tx, ticket_id: TicketId, before: SupportMessageId | None, limit: int
) -> list[StoredMessage]:
    """The latest messages of a ticket, of those before ``before``; the newest first."""
    statement = select(models.SupportMessage.__table__).where(_MESSAGE.ticket_id == ticket_id)
    if before is not None:
        statement = statement.where(_MESSAGE.id < before)
    rows = await tx.execute(statement.order_by(_MESSAGE.id.desc()).limit(limit))
    return [_stored(row) for row in rows]


async def list_by_id(tx: Tx, ids: Collection[UUID]) -> dict[UUID, StoredMessage]:
    """Those of the messages that exist."""
    rows = await tx.execute(select(models.SupportMessage.__table__).where(_MESSAGE.id.in_(ids)))
    return {row.id: _stored(row) for row in rows}


async def set_delivery(tx: Tx, message_id: SupportMessageId, delivery: Delivery) -> TicketId | None:
    """Record what became of an answer; its ticket."""
    change = update(models.SupportMessage).where(_MESSAGE.id == message_id, _MESSAGE.author_id != _MESSAGE.user_id)
    changed = await tx.execute(change.values(delivery=delivery.value).returning(_MESSAGE.ticket_id))
    ticket_id = changed.scalar_one_or_none()
    return TicketId(ticket_id) if ticket_id else None


async def wrote_since(tx: Tx, user_id: UserId, since: datetime) -> bool:
    """Whether the customer has written after ``since``."""
    mine = (_MESSAGE.user_id == user_id) & (_MESSAGE.author_id == user_id) & (_MESSAGE.created_at > since)
    return bool((await tx.execute(select(exists().where(mine)))).scalar_one())


async def find_newest_key(tx: Tx, user_id: UserId) -> DataKeyId | None:
    """The key that seals what is written now in a person's conversation."""
    key = models.SupportKey
    latest = select(key.data_key_id).where(key.user_id == user_id).order_by(key.data_key_id.desc()).limit(1)
    newest = (await tx.execute(latest)).scalar_one_or_none()
    return None if newest is None else DataKeyId(newest)


async def add_key(tx: Tx, user_id: UserId, key_id: DataKeyId) -> None:
    """Note whose conversation a key seals."""
    await tx.execute(plain_insert(models.SupportKey).values(data_key_id=key_id, user_id=user_id))


async def take_keys(tx: Tx, user_id: UserId) -> Sequence[DataKeyId]:
    """Forget all keys of a person's conversations, and return them to be destroyed."""
    gone = delete(models.SupportKey).where(models.SupportKey.user_id == user_id)
    rows = await tx.execute(gone.returning(models.SupportKey.data_key_id))
    return [DataKeyId(row.data_key_id) for row in rows]


def _stored(row: Row[Any]) -> StoredMessage:
    text = SealedText(DataKeyId(row.data_key_id), row.sealed) if row.sealed is not None else None
    return StoredMessage(_message(row), text, row.created_at)


def _message(row: Row[Any]) -> SupportMessage:
    return SupportMessage(
        id=SupportMessageId(row.id),
        user_id=UserId(row.user_id),
        author_id=UserId(row.author_id),
        chat_id=row.chat_id,
        message_id=row.message_id,
        order_id=OrderId(row.order_id) if row.order_id else None,
        ticket_id=TicketId(row.ticket_id) if row.ticket_id else None,
        kind=row.kind,
        delivery=Delivery(row.delivery) if row.delivery else None,
    )
