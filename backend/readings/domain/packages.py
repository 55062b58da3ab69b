"""Bought credits, inside the caller's transaction: given for a line of an order, taken back with its refund."""

from __future__ import annotations

from typing import Final

from backend.catalog.types.fulfilment import Unused
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import CREDIT, Money
from backend.readings.repository import keys
from backend.readings.repository import packages as repository
from backend.readings.repository.packages import Lot
from backend.wallet import domain as wallet
from backend.wallet.types import AccountRef, Memo, TransferKind

CREDITS: Final = "credits"
"""The shop account that credits come from and are taken back to."""


async def give(tx: Tx, line_id: OrderLineId, user_id: UserId, credits: int) -> None:
    """Give the credits of a line to a person; a second time nothing happens."""
    await wallet.transfer(
        tx, TransferKind.PURCHASE, f"credits:{line_id}", AccountRef.shop(CREDITS), AccountRef.user(user_id),
        Money(credits, CREDIT), memo=Memo(quantity=credits),
    )  # fmt: skip


async def take_back(tx: Tx, line_id: OrderLineId, quantity: int, of: int) -> int:
    """Take back what ``quantity`` of a delivered line's ``of`` units gave, as far as it is unused; how many credits."""
    lot = (await repository.lock_lots(tx, [line_id])).get(line_id)
    if lot is None or lot.given_at is None:
        return 0
    await keys.lock_person(tx, lot.user_id)
    unused, _ = await _count(tx, lot, quantity, of)
    # The lot is locked, so a refund comes here once; each of several refunds of a line has a key of its own.
    taken = await wallet.take_up_to(
        tx, TransferKind.REFUND, f"credits-back:{line_id}:{tx.new_id()}", lot.user_id, AccountRef.shop(CREDITS),
        Money(unused, CREDIT),
    )  # fmt: skip
    if taken:
        await repository.add_taken(tx, line_id, taken.amount)
    return taken.amount


async def count_unused(tx: Tx, line_id: OrderLineId, quantity: int, of: int) -> Unused | None:
    """How many credits a refund of ``quantity`` of ``of`` units would take back; None where none were given."""
    lot = (await repository.find_lots(tx, [line_id])).get(line_id)
    if lot is None or lot.given_at is None:
        return None
    unused, given = await _count(tx, lot, quantity, of)
    return Unused(unused, given, lot.taken)


async def _count(tx: Tx, lot: Lot, quantity: int, of: int) -> tuple[int, int]:
    """The unused and all of the credits of a part of a lot: what was given first is used first."""
    given = min(lot.credits * quantity // of, lot.credits - lot.taken)
    balance = (await wallet.balance(tx, lot.user_id, CREDIT)).amount
    unused = balance - await repository.sum_later(tx, lot)
    return max(0, min(unused, given)), given
