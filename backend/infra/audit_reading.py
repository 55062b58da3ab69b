"""The audit trail as it is read: entries by filter, the latest first, with what is sealed opened."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, literal_column, or_, select, tuple_

from backend.infra.audit import AREA, AuditEntry, Content, context
from backend.infra.crypto import DataKey, DecryptionError, open_sealed
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import DataKeyId, UserId

_E: Final = AuditEntry
_CONTENT: Final = msgspec.json.Decoder(Content)
# As a literal, so that PostgreSQL sees the index's own expression.
_area: Final[ColumnElement[str]] = literal_column(AREA)


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of entries ends."""

    at: datetime
    id: UUID


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are asked for; what is None or empty does not matter."""

    actor_id: UserId | None = None
    area: str = ""
    """What actions belong to: ``users`` of ``users.blacklist``."""
    actions: tuple[str, ...] = ()
    subject: str = ""
    person_id: UserId | None = None
    """Whose data they have, or who is their subject."""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An entry with all that it says."""

    id: UUID
    at: datetime
    actor_id: UserId | None
    """None for the system."""
    action: str
    subject: str
    person_id: UserId | None
    via: str | None
    """A value of Via; None in entries of before 0085."""
    network: str | None
    session_id: UUID | None
    content: Content | None
    """None where it is erased."""


async def find(tx: Tx, chosen: Chosen, after: Cursor | None, limit: int) -> list[Line]:
    """The entries that ``chosen`` asks for, the latest first, from ``after`` on."""
    statement = _statement(chosen)
    if after is not None:
        statement = statement.where(tuple_(_E.at, _E.id) < (after.at, after.id))
    rows = (await tx.execute(statement.order_by(_E.at.desc(), _E.id.desc()).limit(limit))).all()
    return [await _line(tx, row) for row in rows]


def _statement(chosen: Chosen) -> Select[Any]:
    columns = (_E.id, _E.at, _E.actor_id, _E.action, _E.subject, _E.params, _E.before, _E.after, _E.person_id)
    sealed = (_E.via, _E.network, _E.session_id, _E.sealed, _E.data_key_id, DataKey.id.label("key_id"))
    # The join says whether a key exists: this process's ring may remember one that another process has destroyed.
    statement = select(*columns, *sealed).outerjoin(DataKey, DataKey.id == _E.data_key_id)
    if chosen.actor_id is not None:
        statement = statement.where(_E.actor_id == chosen.actor_id)
    if chosen.area:
        statement = statement.where(_area == chosen.area)
    if chosen.actions:
        statement = statement.where(_E.action.in_(chosen.actions))
    if chosen.subject:
        statement = statement.where(_E.subject == chosen.subject)
    if chosen.person_id is not None:
        statement = statement.where(or_(_E.person_id == chosen.person_id, _E.subject == f"user:{chosen.person_id}"))
    if chosen.since is not None:
        statement = statement.where(_E.at >= chosen.since)
    if chosen.until is not None:
        statement = statement.where(_E.at < chosen.until)
    return statement


async def _line(tx: Tx, row: Any) -> Line:
    return Line(
        id=row.id,
        at=row.at,
        actor_id=row.actor_id,
        action=row.action,
        subject=row.subject,
        person_id=row.person_id,
        via=row.via,
        network=row.network,
        session_id=row.session_id,
        content=await _content(tx, row),
    )


async def _content(tx: Tx, row: Any) -> Content | None:
    if row.person_id is None:
        return Content(params=row.params, before=row.before, after=row.after)
    if row.key_id is None or row.sealed is None or tx.ring is None:
        return None
    try:
        key = await tx.ring.get(tx, DataKeyId(row.key_id))
        return _CONTENT.decode(open_sealed(key, row.sealed, context(row.id, row.person_id)))
    except DecryptionError:
        return None
