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
from backend.payments.types import Intent
from webapp.approvals.screens import ApprovalView
from webapp.core.parts import Chip
from webapp.core.rendering import Viewer
from webapp.identity.screens.person import ManagePersonRow
from webapp.orders.screens.orders import OrderPage, list_title, status
from webapp.payments.screens.admin_parts import ManagePaymentRow
from webapp.payments.screens.admin_refunds import RefundView
from webapp.payments.screens.methods import method_title


class ManageOrderRow(msgspec.Struct, frozen=True):
    """An order as an admin finds it."""

    number: str
    title: str
    person: str
    paid_with: str
    status: OrderStatus
    total: Money
    at: datetime


class ManageOrders(msgspec.Struct, frozen=True):
    """orders/admin/orders.html; orders/admin/_order_rows.html takes the same for a search or a next page (``more``).

    ``payments`` are those that the search names by their reference.
    """

    query: str
    filters: tuple[Chip, ...]
    rows: tuple[ManageOrderRow, ...]
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
    can: frozenset[Literal["refund", "cancel"]] = frozenset()
    first: ApprovalView | None = None


BALANCE: Final = _("Balance")


def order_row(order: orders.OrderRow, names: Mapping[UserId, str], actor: Actor, viewer: Viewer) -> ManageOrderRow:
    """An order in an admin's list."""
    shown = status(order.status, order.expires_at, viewer.now)
    return ManageOrderRow(
        number=order.number,
        title=list_title(order, actor.language),
        person=names.get(order.buyer_id, "—"),
        paid_with=viewer.words.gettext(BALANCE) if shown in {OrderStatus.PAID, OrderStatus.DELIVERED} else "",
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
