"""The SQL of holds."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.wallet.models import WalletHold
from backend.wallet.types import Hold, HoldId

_HOLD = WalletHold.__table__.c
_OPEN = "held"


def _hold(row: Any) -> Hold:
    return Hold(
        id=HoldId(row.id),
        purpose=row.purpose,
        user_id=UserId(row.user_id),
        amount=Money(row.amount, row.currency),
        open=row.status == _OPEN,
        captured=row.status == "captured",
    )


async def add_hold(tx: Tx, purpose: str, user_id: UserId, amount: Money) -> HoldId | None:
    """A new open hold; None when the purpose has one."""
    added = (
        insert(WalletHold)
        .values(
            id=tx.new_id(),
            purpose=purpose,
            user_id=user_id,
            currency=amount.currency,
            amount=amount.amount,
            status=_OPEN,
            created_at=tx.now,
        )
        .on_conflict_do_nothing(index_elements=["purpose"])
        .returning(_HOLD.id)
    )
    hold_id = (await tx.execute(added)).scalar_one_or_none()
    return None if hold_id is None else HoldId(hold_id)


async def find_hold(tx: Tx, purpose: str) -> Hold | None:
    """The hold of a purpose, whether open or not."""
    columns = (_HOLD.id, _HOLD.purpose, _HOLD.user_id, _HOLD.amount, _HOLD.currency, _HOLD.status)
    row = (await tx.execute(select(*columns).where(_HOLD.purpose == purpose))).one_or_none()
    return None if row is None else _hold(row)


async def list_held(tx: Tx, purposes: Collection[str]) -> dict[str, Money]:
    """What is on hold now for each of ``purposes`` that has any."""
    held = select(_HOLD.purpose, _HOLD.amount, _HOLD.currency)
    rows = await tx.execute(held.where(_HOLD.purpose.in_(purposes), _HOLD.status == _OPEN))
    return {row.purpose: Money(row.amount, row.currency) for row in rows}


async def close_hold(tx: Tx, purpose: str, status: str) -> Hold | None:
    """Close an open hold as ``captured`` or ``released``; None when it is not open: it happens once."""
    closed = (
        update(WalletHold)
        .where(_HOLD.purpose == purpose, _HOLD.status == _OPEN)
        .values(status=status, closed_at=tx.now)
        .returning(_HOLD.id, _HOLD.purpose, _HOLD.user_id, _HOLD.amount, _HOLD.currency, _HOLD.status)
    )
    row = (await tx.execute(closed)).one_or_none()
    return None if row is None else _hold(row)
