"""Use cases of orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend.catalog import domain as catalog
from backend.catalog.types import Offer
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import AppError, NotFound
from backend.kernel.ids import OrderId, OrderLineId, UserId, VariantId
from backend.kernel.money import Money
from backend.kernel.paging import Page, decode_cursor, encode_cursor
from backend.orders import domain, repository, rules
from backend.orders.errors import (
    IdempotencyKeyReused,
    OrderNotPayable,
    PersonLimitReached,
    PriceChanged,
    TooManyReservations,
)
from backend.orders.types import (
    BuyerFigures,
    KeysRequested,
    NewOrder,
    OpenedKey,
    OrderFilter,
    OrderLine,
    OrderPaid,
    OrderRef,
    OrderRow,
    OrderStatus,
    OrderStep,
    OrderView,
    Quote,
    RevealChannel,
    SalesFigures,
)
from backend.wallet import domain as wallet
from backend.wallet.types import REVENUE, AccountRef, Memo, TransferKind

_PAGE = 30


class OrdersService:
    """Buying, following and receiving orders."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, currency: str, reservation: timedelta) -> None:
        self._uow = uow
        self._ring = ring
        self._currency = currency
        self._reservation = reservation

    async def quote(self, actor: Actor, variant_id: VariantId, quantity: int) -> Quote:
        """What ``quantity`` of the variant would cost the buyer now.

        Raises NotFound, PremiumOnly, QuantityNotAllowed. What is left in stock is told, not promised.
        """
        async with self._uow.read() as tx:
            offer = await self._offer(tx, actor, variant_id, quantity)
            balance = await wallet.balance(tx, actor.id, self._currency)
            available = await catalog.count_available(tx, variant_id)
        line = _line(OrderLineId(tx.new_id()), offer, quantity)
        total = offer.unit_price * quantity
        missing = total - balance if balance < total else Money.zero(self._currency)
        return Quote(line=line, total=total, balance=balance, missing=missing, available=available)

    @retry_conflicts
    async def place(
        self,
        actor: Actor,
        variant_id: VariantId,
        quantity: int,
        idempotency_key: str,
        *,
        confirmed: Money | None = None,
    ) -> OrderRef:
        """Buy from the wallet: the money moves and the keys are the buyer's, in one transaction.

        The same ``idempotency_key`` (8 to 64 characters) always answers with the same order. ``confirmed`` is the
        total that the buyer has agreed to. Raises NotFound, PremiumOnly, QuantityNotAllowed, PriceChanged,
        PersonLimitReached, SoldOut, InsufficientFunds, IdempotencyKeyReused.
        """
        rules.check_idempotency_key(idempotency_key)
        async with self._uow() as tx:
            try:
                offer = await self._offer(tx, actor, variant_id, quantity)
                if confirmed is not None and confirmed != offer.unit_price * quantity:
                    raise PriceChanged(total=offer.unit_price * quantity)
            except AppError as refusal:
                return await self._bought_before(tx, actor, variant_id, quantity, idempotency_key, refusal)
            order = _new_order(tx, actor, offer, quantity, idempotency_key, OrderStatus.DELIVERED)
            sequence = await repository.add_order(tx, order)
            if sequence is None:
                return await self._replayed(tx, actor, variant_id, quantity, idempotency_key)
            await self._check_person_limit(tx, offer, order)
            await catalog.take_keys(tx, variant_id, quantity, order.line.id)
            await self._charge(tx, order.id, order.user_id, order.total, rules.order_number(sequence), order.line)
            tx.emit(OrderPaid(order_id=order.id, user_id=order.user_id))
            tx.signal(domain.TOPIC, order.id)
        return OrderRef(order.id, rules.order_number(sequence))

    @retry_conflicts
    async def reserve(self, actor: Actor, variant_id: VariantId, quantity: int, idempotency_key: str) -> OrderRef:
        """Keep the goods for the buyer for a while, until the money is there.

        Raises as place does (but for InsufficientFunds), and TooManyReservations.
        """
        rules.check_idempotency_key(idempotency_key)
        async with self._uow() as tx:
            await repository.lock_buyer(tx, actor.id)
            try:
                offer = await self._offer(tx, actor, variant_id, quantity)
            except AppError as refusal:
                return await self._bought_before(tx, actor, variant_id, quantity, idempotency_key, refusal)
            order = _new_order(tx, actor, offer, quantity, idempotency_key, OrderStatus.AWAITING_PAYMENT)
            order = msgspec.structs.replace(order, expires_at=tx.now + self._reservation)
            sequence = await repository.add_order(tx, order)
            if sequence is None:
                return await self._replayed(tx, actor, variant_id, quantity, idempotency_key)
            if await repository.count_waiting(tx, actor.id) > rules.MAX_OPEN_RESERVATIONS:
                raise TooManyReservations(limit=rules.MAX_OPEN_RESERVATIONS)
            await self._check_person_limit(tx, offer, order)
            await catalog.reserve_keys(tx, variant_id, quantity, order.line.id)
        return OrderRef(order.id, rules.order_number(sequence))

    @retry_conflicts
    async def pay(self, actor: Actor, number: str) -> OrderRef:
        """Pay a waiting order from the wallet; an order paid before is answered as it is.

        Raises NotFound, OrderNotPayable, InsufficientFunds.
        """
        async with self._uow() as tx:
            row = await repository.lock_order(tx, _sequence(number))
            _check_owner(actor, UserId(row.user_id))
            status, order_id = OrderStatus(row.status), OrderId(row.id)
            if status is not OrderStatus.DELIVERED:
                if not rules.is_payable(status, row.expires_at, tx.now):
                    raise OrderNotPayable()
                lines = await repository.list_lines(tx, order_id, row.currency)
                for line in lines:
                    await catalog.sell_reserved(tx, line.id)
                total, number = Money(row.total_amount, row.currency), rules.order_number(row.sequence)
                await self._charge(tx, order_id, UserId(row.user_id), total, number, lines[0])
                await repository.set_status(tx, order_id, OrderStatus.DELIVERED, paid=True)
                await repository.add_events(tx, order_id, [OrderStep.PAID, OrderStep.DELIVERED], actor.user_id)
                tx.emit(OrderPaid(order_id=order_id, user_id=UserId(row.user_id)))
                tx.signal(domain.TOPIC, order_id)
        return OrderRef(order_id, rules.order_number(row.sequence))

    @retry_conflicts
    async def cancel(self, actor: Actor, number: str) -> OrderRef:
        """Give up a waiting order; its goods go back to the shop. Raises NotFound, OrderNotPayable."""
        async with self._uow() as tx:
            row = await repository.lock_order(tx, _sequence(number))
            _check_owner(actor, UserId(row.user_id))
            if row.status == OrderStatus.DELIVERED:
                raise OrderNotPayable()
            if row.status == OrderStatus.AWAITING_PAYMENT:
                cancelled, step = OrderStatus.CANCELLED, OrderStep.CANCELLED
                await domain.close_unpaid(tx, OrderId(row.id), cancelled, step, actor.user_id)
        return OrderRef(OrderId(row.id), rules.order_number(row.sequence))

    async def expire_lapsed(self) -> int:
        """End the orders whose time to be paid is over and give their goods back; the number ended.

        Each in a transaction of its own, so that no two products are locked together.
        """
        ended = 0
        while await self._expire_one():
            ended += 1
        return ended

    @retry_conflicts
    async def _expire_one(self) -> bool:
        async with self._uow() as tx:
            order_id = await repository.lock_lapsed(tx)
            if order_id is None:
                return False
            await domain.close_unpaid(tx, order_id, OrderStatus.EXPIRED, OrderStep.EXPIRED, None)
        return True

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

    async def find_by_number(self, actor: Actor, number: str) -> OrderRow | None:
        """The order with this number, or None. Needs the permission for orders."""
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
            return await domain.load(tx, sequence=_sequence(number))

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

    async def _charge(
        self, tx: Tx, order_id: OrderId, buyer: UserId, total: Money, number: str, line: OrderLine
    ) -> None:
        if total:
            memo = Memo(title=line.name, quantity=line.quantity)
            source, target = AccountRef.user(buyer), AccountRef.house(REVENUE)
            key = f"order:{order_id}"
            await wallet.transfer(tx, TransferKind.PURCHASE, key, source, target, total, reference=number, memo=memo)

    async def _offer(self, tx: Tx, actor: Actor, variant_id: VariantId, quantity: int) -> Offer:
        """The offer, if this person may buy so many of it. Raises NotFound, PremiumOnly, QuantityNotAllowed."""
        offer = await catalog.get_offer(tx, variant_id, reseller=actor.is_reseller)
        if offer.unit_price.currency != self._currency:
            raise NotFound("priced in another currency than the shop's")
        rules.check_offer(offer, actor, quantity)
        return offer

    async def _replayed(self, tx: Tx, actor: Actor, variant_id: VariantId, quantity: int, key: str) -> OrderRef:
        first = await repository.find_by_key(tx, actor.id, key)
        if first is None or (first.variant_id, first.quantity) != (variant_id, quantity):
            raise IdempotencyKeyReused()
        return OrderRef(OrderId(first.id), rules.order_number(first.sequence))

    async def _bought_before(
        self, tx: Tx, actor: Actor, variant_id: VariantId, quantity: int, key: str, refusal: AppError
    ) -> OrderRef:
        """What cannot be bought any more may have been bought by an earlier try. Raises ``refusal`` if it was not."""
        if await repository.find_by_key(tx, actor.id, key) is None:
            raise refusal
        return await self._replayed(tx, actor, variant_id, quantity, key)

    async def _check_person_limit(self, tx: Tx, offer: Offer, order: NewOrder) -> None:
        if offer.per_person_limit is None:
            return
        await repository.lock_buyer(tx, order.user_id)
        bought = await repository.count_bought(tx, order.user_id, offer.variant_id, order.id)
        if bought + order.line.quantity > offer.per_person_limit:
            raise PersonLimitReached(limit=offer.per_person_limit, bought=bought)

    async def _list(self, buyer: UserId | None, status: OrderStatus | None, cursor: str | None) -> Page[OrderRow]:
        before = OrderId(decode_cursor(cursor, UUID)) if cursor else None
        async with self._uow.read() as tx:
            rows = await repository.list_orders(tx, user_id=buyer, status=status, before=before, limit=_PAGE + 1)
        more = len(rows) > _PAGE
        return Page(rows[:_PAGE], encode_cursor(rows[_PAGE - 1].id) if more else None)

    async def _own(self, tx: Tx, actor: Actor, number: str) -> OrderView:
        order = await domain.load(tx, sequence=_sequence(number))
        _check_owner(actor, order.user_id)
        return order

    async def _open(self, actor: Actor, number: str, channel: RevealChannel, ordinal: int | None) -> list[OpenedKey]:
        async with self._uow() as tx:
            order = await self._own(tx, actor, number)
            return await domain.open_keys(tx, self._ring, order, by=actor.user_id, channel=channel, ordinal=ordinal)


def _sequence(number: str) -> int:
    sequence = rules.parse_order_number(number)
    if sequence is None:
        raise NotFound("not an order number")
    return sequence


def _check_owner(actor: Actor, owner: UserId) -> None:
    # Another person's order does not exist for this one: the same answer as for a number never given.
    if owner != actor.user_id:
        raise NotFound("somebody else's order")


_FIRST_STEPS = {
    OrderStatus.DELIVERED: (OrderStep.PLACED, OrderStep.PAID, OrderStep.DELIVERED),
    OrderStatus.AWAITING_PAYMENT: (OrderStep.PLACED, OrderStep.RESERVED),
}


def _new_order(tx: Tx, actor: Actor, offer: Offer, quantity: int, key: str, status: OrderStatus) -> NewOrder:
    return NewOrder(
        id=OrderId(tx.new_id()),
        user_id=actor.id,
        idempotency_key=key,
        status=status,
        variant_id=offer.variant_id,
        line=_line(OrderLineId(tx.new_id()), offer, quantity),
        total=offer.unit_price * quantity,
        steps=_FIRST_STEPS[status],
    )


def _line(line_id: OrderLineId, offer: Offer, quantity: int) -> OrderLine:
    return OrderLine(
        id=line_id,
        slug=offer.slug,
        name=offer.name,
        variant_name=offer.variant_name,
        hue=offer.hue,
        icon=offer.icon,
        country=offer.country,
        quantity=quantity,
        unit_price=offer.unit_price,
    )
