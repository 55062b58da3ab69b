"""All SQL of notifications."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.notifications.models import Notification
from backend.notifications.types import Kind, NotificationId, Status

_PURGE_BATCH = 5000


class Claimed(msgspec.Struct, frozen=True):
    """A notification that is ours to send for the length of a claim."""

    user_id: UserId
    kind: Kind
    params: dict[str, Any]


_ADD = upsert(Notification).on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(Notification.id)
_CLAIM = (
    update(Notification)
    .where(Notification.id == bindparam("notification_id"), Notification.status.in_([Status.PENDING, Status.FAILED]))
    .where(or_(Notification.claimed_at.is_(None), Notification.claimed_at < bindparam("lapsed")))
    .values(claimed_at=bindparam("now"), status=Status.PENDING)
    .returning(Notification.user_id, Notification.kind, Notification.params)
)
_CLAIMED_AT = select(Notification.claimed_at).where(
    Notification.id == bindparam("notification_id"), Notification.status == Status.PENDING
)
_SETTLE = (
    update(Notification)
    .where(Notification.id == bindparam("notification_id"), Notification.sent_at.is_(None))
    .values(
        status=bindparam("to"),
        claimed_at=None,
        sent_at=bindparam("at"),
        message_id=bindparam("message"),
        error=bindparam("why"),
    )
)


async def add(tx: Tx, user_id: UserId, kind: Kind, params: dict[str, Any], dedupe_key: str) -> NotificationId | None:
    """Note what is to be told to somebody; None when it has been noted before under this key."""
    row = {
        "id": tx.new_id(),
        "user_id": user_id,
        "kind": kind,
        "params": params,
        "dedupe_key": dedupe_key,
        "created_at": tx.now,
    }
    found: UUID | None = (await tx.execute(_ADD, row)).scalar_one_or_none()
    return NotificationId(found) if found else None


async def claim(tx: Tx, notification_id: NotificationId, lease: timedelta) -> Claimed | None:
    """Take the notification for ``lease``; None when it is settled already, or another's for now."""
    values = {"notification_id": notification_id, "now": tx.now, "lapsed": tx.now - lease}
    row = (await tx.execute(_CLAIM, values)).one_or_none()
    return Claimed(UserId(row.user_id), Kind(row.kind), row.params) if row else None


async def find_claim(tx: Tx, notification_id: NotificationId) -> datetime | None:
    """When another took it to send it; None when it is settled."""
    found: datetime | None = (await tx.execute(_CLAIMED_AT, {"notification_id": notification_id})).scalar_one_or_none()
    return found


async def settle(
    tx: Tx, notification_id: NotificationId, status: Status, *, message_id: int | None = None, error: str | None = None
) -> None:
    """Write what became of it and give the claim back; a message that was sent stays sent."""
    at = tx.now if status is Status.SENT else None
    values = {"notification_id": notification_id, "to": status, "at": at, "message": message_id, "why": error}
    await tx.execute(_SETTLE, values)


async def purge(tx: Tx, before: datetime) -> bool:
    """Forget old notifications, some at a time; whether there may be more."""
    old = select(Notification.id).where(Notification.created_at < before).limit(_PURGE_BATCH)
    result = await tx.execute(delete(Notification).where(Notification.id.in_(old)))
    return bool(result.rowcount == _PURGE_BATCH)
