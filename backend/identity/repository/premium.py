"""SQL of who is a premium member until when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.identity.models import Premium, User
from backend.identity.repository import PREMIUM_UNTIL
from backend.identity.types import PremiumPeriod, PremiumStage
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId


def _lock() -> Any:
    new = insert(Premium).values(user_id=bindparam("user_id"), started_at=bindparam("now"))
    # An update of nothing, which locks the row whether it is new or not.
    same = new.on_conflict_do_update(index_elements=[Premium.user_id], set_={"user_id": new.excluded.user_id})
    return same.returning(Premium.started_at, Premium.months, Premium.until)


_LOCK = _lock()
_END = select(User.is_premium, PREMIUM_UNTIL).where(User.id == bindparam("user_id"))
_FIND = select(Premium.started_at, Premium.months, Premium.until).where(
    Premium.user_id == bindparam("user_id"), Premium.until.is_not(None)
)


async def lock(tx: Tx, user_id: UserId) -> PremiumPeriod | None:
    """The person's latest period of premium, over or not, locked even where there is none."""
    row = (await tx.execute(_LOCK, {"user_id": user_id, "now": tx.now})).one()
    return None if row.until is None else PremiumPeriod(row.started_at, row.months, row.until)


async def find(tx: Tx, user_id: UserId) -> PremiumPeriod | None:
    """The person's latest period of premium, over or not."""
    row = (await tx.execute(_FIND, {"user_id": user_id})).one_or_none()
    return PremiumPeriod(row.started_at, row.months, row.until) if row else None


async def get_end(tx: Tx, user_id: UserId) -> tuple[bool, datetime | None]:
    """Whether the person has premium without an end, and until when what has one lasts. Raises NotFound."""
    row = (await tx.execute(_END, {"user_id": user_id})).one_or_none()
    if row is None:
        raise NotFound("no such user")
    return row.is_premium, row.premium_until


async def store(tx: Tx, user_id: UserId, period: PremiumPeriod | None) -> None:
    """Store the period of a person whose premium is locked; nothing of its end was told."""
    values = {
        "started_at": period.started_at if period else tx.now,
        "months": period.months if period else 0,
        "until": period.until if period else None,
    }
    await tx.execute(update(Premium).where(Premium.user_id == user_id).values(**values, stage=PremiumStage.NOTHING))


async def take_end(
    tx: Tx, ending: datetime, ended: datetime, closed: datetime
) -> tuple[UserId, datetime, PremiumStage] | None:
    """The next person whose end is to be told further, with their end, and the stage, which is stored now.

    A stage is reached by who ends before its moment. Those whom another worker has locked are skipped.
    """
    reached = case((Premium.until <= closed, 3), (Premium.until <= ended, 2), (Premium.until <= ending, 1), else_=0)
    due = (
        select(Premium.user_id)
        .where(Premium.until.is_not(None), Premium.stage < PremiumStage.CLOSED, Premium.until <= ending)
        .where(Premium.stage < reached)
        .order_by(Premium.until)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    statement = update(Premium).where(Premium.user_id.in_(due)).values(stage=Premium.stage + 1)
    row = (await tx.execute(statement.returning(Premium.user_id, Premium.until, Premium.stage))).one_or_none()
    return (UserId(row.user_id), row.until, PremiumStage(row.stage)) if row else None
