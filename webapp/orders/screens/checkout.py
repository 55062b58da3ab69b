"""The sheets between a product and its order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from backend.catalog.types import StockKind, VariantId
from backend.identity.types import Actor
from backend.infra.i18n import Translator
from backend.kernel.money import Money
from backend.orders.errors import ReservationsPaused, ReservationTooLarge, TooManyReservations
from backend.orders.types import AmountDue, MethodCharge, OrderView, Quote
from backend.orders.types.cart import CartQuote
from backend.orders.words import and_more
from webapp.core.looks import Picture, goods_tile, price_rows
from webapp.core.parts import PriceRow, TileView
from webapp.core.rendering import Viewer
from webapp.orders.screens.answers import Asked
from webapp.orders.screens.orders import sum_rows, title
from webapp.orders.screens.promo_codes import PromoField, PromoSheet, product_sheet
from webapp.payments.screens.methods import MethodRow, method_row


class ConfirmSheet(msgspec.Struct, frozen=True):
    """orders/_confirm.html: what is bought, for how much, and the balance before and after.

    ``intent`` is the idempotency key: a double tap buys once. The form is posted to ``action`` with ``fields`` more;
    ``other_url`` shows the other payment methods. ``promised_hours`` is how long the slowest of the goods takes; None
    where all are delivered at once. ``course``: it is a place in a course.
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
    parts: tuple[PriceRow, ...] = ()
    action: str = "/orders"
    other_url: str | None = None
    promised_hours: int | None = None
    warranty_days: int = 0
    promo: PromoField | None = None
    fields: tuple[tuple[str, str], ...] = ()
    course: bool = False
    asked: Asked | None = None


def confirm(
    quote: Quote,
    variant_id: VariantId,
    intent: str,
    promo: PromoField,
    actor: Actor,
    picture: Picture,
    words: Translator,
) -> ConfirmSheet:
    """The confirmation of a purchase from the balance; ``intent`` makes a double tap buy once."""
    return ConfirmSheet(
        slug=quote.line.slug,
        variant_id=str(variant_id),
        title=title(quote.line, actor.language),
        tile=goods_tile(quote.line, actor, picture),
        unit_price=quote.line.price.unit_price,
        parts=price_rows(quote.line.price, words),
        quantity=quote.line.quantity,
        total=quote.due.total,
        balance=quote.due.balance,
        intent=intent,
        other_url=switch_url(quote, product_sheet(quote, variant_id), use_balance=True) if quote.due.total else None,
        promised_hours=quote.line.promised_hours,
        warranty_days=quote.line.warranty_days,
        promo=promo,
        course=quote.line.kind == StockKind.COURSE,
    )


def confirm_order(order: OrderView, due: AmountDue, actor: Actor, picture: Picture, viewer: Viewer) -> ConfirmSheet:
    """The confirmation before an unpaid order is paid from the balance; paying it twice pays once."""
    line, more = order.lines[0], len(order.lines) - 1
    return ConfirmSheet(
        slug=line.slug,
        variant_id="",
        title=and_more(title(line, actor.language), more),
        tile=goods_tile(line, actor, picture),
        unit_price=line.price.unit_price,
        parts=sum_rows(order.lines, viewer),
        quantity=1 if more else line.quantity,
        total=order.total,
        balance=due.balance,
        intent="",
        action=f"/orders/{order.number}/pay",
        promised_hours=order.promised_hours,
        warranty_days=order.warranty_days,
    )


class ReservedLink(msgspec.Struct, frozen=True):
    """orders/_reserved.html: the buyer's unpaid order that has a product reserved; empty for none."""

    order: str


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


class ChargeRow(msgspec.Struct, frozen=True):
    """A payment method in the sheet: it charges ``amount``, of which ``surplus`` stays in the balance."""

    method: MethodRow
    amount: Money
    surplus: Money


def charge_rows(charges: Sequence[MethodCharge], viewer: Viewer) -> tuple[ChargeRow, ...]:
    """The payment methods with what each charges."""
    return tuple(ChargeRow(method_row(item.method, item.amount, viewer), item.amount, item.surplus) for item in charges)


class MethodsSheet(msgspec.Struct, frozen=True):
    """orders/_methods.html: how the ``rest`` of the ``total`` is paid; ``from_balance`` of the ``balance`` is used.

    A tap on a payment method posts ``method``, the hidden fields and ``fields`` to ``action``. The goods are reserved
    for ``reserved_minutes``. ``other_url`` shows the same sheet with ``use_balance`` the other way round.
    """

    total: Money
    balance: Money
    from_balance: Money
    rest: Money
    methods: tuple[ChargeRow, ...]
    action: str
    intent: str
    parts: tuple[PriceRow, ...] = ()
    reserved_minutes: int | None = None
    variant_id: str = ""
    quantity: int = 1
    use_balance: bool = True
    other_url: str | None = None
    promised_hours: int | None = None
    promo: PromoField | None = None
    fields: tuple[tuple[str, str], ...] = ()
    asked: Asked | None = None


def methods(
    quote: Quote,
    variant_id: VariantId,
    intent: str,
    promo: PromoField,
    viewer: Viewer,
    *,
    minutes: int,
    use_balance: bool = True,
) -> MethodsSheet:
    """How a purchase can be paid that the balance does not cover, or shall not; ``minutes``: reserved for so long."""
    due = quote.due
    return MethodsSheet(
        total=due.total,
        balance=due.balance,
        from_balance=due.from_balance,
        rest=due.rest,
        methods=charge_rows(due.charges, viewer),
        action="/orders/reserve",
        intent=intent,
        parts=price_rows(quote.line.price, viewer.words),
        reserved_minutes=minutes,
        variant_id=str(variant_id),
        quantity=quote.line.quantity,
        use_balance=use_balance,
        other_url=switch_url(quote, product_sheet(quote, variant_id), use_balance=use_balance) if due.balance else None,
        promised_hours=quote.line.promised_hours,
        promo=promo,
    )


def methods_for_order(order: OrderView, due: AmountDue, intent: str, viewer: Viewer) -> MethodsSheet:
    """How the rest of an order that is reserved already can be paid."""
    left = int((order.expires_at - viewer.now).total_seconds()) // 60 if order.expires_at else 0
    return MethodsSheet(
        total=due.total,
        balance=due.balance,
        from_balance=due.from_balance,
        rest=due.rest,
        methods=charge_rows(due.charges, viewer),
        action=f"/orders/{order.number}/topup",
        intent=intent,
        parts=sum_rows(order.lines, viewer),
        reserved_minutes=max(left, 1) if order.expires_at else None,
        promised_hours=order.promised_hours,
    )


def switch_url(quote: Quote | CartQuote, again: PromoSheet, *, use_balance: bool) -> str:
    """The address of the same sheet, with the code that it uses, paid the other way than ``use_balance``."""
    return again.address(quote.promo.code if quote.promo else "", use_balance=not use_balance)
