"""A new order before it is stored, and the same as it is shown after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from backend.catalog.types import Offer
from backend.catalog.types.fulfilment import Delivery, FulfilmentLine
from backend.growth.types.promos import PromoOffer
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, OrderLineId
from backend.kernel.money import Money
from backend.orders import domain
from backend.orders.domain import promos
from backend.orders.rules import pricing
from backend.orders.types import NewOrder, OrderLine, OrderStatus, OrderStep, OrderView, RequestedLine, TimelineEntry
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
    goods: Sequence[FulfilmentLine],
    offers: Sequence[Offer],
    priced: Priced,
    key: str,
    request: bytes,
    status: OrderStatus,
    promo_offers: Sequence[PromoOffer] = (),
) -> NewOrder:
    """The order that is about to be stored: the ``goods``, each an offer, at prices with ``promo_offers``."""
    lines = tuple(
        line_of(line.id, offer, price, _LINE_STATUSES[status])
        for line, offer, price in zip(goods, offers, priced.lines, strict=True)
    )
    return NewOrder(
        id=OrderId(tx.new_id()),
        user_id=goods[0].buyer,
        idempotency_key=key,
        request=request,
        status=status,
        lines=lines,
        goods=tuple(replace(line, paid=price.total) for line, price in zip(goods, priced.lines, strict=True)),
        total=priced.total,
        promo=promos.applied(priced, promo_offers),
        steps=_FIRST_STEPS[status],
    )


def placed(tx: Tx, order: NewOrder, number: str, deliveries: Mapping[OrderLineId, Delivery]) -> OrderView:
    """The order that this transaction has stored, equal to what ``domain.load`` would read."""
    nothing = Money.zero(order.total.currency)
    shown = domain.shown_goods(order.lines, order.goods)
    return OrderView(
        id=order.id,
        number=number,
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


def price_of(
    offers: Sequence[Offer],
    requested: Sequence[RequestedLine],
    promo_offers: Sequence[PromoOffer] = (),
    paid: Sequence[Money | None] = (),
) -> Priced:
    """The prices for the buyer to whom the offers were made, with the best discount of ``promo_offers``.

    ``paid``: what they paid before for each of the lines; empty for nothing.
    """
    return pricing.price(
        [
            pricing.unpriced(offer, item.quantity, before)
            for offer, item, before in zip(offers, requested, paid or [None] * len(offers), strict=True)
        ],
        [item.discount for item in promo_offers],
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
        promised_hours=offer.promised_hours,
        warranty_days=offer.warranty_days,
        kind=offer.kind,
    )
