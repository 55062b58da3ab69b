"""The SQL of credits that admins gave to people."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.readings.models import CreditGift
from backend.readings.types.office import Gift

_G: Final = CreditGift.__table__.c
_COLUMNS: Final = tuple(_G[name] for name in Gift.__struct_fields__)


async def add(tx: Tx, gift: Gift, idempotency_key: str) -> bool:
    """Store a gift; False where its admin gave one by this key before."""
    row = {name: getattr(gift, name) for name in Gift.__struct_fields__}
    statement = insert(CreditGift).values(**row, idempotency_key=idempotency_key).on_conflict_do_nothing()
    return (await tx.execute(statement.returning(_G.id))).first() is not None


async def find_by_key(tx: Tx, given_by: UserId | None, idempotency_key: str) -> Gift | None:
    """The gift that an admin gave by a key."""
    statement = select(*_COLUMNS).where(
        _G.given_by.is_not_distinct_from(given_by), _G.idempotency_key == idempotency_key
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _gift(row)


async def list_latest(tx: Tx, most: int) -> list[Gift]:
    """The last gifts, newest first."""
    return [_gift(row) for row in await tx.execute(select(*_COLUMNS).order_by(_G.given_at.desc()).limit(most))]


def _gift(row: Any) -> Gift:
    return Gift(**dict(row._mapping))
