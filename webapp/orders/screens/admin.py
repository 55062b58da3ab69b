"""Orders in the back office: a row, the list, one order with its payments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from backend.identity.types import Actor
from backend.infra.i18n import mark as _
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders import types as orders
from backend.orders.types import OrderStatus
from backend.orders.types.criteria import ManagedOrder, OrderCount
from backend.payments.types import Intent
from webapp.approvals.screens import ApprovalView
from webapp.core.looks import Picture, goods_tile
from webapp.core.parts import Chip, TileView
from webapp.core.rendering import Viewer
from webapp.identity.screens.person import ManagePersonRow
from webapp.orders.screens.filters import method_name
from webapp.orders.screens.orders import OrderPage, list_title, status
from webapp.payments.screens.admin_parts import ManagePaymentRow
from webapp.payments.screens.admin_refunds import RefundView
from webapp.payments.screens.methods import method_title


class ManageOrderRow(msgspec.Struct, frozen=True):
    """An order as an admin finds it; lists of orders alone have its ``tile`` and when it was ``updated``."""

    number: str
    title: str
    person: str
    paid_with: str
    status: OrderStatus
    total: Money
    at: datetime
    tile: TileView | None = None
    updated: datetime | None = None
    refunded: Money | None = None


class ManageOrders(msgspec.Struct, frozen=True):
    """orders/admin/orders.html; orders/admin/_order_rows.html takes the same for a search or a next page (``more``).

    ``payments`` are those that the search names by their reference.
    """

    query: str
    filters: tuple[Chip, ...]
    rows: tuple[ManageOrderRow, ...]
    narrowed: tuple[Chip, ...] = ()
    """Filters that are on, each of which a tap takes off."""
    toggles: tuple[Chip, ...] = ()
    filters_url: str = ""
    choosing: Chip | None = None
    select: bool = False
    """Rows are chosen for an action."""
    hidden: tuple[tuple[str, str], ...] = ()
    """The filters, for a search among them and an action on all that meet them."""
    all_url: str = ""
    """The address of the same search among all orders, where filters are on."""
    export_url: str = ""
    count: OrderCount | None = None
    every: OrderCount | None = None
    """How many orders there are without filters, where some are on."""
    payments: tuple[ManagePaymentRow, ...] = ()
    next_url: str | None = None
    more: bool = False
    claims: int = 0
    """How many claims under the warranty wait for an admin."""


class ManageOrder(msgspec.Struct, frozen=True):
    """orders/admin/order.html; an admin who may not see people gets the ``buyer``'s name only.

    ``payments`` are those behind the order, for an admin with the permission for money.
    """

    order: OrderPage
    buyer: str
    person: ManagePersonRow | None
    paid_with: str = ""
    payments: tuple[ManagePaymentRow, ...] = ()
    refunds: tuple[RefundView, ...] = ()
    can: frozenset[Literal["refund", "cancel", "resend"]] = frozenset()
    intent: str = ""
    """The key of a tap that sends the keys again."""
    message_url: str = ""
    first: ApprovalView | None = None


BALANCE: Final = _("Balance")


def managed_row(
    listed: ManagedOrder, names: Mapping[UserId, str], actor: Actor, viewer: Viewer, picture: Picture
) -> ManageOrderRow:
    """An order in the list of orders, with the picture of its first goods."""
    return msgspec.structs.replace(
        order_row(listed.order, names, actor, viewer),
        tile=goods_tile(listed.order.line, actor, picture),
        updated=listed.updated_at,
        refunded=listed.refunded if 0 < listed.refunded.amount < listed.order.total.amount else None,
    )


def order_row(order: orders.OrderRow, names: Mapping[UserId, str], actor: Actor, viewer: Viewer) -> ManageOrderRow:
    """An order in an admin's list."""
    shown = status(order.status, order.expires_at, viewer.now)
    return ManageOrderRow(
        number=order.number,
        title=list_title(order, actor.language),
        person=names.get(order.buyer_id, "—"),
        paid_with=method_name(order.method, viewer) if order.method else "",
        status=shown,
        total=order.total,
        at=order.created_at,
    )


def paid_with(order: orders.OrderView, payments: Sequence[Intent], viewer: Viewer) -> str:
    """What an order was paid with: the methods of its payments, else the balance; empty while it is not paid."""
    if orders.OrderStep.PAID not in {entry.step for entry in order.timeline}:
        return ""
    methods = dict.fromkeys(method_title(intent.method, viewer) for intent in payments if intent.credited)
    return ", ".join(methods) or viewer.words.gettext(BALANCE)


STATUSES: Final = {
    OrderStatus.AWAITING_PAYMENT: _("Awaiting payment"),
    OrderStatus.PAID: _("Paid"),
    OrderStatus.DELIVERED: _("Delivered"),
    OrderStatus.CANCELLED: _("Cancelled"),
    OrderStatus.EXPIRED: _("Expired"),
    OrderStatus.REFUNDED: _("Refunded"),
}
_COLUMNS: Final = (
    _("Order"), _("Status"), _("Customer"), _("Username"), _("Telegram ID"), _("Product"), _("Payment method"),
    _("Amount"), _("Refunds"), _("Currency"), _("Placed"), _("Paid"), _("Updated"),
)  # fmt: skip


def status_title(status: OrderStatus, viewer: Viewer) -> str:
    """An order's status in words."""
    return viewer.words.gettext(STATUSES[status])


def columns(viewer: Viewer) -> tuple[str, ...]:
    """The names of a file's columns."""
    return tuple(viewer.words.gettext(name) for name in _COLUMNS)
