"""TODO-DOC"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from backend.kernel.money import Money
from webapp.approvals.screens import ApprovalView
from webapp.core.parts import Chip
from webapp.identity.screens.person import ManagePersonRow
from webapp.orders.screens.orders import OrderPage, OrderStatus
from webapp.payments.screens.admin import ManagePaymentRow, RefundView


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
