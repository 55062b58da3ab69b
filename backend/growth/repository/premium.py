"""All SQL about months of premium that were bought or given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update

from backend.growth.models import PremiumGrantRow
from backend.growth.types.premium import PremiumGrant, PremiumGrantId
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderLineId, UserId

_SHOWN = 20


class LineGrant(msgspec.Struct, frozen=True):
    """What a line of an order gives: ``started_at`` is when the period began that it is part of, once delivered."""

    id: PremiumGrantId
    user_id: UserId
    months: int
    taken: int
    started_at: datetime | None


async def add_for_line(tx: Tx, line_id: OrderLineId, user_id: UserId, months: int, started_at: datetime | None) -> None:
    """Store what a line gives; without ``started_at`` it is reserved."""
    values = {"id": tx.new_id(), "order_line_id": line_id, "user_id": user_id, "months": months, "at": tx.now}
    await tx.execute(insert(PremiumGrantRow), {**values, "started_at": started_at})


async def add_by_admin(tx: Tx, user_id: UserId, months: int, by: UserId | None, reason: str) -> None:
    """Store months that an admin gives, or takes (negative)."""
    values = {"id": tx.new_id(), "user_id": user_id, "months": months, "by": by, "reason": reason, "at": tx.now}
    await tx.execute(insert(PremiumGrantRow), {**values, "started_at": tx.now})


async def find_reserved(tx: Tx, lines: Sequence[OrderLineId]) -> dict[OrderLineId, int]:
    """The months that are reserved for those of the lines that have some, locked."""
    statement = (
        select(PremiumGrantRow.order_line_id, PremiumGrantRow.months)
        .where(PremiumGrantRow.order_line_id.in_(lines), PremiumGrantRow.started_at.is_(None))
        .order_by(PremiumGrantRow.order_line_id)
        .with_for_update()
    )
    return {OrderLineId(row.order_line_id): row.months for row in await tx.execute(statement)}


async def mark_delivered(tx: Tx, lines: Sequence[OrderLineId], started_at: datetime) -> None:
    """What was reserved for the lines is given now, as a part of the period that began at ``started_at``."""
    chosen = update(PremiumGrantRow).where(PremiumGrantRow.order_line_id.in_(lines))
    await tx.execute(chosen.values(started_at=started_at, at=tx.now))


async def release(tx: Tx, lines: Sequence[OrderLineId]) -> None:
    """Forget what is reserved for the lines."""
    gone = delete(PremiumGrantRow).where(PremiumGrantRow.order_line_id.in_(lines), PremiumGrantRow.started_at.is_(None))
    await tx.execute(gone)


_LINE = (
    select(
        PremiumGrantRow.id,
        PremiumGrantRow.user_id,
        PremiumGrantRow.months,
        PremiumGrantRow.taken,
        PremiumGrantRow.started_at,
    )
    .where(PremiumGrantRow.order_line_id == bindparam("line_id"))
    .with_for_update()
)


async def lock_line(tx: Tx, line_id: OrderLineId) -> LineGrant | None:
    """What a line gives, locked; None for a line that gives nothing."""
    row = (await tx.execute(_LINE, {"line_id": line_id})).one_or_none()
    return LineGrant(row.id, row.user_id, row.months, row.taken, row.started_at) if row else None


async def add_taken(tx: Tx, grant_id: PremiumGrantId, months: int) -> None:
    """Note that so many more months of a grant were taken back."""
    chosen = update(PremiumGrantRow).where(PremiumGrantRow.id == grant_id)
    await tx.execute(chosen.values(taken=PremiumGrantRow.taken + months))


async def is_given_by(tx: Tx, lines: Sequence[OrderLineId], user_id: UserId) -> bool:
    """Whether one of the lines has given months to this person, of which some are left."""
    left = func.count().filter(PremiumGrantRow.taken < PremiumGrantRow.months)
    statement = select(left).where(
        PremiumGrantRow.order_line_id.in_(lines),
        PremiumGrantRow.user_id == user_id,
        PremiumGrantRow.started_at.is_not(None),
    )
    return bool((await tx.execute(statement)).scalar_one())


async def list_grants(tx: Tx, user_id: UserId) -> list[PremiumGrant]:
    """The latest grants of a person, the newest first; a bought one without what was taken back."""
    statement = (
        select(PremiumGrantRow)
        .with_only_columns(
            PremiumGrantRow.order_line_id,
            (PremiumGrantRow.months - PremiumGrantRow.taken).label("months"),
            PremiumGrantRow.at,
            PremiumGrantRow.by,
            PremiumGrantRow.reason,
        )
        .where(PremiumGrantRow.user_id == user_id, PremiumGrantRow.started_at.is_not(None))
        .order_by(PremiumGrantRow.at.desc(), PremiumGrantRow.id.desc())
        .limit(_SHOWN)
    )
    return [
        PremiumGrant(
            months=row.months,
            at=row.at,
            bought=row.order_line_id is not None,
            by=UserId(row.by) if row.by else None,
            reason=row.reason or "",
        )
        for row in await tx.execute(statement)
    ]
