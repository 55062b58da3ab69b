"""The sheets between a product and its order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from backend.catalog.types import VariantId
from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.orders.errors import ReservationsPaused, ReservationTooLarge, TooManyReservations
from backend.orders.types import OrderView, Quote
from backend.payments.types import PaymentMethod
from webapp.core.looks import Picture, goods_tile
from webapp.core.parts import TileView
from webapp.core.rendering import Viewer
from webapp.orders.screens.orders import title
from webapp.payments.screens.methods import MethodRow, method_row


class ConfirmSheet(msgspec.Struct, frozen=True):
    """orders/_confirm.html: what is bought, for how much, and the balance before and after.

    ``intent`` is the idempotency key: a double tap buys once. ``action`` is where it is posted; ``other_url`` shows the
    other ways to pay.
    """

    slug: str
    variant_id: str
    title: str
    tile: TileView
    unit_price: Money
    quantity: int
    total: Money
    balance: Money
    intent: str
    action: str = "/orders"
    other_url: str | None = None


def confirm(quote: Quote, variant_id: VariantId, intent: str, actor: Actor, picture: Picture) -> ConfirmSheet:
    """What is bought, for how much; ``intent`` makes a double tap buy once."""
    return ConfirmSheet(
        slug=quote.line.slug,
        variant_id=str(variant_id),
        title=title(quote.line, actor.language),
        tile=goods_tile(quote.line, actor, picture),
        unit_price=quote.line.unit_price,
        quantity=quote.line.quantity,
        total=quote.total,
        balance=quote.balance,
        intent=intent,
        other_url=f"/shop/{quote.line.slug}/confirm?variant={variant_id}&quantity={quote.line.quantity}&keep=on",
    )


def confirm_order(order: OrderView, balance: Money, actor: Actor, picture: Picture) -> ConfirmSheet:
    """The same for an order that was reserved before: paying it twice is paying it once.

    What is set aside for it counts as the balance's.
    """
    line = order.lines[0]
    return ConfirmSheet(
        slug=line.slug,
        variant_id="",
        title=title(line, actor.language),
        tile=goods_tile(line, actor, picture),
        unit_price=line.unit_price,
        quantity=line.quantity,
        total=order.total,
        balance=order.held + balance,
        intent="",
        action=f"/orders/{order.number}/pay",
    )


class UnpaidSheet(msgspec.Struct, frozen=True):
    """orders/_unpaid.html: why nothing was reserved; ``order`` is the number of an unpaid order to pay or cancel first.

    ``limit`` keys may be reserved before paying.
    """

    reason: Literal["too_many_reservations", "reservation_too_large", "reservations_paused"]
    limit: int = 0
    order: str = ""


def unpaid(refusal: TooManyReservations | ReservationTooLarge | ReservationsPaused) -> UnpaidSheet:
    """Why nothing was reserved, and what to do next."""
    if isinstance(refusal, ReservationsPaused):
        return UnpaidSheet("reservations_paused")
    limit, order = refusal.params["limit"], refusal.params["order"]
    reason: Literal["too_many_reservations", "reservation_too_large"] = (
        "too_many_reservations" if isinstance(refusal, TooManyReservations) else "reservation_too_large"
    )
    return UnpaidSheet(reason, limit if isinstance(limit, int) else 0, str(order))


def enough(missing: Money, way: PaymentMethod) -> Money:
    """The least that the way takes to cover what is missing."""
    return max(missing, way.minimum, key=_amount)


def missing_of(order: OrderView, balance: Money) -> Money:
    """What a waiting order still needs beyond what is set aside for it and what the wallet has."""
    return max(order.total - order.held - balance, Money.zero(order.total.currency), key=_amount)


def _amount(money: Money) -> int:
    return money.amount


class PayRow(msgspec.Struct, frozen=True):
    """A way to pay what is missing: ``pay`` by it, of which ``over`` stays in the balance (its provider's minimum)."""

    way: MethodRow
    pay: Money
    over: Money


def _rows(ways: Sequence[PaymentMethod], missing: Money, viewer: Viewer) -> tuple[PayRow, ...]:
    rows = []
    for way in ways:
        pay = enough(missing, way)
        rows.append(PayRow(method_row(way, pay, viewer), pay, pay - missing))
    return tuple(rows)


class MissingSheet(msgspec.Struct, frozen=True):
    """orders/_missing.html: ``missing`` is to be paid by a way, ``part`` comes from the ``balance``.

    A tap on a way posts ``way`` and the hidden fields to ``action``. ``reserved_minutes``: the stock is kept so long.
    ``other_url`` shows the sheet the other way: with the balance kept as it is (``keep``), or with its part.
    """

    missing: Money
    part: Money
    balance: Money
    needed: Money
    ways: tuple[PayRow, ...]
    action: str
    intent: str
    reserved_minutes: int | None = None
    variant_id: str = ""
    quantity: int = 1
    keep: bool = False
    other_url: str | None = None


def missing(
    quote: Quote,
    variant_id: VariantId,
    intent: str,
    ways: Sequence[PaymentMethod],
    viewer: Viewer,
    *,
    minutes: int,
    keep: bool = False,
) -> MissingSheet:
    """The balance does not reach, or is to be kept: a way on keeps the goods for ``minutes`` and pays the rest."""
    part = Money.zero(quote.total.currency) if keep else min(quote.balance, quote.total, key=_amount)
    query = f"variant={variant_id}&quantity={quote.line.quantity}"
    other = f"/shop/{quote.line.slug}/confirm?{query}{'' if keep else '&keep=on'}" if quote.balance else None
    return MissingSheet(
        missing=quote.total - part,
        part=part,
        balance=quote.balance,
        needed=quote.total,
        ways=_rows(ways, quote.total - part, viewer),
        action="/orders/reserve",
        intent=intent,
        reserved_minutes=minutes,
        variant_id=str(variant_id),
        quantity=quote.line.quantity,
        keep=keep,
        other_url=other,
    )


def missing_for_order(
    order: OrderView, balance: Money, intent: str, ways: Sequence[PaymentMethod], viewer: Viewer
) -> MissingSheet:
    """The same for an order whose goods are kept already."""
    rest = missing_of(order, balance)
    left = int((order.expires_at - viewer.now).total_seconds()) // 60 if order.expires_at else 0
    return MissingSheet(
        missing=rest,
        part=order.total - rest,
        balance=order.held + balance,
        needed=order.total,
        ways=_rows(ways, rest, viewer),
        action=f"/orders/{order.number}/topup",
        intent=intent,
        reserved_minutes=max(left, 1) if order.expires_at else None,
    )
