"""What people and the back office read of a wallet: balance, history, day totals, export."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final

from backend.identity.types import Actor, Permission
from backend.infra.formatting import timezone
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId
from backend.kernel.money import CREDIT, Money
from backend.kernel.paging import Page, decode_cursor, encode_cursor
from backend.kernel.text import pick
from backend.wallet import domain, rules
from backend.wallet.repository import history as changes
from backend.wallet.repository import transfers
from backend.wallet.types import AccountRef, DayTotal, HistoryRow, Overview, TransferKind

_PAGE_SIZE: Final = 30
CSV_COLUMNS: Final = ("date", "kind", "amount", "currency", "balance", "reference", "title")
"""The columns of the export, in order; ``export_csv`` takes their names in the reader's language."""

_EXPORT_BATCH: Final = 500
_BYTE_ORDER_MARK: Final = "\ufeff"


class StatementService:
    """Reads balances and history. ``currency`` is the shop's."""

    def __init__(self, *, uow: UnitOfWork, currency: str) -> None:
        self._uow = uow
        self._currency = currency

    async def overview(self, actor: Actor) -> Overview:
        """The actor's balance in the shop's currency, reading credits, and the months of their history."""
        async with self._uow.read() as tx:
            held = await domain.balances(tx, actor.id, (self._currency, CREDIT))
            first = await changes.find_first_change(tx, AccountRef.user(actor.id))
            months = rules.months_between(first, tx.now, actor.timezone) if first else []
        return Overview(balance=held[self._currency], credits=held[CREDIT], months=months)

    async def history(
        self,
        actor: Actor,
        kind: TransferKind | None = None,
        month: str | None = None,
        cursor: str | None = None,
        limit: int = _PAGE_SIZE,
    ) -> Page[HistoryRow]:
        """The actor's changes in all assets, the latest first; ``month`` as ``2026-11``, in their time zone.

        Raises Invalid for a month or a cursor of another form.
        """
        start, end = rules.month_bounds(month, actor.timezone) if month else (None, None)
        after = decode_cursor(cursor, changes.HistoryKey) if cursor else None
        if not 0 < limit <= _EXPORT_BATCH:
            raise Invalid("limit out of range", fields={"limit": "out_of_range"})
        async with self._uow.read() as tx:
            rows, following = await changes.list_history(
                tx, AccountRef.user(actor.id), kind=kind, start=start, end=end, after=after, limit=limit
            )
        return Page(rows, encode_cursor(following) if following else None)

    async def history_of(self, actor: Actor, user_id: UserId, cursor: str | None = None) -> Page[HistoryRow]:
        """A person's changes in all assets, the latest first. Needs the permission for money. Raises Invalid."""
        actor.require(Permission.MONEY)
        after = decode_cursor(cursor, changes.HistoryKey) if cursor else None
        async with self._uow.read() as tx:
            rows, following = await changes.list_history(
                tx, AccountRef.user(user_id), kind=None, start=None, end=None, after=after, limit=_PAGE_SIZE
            )
        return Page(rows, encode_cursor(following) if following else None)

    async def day_totals(
        self, actor: Actor, rows: Sequence[HistoryRow], kind: TransferKind | None = None
    ) -> list[DayTotal]:
        """What each whole day that ``rows`` touch changed in the shop's currency, also beyond the page's rows."""
        if not rows:
            return []
        there = timezone(actor.timezone)
        days = [row.at.astimezone(there).date() for row in rows]
        start = datetime.combine(min(days), time(), there).astimezone(UTC)
        end = datetime.combine(max(days) + timedelta(days=1), time(), there).astimezone(UTC)
        async with self._uow.read() as tx:
            return await changes.list_day_totals(
                tx, AccountRef.user(actor.id), self._currency, kind=kind, start=start, end=end, timezone=there.key
            )

    def export_csv(
        self,
        actor: Actor,
        kind: TransferKind | None = None,
        month: str | None = None,
        *,
        header: Sequence[str] = CSV_COLUMNS,
        kind_of: Callable[[HistoryRow], str] = lambda row: row.kind.value,
    ) -> AsyncIterator[str]:
        """The actor's history as CSV, in pieces (UTF-8, to be encoded by the caller; the first begins with a BOM).

        ``header`` and ``kind_of`` are the words of their language. Times are in their time zone. Raises Invalid at
        once for a month of another form.
        """
        if month:
            rules.month_bounds(month, actor.timezone)
        return self._export(actor, kind, month, header, kind_of)

    async def _export(
        self,
        actor: Actor,
        kind: TransferKind | None,
        month: str | None,
        header: Sequence[str],
        kind_of: Callable[[HistoryRow], str],
    ) -> AsyncIterator[str]:
        there = timezone(actor.timezone)
        yield _BYTE_ORDER_MARK + _csv([header])
        cursor: str | None = None
        # A page at a time: no transaction stays open while a slow phone downloads.
        while True:
            page = await self.history(actor, kind, month, cursor, _EXPORT_BATCH)
            if page.items:
                yield _csv(
                    [
                        row.at.astimezone(there).isoformat(" ", "seconds"),
                        rules.safe_cell(kind_of(row)),
                        str(row.amount.decimal()),
                        row.amount.currency,
                        str(row.balance_after.decimal()),
                        rules.safe_cell(row.reference or ""),
                        rules.safe_cell(pick(row.memo.title, actor.language) or row.memo.reason),
                    ]
                    for row in page.items
                )
            cursor = page.next_cursor
            if cursor is None:
                return

    async def balances_of(self, actor: Actor, user_ids: Sequence[UserId]) -> dict[UserId, Money]:
        """What each of these people can spend in the shop's currency.

        Needs the permission for users or for money. Raises Forbidden.
        """
        if not actor.may(Permission.MONEY):
            actor.require(Permission.USERS)
        async with self._uow.read() as tx:
            return await transfers.list_people(tx, user_ids, self._currency)


def _csv(rows: object) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()
