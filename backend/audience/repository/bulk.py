"""The SQL of actions on many people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Select, and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.audience.models import PeopleBulkItemRow, PeopleBulkRow
from backend.audience.types import (
    UNDO_LASTS,
    PeopleBulk,
    PeopleBulkId,
    PeopleBulkStatus,
    PeopleGroup,
    PeopleTerms,
)
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId

_B: Final = PeopleBulkRow.__table__.c
_I: Final = PeopleBulkItemRow.__table__.c
_DRAFTS_LAST: Final = timedelta(hours=24)
_FIRST: Final = 5
_LEFT: Final = and_(_I.outcome.is_(None), _I.refusal.is_(None))
_TO_UNDO: Final = and_(_I.outcome == "done", _I.undo.is_(None))


class Undoing(msgspec.Struct, frozen=True):
    """A person whose turn it is, and the block that the action ended."""

    user_id: UserId
    before_reason: str | None
    before_until: datetime | None


class Head(msgspec.Struct, frozen=True):
    """How far an action is, what it does, and who began or undoes it."""

    status: PeopleBulkStatus
    terms: PeopleTerms
    by: UserId
    undone_by: UserId | None


async def find_by_key(tx: Tx, by: UserId, key: str) -> PeopleBulkId | None:
    """The action that this admin began with the key."""
    statement = select(_B.id).where(_B.created_by == by, _B.idempotency_key == key)
    earlier = (await tx.execute(statement)).scalar_one_or_none()
    return None if earlier is None else PeopleBulkId(earlier)


async def add(
    tx: Tx, by: UserId, key: str, terms: PeopleTerms, people: Iterable[tuple[UserId, str | None]]
) -> PeopleBulkId | None:
    """Store a plan: each person, and why it is not for them; None where the admin's key was used meanwhile.

    Old drafts of theirs are dropped, and so is what undoing ended actions would have needed.
    """
    old = (_B.created_by == by, _B.status == PeopleBulkStatus.DRAFT, _B.created_at < tx.now - _DRAFTS_LAST)
    await tx.execute(delete(PeopleBulkRow).where(*old))
    ended = select(_B.id).where(_B.ended_at < tx.now - UNDO_LASTS, _B.status != PeopleBulkStatus.UNDOING)
    stale = (_I.bulk_id.in_(ended), _I.before_reason.is_not(None))
    await tx.execute(update(PeopleBulkItemRow).where(*stale).values(before_reason=None, before_until=None))
    values = {
        "id": tx.new_id(), "created_by": by, "idempotency_key": key, "status": PeopleBulkStatus.DRAFT.value,
        "terms": msgspec.to_builtins(terms), "created_at": tx.now,
    }  # fmt: skip
    statement = insert(PeopleBulkRow).values(values).on_conflict_do_nothing().returning(_B.id)
    bulk_id = (await tx.execute(statement)).scalar_one_or_none()
    if bulk_id is None:
        return None
    items = [{"bulk_id": bulk_id, "user_id": user_id, "refusal": refusal} for user_id, refusal in people]
    await tx.execute(insert(PeopleBulkItemRow), items)
    return PeopleBulkId(bulk_id)


async def lock(tx: Tx, bulk_id: PeopleBulkId) -> PeopleBulk:
    """An action, locked. Raises NotFound."""
    await tx.execute(select(_B.id).where(_B.id == bulk_id).with_for_update())
    return await get(tx, bulk_id)


async def get(tx: Tx, bulk_id: PeopleBulkId) -> PeopleBulk:
    """An action with its counts. Raises NotFound."""
    row = (await tx.execute(select(PeopleBulkRow.__table__).where(_B.id == bulk_id))).one_or_none()
    if row is None:
        raise NotFound("no such action on people")
    columns = (_I.refusal, _I.outcome, _I.failure, _I.undo)
    first = func.array_agg(_I.user_id).label("first")
    grouped = select(*columns, func.count().label("people"), first).where(_I.bulk_id == bulk_id).group_by(*columns)
    groups = (await tx.execute(grouped.order_by(func.count().desc()))).all()

    def total(**equal: str) -> int:
        return sum(int(one.people) for one in groups if all(getattr(one, name) == is_ for name, is_ in equal.items()))

    status, done = PeopleBulkStatus(row.status), total(outcome="done")
    recent = row.ended_at is not None and tx.now < row.ended_at + UNDO_LASTS
    return PeopleBulk(
        id=bulk_id,
        terms=msgspec.convert(row.terms, PeopleTerms),
        status=status,
        by=UserId(row.created_by),
        undone_by=None if row.undone_by is None else UserId(row.undone_by),
        at=row.created_at,
        people=total(),
        able=sum(int(one.people) for one in groups if one.refusal is None),
        done=done,
        failed=total(outcome="failed"),
        stopped=total(outcome="stopped"),
        undone=total(undo="undone"),
        untouched=total(undo="untouched"),
        undoable=bool(done) and recent and status in {PeopleBulkStatus.DONE, PeopleBulkStatus.STOPPED},
        refusals=tuple(_group(one.refusal, one) for one in groups if one.refusal),
        failures=tuple(_group(one.failure, one) for one in groups if one.outcome == "failed"),
        keeps=tuple(_group(one.failure, one) for one in groups if one.undo == "untouched"),
    )


def _group(code: str | None, row: Any) -> PeopleGroup:
    return PeopleGroup(code or "", row.people, tuple(UserId(one) for one in sorted(row.first)[:_FIRST]))


async def set_status(tx: Tx, bulk_id: PeopleBulkId, status: PeopleBulkStatus, undone_by: UserId | None = None) -> None:
    """Move an action to ``status``; one that ends is dated."""
    change: dict[str, Any] = {"status": status.value}
    if status in {PeopleBulkStatus.DONE, PeopleBulkStatus.STOPPED}:
        change["ended_at"] = tx.now
    if undone_by is not None:
        change["undone_by"] = undone_by
    await tx.execute(update(PeopleBulkRow).where(_B.id == bulk_id).values(change))


async def head_of(tx: Tx, bulk_id: PeopleBulkId) -> Head:
    """How far an action is; its row is untouched from changing. Raises NotFound."""
    columns = (_B.status, _B.terms, _B.created_by, _B.undone_by)
    row = (await tx.execute(select(*columns).where(_B.id == bulk_id).with_for_update(read=True))).one_or_none()
    if row is None:
        raise NotFound("no such action on people")
    terms = msgspec.convert(row.terms, PeopleTerms)
    return Head(PeopleBulkStatus(row.status), terms, row.created_by, row.undone_by)


async def lock_next(tx: Tx, bulk_id: PeopleBulkId, *, undo: bool) -> Undoing | None:
    """The next person of an action or of its undo, their item locked; what another process has locked is skipped."""
    statement = (
        select(_I.user_id, _I.before_reason, _I.before_until)
        .where(_I.bulk_id == bulk_id, _TO_UNDO if undo else _LEFT)
        .order_by(_I.user_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else Undoing(UserId(row.user_id), row.before_reason, row.before_until)


async def set_item(tx: Tx, bulk_id: PeopleBulkId, user_id: UserId, **change: Any) -> None:
    """Store what became of one person."""
    await tx.execute(update(PeopleBulkItemRow).where(_I.bulk_id == bulk_id, _I.user_id == user_id).values(**change))


async def stop_rest(tx: Tx, bulk_id: PeopleBulkId) -> None:
    """Leave alone those who have not had their turn."""
    await tx.execute(update(PeopleBulkItemRow).where(_I.bulk_id == bulk_id, _LEFT).values(outcome="stopped"))


async def keep_rest(tx: Tx, bulk_id: PeopleBulkId) -> None:
    """Leave as they are those whom an undo has not reached."""
    rest = update(PeopleBulkItemRow).where(_I.bulk_id == bulk_id, _TO_UNDO)
    await tx.execute(rest.values(undo="untouched", failure="no_right"))


async def has_left(tx: Tx, bulk_id: PeopleBulkId, *, undo: bool) -> bool:
    """Whether somebody has not had their turn."""
    statement = select(_I.user_id).where(_I.bulk_id == bulk_id, _TO_UNDO if undo else _LEFT).limit(1)
    return (await tx.execute(statement)).first() is not None


async def list_recent(tx: Tx, limit: int) -> list[PeopleBulkId]:
    """The latest actions that were confirmed, by anybody."""
    statement: Select[Any] = select(_B.id).where(_B.status != PeopleBulkStatus.DRAFT).order_by(_B.id.desc())
    return [PeopleBulkId(one) for one in (await tx.execute(statement.limit(limit))).scalars()]
