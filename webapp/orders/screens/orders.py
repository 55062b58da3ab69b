"""Orders and keys for their buyer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Literal

import msgspec

from backend.catalog.words import goods_name, product_name
from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.kernel.paging import Page
from backend.kernel.text import Locale, pick
from backend.orders import types as orders
from backend.payments.types import Intent, IntentStatus
from webapp.core.looks import Picture, by_day, goods_tile
from webapp.core.parts import Hue, StepView, TileView
from webapp.core.rendering import Viewer
from webapp.payments.screens.methods import method_look, method_title

OrderStatus = Literal["waiting", "delivered", "cancelled", "expired", "refunded"]


_STATUS: Final[dict[orders.OrderStatus, OrderStatus]] = {
    orders.OrderStatus.AWAITING_PAYMENT: "waiting",
    orders.OrderStatus.DELIVERED: "delivered",
    orders.OrderStatus.CANCELLED: "cancelled",
    orders.OrderStatus.EXPIRED: "expired",
    orders.OrderStatus.REFUNDED: "refunded",
}


_SETTLES_WITHIN: Final = timedelta(minutes=1)


def status(row_status: orders.OrderStatus, expires_at: datetime | None, now: datetime) -> OrderStatus:
    """Where the order stands; one whose time is over counts as expired, also before the worker has said so."""
    shown = _STATUS[row_status]
    return "expired" if shown == "waiting" and expires_at is not None and expires_at <= now else shown


def title(line: orders.OrderLine, locale: Locale) -> str:
    """What was bought, with its variant."""
    return goods_name(line.name, line.variant_name, line.country, locale)


def _name(line: orders.OrderLine, actor: Actor) -> str:
    return product_name(pick(line.name, actor.language), line.country, actor.language)


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
        title=title(line, actor.language),
        quantity=line.quantity,
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

    segment: Literal["all", "waiting"]
    days: tuple[OrderDay, ...]
    next_url: str | None = None


def listed(
    page: Page[orders.OrderRow], view: orders.OrderFilter, actor: Actor, now: datetime, picture: Picture
) -> OrdersPage:
    """A page of the buyer's orders, by the days of his time zone."""
    days = by_day((row(order, actor, now, picture) for order in page.items), lambda item: item.at, actor)
    waiting = view is orders.OrderFilter.WAITING
    more = f"/orders?{'segment=waiting&' if waiting else ''}cursor={page.next_cursor}" if page.next_cursor else None
    return OrdersPage(
        segment="waiting" if waiting else "all",
        days=tuple(OrderDay(day, rows) for day, rows in days),
        next_url=more,
    )


class KeyView(msgspec.Struct, frozen=True):
    """orders/_key.html: a bought secret; ``value`` is None until the buyer asks to see it."""

    id: str
    order_number: str
    title: str
    index: int
    of: int
    tile: TileView
    subtitle: str = ""
    value: str | None = None
    text_url: str | None = None


def key(
    order: orders.OrderView,
    found: orders.DeliveredKey,
    actor: Actor,
    picture: Picture,
    sign: Callable[[str], str],
    value: str | None = None,
) -> KeyView:
    """One key of an order, open when its ``value`` is given."""
    line = next(item for item in order.lines if item.id == found.line_id)
    return KeyView(
        id=str(found.ordinal),
        order_number=order.number,
        title=_name(line, actor),
        index=found.ordinal,
        of=len(order.keys),
        tile=goods_tile(line, actor, picture),
        subtitle=pick(line.variant_name, actor.language),
        value=value,
        text_url=sign(f"/orders/files/{order.number}-{found.ordinal}.txt"),
    )


def _steps(order: orders.OrderView, shown: OrderStatus) -> tuple[StepView, ...]:
    at = {entry.step: entry.at for entry in order.timeline}
    step = orders.OrderStep
    found = [StepView("placed", "done", at.get(step.PLACED, order.created_at))]
    if shown == "waiting":
        held = [StepView("held", "done", at.get(step.RESERVED), amount=-order.held)] if order.held else []
        return (*found, *held, StepView("paid", "now"), StepView("key", "todo"))
    if step.PAID in at:
        # What was reserved may have been paid by any way.
        by: Literal["paid", "paid_balance"] = "paid" if step.RESERVED in at else "paid_balance"
        found.append(StepView(by, "done", at[step.PAID], amount=-order.total))
    if step.DELIVERED in at:
        found.append(StepView("delivered", "done", at[step.DELIVERED]))
    if shown == "cancelled":
        found.append(StepView("cancelled", "bad", at.get(step.CANCELLED)))
    if shown == "expired":
        found.append(StepView("expired", "bad", at.get(step.EXPIRED, order.expires_at)))
    if order.refunded:
        whole = shown == "refunded"
        went = at.get(step.REFUNDED if whole else step.PARTIALLY_REFUNDED)
        found.append(StepView("refunded" if whole else "partially_refunded", "done", went, amount=order.refunded))
    return tuple(found)


class OrderLine(msgspec.Struct, frozen=True):
    """A thing in an order."""

    title: str
    tile: TileView
    quantity: int
    total: Money
    subtitle: str = ""


class OpenPayment(msgspec.Struct, frozen=True):
    """A payment that runs for an order."""

    href: str
    way: str
    icon: str
    hue: Hue
    amount: Money
    changeable: bool
    """Whether another payment method may take its place: not while money is on its way."""


class OrderPage(msgspec.Struct, frozen=True):
    """orders/detail.html; orders/_body.html takes the same when the order changes under the reader's eyes.

    Of one that waits: ``held`` is set aside from the balance, ``missing`` is to be paid yet, ``payment`` runs for it;
    ``settling``: its payment is here, its goods are on their way.
    """

    number: str
    status: OrderStatus
    lines: tuple[OrderLine, ...]
    total: Money
    steps: tuple[StepView, ...]
    keys: tuple[KeyView, ...] = ()
    paid_with: Literal["balance", ""] = ""
    fresh: bool = False
    pay_until: datetime | None = None
    live_url: str | None = None
    held: Money | None = None
    missing: Money | None = None
    refunded: Money | None = None
    again_href: str = ""
    payment: OpenPayment | None = None
    settling: bool = False


def detail(
    order: orders.OrderView,
    actor: Actor,
    now: datetime,
    picture: Picture,
    *,
    sign: Callable[[str], str] | None = None,
    live_url: str | None = None,
    fresh: bool = False,
) -> OrderPage:
    """The order's page. Without ``sign`` it shows no keys, not even closed: that is how an admin sees it."""
    shown = status(order.status, order.expires_at, now)
    steps = _steps(order, shown)
    lines = tuple(
        OrderLine(
            title=_name(line, actor),
            tile=goods_tile(line, actor, picture),
            quantity=line.quantity,
            total=line.unit_price * line.quantity,
            subtitle=pick(line.variant_name, actor.language),
        )
        for line in order.lines
    )
    return OrderPage(
        number=order.number,
        status=shown,
        lines=lines,
        total=order.total,
        steps=steps,
        keys=tuple(key(order, item, actor, picture, sign) for item in order.keys) if sign else (),
        paid_with="balance" if any(step.key == "paid_balance" for step in steps) else "",
        fresh=fresh,
        pay_until=order.expires_at if shown == "waiting" else None,
        live_url=live_url if shown == "waiting" else None,
        refunded=order.refunded if order.refunded else None,
        again_href=f"/shop/{order.lines[0].slug}" if len(order.lines) == 1 else "",
    )


def waiting(
    view: OrderPage, order: orders.OrderView, missing: Money, intents: Sequence[Intent], viewer: Viewer
) -> OrderPage:
    """The page of an order that waits, with what is set aside, what is missing, and the payment that runs for it."""
    running = next((item for item in intents if item.order_id == order.id and item.is_running(viewer.now)), None)
    payment = None
    if running is not None:
        icon, colour = method_look(running.method)
        payment = OpenPayment(
            href=f"/wallet/payments/{running.id}",
            way=method_title(running.method, viewer),
            icon=icon,
            hue=colour,
            amount=running.amount,
            changeable=running.status is not IntentStatus.CONFIRMING,
        )
    return msgspec.structs.replace(
        view,
        held=order.held if order.held else None,
        missing=missing if missing else None,
        payment=payment,
        settling=not missing and any(_has_just_come(item, order, viewer.now) for item in intents),
    )


def _has_just_come(intent: Intent, order: orders.OrderView, now: datetime) -> bool:
    """Whether the order's money came a moment ago, so that the worker is about to deliver."""
    whole = intent.status in {IntentStatus.SUCCEEDED, IntentStatus.OVERPAID}
    return whole and intent.order_id == order.id and now - intent.updated_at < _SETTLES_WITHIN
