"""All SQL of notifications."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, DateTime, Text, bindparam, case, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.infra.timeline import Before, Entry, EntryKind, newest
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.notifications.models import Notification, TelegramFile
from backend.notifications.types import NotificationId, Status

_PURGE_BATCH = 5000


class Claimed(msgspec.Struct, frozen=True):
    """A notification that this run may send until its claim lapses."""

    user_id: UserId
    kind: str
    params: dict[str, Any]
    revision: int = 0
    message_id: int | None = None
    """The id of the message in the chat, if an earlier revision was sent."""


class Changed(msgspec.Struct, frozen=True):
    """A notification whose facts have changed since it was sent."""

    id: NotificationId
    revision: int


_ADD = upsert(Notification).on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(Notification.id)
_CLAIM = (
    update(Notification)
    .where(Notification.id == bindparam("notification_id"), Notification.status.in_([Status.PENDING, Status.FAILED]))
    .where(or_(Notification.claimed_at.is_(None), Notification.claimed_at < bindparam("lapsed")))
    .values(claimed_at=bindparam("now"), status=Status.PENDING)
    .returning(
        Notification.user_id,
        Notification.kind,
        Notification.params,
        Notification.revision,
        Notification.message_id,
    )
)
_CLAIMED_AT = select(Notification.claimed_at).where(
    Notification.id == bindparam("notification_id"), Notification.status == Status.PENDING
)
_SETTLE = (
    update(Notification)
    .where(Notification.id == bindparam("notification_id"), Notification.status != Status.SENT)
    .values(
        # What changed while the message was composed is sent next.
        status=case((Notification.revision == bindparam("composed"), bindparam("to")), else_=Status.PENDING),
        claimed_at=None,
        sent_at=func.coalesce(bindparam("at", type_=DateTime(timezone=True)), Notification.sent_at),
        message_id=func.coalesce(bindparam("message", type_=BigInteger), Notification.message_id),
        error=bindparam("why"),
    )
)


async def add(
    tx: Tx, user_id: UserId, kind: str, params: dict[str, Any], dedupe_key: str, thing: str | None = None
) -> NotificationId | None:
    """Store a message for a person; None if the key exists."""
    row = {
        "id": tx.new_id(),
        "user_id": user_id,
        "kind": kind,
        "params": params,
        "dedupe_key": dedupe_key,
        "thing": thing,
        "created_at": tx.now,
    }
    notification_id: UUID | None = (await tx.execute(_ADD, row)).scalar_one_or_none()
    return NotificationId(notification_id) if notification_id else None


async def claim(tx: Tx, notification_id: NotificationId, lease: timedelta) -> Claimed | None:
    """Claim the notification for ``lease``; None if it is settled, or claimed by another run."""
    values = {"notification_id": notification_id, "now": tx.now, "lapsed": tx.now - lease}
    row = (await tx.execute(_CLAIM, values)).one_or_none()
    if row is None:
        return None
    return Claimed(UserId(row.user_id), row.kind, row.params, row.revision, row.message_id)


async def change(
    tx: Tx, thing: str, changes: dict[str, Any], *, only_last: bool = False, unless: str = ""
) -> list[Changed]:
    """Merge ``changes`` into the params of a thread's notifications; returns those that changed, to be sent again.

    ``only_last``: only the latest one. ``unless``: only those without this param. Withheld and undeliverable ones stay
    as they are.
    """
    row = Notification
    thread = select(row.id).where(row.thing == thing).order_by(row.created_at.desc(), row.id.desc())
    chosen = row.id.in_(thread.limit(1) if only_last else thread)
    deliverable = row.status.in_([Status.PENDING, Status.SENT, Status.FAILED])
    merged = row.params.op("||")(bindparam("changes", changes, type_=JSONB))
    changed = update(row).where(
        chosen, deliverable, merged != row.params, ~row.params.bool_op("?")(literal(unless, Text))
    )
    changed = changed.values(params=merged, revision=row.revision + 1, status=Status.PENDING)
    return [
        Changed(NotificationId(at.id), at.revision) for at in await tx.execute(changed.returning(row.id, row.revision))
    ]


async def find_claim(tx: Tx, notification_id: NotificationId) -> datetime | None:
    """When another run claimed it; None if it is settled."""
    claimed_at: datetime | None = (
        await tx.execute(_CLAIMED_AT, {"notification_id": notification_id})
    ).scalar_one_or_none()
    return claimed_at


async def settle(
    tx: Tx,
    notification_id: NotificationId,
    status: Status,
    revision: int,
    *,
    message_id: int | None = None,
    error: str | None = None,
) -> None:
    """Store the outcome of its ``revision`` and end the claim; a sent message stays sent."""
    at = tx.now if status is Status.SENT else None
    values = {"notification_id": notification_id, "to": status, "composed": revision, "at": at}
    values |= {"message": message_id, "why": error}
    await tx.execute(_SETTLE, values)


async def purge(tx: Tx, before: datetime) -> bool:
    """Delete a batch of old notifications; whether there may be more."""
    old = select(Notification.id).where(Notification.created_at < before).limit(_PURGE_BATCH)
    result = await tx.execute(delete(Notification).where(Notification.id.in_(old)))
    return bool(result.rowcount == _PURGE_BATCH)


async def list_timeline(tx: Tx, user_id: UserId, before: Before, limit: int) -> list[Entry]:
    """The newest messages to a person before a place, with what became of them; a source of their timeline."""
    place = Notification.created_at, Notification.id
    statement = select(Notification.id, Notification.created_at, Notification.kind, Notification.status).where(
        Notification.user_id == user_id
    )
    return [
        Entry(kind=EntryKind.MESSAGE, at=row.created_at, id=row.id, state=row.kind, delivery=row.status)
        for row in await tx.execute(newest(statement, place, before, limit))
    ]


async def find_file_id(tx: Tx, bot_id: int, content: str) -> str | None:
    """Telegram's id of a stored file, as this bot may use it."""
    row = TelegramFile
    statement = select(row.file_id).where(row.bot_id == bot_id, row.content == content)
    file_id: str | None = (await tx.execute(statement)).scalar_one_or_none()
    return file_id


async def set_file_id(tx: Tx, bot_id: int, content: str, file_id: str) -> None:
    """Keep Telegram's id of a stored file; it takes the place of an earlier one."""
    values = {"file_id": file_id, "stored_at": tx.now}
    statement = upsert(TelegramFile).values(bot_id=bot_id, content=content, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["bot_id", "content"], set_=values))


async def drop_file_id(tx: Tx, bot_id: int, content: str, file_id: str) -> None:
    """Forget an id that Telegram refuses, unless another has taken its place."""
    row = TelegramFile
    await tx.execute(delete(row).where(row.bot_id == bot_id, row.content == content, row.file_id == file_id))
