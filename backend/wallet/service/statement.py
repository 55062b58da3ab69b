"""What people and the back office read of a wallet: balance, history, day totals, export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from backend.identity.types import Actor, Permission
from backend.infra.formatting import timezone
from backend.infra.spreadsheets import first_line, lines
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId
from backend.kernel.money import CREDIT, Money
from backend.kernel.paging import Page, decode_cursor, encode_cursor
from backend.kernel.text import pick
from backend.wallet import rules
from backend.wallet.repository import history as changes
from backend.wallet.repository import transfers
from backend.wallet.types import AccountRef, HistoryRow, Overview, TransferKind, WalletView

_PAGE_SIZE: Final = 30
CSV_COLUMNS: Final = ("date", "kind", "amount", "currency", "balance", "reference", "title")
"""The columns of the export, in order; ``export_csv`` takes their names in the reader's language."""

_EXPORT_BATCH: Final = 500


class StatementService:
    """Reads balances and history. ``currency`` is the shop's."""

    def __init__(self, *, uow: UnitOfWork, currency: str) -> None:
        self._uow = uow
        self._currency = currency

    async def overview(self, actor: Actor) -> Overview:
        """The actor's balance in the shop's currency, reading credits, and the months of their history."""
        async with self._uow.read() as tx:
            return await self._overview(tx, actor)

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
        async with self._uow.read() as tx:
            return await self._history(tx, actor, kind, month, cursor, limit)

    async def history_of(self, actor: Actor, user_id: UserId, cursor: str | None = None) -> Page[HistoryRow]:
        """A person's changes in all assets, the latest first. Needs the permission for money. Raises Invalid."""
        actor.require(Permission.MONEY)
        after = decode_cursor(cursor, changes.HistoryKey) if cursor else None
        async with self._uow.read() as tx:
            rows, following = await changes.list_history(
                tx, AccountRef.user(user_id), kind=None, start=None, end=None, after=after, limit=_PAGE_SIZE
            )
        return Page(rows, encode_cursor(following) if following else None)

    async def wallet(
        self,
        actor: Actor,
        kind: TransferKind | None = None,
        month: str | None = None,
        cursor: str | None = None,
        limit: int = _PAGE_SIZE,
    ) -> WalletView:
        """Overview, a page of the history, and the sum of each of its days. Raises Invalid as ``history`` does."""
        async with self._uow.read() as tx:
            overview = await self._overview(tx, actor)
            page = await self._history(tx, actor, kind, month, cursor, limit)
            sums = rules.day_sums(page.items, self._currency, actor.timezone)
            days = list(sums)
            # Only the first and the last day of a page can have changes that other pages show.
            cut = dict.fromkeys([*(days[:1] if cursor else ()), *(days[-1:] if page.next_cursor else ())])
            if cut:
                spans = [rules.day_bounds(day, actor.timezone) for day in cut]
                whole = await changes.list_sums(tx, AccountRef.user(actor.id), self._currency, spans, kind)
                sums |= dict(zip(cut, whole, strict=True))
        totals = {day: Money(amount, self._currency) for day, amount in sums.items()}
        return WalletView(overview=overview, history=page, day_totals=totals)

    async def _overview(self, tx: Tx, actor: Actor) -> Overview:
        accounts = await changes.list_accounts(tx, AccountRef.user(actor.id))
        balances = {item.asset: item.balance for item in accounts}
        first = min((item.first_change for item in accounts if item.first_change), default=None)
        return Overview(
            balance=Money(balances.get(self._currency, 0), self._currency),
            credits=Money(balances.get(CREDIT, 0), CREDIT),
            months=rules.months_between(first, tx.now, actor.timezone) if first else [],
        )

    @staticmethod
    async def _history(
        tx: Tx, actor: Actor, kind: TransferKind | None, month: str | None, cursor: str | None, limit: int
    ) -> Page[HistoryRow]:
        start, end = rules.month_bounds(month, actor.timezone) if month else (None, None)
        after = decode_cursor(cursor, changes.HistoryKey) if cursor else None
        if not 0 < limit <= _EXPORT_BATCH:
            raise Invalid("limit out of range", fields={"limit": "out_of_range"})
        rows, following = await changes.list_history(
            tx, AccountRef.user(actor.id), kind=kind, start=start, end=end, after=after, limit=limit
        )
        return Page(rows, encode_cursor(following) if following else None)

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
        yield first_line(header)
        cursor: str | None = None
        # A page at a time: no transaction stays open while a slow phone downloads.
        while True:
            page = await self.history(actor, kind, month, cursor, _EXPORT_BATCH)
            if page.items:
                yield lines(
                    [
                        row.at.astimezone(there),
                        kind_of(row),
                        row.amount.decimal(),
                        row.amount.currency,
                        row.balance_after.decimal(),
                        row.reference,
                        pick(row.memo.title, actor.language) or row.memo.reason,
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
