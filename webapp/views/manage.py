"""The back office."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from backend.kernel.money import Money
from webapp.core.parts import Chip, Hue
from webapp.views.manage_money import ApprovalView, ManagePaymentRow, RefundView
from webapp.views.orders import OrderPage, OrderStatus


class HandRow(msgspec.Struct, frozen=True):
    """Work that waits for a person; ``urgent`` is the page's one red count."""

    key: Literal["orders_waiting", "stock_low", "deliveries", "unmatched", "deposits", "approvals", "reconciliation"]
    href: str
    count: int
    urgent: bool = False


class StatView(msgspec.Struct, frozen=True):
    """A figure of today beside the same time a day earlier."""

    key: Literal["sales", "orders", "people"]
    value: Money | int
    change: int | None = None
    change_percent: int | None = None


class BooksStat(msgspec.Struct, frozen=True):
    """Whether every transfer sums to zero."""

    balanced: bool
    apart: Money
    checked_at: datetime | None


class ManageHome(msgspec.Struct, frozen=True):
    """admin/home.html; ``rooms`` are those that this admin may enter. ``no_contact``: no support address is set."""

    hands: tuple[HandRow, ...]
    stats: tuple[StatView, ...]
    books: BooksStat | None
    latest: tuple[ManageOrderRow, ...] = ()
    rooms: tuple[str, ...] = ()
    no_contact: bool = False


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


class ManagePersonRow(msgspec.Struct, frozen=True):
    """A person in a list."""

    id: str
    name: str
    initial: str
    hue: Hue
    orders: int
    balance: Money
    username: str | None = None
    blocked: bool = False


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


class ManagePeople(msgspec.Struct, frozen=True):
    """identity/admin/people.html; identity/admin/_people_rows.html takes the same for a search or a next page (``more``)."""

    query: str
    rows: tuple[ManagePersonRow, ...]
    next_url: str | None = None
    more: bool = False


class ManagePerson(msgspec.Struct, frozen=True):
    """identity/admin/person.html"""

    person: ManagePersonRow
    telegram_id: int
    language: str
    since: datetime
    spent: Money
    orders: tuple[ManageOrderRow, ...] = ()
    block_reason: str = ""
    reseller: bool = False
    premium: bool = False
    admin: bool = False
    can: frozenset[Literal["block", "unblock", "standing", "money", "admin"]] = frozenset()


class BlockSheet(msgspec.Struct, frozen=True):
    """identity/admin/_block.html"""

    person_id: str
    name: str
    error: Literal["", "required"] = ""


class AssetRow(msgspec.Struct, frozen=True):
    """One asset of the ledger: what people hold, what is held back, what the house has; together zero."""

    asset: str
    people: Money
    held: Money
    house: Money
    apart: Money


class BooksPage(msgspec.Struct, frozen=True):
    """wallet/admin/ledger.html"""

    balanced: bool
    checked_at: datetime | None
    transfers: int
    assets: tuple[AssetRow, ...]
    problems: tuple[str, ...] = ()


class DeliveryRow(msgspec.Struct, frozen=True):
    """A message or a job that did not go through yet."""

    id: str
    name: str
    state: Literal["retrying", "dead"]
    attempts: int
    at: datetime
    error: str = ""
    next_at: datetime | None = None


class DeliveriesPage(msgspec.Struct, frozen=True):
    """notifications/admin/deliveries.html"""

    filters: tuple[Chip, ...]
    rows: tuple[DeliveryRow, ...]
    next_url: str | None = None


Permission = Literal[
    "catalogue",
    "stock",
    "orders",
    "money",
    "users",
    "teaching",
    "readings",
    "broadcast",
    "settings",
    "admins",
]


class AdminRow(msgspec.Struct, frozen=True):
    """An admin and what they may do; the root admin may do everything and cannot be changed."""

    id: str
    name: str
    initial: str
    hue: Hue
    permissions: frozenset[Permission]
    username: str | None = None
    root: bool = False
    me: bool = False


class AdminsPage(msgspec.Struct, frozen=True):
    """identity/admin/admins.html"""

    rows: tuple[AdminRow, ...]


class AdminSheet(msgspec.Struct, frozen=True):
    """identity/admin/_admin.html: what a person may do, of ``permissions`` that can be given; ``is_new``: no admin so far."""

    permissions: tuple[Permission, ...]
    admin: AdminRow
    is_new: bool = False
    error: bool = False
