"""Following and receiving orders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import Forbidden, NotFound
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.kernel.paging import Page, decode_cursor, encode_cursor
from backend.orders import domain, rules
from backend.orders.repository import orders as repository
from backend.orders.service.base import OrdersBase, check_owner, sequence_of
from backend.orders.types import (
    BuyerFigures,
    KeysRequested,
    OpenedKey,
    OrderFilter,
    OrderRow,
    OrderStatus,
    OrderView,
    RevealChannel,
    SalesFigures,
)

_PAGE = 30


class Following(OrdersBase):
    """Lists, one order, its keys, figures."""

    async def list_mine(self, actor: Actor, view: OrderFilter, cursor: str | None) -> Page[OrderRow]:
        """The buyer's orders, newest first. Raises Invalid for a bad cursor."""
        waiting = OrderStatus.AWAITING_PAYMENT if view is OrderFilter.WAITING else None
        return await self._list(actor.id, waiting, cursor)

    async def detail(self, actor: Actor, number: str) -> OrderView:
        """The buyer's order. Raises NotFound, also for another person's."""
        async with self._uow.read() as tx:
            return await self._own(tx, actor, number)

    async def reveal(self, actor: Actor, number: str, ordinal: int) -> OpenedKey:
        """One key in plain text; the opening is logged. Raises NotFound."""
        opened = await self._open(actor, number, RevealChannel.PAGE, ordinal)
        if not opened:
            raise NotFound("no such key")
        return opened[0]

    async def open_file(self, actor: Actor, number: str, ordinal: int | None = None) -> list[OpenedKey]:
        """The order's keys (or one) for a text file; the opening is logged. Raises NotFound."""
        return await self._open(actor, number, RevealChannel.FILE, ordinal)

    async def send_to_chat(self, actor: Actor, number: str) -> None:
        """Have the keys sent to the buyer's chat once more. Raises NotFound."""
        async with self._uow() as tx:
            order = await self._own(tx, actor, number)
            if not order.keys:
                raise NotFound("the order has no keys")
            tx.emit(KeysRequested(order_id=order.id, user_id=order.user_id))

    async def list_all(self, actor: Actor, status: OrderStatus | None, cursor: str | None) -> Page[OrderRow]:
        """Everybody's orders, newest first. Needs the permission for orders."""
        actor.require(Permission.ORDERS)
        return await self._list(None, status, cursor)

    async def numbers_of(self, actor: Actor, ids: Iterable[OrderId]) -> dict[OrderId, str]:
        """The numbers of orders, for the lists of any admin. Raises Forbidden."""
        if not actor.is_admin:
            raise Forbidden("not an admin")
        async with self._uow.read() as tx:
            return await repository.list_numbers(tx, ids)

    async def find_by_number(self, actor: Actor, number: str) -> OrderRow | None:
        """The order with this number, or None. Needs the permission for orders, or for money that came for one."""
        if not actor.may(Permission.MONEY):
            actor.require(Permission.ORDERS)
        sequence = rules.parse_order_number(number)
        if sequence is None:
            return None
        async with self._uow.read() as tx:
            return await repository.find_row(tx, sequence)

    async def admin_detail(self, actor: Actor, number: str) -> OrderView:
        """Anybody's order, its keys closed. Needs the permission for orders. Raises NotFound."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return await domain.load(tx, sequence=sequence_of(number))

    async def list_of(self, actor: Actor, buyer: UserId) -> list[OrderRow]:
        """One person's latest orders. Needs the permission for orders."""
        actor.require(Permission.ORDERS)
        return (await self._list(buyer, None, None)).items

    async def figures_of(self, actor: Actor, buyers: Sequence[UserId]) -> dict[UserId, BuyerFigures]:
        """What each of these people has bought, where it is anything. Needs the permission for users."""
        actor.require(Permission.USERS)
        async with self._uow.read() as tx:
            return await repository.list_figures(tx, buyers, self._currency)

    async def count_waiting(self, actor: Actor) -> int:
        """How many orders of all people wait for money. Needs the permission for orders."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return await repository.count_all_waiting(tx)

    async def sales_since(self, actor: Actor, since: datetime) -> SalesFigures:
        """What was sold since a moment. Needs the permission for orders."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            revenue, orders = await repository.sales_since(tx, since, self._currency)
        return SalesFigures(Money(revenue, self._currency), orders)

    async def _list(self, buyer: UserId | None, status: OrderStatus | None, cursor: str | None) -> Page[OrderRow]:
        before = OrderId(decode_cursor(cursor, UUID)) if cursor else None
        async with self._uow.read() as tx:
            rows = await repository.list_orders(tx, user_id=buyer, status=status, before=before, limit=_PAGE + 1)
        more = len(rows) > _PAGE
        return Page(rows[:_PAGE], encode_cursor(rows[_PAGE - 1].id) if more else None)

    async def _own(self, tx: Tx, actor: Actor, number: str) -> OrderView:
        order = await domain.load(tx, sequence=sequence_of(number))
        check_owner(actor, order.user_id)
        return order

    async def _open(self, actor: Actor, number: str, channel: RevealChannel, ordinal: int | None) -> list[OpenedKey]:
        async with self._uow() as tx:
            order = await self._own(tx, actor, number)
            return await domain.open_keys(tx, self._ring, order, by=actor.user_id, channel=channel, ordinal=ordinal)
