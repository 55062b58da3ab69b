"""The SQL that reads a person's wallet: balances and history. All of it is hot, and sent without SQLAlchemy."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import BigInteger, DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.money import Money
from backend.wallet.types import AccountRef, HistoryRow, Memo, TransferId, TransferKind

_TYPES: Final[dict[str, Any]] = {
    "user_id": Uuid(), "name": Text(), "asset": Text(), "kind": Text(), "rows": BigInteger(),
    "start": DateTime(timezone=True), "end": DateTime(timezone=True),
    "at": DateTime(timezone=True), "seq": BigInteger(), "account_id": Uuid(),
    "starts": ARRAY(DateTime(timezone=True)), "ends": ARRAY(DateTime(timezone=True)),
}  # fmt: skip


def _statement(sql: str, *names: str) -> HotStatement:
    return HotStatement(text(sql).bindparams(*(bindparam(name, type_=_TYPES[name]) for name in names)))


_ACCOUNTS = _statement(
    """
    SELECT a.asset, a.balance, (
      SELECT l.at FROM ledger_legs l WHERE l.account_id = a.id AND l.seq IS NOT NULL ORDER BY l.at, l.seq LIMIT 1
    ) AS first_change
    FROM ledger_accounts a WHERE a.user_id = :user_id AND a.name = :name
    """,
    "user_id", "name",
)  # fmt: skip


class AccountState(msgspec.Struct, frozen=True):
    """What a person's account of one asset holds, in minor units, and when it changed for the first time."""

    asset: str
    balance: int
    first_change: datetime | None


async def list_accounts(tx: Tx, ref: AccountRef) -> list[AccountState]:
    """A person's accounts of this name, one for each asset."""
    values = {"user_id": ref.user_id, "name": ref.name}
    return [AccountState(*row) for row in await tx.fetch(_ACCOUNTS, values)]


class HistoryKey(msgspec.Struct, frozen=True, array_like=True):
    """The place of a row in the history: its time, its number in its account, the account."""

    at: datetime
    seq: int
    account_id: UUID


_CONDITIONS: Final = {
    "kind": "t.kind = :kind",
    "start": "l.at >= :start",
    "end": "l.at < :end",
    "at": "(l.at, l.seq, l.account_id) < (:at, :seq, :account_id)",
}


@functools.cache
def _history(*filters: str) -> HotStatement:
    """The statement for these filters: each account gives at most a page by its index, then they are merged."""
    conditions = "".join(f" AND {_CONDITIONS[name]}" for name in filters)
    names = ("seq", "account_id") if "at" in filters else ()
    return _statement(
        f"""
        SELECT c.* FROM ledger_accounts a CROSS JOIN LATERAL (
          SELECT t.id, t.kind, l.amount, l.asset, l.at, l.balance_after, t.reference, t.memo, t.idempotency_key,
                 l.seq, l.account_id
          FROM ledger_legs l JOIN ledger_transfers t ON t.id = l.transfer_id
          WHERE l.account_id = a.id AND l.seq IS NOT NULL{conditions}
          ORDER BY l.at DESC, l.seq DESC LIMIT :rows
        ) c WHERE a.user_id = :user_id AND a.name = :name
        ORDER BY c.at DESC, c.seq DESC, c.account_id DESC LIMIT :rows
        """,  # noqa: S608 - built of constants above
        "user_id", "name", "rows", *filters, *names,
    )  # fmt: skip


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
    """At most ``limit`` changes in all assets, the latest first, from below ``after``; and the key of the next page.

    The cost does not grow with the history.
    """
    values: dict[str, Any] = {"user_id": ref.user_id, "name": ref.name, "rows": limit + 1}
    filters: dict[str, Any] = {"kind": kind and kind.value, "start": start, "end": end, "at": after and after.at}
    filters = {name: value for name, value in filters.items() if value is not None}
    if after is not None:
        values |= {"seq": after.seq, "account_id": after.account_id}
    rows = await tx.fetch(_history(*filters), values | filters)
    shown = rows[:limit]
    following = None
    if len(rows) > limit:
        last = shown[-1]
        following = HistoryKey(last["at"], last["seq"], last["account_id"])
    return [_history_row(row) for row in shown], following


def _history_row(row: asyncpg.Record) -> HistoryRow:
    transfer_id, kind, amount, asset, at, balance_after, reference, memo, key, *_ = row
    return HistoryRow(
        id=TransferId(transfer_id),
        kind=TransferKind(kind),
        amount=Money(amount, asset),
        at=at,
        balance_after=Money(balance_after, asset),
        reference=reference,
        memo=msgspec.convert(memo, Memo),
        key=key,
    )


@functools.cache
def _sums(*, by_kind: bool) -> HotStatement:
    kind = " JOIN ledger_transfers t ON t.id = l.transfer_id AND t.kind = :kind" if by_kind else ""
    return _statement(
        f"""
        SELECT (
          SELECT CAST(coalesce(sum(l.amount), 0) AS bigint)
          FROM ledger_accounts a JOIN ledger_legs l ON l.account_id = a.id AND l.seq IS NOT NULL{kind}
          WHERE a.user_id = :user_id AND a.name = :name AND a.asset = :asset
            AND l.at >= d.first AND l.at < d.following
        ) FROM unnest(:starts, :ends) WITH ORDINALITY d (first, following, number) ORDER BY d.number
        """,  # noqa: S608 - built of constants above
        "user_id", "name", "asset", "starts", "ends", *(("kind",) if by_kind else ()),
    )  # fmt: skip


async def list_sums(
    tx: Tx, ref: AccountRef, asset: str, spans: Sequence[tuple[datetime, datetime]], kind: TransferKind | None
) -> list[int]:
    """The sum of the changes in ``asset``, in minor units, within each span (its end excluded)."""
    values: dict[str, Any] = {"user_id": ref.user_id, "name": ref.name, "asset": asset}
    values |= {"starts": [start for start, _ in spans], "ends": [end for _, end in spans]}
    if kind is not None:
        values["kind"] = kind.value
    return [row[0] for row in await tx.fetch(_sums(by_kind=kind is not None), values)]
