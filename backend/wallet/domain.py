"""The one writer of the ledger: functions for other slices to call inside their own transactions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import Select

from backend.infra.timeline import EntryKind, Source
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import Unavailable
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.wallet import rules
from backend.wallet.errors import InsufficientFunds
from backend.wallet.repository import adjustments, holds, ledger, people
from backend.wallet.repository import transfers as repository
from backend.wallet.types import (
    AccountRef,
    Adjustment,
    AdjustmentId,
    Hold,
    Memo,
    NewTransfer,
    ShopBalance,
    TransferId,
    TransferKind,
)

_TRIES = 3
_ROLLUP_BATCH = 10_000

TIMELINE: Final = Source(EntryKind.TRANSFER, people.list_changes)
"""What changed a person's wallet, for their timeline."""


def with_more_than(money: Money) -> Select[Any]:
    """The ids of people whose wallet holds more than this, as a condition: ``id.in_(…)``."""
    return people.with_more_than(money.amount, money.currency)


async def balance(tx: Tx, user_id: UserId, currency: str) -> Money:
    """What a person can spend in ``currency``; zero for a person without an account."""
    return (await balances(tx, user_id, (currency,)))[currency]


async def balances(tx: Tx, user_id: UserId, assets: Iterable[str]) -> dict[str, Money]:
    """What a person can spend in each of ``assets``."""
    amounts = await repository.list_balances(tx, AccountRef.user(user_id), assets)
    return {asset: Money(amount, asset) for asset, amount in amounts.items()}


async def transfer(
    tx: Tx,
    kind: TransferKind,
    idempotency_key: str,
    debit: AccountRef,
    credit: AccountRef,
    amount: Money,
    reference: str | None = None,
    memo: Memo | None = None,
) -> TransferId:
    """Move ``amount`` from ``debit`` to ``credit``; the same key again moves nothing and returns the same id.

    Raises InsufficientFunds when a person's account holds too little (nothing is written, the transaction stays good),
    IdempotencyConflict when the key was used for another transfer, ValueError for an amount that is not positive.
    """
    return await _post(
        tx,
        NewTransfer(
            kind=kind, idempotency_key=idempotency_key, debit=debit, credit=credit, amount=amount,
            reference=reference, memo=memo or Memo(),
        ),
    )  # fmt: skip


async def take_up_to(
    tx: Tx,
    kind: TransferKind,
    idempotency_key: str,
    user_id: UserId,
    credit: AccountRef,
    amount: Money,
    reference: str | None = None,
    memo: Memo | None = None,
) -> Money:
    """Move ``amount`` from a person's wallet to ``credit``, or the whole balance if that is less; returns what moved.

    Raises Unavailable when the balance is spent each time before it is moved.
    """
    claim = min(amount, await balance(tx, user_id, amount.currency), key=lambda money: money.amount)
    for _ in range(_TRIES):
        if not claim:
            return claim
        try:
            await transfer(tx, kind, idempotency_key, AccountRef.user(user_id), credit, claim, reference, memo)
        except InsufficientFunds as short:  # spent since it was read
            claim = short.balance
        else:
            return claim
    raise Unavailable(f"{idempotency_key}: the balance changed at every try")


async def _post(tx: Tx, new: NewTransfer) -> TransferId:
    rules.check(new)
    asset = new.amount.currency
    for _ in range(_TRIES):
        transfer_id = TransferId(tx.new_id())
        if await repository.add_transfer(tx, new, transfer_id):
            return transfer_id
        # Rare cases, found out by further statements: a replay, too little money, an account not opened yet.
        posted = await repository.find_posted(tx, new.idempotency_key)
        if posted is not None:
            rules.check_replay(new, posted)
            return posted.id
        if new.debit.user_id is not None:
            held = Money((await repository.list_balances(tx, new.debit, (asset,)))[asset], asset)
            if held < new.amount:
                raise InsufficientFunds(new.amount - held, held)
        await repository.open_accounts(tx, (new.debit, new.credit), asset)
    raise Unavailable(f"transfer {new.idempotency_key} was not written")


async def hold(
    tx: Tx, purpose: str, user_id: UserId, amount: Money, reference: str | None = None, memo: Memo | None = None
) -> bool:
    """Put ``amount`` of a person's money on hold for ``purpose`` (``order:<id>``); False when that was done before.

    Raises InsufficientFunds.
    """
    if await holds.find_hold(tx, purpose) is not None:
        return False
    source, target = AccountRef.user(user_id), AccountRef.held(user_id)
    await transfer(tx, TransferKind.HOLD, f"hold:{purpose}", source, target, amount, reference, memo)
    return await holds.add_hold(tx, purpose, user_id, amount) is not None


async def find_hold(tx: Tx, purpose: str) -> Hold | None:
    """The hold for ``purpose``, open or not; None when there never was one."""
    return await holds.find_hold(tx, purpose)


async def list_held(tx: Tx, purposes: Collection[str]) -> dict[str, Money]:
    """What is on hold now for each of ``purposes`` that has any."""
    return await holds.list_held(tx, purposes)


async def capture(
    tx: Tx,
    purpose: str,
    credit: AccountRef,
    reference: str | None = None,
    memo: Memo | None = None,
    *,
    kind: TransferKind = TransferKind.PURCHASE,
) -> Money | None:
    """Move the money on hold for ``purpose`` to ``credit``; None without an open hold."""
    closed = await holds.close_hold(tx, purpose, "captured")
    if closed is None:
        return None
    source = AccountRef.held(closed.user_id)
    await transfer(tx, kind, f"capture:{purpose}", source, credit, closed.amount, reference=reference, memo=memo)
    return closed.amount


async def release(tx: Tx, purpose: str, reference: str | None = None, memo: Memo | None = None) -> Money | None:
    """Return the money on hold for ``purpose`` to the person's wallet; None without an open hold."""
    closed = await holds.close_hold(tx, purpose, "released")
    if closed is None:
        return None
    source, target = AccountRef.held(closed.user_id), AccountRef.user(closed.user_id)
    await transfer(
        tx, TransferKind.RELEASE, f"release:{purpose}", source, target, closed.amount, reference=reference, memo=memo
    )
    return closed.amount


async def get_adjustment(tx: Tx, adjustment_id: AdjustmentId) -> Adjustment:
    """An admin's adjustment. Raises NotFound."""
    return await adjustments.get_adjustment(tx, adjustment_id)


async def begin_snapshot(tx: Tx) -> None:
    """Let every following statement of ``tx`` see one moment, and write nothing; must be the transaction's first."""
    await ledger.begin_snapshot(tx)


async def shop_balances(tx: Tx) -> list[ShopBalance]:
    """The balance of each shop account, exact at this moment."""
    return await repository.list_shop_balances(tx)


async def roll_up(tx: Tx) -> int:
    """Add pending legs of the shop accounts to their rolled-up balances, at most 10,000; returns how many."""
    return await repository.roll_up(tx, _ROLLUP_BATCH)
