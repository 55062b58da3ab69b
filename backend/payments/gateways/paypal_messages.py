"""The parts of PayPal's messages that are read.

Source: https://developer.paypal.com/docs/api/orders/v2/, payments/v2 and transaction-search/v1.
"""

from __future__ import annotations

import msgspec


class Amount(msgspec.Struct):
    """Money: a currency and a decimal number."""

    currency_code: str
    value: str


class Link(msgspec.Struct):
    """A link to a related resource."""

    rel: str
    href: str


class RelatedIds(msgspec.Struct):
    """The ids related to a capture."""

    order_id: str = ""


class Supplement(msgspec.Struct):
    """More about a capture."""

    related_ids: RelatedIds = msgspec.field(default_factory=RelatedIds)


class Breakdown(msgspec.Struct):
    """How a refund is made up."""

    total_refunded_amount: Amount | None = None


class Capture(msgspec.Struct, kw_only=True):
    """A capture; or a refund, which names its capture in ``links``."""

    id: str
    status: str = ""
    amount: Amount | None = None
    custom_id: str = ""
    invoice_id: str = ""
    supplementary_data: Supplement = msgspec.field(default_factory=Supplement)
    seller_payable_breakdown: Breakdown = msgspec.field(default_factory=Breakdown)
    links: list[Link] = []

    @property
    def order_id(self) -> str:
        """The id of its order; empty for a capture without one, which this shop never makes."""
        above = [link.href for link in self.links if link.rel == "up" and "/checkout/orders/" in link.href]
        return self.supplementary_data.related_ids.order_id or "".join(above[:1]).rpartition("/")[2]


class Payments(msgspec.Struct):
    """The captures and refunds of a unit."""

    captures: list[Capture] = []
    refunds: list[Capture] = []


class Unit(msgspec.Struct):
    """A part of an order; the shop's orders have one."""

    reference_id: str = ""
    custom_id: str = ""
    payments: Payments = msgspec.field(default_factory=Payments)


class Order(msgspec.Struct):
    """An order, which the payer approves."""

    id: str
    status: str = ""
    purchase_units: list[Unit] = []
    links: list[Link] = []


class Event(msgspec.Struct):
    """A webhook's body."""

    event_type: str
    resource: msgspec.Raw


class Info(msgspec.Struct, kw_only=True):
    """A line of a search."""

    transaction_id: str
    transaction_event_code: str = ""
    transaction_amount: Amount
    transaction_status: str = ""
    paypal_reference_id: str = ""
    custom_field: str = ""


class Transaction(msgspec.Struct):
    """A line of a search, wrapped."""

    transaction_info: Info


class Search(msgspec.Struct):
    """A page of a search."""

    transaction_details: list[Transaction] = []
    total_pages: int = 1
