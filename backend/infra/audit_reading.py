"""The audit trail as it is read: entries by filter, the latest first, with what is sealed opened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Subquery, literal_column, or_, select, tuple_, union

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


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """Entries that have any of these: done by or about ``people``, of ``actions``, on ``subjects``."""

    people: tuple[UserId, ...] = ()
    actions: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are asked for; what is None or empty does not matter."""

    actor_id: UserId | None = None
    areas: tuple[str, ...] = ()
    """What actions belong to: ``users`` of ``users.blacklist``."""
    subject: str = ""
    person_id: UserId | None = None
    """Whose data they have, or who is their subject."""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    search: Search | None = None


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
    branches = _branches(chosen)
    if not branches:
        return []
    page = _page(_common(chosen, after), branches, limit)
    columns = (_E.id, _E.at, _E.actor_id, _E.action, _E.subject, _E.params, _E.before, _E.after, _E.person_id)
    sealed = (_E.via, _E.network, _E.session_id, _E.sealed, _E.data_key_id, DataKey.id.label("key_id"))
    # The join says whether a key exists: this process's ring may remember one that another process has destroyed.
    statement = (
        select(*columns, *sealed)
        .join(page, page.c.id == _E.id)
        .outerjoin(DataKey, DataKey.id == _E.data_key_id)
        .order_by(_E.at.desc(), _E.id.desc())
    )
    return [await _line(tx, row) for row in (await tx.execute(statement)).all()]


def _page(
    common: Sequence[ColumnElement[bool]], branches: Sequence[ColumnElement[bool] | None], limit: int
) -> Subquery:
    """The ids of one page.

    Each branch walks along an index of its own and ends after ``limit`` rows, however many entries there are; one
    condition with OR would read them all.
    """
    parts = []
    for branch in branches:
        where = common if branch is None else (*common, branch)
        parts.append(select(_E.at, _E.id).where(*where).order_by(_E.at.desc(), _E.id.desc()).limit(limit).subquery())
    if len(parts) == 1:
        return parts[0]
    both = union(*(select(part.c.at, part.c.id) for part in parts)).subquery()
    return select(both.c.id).order_by(both.c.at.desc(), both.c.id.desc()).limit(limit).subquery()


def _common(chosen: Chosen, after: Cursor | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if after is not None:
        conditions.append(tuple_(_E.at, _E.id) < (after.at, after.id))
    if chosen.actor_id is not None:
        conditions.append(_E.actor_id == chosen.actor_id)
    if chosen.subject:
        conditions.append(_E.subject == chosen.subject)
    if chosen.since is not None:
        conditions.append(_E.at >= chosen.since)
    if chosen.until is not None:
        conditions.append(_E.at < chosen.until)
    if chosen.search is not None and chosen.areas:
        conditions.append(_area.in_(chosen.areas))
    if chosen.person_id is not None and (chosen.search is not None or len(chosen.areas) > 1):
        conditions.append(or_(*_about(chosen.person_id)))
    return conditions


def _branches(chosen: Chosen) -> list[ColumnElement[bool] | None]:
    """Conditions of which an entry meets any; None for no condition."""
    if (search := chosen.search) is not None:
        people = [branch for person in search.people for branch in (_E.actor_id == person, *_about(person))]
        subjects = [_E.subject == subject for subject in search.subjects]
        return [*people, *(_E.action == action for action in search.actions), *subjects]
    if len(chosen.areas) > 1:
        return [_area == area for area in chosen.areas]
    if chosen.areas:
        only = _area == chosen.areas[0]
        return [only] if chosen.person_id is None else [only & about for about in _about(chosen.person_id)]
    return [None] if chosen.person_id is None else list(_about(chosen.person_id))


def _about(person: UserId) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _E.person_id == person, _E.subject == f"user:{person}"


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
