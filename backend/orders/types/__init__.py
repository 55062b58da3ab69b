"""The orders' Structs, enums and events."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from backend.catalog.types import VariantId
from backend.catalog.types.fulfilment import FulfilmentLine
from backend.growth.types.promos import AppliedPromo, RefusedPromo
from backend.kernel.events import Event
from backend.kernel.ids import OrderId, OrderLineId, UserId
from backend.kernel.money import Money
from backend.orders.types.keys import DeliveredKey
from backend.orders.types.lines import LineStatus
from backend.orders.types.prices import PricedLine
from backend.payments.types import PaymentMethod


class OrderStatus(StrEnum):
    """The status of an order."""

    AWAITING_PAYMENT = "awaiting_payment"
    PAID = "paid"
    """Some of its goods are delivered later."""
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    """All of it was refunded; a partial refund leaves the status as it is."""


PAID_STATUSES: Final = frozenset({OrderStatus.PAID, OrderStatus.DELIVERED, OrderStatus.REFUNDED})
"""The statuses of orders whose price was paid."""


BALANCE: Final = "balance"
"""What an order is paid with that no payment method has paid for."""
MOST_LINES: Final = 50
"""How many lines one order may have."""


class OrderStep(StrEnum):
    """A dated entry of the timeline."""

    PLACED = "placed"
    RESERVED = "reserved"
    PAID = "paid"
    LINE_DELIVERED = "line_delivered"
    """One of several lines, delivered later than the others."""
    LINE_FAILED = "line_failed"
    REPLACED = "replaced"
    """Something that did not work was replaced."""
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


class RefundTarget(StrEnum):
    """Where an order is refunded to."""

    WALLET = "wallet"
    PROVIDER = "provider"
    """Refunded to the payment method that was used."""


class OrderPaid(Event, frozen=True, kw_only=True):
    """The order was paid, and what is delivered at once is the buyer's."""

    order_id: OrderId
    user_id: UserId


class NotAppliedReason(StrEnum):
    """Why a payment for an order was credited to the balance and not applied to the order."""

    CANCELLED = "cancelled"
    NOT_ENOUGH = "not_enough"
    """A part of the payment is missing, or the balance's part was spent in the meantime."""
    SOLD_OUT = "sold_out"
    LIMIT_REACHED = "limit_reached"
    """The buyer has reached the limit for one person."""
    PROMO_USED_UP = "promo_used_up"
    """A limit of the order's promo code was reached after the order had ended."""
    PREMIUM_ONLY = "premium_only"
    """One of the goods is for premium members now, and the buyer is none."""
    REFUSED = "refused"
    """The buyer may not buy one of the goods any more, or what they paid before counts no longer."""
    BLOCKED = "blocked"
    """The buyer was blocked after the payment began."""


class NotApplied(msgspec.Struct, frozen=True):
    """Why late money did not pay an order, and because of which of its lines."""

    why: NotAppliedReason
    line_id: OrderLineId | None = None


class OrderPaymentKept(Event, frozen=True, kw_only=True):
    """A payment for an order was not applied to it: the money is in the buyer's balance.

    ``line_id`` is the line that could not be had, where one is the reason.
    """

    order_id: OrderId
    user_id: UserId
    amount: int
    currency: str
    why: NotAppliedReason
    line_id: OrderLineId | None = None


class OrderRefunded(Event, frozen=True, kw_only=True):
    """``amount`` of an order is refunded to ``target``; in minor units of ``currency``.

    ``refunds`` are those that providers send: their ids with their amounts; empty for a refund to the balance.
    ``lines`` are the ids of the lines that were chosen, each with how many of its goods; empty where only an amount
    was. ``failure`` is why a line was not delivered, where that is why it is refunded.
    """

    order_id: OrderId
    user_id: UserId
    amount: int
    currency: str
    target: RefundTarget
    refunds: dict[str, int] = msgspec.field(default_factory=dict)
    lines: dict[str, int] = msgspec.field(default_factory=dict)
    failure: str = ""


class OrderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An order without its lines; its number is computed from ``sequence``.

    ``expires_at`` is when its reservation ended or ends; None for an order that was paid at once.
    """

    id: OrderId
    sequence: int
    user_id: UserId
    status: OrderStatus
    total: Money
    refunded: Money
    created_at: datetime
    expires_at: datetime | None


class RequestedLine(msgspec.Struct, frozen=True):
    """One line of a purchase that is about to be made."""

    variant_id: VariantId
    quantity: int
    answers: tuple[tuple[str, str], ...] = ()
    """What was typed for the product's questions: pairs of a question's id and a text."""


class PlacedOrder(msgspec.Struct, frozen=True):
    """What an idempotency key has bought before; ``request`` is the hash of the request, None of old orders."""

    id: OrderId
    sequence: int
    requested: tuple[RequestedLine, ...]
    request: bytes | None


class OrderRef(msgspec.Struct, frozen=True):
    """An order's id and number."""

    id: OrderId
    number: str


class OrderLine(msgspec.Struct, frozen=True):
    """What was bought, with the names, look and price of that time; names by language, ``picture`` is a stored name.

    ``refunded`` of its price went back, and with it ``refunded_quantity`` of its goods. ``failure`` is why it was not
    delivered, in its fulfiller's words; ``promised_hours`` is how long it takes at most
    from the payment, and ``ready_by`` until when that is; None for what is delivered at once.
    """

    id: OrderLineId
    slug: str
    name: dict[str, str]
    variant_name: dict[str, str]
    hue: str
    icon: str
    country: str | None
    picture: str | None
    price: PricedLine
    status: LineStatus
    refunded: Money
    refunded_quantity: int = 0
    failure: str | None = None
    promised_hours: int | None = None
    ready_by: datetime | None = None
    warranty_days: int = 0
    kind: str = ""
    """A StockKind's value."""

    @property
    def quantity(self) -> int:
        """How many were bought."""
        return self.price.quantity

    @property
    def unrefunded(self) -> int:
        """How many were not refunded."""
        return self.quantity - self.refunded_quantity

    @property
    def left(self) -> Money:
        """How much of its price was not refunded."""
        return self.price.total - self.refunded


class ReservationLimits(msgspec.Struct, frozen=True):
    """What one person may reserve before paying: unpaid orders, and keys of one variant.

    ``share`` is in percent of the variant's stock, rounded up.
    """

    orders: int = 3
    keys: int = 10
    share: int = 25


class Reserved(msgspec.Struct, frozen=True):
    """When an order's goods were reserved, and until when."""

    created_at: datetime
    expires_at: datetime


class OpenReservation(msgspec.Struct, frozen=True):
    """One line of a person's unpaid order, with its part of the price and of the money on hold for the order."""

    order_id: OrderId
    sequence: int
    variant_id: VariantId
    quantity: int
    total: Money
    covered: Money


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order about to be stored, with its lines, the same as their fulfillers know them, and its first steps."""

    id: OrderId
    user_id: UserId
    idempotency_key: str
    request: bytes
    """The hash of the whole request, which a call with the same key must have too."""
    status: OrderStatus
    lines: tuple[OrderLine, ...]
    goods: tuple[FulfilmentLine, ...]
    total: Money
    steps: tuple[OrderStep, ...]
    promo: AppliedPromo | None = None
    expires_at: datetime | None = None
    method: str = BALANCE
    """What pays it, where it is paid at once."""


class TimelineEntry(msgspec.Struct, frozen=True):
    """One dated step; of a line where it has one, of ``quantity`` of it, and with the ``amount`` of a refund."""

    step: OrderStep
    at: datetime
    line_id: OrderLineId | None = None
    quantity: int | None = None
    amount: Money | None = None


class OrderRow(msgspec.Struct, frozen=True):
    """An order in a list; ``line`` is its first line."""

    id: OrderId
    number: str
    status: OrderStatus
    total: Money
    line: OrderLine
    line_count: int
    created_at: datetime
    expires_at: datetime | None
    buyer_id: UserId
    method: str | None = None
    """The payment method that paid it, or BALANCE; None until it is paid."""


class OrderView(msgspec.Struct, frozen=True):
    """An order with all that its page shows; ``held`` is on hold for it, ``refunded`` was refunded."""

    id: OrderId
    number: str
    user_id: UserId
    status: OrderStatus
    total: Money
    created_at: datetime
    expires_at: datetime | None
    lines: list[OrderLine]
    keys: list[DeliveredKey]
    timeline: list[TimelineEntry]
    held: Money
    refunded: Money

    @property
    def warranty_days(self) -> int:
        """The shortest warranty of its goods; 0 where one has none."""
        return min((line.warranty_days for line in self.lines), default=0)

    @property
    def promised_hours(self) -> int | None:
        """How long the slowest of its goods takes at most; None where all are delivered at once."""
        return max((line.promised_hours or 0 for line in self.lines), default=0) or None


class MethodCharge(msgspec.Struct, frozen=True):
    """What one payment method would charge for the rest of a price.

    ``surplus`` of the ``amount`` stays in the balance: the method takes no less than its minimum.
    """

    method: PaymentMethod
    amount: Money
    surplus: Money


class AmountDue(msgspec.Struct, frozen=True):
    """How a price is paid: ``from_balance``, and the ``rest`` by one of the ``charges``.

    ``balance`` is what the buyer has, with what is on hold for the order itself. ``from_balance`` and ``rest`` add up
    to ``total``.
    """

    total: Money
    balance: Money
    from_balance: Money
    rest: Money
    charges: list[MethodCharge]


class Quote(msgspec.Struct, frozen=True):
    """What a purchase would cost this buyer now; ``sold_out`` when fewer are in stock than they want.

    ``promo`` is the code that is used, ``refused`` why one takes nothing off.
    """

    line: OrderLine
    due: AmountDue
    sold_out: bool
    promo: AppliedPromo | None = None
    refused: RefusedPromo | None = None


class PaymentOrder(msgspec.Struct, frozen=True):
    """A payment that is to be started for an order: by which method, how much, and when it ends at the latest.

    The same ``idempotency_key`` is the same payment.
    """

    order_id: OrderId
    method: str
    amount: Money
    until: datetime
    idempotency_key: str


class OrderFilter(StrEnum):
    """The views of a buyer's list."""

    ALL = "all"
    AWAITING_PAYMENT = "awaiting_payment"

    @classmethod
    def _missing_(cls, value: object) -> OrderFilter | None:
        """The view by its former name, which links and callers of the API may still have."""
        return cls.AWAITING_PAYMENT if value == "waiting" else None
