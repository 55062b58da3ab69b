"""Figures of sales, for admins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders.repository import reports
from backend.orders.types.reports import BuyerFigures, SalesFigures


class ReportsService:
    """Counts and sums of orders, in the shop's ``currency``."""

    def __init__(self, *, uow: UnitOfWork, currency: str) -> None:
        self._uow = uow
        self._currency = currency

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

    async def sales_since(self, actor: Actor, since: datetime) -> SalesFigures:
        """What was sold since a moment. Needs the permission for orders."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            revenue, orders = await reports.sales_since(tx, since, self._currency)
        return SalesFigures(Money(revenue, self._currency), orders)
