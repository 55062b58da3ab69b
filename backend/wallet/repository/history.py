"""The SQL that reads a person's history."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    Date,
    FromClause,
    Select,
    Uuid,
    bindparam,
    cast,
    func,
    literal,
    select,
    text,
    true,
    tuple_,
)

from backend.infra.unit_of_work import Tx
from backend.kernel.money import Money
from backend.wallet.models import LedgerAccount, LedgerLeg, LedgerTransfer
from backend.wallet.types import AccountRef, DayTotal, HistoryRow, Memo, TransferId, TransferKind

_FIRST_CHANGE = text("""
SELECT min(first.at) FROM ledger_accounts a
CROSS JOIN LATERAL (
  SELECT l.at FROM ledger_legs l WHERE l.account_id = a.id AND l.seq IS NOT NULL ORDER BY l.at, l.seq LIMIT 1
) AS first
WHERE a.user_id = :user_id AND a.name = :name""").bindparams(bindparam("user_id", type_=Uuid()))


async def find_first_change(tx: Tx, ref: AccountRef) -> datetime | None:
    """When a person's account changed for the first time."""
    found: datetime | None = (
        await tx.execute(_FIRST_CHANGE, {"user_id": ref.user_id, "name": ref.name})
    ).scalar_one_or_none()
    return found


_LEG, _TRANSFER = LedgerLeg, LedgerTransfer


def _changes(kind: TransferKind | None, start: datetime | None, end: datetime | None) -> Select[Any]:
    """One account's changes that pass the filters, to be joined laterally to the accounts."""
    found = (
        select(
            _LEG.account_id, _LEG.seq, _LEG.at, _LEG.amount, _LEG.asset, _LEG.balance_after,
            _TRANSFER.id, _TRANSFER.kind, _TRANSFER.reference, _TRANSFER.memo,
            _TRANSFER.idempotency_key,
        )
        .join(_TRANSFER, _TRANSFER.id == _LEG.transfer_id)
        .where(_LEG.account_id == LedgerAccount.id, _LEG.seq.is_not(None))
        .correlate(LedgerAccount)
    )  # fmt: skip
    if kind is not None:
        found = found.where(_TRANSFER.kind == kind.value)
    if start is not None:
        found = found.where(_LEG.at >= start)
    if end is not None:
        found = found.where(_LEG.at < end)
    return found


def _of_accounts(ref: AccountRef, changes: FromClause, *columns: Any) -> Select[Any]:
    accounts = select(*columns).select_from(LedgerAccount).join(changes, true())
    return accounts.where(LedgerAccount.user_id == ref.user_id, LedgerAccount.name == ref.name)


class HistoryKey(msgspec.Struct, frozen=True, array_like=True):
    """Where a row stands in the history: its time, its number in its account, the account."""

    at: datetime
    seq: int
    account_id: UUID


async def list_history(
    tx: Tx,
    ref: AccountRef,
    *,
    kind: TransferKind | None,
    start: datetime | None,
    end: datetime | None,
    after: HistoryKey | None,
    limit: int,
) -> tuple[list[HistoryRow], HistoryKey | None]:
    """At most ``limit`` changes in all assets, the latest first, from below ``after``; and the place of the next page.

    Each account gives at most a page, by its index, before they are merged: the cost does not grow with the history.
    """
    changes = _changes(kind, start, end)
    if after is not None:
        changes = changes.where(
            tuple_(_LEG.at, _LEG.seq, _LEG.account_id)
            < tuple_(literal(after.at), literal(after.seq), literal(after.account_id))
        )
    part = changes.order_by(_LEG.at.desc(), _LEG.seq.desc()).limit(limit + 1).lateral("change")
    statement = (
        _of_accounts(ref, part, part)
        .order_by(part.c.at.desc(), part.c.seq.desc(), part.c.account_id.desc())
        .limit(limit + 1)
    )
    rows = (await tx.execute(statement)).all()
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    return [_history_row(row) for row in shown], last and HistoryKey(last.at, last.seq, last.account_id)


def _history_row(row: Any) -> HistoryRow:
    return HistoryRow(
        id=TransferId(row.id),
        kind=TransferKind(row.kind),
        amount=Money(row.amount, row.asset),
        at=row.at,
        balance_after=Money(row.balance_after, row.asset),
        reference=row.reference,
        memo=msgspec.convert(row.memo, Memo),
        key=row.idempotency_key,
    )


async def list_day_totals(
    tx: Tx, ref: AccountRef, asset: str, *, kind: TransferKind | None, start: datetime, end: datetime, timezone: str
) -> list[DayTotal]:
    """The sum of each day's changes in ``asset`` between ``start`` and ``end``; days are those of ``timezone``."""
    part = _changes(kind, start, end).lateral("change")
    day = cast(func.timezone(timezone, part.c.at), Date)
    statement = (
        _of_accounts(ref, part, day.label("day"), cast(func.sum(part.c.amount), BigInteger).label("total"))
        .where(LedgerAccount.asset == asset)
        .group_by(day)
        .order_by(day.desc())
    )
    return [DayTotal(row.day, Money(row.total, asset)) for row in await tx.execute(statement)]
