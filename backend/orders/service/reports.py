"""Figures of sales, for admins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import UserId
from backend.orders.repository import reports
from backend.orders.types.reports import BuyerFigures, SalesFigures

_FRESH: Final = timedelta(seconds=30)
_MOST_KNOWN: Final = 64


class ReportsService:
    """Counts and sums of orders, in the shop's ``currency``."""

    def __init__(self, *, uow: UnitOfWork, currency: str) -> None:
        self._uow = uow
        self._currency = currency
        self._sales: dict[tuple[datetime, ...], tuple[datetime, list[SalesFigures]]] = {}

    async def figures_of(self, actor: Actor, buyers: Sequence[UserId]) -> dict[UserId, BuyerFigures]:
        """What each of these people has bought, where it is anything. Needs the permission for users."""
        actor.require(Permission.USERS)
        async with self._uow.read() as tx:
            return await reports.list_figures(tx, buyers, self._currency)

    async def count_waiting(self, actor: Actor) -> int:
        """How many orders await payment. Needs the permission for orders."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return await reports.count_awaiting_payment(tx)

    async def sales(self, actor: Actor, starts: Sequence[datetime]) -> list[SalesFigures]:
        """What was sold from each of ``starts`` (ascending) until the next, from the last one until now.

        The answer may be half a minute old. Needs the permission for orders.
        """
        actor.require(Permission.ORDERS)
        key = tuple(starts)
        async with self._uow.read() as tx:
            known = self._sales.get(key)
            if known is not None and timedelta() <= tx.now - known[0] < _FRESH:
                return known[1]
            figures = await reports.list_sales(tx, starts, self._currency)
            if len(self._sales) >= _MOST_KNOWN:
                self._sales.clear()
            self._sales[key] = (tx.now, figures)
            return figures
