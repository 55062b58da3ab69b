"""Orders as lists and one by one, for their buyer and for admins."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden
from backend.kernel.ids import OrderId, OrderLineId, UserId
from backend.kernel.paging import Page, decode_cursor, encode_cursor
from backend.orders import domain, rules
from backend.orders.domain.lines import Fulfillers
from backend.orders.repository import lists
from backend.orders.service.common import load_own, sequence_of
from backend.orders.types import OrderFilter, OrderRow, OrderStatus, OrderView
from backend.orders.types.lines import LineOwner

_PAGE = 30


class HistoryService:
    """Reads orders: a buyer's own, or anybody's for an admin."""

    def __init__(self, *, uow: UnitOfWork, fulfillers: Fulfillers) -> None:
        self._uow = uow
        self._fulfillers = fulfillers

    async def list_mine(self, actor: Actor, view: OrderFilter, cursor: str | None) -> Page[OrderRow]:
        """The buyer's orders, newest first. Raises Invalid for a bad cursor."""
        waiting = OrderStatus.AWAITING_PAYMENT if view is OrderFilter.AWAITING_PAYMENT else None
        return await self._list(actor.id, waiting, cursor)

    async def detail(self, actor: Actor, number: str) -> OrderView:
        """The buyer's order. Raises NotFound, also for another person's."""
        async with self._uow.read() as tx:
            return await load_own(tx, self._fulfillers, actor, number)

    async def list_all(self, actor: Actor, status: OrderStatus | None, cursor: str | None) -> Page[OrderRow]:
        """Everybody's orders, newest first. Needs the permission for orders."""
        actor.require(Permission.ORDERS)
        return await self._list(None, status, cursor)

    async def numbers_of(self, actor: Actor, ids: Iterable[OrderId]) -> dict[OrderId, str]:
        """The numbers of orders, for the lists of any admin. Raises Forbidden."""
        if not actor.is_admin:
            raise Forbidden("not an admin")
        async with self._uow.read() as tx:
            return await lists.list_numbers(tx, ids)

    async def goods_of(self, actor: Actor, ids: Collection[OrderId]) -> dict[OrderId, OrderRow]:
        """Orders as lists show them, for the payments they were paid by. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            rows = await lists.list_rows(tx, ids, len(ids)) if ids else []
        return {row.id: row for row in rows}

    async def owners_of(self, actor: Actor, lines: Collection[OrderLineId]) -> dict[OrderLineId, LineOwner]:
        """The orders of lines. Needs the permission for orders."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return await lists.list_owners(tx, lines)

    async def find_by_number(self, actor: Actor, number: str) -> OrderRow | None:
        """The order with this number, or None. Needs the permission for orders, or for money."""
        if not actor.may(Permission.MONEY):
            actor.require(Permission.ORDERS)
        sequence = rules.parse_order_number(number)
        if sequence is None:
            return None
        async with self._uow.read() as tx:
            return await lists.find_row(tx, sequence)

    async def admin_detail(self, actor: Actor, number: str) -> OrderView:
        """Anybody's order, its keys still encrypted. Needs the permission for orders. Raises NotFound."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return await domain.load(tx, self._fulfillers, sequence=sequence_of(number))

    async def list_of(self, actor: Actor, buyer: UserId) -> list[OrderRow]:
        """One person's latest orders. Needs the permission for orders."""
        actor.require(Permission.ORDERS)
        return (await self._list(buyer, None, None)).items

    async def _list(self, buyer: UserId | None, status: OrderStatus | None, cursor: str | None) -> Page[OrderRow]:
        before = OrderId(decode_cursor(cursor, UUID)) if cursor else None
        async with self._uow.read() as tx:
            rows = await lists.list_orders(tx, user_id=buyer, status=status, before=before, limit=_PAGE + 1)
        more = len(rows) > _PAGE
        return Page(rows[:_PAGE], encode_cursor(rows[_PAGE - 1].id) if more else None)
