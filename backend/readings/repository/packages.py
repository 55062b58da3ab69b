"""The SQL of packages of credits, and of what lines of orders give."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Select, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from backend.catalog.types import VariantId
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderLineId, UserId
from backend.readings.models import CreditLot, CreditPackage

_P: Final = CreditPackage.__table__.c
_L: Final = CreditLot.__table__.c


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """What a line of an order gives, and how much of it was taken back."""

    order_line_id: OrderLineId
    user_id: UserId
    credits: int
    taken: int = 0
    given_at: datetime | None = None


_COLUMNS: Final = tuple(_L[name] for name in Lot.__struct_fields__)


async def list_credits(tx: Tx, variants: Collection[VariantId]) -> dict[VariantId, int]:
    """How many credits one of each of the variants gives; without those that give none."""
    rows = await tx.execute(select(_P.variant_id, _P.credits).where(_P.variant_id.in_(variants)))
    return {VariantId(row.variant_id): row.credits for row in rows}


async def list_all(tx: Tx) -> dict[VariantId, int]:
    """Every package."""
    rows = await tx.execute(select(_P.variant_id, _P.credits))
    return {VariantId(row.variant_id): row.credits for row in rows}


async def set_credits(tx: Tx, variant_id: VariantId, credits: int) -> None:
    """Let one of a variant give so many credits from now on."""
    statement = insert(CreditPackage).values(variant_id=variant_id, credits=credits)
    changes = {"credits": statement.excluded.credits}
    await tx.execute(statement.on_conflict_do_update(index_elements=["variant_id"], set_=changes))


async def add_lots(tx: Tx, lots: Mapping[OrderLineId, tuple[UserId, int]], given_at: datetime | None) -> None:
    """Store what lines give; without ``given_at`` it is reserved."""
    rows = [
        {"order_line_id": line, "user_id": user_id, "credits": credits, "reserved_at": tx.now, "given_at": given_at}
        for line, (user_id, credits) in lots.items()
    ]
    await tx.execute(insert(CreditLot), rows)


async def lock_lots(tx: Tx, lines: Sequence[OrderLineId]) -> dict[OrderLineId, Lot]:
    """What the lines give, locked."""
    statement = select(*_COLUMNS).where(_L.order_line_id.in_(lines)).order_by(_L.order_line_id)
    return await _lots(tx, statement.with_for_update())


async def find_lots(tx: Tx, lines: Sequence[OrderLineId]) -> dict[OrderLineId, Lot]:
    """What the lines give."""
    return await _lots(tx, select(*_COLUMNS).where(_L.order_line_id.in_(lines)))


async def sum_later(tx: Tx, lot: Lot) -> int:
    """How many credits the person was given after this lot, without what was taken back."""
    statement = select(func.coalesce(func.sum(_L.credits - _L.taken), 0)).where(
        _L.user_id == lot.user_id,
        tuple_(_L.given_at, _L.order_line_id) > tuple_(lot.given_at, lot.order_line_id),
    )
    return int((await tx.execute(statement)).scalar_one())


async def mark_given(tx: Tx, lines: Sequence[OrderLineId]) -> None:
    """What was reserved for the lines is given now."""
    await tx.execute(update(CreditLot).where(_L.order_line_id.in_(lines)).values(given_at=tx.now))


async def add_taken(tx: Tx, line: OrderLineId, credits: int) -> None:
    """Note that credits of a line were taken back."""
    await tx.execute(update(CreditLot).where(_L.order_line_id == line).values(taken=_L.taken + credits))


async def release(tx: Tx, lines: Sequence[OrderLineId]) -> None:
    """Forget what is reserved for the lines."""
    await tx.execute(delete(CreditLot).where(_L.order_line_id.in_(lines), _L.given_at.is_(None)))


async def _lots(tx: Tx, statement: Select[Any]) -> dict[OrderLineId, Lot]:
    rows = await tx.execute(statement)
    return {OrderLineId(row.order_line_id): Lot(**row._mapping) for row in rows}
