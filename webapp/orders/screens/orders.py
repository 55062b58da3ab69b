"""Orders and keys for their buyer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Literal

import msgspec

from backend.catalog.words import goods_name
from backend.identity.types import Actor
from backend.infra.formatting import times
from backend.kernel.money import Money
from backend.kernel.paging import Page
from backend.kernel.text import Locale, pick
from backend.orders import types as orders
from backend.orders.types import OrderFilter, OrderStatus
from backend.orders.types.lines import LineStatus
from backend.orders.words import and_more
from backend.payments.types import Intent, IntentStatus
from webapp.core.looks import Picture, by_day, goods_tile, price_rows
from webapp.core.parts import Hue, PriceRow, StepView, TileView
from webapp.core.rendering import Viewer
from webapp.courses.screens.links import bought_href
from webapp.orders.screens.answers import AnsweredLine
from webapp.orders.screens.keys import KeyView, key, line_name
from webapp.orders.screens.warranty import WarrantyView
from webapp.payments.screens.methods import method_look, method_title
from webapp.readings.screens.links import credits_href

_CHANGING: Final = frozenset({OrderStatus.AWAITING_PAYMENT, OrderStatus.PAID})
"""The statuses in which an order changes under its reader's eyes."""
_SETTLES_WITHIN: Final = timedelta(minutes=1)


def status(stored: OrderStatus, expires_at: datetime | None, now: datetime) -> OrderStatus:
    """The status to show: an order past its time is expired, also before the worker has stored that."""
    over = stored is OrderStatus.AWAITING_PAYMENT and expires_at is not None and expires_at <= now
    return OrderStatus.EXPIRED if over else stored


def title(line: orders.OrderLine, locale: Locale) -> str:
    """What was bought, with its variant."""
    return goods_name(line.name, line.variant_name, line.country, locale)


def list_title(order: orders.OrderRow, locale: Locale) -> str:
    """What was bought, as a list says it: the first thing, and how many others."""
    return and_more(title(order.line, locale), order.line_count - 1)


def sum_title(lines: Sequence[orders.OrderLine], locale: Locale) -> str:
    """What is paid for, in one line of text."""
    if len(lines) > 1:
        return and_more(title(lines[0], locale), len(lines) - 1)
    line = lines[0]
    return times(title(line, locale), line.quantity, locale) if line.quantity > 1 else title(line, locale)


def sum_rows(lines: Sequence[orders.OrderLine], viewer: Viewer) -> tuple[PriceRow, ...]:
    """How the price of an order comes about: the parts of its only line's price, or else its lines."""
    if len(lines) == 1:
        return price_rows(lines[0].price, viewer.words)
    return tuple(PriceRow(sum_title([line], viewer.locale), line.price.total) for line in lines)


class OrderRow(msgspec.Struct, frozen=True):
    """An order in a list."""

    number: str
    title: str
    quantity: int
    tile: TileView
    total: Money
    status: OrderStatus
    at: datetime
    pay_until: datetime | None = None


def row(order: orders.OrderRow, actor: Actor, now: datetime, picture: Picture) -> OrderRow:
    """An order in the buyer's list."""
    line = order.line
    return OrderRow(
        number=order.number,
        title=list_title(order, actor.language),
        quantity=line.quantity if order.line_count == 1 else 1,
        tile=goods_tile(line, actor, picture),
        total=order.total,
        status=status(order.status, order.expires_at, now),
        at=order.created_at,
        pay_until=order.expires_at,
    )


class OrderDay(msgspec.Struct, frozen=True):
    """Orders of one day of the reader's timezone."""

    day: date
    rows: tuple[OrderRow, ...]


class OrdersPage(msgspec.Struct, frozen=True):
    """orders/list.html; orders/_rows.html takes the same for a next page."""

    segment: OrderFilter
    days: tuple[OrderDay, ...]
    next_url: str | None = None


def listed(page: Page[orders.OrderRow], view: OrderFilter, actor: Actor, now: datetime, picture: Picture) -> OrdersPage:
    """A page of the buyer's orders, by the days of their time zone."""
    days = by_day((row(order, actor, now, picture) for order in page.items), lambda item: item.at, actor)
    segment = "" if view is OrderFilter.ALL else f"segment={view}&"
    return OrdersPage(
        segment=view,
        days=tuple(OrderDay(day, rows) for day, rows in days),
        next_url=f"/orders?{segment}cursor={page.next_cursor}" if page.next_cursor else None,
    )


_DELIVERIES: Final[dict[orders.OrderStep, Literal["line_delivered", "replaced"]]] = {
    orders.OrderStep.LINE_DELIVERED: "line_delivered",
    orders.OrderStep.REPLACED: "replaced",
}
_REFUNDS: Final = frozenset({orders.OrderStep.PARTIALLY_REFUNDED, orders.OrderStep.REFUNDED})


def _steps(order: orders.OrderView, shown: OrderStatus, locale: Locale) -> tuple[StepView, ...]:
    at = {entry.step: entry.at for entry in order.timeline}
    step = orders.OrderStep
    steps = [StepView("placed", "done", at.get(step.PLACED, order.created_at))]
    if shown is OrderStatus.AWAITING_PAYMENT:
        last = StepView("preparing" if order.promised_hours else "key", "todo")
        held = [StepView("held", "done", at.get(step.RESERVED), amount=-order.held)] if order.held else []
        return (*steps, *held, StepView("paid", "now"), last)
    if step.PAID in at:
        # A reserved order may have been paid by any payment method.
        by: Literal["paid", "paid_balance"] = "paid" if step.RESERVED in at else "paid_balance"
        steps.append(StepView(by, "done", at[step.PAID], amount=-order.total))
    if shown is OrderStatus.CANCELLED:
        steps.append(StepView("cancelled", "bad", at.get(step.CANCELLED)))
    if shown is OrderStatus.EXPIRED:
        steps.append(StepView("expired", "bad", at.get(step.EXPIRED, order.expires_at)))
    steps += _steps_after_payment(order, locale)
    if shown is OrderStatus.PAID:
        steps.append(StepView("preparing", "now"))
    return tuple(steps)


def _steps_after_payment(order: orders.OrderView, locale: Locale) -> list[StepView]:
    """Deliveries, replacements and refunds, the oldest first, each with its line where there are several."""
    steps: list[StepView] = []
    refunds = [entry for entry in order.timeline if entry.step in _REFUNDS]
    # Entries from before amounts were stored: the last one stands for all of them.
    unknown = refunds[-1:] if not any(entry.amount for entry in refunds) else []
    for entry in order.timeline:
        about = _about(order, entry, locale)
        if entry.step is orders.OrderStep.DELIVERED:
            steps.append(StepView("delivered", "done", entry.at))
        elif entry.step in _DELIVERIES:
            steps.append(StepView(_DELIVERIES[entry.step], "done", entry.at, about=about))
        elif entry.step is orders.OrderStep.LINE_FAILED:
            steps.append(StepView("line_failed", "bad", entry.at, about=about))
        elif entry.step in _REFUNDS and (not unknown or entry in unknown):
            whole = entry.step is orders.OrderStep.REFUNDED
            amount = order.refunded if entry in unknown else entry.amount
            key: Literal["refunded", "partially_refunded"] = "refunded" if whole else "partially_refunded"
            steps.append(StepView(key, "done", entry.at, amount=amount, about=about))
    return steps


def _about(order: orders.OrderView, entry: orders.TimelineEntry, locale: Locale) -> str:
    """The line of an entry, and how many of it; empty where the order has nothing else."""
    line = next((item for item in order.lines if item.id == entry.line_id), None)
    if line is None or (len(order.lines) == 1 and line.quantity == 1):
        return ""
    name = title(line, locale)
    return times(name, entry.quantity, locale) if entry.quantity and line.quantity > 1 else name


class OrderLine(msgspec.Struct, frozen=True):
    """A thing in an order, with its keys or its course, why it was not delivered, and what of it was refunded."""

    id: str
    title: str
    tile: TileView
    quantity: int
    total: Money
    status: LineStatus
    subtitle: str = ""
    parts: tuple[PriceRow, ...] = ()
    keys: tuple[KeyView, ...] = ()
    failure: str = ""
    ready_by: datetime | None = None
    """Until when a pending line is promised."""
    late: bool = False
    """Whether that has passed."""
    refunded: Money | None = None
    refunded_quantity: int = 0
    course_href: str = ""
    credits_href: str = ""
    """Where the credits of this line are spent."""


class OpenPayment(msgspec.Struct, frozen=True):
    """A payment that was started for an order."""

    href: str
    method: str
    icon: str
    hue: Hue
    amount: Money
    changeable: bool
    """Whether another payment method may take its place: not while money is on its way."""


class SubscriptionLink(msgspec.Struct, frozen=True):
    """The subscription that an order belongs to; ``first`` where the order began it."""

    href: str
    first: bool


class OrderPage(msgspec.Struct, frozen=True):
    """orders/detail.html; orders/_body.html takes the same when the order changes under the reader's eyes.

    While it awaits payment: ``held`` is on hold from the balance, ``from_balance`` can be paid of what is not on
    hold, ``rest`` is due yet, ``payment`` was started for it;
    ``settling``: its payment has arrived and its goods are being delivered.
    """

    number: str
    status: OrderStatus
    lines: tuple[OrderLine, ...]
    total: Money
    steps: tuple[StepView, ...]
    keys: tuple[KeyView, ...] = ()
    paid_with: Literal["balance", ""] = ""
    fresh: bool = False
    ready_by: datetime | None = None
    """Until when the order's only line is promised, while that is to come."""
    pay_until: datetime | None = None
    live_url: str | None = None
    held: Money | None = None
    from_balance: Money | None = None
    rest: Money | None = None
    refunded: Money | None = None
    again_href: str = ""
    payment: OpenPayment | None = None
    settling: bool = False
    warranty: WarrantyView | None = None
    subscription: SubscriptionLink | None = None
    premium_until: datetime | None = None
    """Until when the reader has premium, some of which the order has given them."""
    answered: tuple[AnsweredLine, ...] = ()
    """What the buyer was asked and has answered."""


def of_subscription(view: OrderPage, link: SubscriptionLink | None) -> OrderPage:
    """The page of an order that a charge of a subscription has paid, if one has: not from what was in the balance."""
    if link is None:
        return view
    steps = tuple(
        msgspec.structs.replace(step, key="paid") if step.key == "paid_balance" else step for step in view.steps
    )
    return msgspec.structs.replace(view, subscription=link, steps=steps, paid_with="")


def detail(
    order: orders.OrderView,
    actor: Actor,
    viewer: Viewer,
    picture: Picture,
    *,
    sign: Callable[[str], str] | None = None,
    live_url: str | None = None,
    fresh: bool = False,
) -> OrderPage:
    """The order's page. Without ``sign``, as for an admin, it shows no keys, not even hidden ones."""
    shown = status(order.status, order.expires_at, viewer.now)
    steps = _steps(order, shown, actor.language)
    shown_keys = [(item.line_id, key(order, item, actor, picture, sign)) for item in order.keys] if sign else []
    lines = tuple(
        OrderLine(
            id=str(line.id),
            title=line_name(line, actor),
            tile=goods_tile(line, actor, picture),
            quantity=line.quantity,
            total=line.price.total,
            status=line.status,
            subtitle=pick(line.variant_name, actor.language),
            parts=price_rows(line.price, viewer.words),
            keys=tuple(view for line_id, view in shown_keys if line_id == line.id),
            failure=line.failure or "",
            ready_by=line.ready_by,
            late=line.ready_by is not None and line.ready_by <= viewer.now,
            refunded=line.refunded if line.refunded else None,
            refunded_quantity=line.refunded_quantity,
            course_href=bought_href(line),
            credits_href=credits_href(line),
        )
        for line in order.lines
    )
    return OrderPage(
        number=order.number,
        status=shown,
        lines=lines,
        total=order.total,
        steps=steps,
        keys=tuple(view for _, view in shown_keys),
        paid_with="balance" if any(step.key == "paid_balance" for step in steps) else "",
        fresh=fresh,
        pay_until=order.expires_at if shown is OrderStatus.AWAITING_PAYMENT else None,
        live_url=live_url if shown in _CHANGING else None,
        refunded=order.refunded if order.refunded else None,
        again_href=f"/shop/{order.lines[0].slug}" if len(order.lines) == 1 else "",
        ready_by=lines[0].ready_by if len(lines) == 1 and shown is OrderStatus.PAID and not lines[0].late else None,
    )


def awaiting_payment(
    view: OrderPage, order: orders.OrderView, due: orders.AmountDue, intents: Sequence[Intent], viewer: Viewer
) -> OrderPage:
    """The page of an unpaid order, with the amount on hold, the amount due, and the payment that was started for it."""
    running = next((item for item in intents if item.order_id == order.id and item.is_running(viewer.now)), None)
    payment = None
    if running is not None:
        icon, colour = method_look(running.method)
        payment = OpenPayment(
            href=f"/wallet/payments/{running.id}",
            method=method_title(running.method, viewer),
            icon=icon,
            hue=colour,
            amount=running.amount,
            changeable=running.status is not IntentStatus.CONFIRMING,
        )
    return msgspec.structs.replace(
        view,
        held=order.held if order.held else None,
        from_balance=due.from_balance - order.held if due.from_balance > order.held else None,
        rest=due.rest if due.rest else None,
        payment=payment,
        settling=not due.rest and has_money_just_come(order, intents, viewer.now),
    )


def has_money_just_come(order: orders.OrderView, intents: Sequence[Intent], now: datetime) -> bool:
    """Whether the order's money came a moment ago, so that the worker is about to deliver."""
    return any(
        intent.status in {IntentStatus.SUCCEEDED, IntentStatus.OVERPAID}
        and intent.order_id == order.id
        and now - intent.updated_at < _SETTLES_WITHIN
        for intent in intents
    )
