"""A new order before it is stored, and the same as it is shown after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.catalog.types import Offer
from backend.catalog.types.fulfilment import Delivery, FulfilmentLine
from backend.growth.types.promos import PromoOffer
from backend.identity.types import Actor
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, OrderLineId
from backend.kernel.money import Money
from backend.orders import domain, rules
from backend.orders.domain import promos
from backend.orders.rules import pricing
from backend.orders.rules.pricing import UnpricedLine
from backend.orders.types import NewOrder, OrderLine, OrderStatus, OrderStep, OrderView, TimelineEntry, Wanted
from backend.orders.types.lines import LineStatus
from backend.orders.types.prices import Priced, PricedLine

_FIRST_STEPS = {
    OrderStatus.PAID: (OrderStep.PLACED, OrderStep.PAID),
    OrderStatus.DELIVERED: (OrderStep.PLACED, OrderStep.PAID, OrderStep.DELIVERED),
    OrderStatus.AWAITING_PAYMENT: (OrderStep.PLACED, OrderStep.RESERVED),
}
_LINE_STATUSES = {
    OrderStatus.PAID: LineStatus.PENDING,
    OrderStatus.DELIVERED: LineStatus.DELIVERED,
    OrderStatus.AWAITING_PAYMENT: LineStatus.RESERVED,
}


def new_order(
    tx: Tx,
    actor: Actor,
    offers: Sequence[Offer],
    wanted: Sequence[Wanted],
    key: str,
    request: bytes,
    status: OrderStatus,
    found: Sequence[PromoOffer],
) -> NewOrder:
    """The order that is about to be stored; the best of the discounts ``found`` is used."""
    priced, line_status = price_of(offers, wanted, found), _LINE_STATUSES[status]
    lines = tuple(
        line_of(OrderLineId(tx.new_id()), offer, price, line_status)
        for offer, price in zip(offers, priced.lines, strict=True)
    )
    goods = tuple(_goods(line, offer, actor) for line, offer in zip(lines, offers, strict=True))
    return NewOrder(
        id=OrderId(tx.new_id()),
        user_id=actor.id,
        idempotency_key=key,
        request=request,
        status=status,
        lines=lines,
        goods=goods,
        total=priced.total,
        promo=promos.applied(priced, found),
        steps=_FIRST_STEPS[status],
    )


def _goods(line: OrderLine, offer: Offer, actor: Actor) -> FulfilmentLine:
    return FulfilmentLine(
        id=line.id,
        kind=offer.kind,
        product_id=offer.product_id,
        variant_id=offer.variant_id,
        quantity=line.quantity,
        buyer=actor.id,
        recipient=actor.id,
    )


def placed(tx: Tx, order: NewOrder, sequence: int, deliveries: Mapping[OrderLineId, Delivery]) -> OrderView:
    """The order that this transaction has stored, equal to what ``domain.load`` would read."""
    nothing = Money.zero(order.total.currency)
    shown = domain.shown_goods(order.lines, order.goods)
    return OrderView(
        id=order.id,
        number=rules.order_number(sequence),
        user_id=order.user_id,
        status=order.status,
        total=order.total,
        created_at=tx.now,
        expires_at=order.expires_at,
        lines=list(order.lines),
        keys=domain.keys_of(shown, (item for line in shown for item in deliveries[line.id].items)),
        timeline=[TimelineEntry(step, tx.now) for step in order.steps],
        held=nothing,
        refunded=nothing,
    )


def price_of(offers: Sequence[Offer], wanted: Sequence[Wanted], found: Sequence[PromoOffer] = ()) -> Priced:
    """The prices for the buyer to whom the offers were made, with the best of the discounts ``found``."""
    return pricing.price(
        [
            UnpricedLine(offer.variant_id, item.quantity, offer.public_price, offer.unit_price)
            for offer, item in zip(offers, wanted, strict=True)
        ],
        [item.discount for item in found],
    )


def line_of(line_id: OrderLineId, offer: Offer, price: PricedLine, status: LineStatus) -> OrderLine:
    """A line of an order, with what it names as it is now."""
    return OrderLine(
        id=line_id,
        slug=offer.slug,
        name=offer.name,
        variant_name=offer.variant_name,
        hue=offer.hue,
        icon=offer.icon,
        country=offer.country,
        picture=offer.picture,
        price=price,
        status=status,
        refunded=Money.zero(price.total.currency),
    )
