"""All SQL of notifications."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, DateTime, Text, bindparam, case, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.notifications.models import Notification
from backend.notifications.types import NotificationId, Status

_PURGE_BATCH = 5000


class Claimed(msgspec.Struct, frozen=True):
    """A notification that is ours to send for the length of a claim."""

    user_id: UserId
    kind: str
    params: dict[str, Any]
    revision: int = 0
    message_id: int | None = None
    """The message in the chat that an earlier revision has become."""


class Touched(msgspec.Struct, frozen=True):
    """A notification that has something new to tell."""

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
        # What has changed since the message was composed is told next.
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
    """Note what is to be told to somebody; None when it has been noted before under this key."""
    row = {
        "id": tx.new_id(),
        "user_id": user_id,
        "kind": kind,
        "params": params,
        "dedupe_key": dedupe_key,
        "thing": thing,
        "created_at": tx.now,
    }
    found: UUID | None = (await tx.execute(_ADD, row)).scalar_one_or_none()
    return NotificationId(found) if found else None


async def claim(tx: Tx, notification_id: NotificationId, lease: timedelta) -> Claimed | None:
    """Take the notification for ``lease``; None when it is settled already, or another's for now."""
    values = {"notification_id": notification_id, "now": tx.now, "lapsed": tx.now - lease}
    row = (await tx.execute(_CLAIM, values)).one_or_none()
    if row is None:
        return None
    return Claimed(UserId(row.user_id), row.kind, row.params, row.revision, row.message_id)


async def touch(
    tx: Tx, thing: str, changes: dict[str, Any], *, only_last: bool = False, unless: str = ""
) -> list[Touched]:
    """Have what was told of ``thing`` told anew with ``changes`` to its params; nothing where they change nothing.

    ``only_last``: only the latest notification of it. ``unless``: only those without this param. What could not be
    told stays untold.
    """
    row = Notification
    found = select(row.id).where(row.thing == thing).order_by(row.created_at.desc(), row.id.desc())
    chosen = row.id.in_(found.limit(1) if only_last else found)
    told = row.status.in_([Status.PENDING, Status.SENT, Status.FAILED])
    merged = row.params.op("||")(bindparam("changes", changes, type_=JSONB))
    changed = update(row).where(chosen, told, merged != row.params, ~row.params.bool_op("?")(literal(unless, Text)))
    changed = changed.values(params=merged, revision=row.revision + 1, status=Status.PENDING)
    return [
        Touched(NotificationId(at.id), at.revision) for at in await tx.execute(changed.returning(row.id, row.revision))
    ]


async def find_claim(tx: Tx, notification_id: NotificationId) -> datetime | None:
    """When another took it to send it; None when it is settled."""
    found: datetime | None = (await tx.execute(_CLAIMED_AT, {"notification_id": notification_id})).scalar_one_or_none()
    return found


async def settle(
    tx: Tx,
    notification_id: NotificationId,
    status: Status,
    revision: int,
    *,
    message_id: int | None = None,
    error: str | None = None,
) -> None:
    """Write what became of its ``revision`` and give the claim back; a message that was sent stays sent."""
    at = tx.now if status is Status.SENT else None
    values = {"notification_id": notification_id, "to": status, "composed": revision, "at": at}
    values |= {"message": message_id, "why": error}
    await tx.execute(_SETTLE, values)


async def purge(tx: Tx, before: datetime) -> bool:
    """Forget old notifications, some at a time; whether there may be more."""
    old = select(Notification.id).where(Notification.created_at < before).limit(_PURGE_BATCH)
    result = await tx.execute(delete(Notification).where(Notification.id.in_(old)))
    return bool(result.rowcount == _PURGE_BATCH)
