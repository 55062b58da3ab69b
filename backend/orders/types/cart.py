"""The Structs of carts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from backend.catalog.types import Offer, VariantId
from backend.growth.types.promos import AppliedPromo, RefusedPromo
from backend.kernel.errors import AppError
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders.types import AmountDue, RequestedLine
from backend.orders.types.prices import PricedLine


class CartState(StrEnum):
    """Whether a line of a cart can be bought, and what has changed about that since it was added."""

    READY = "ready"
    FEWER = "fewer"
    """Fewer than wanted can be bought: the stock, or a limit."""
    MORE = "more"
    """The smallest order is larger than what was wanted."""
    SOLD_OUT = "sold_out"
    LIMIT_REACHED = "limit_reached"
    """The buyer has as many as one person may have."""
    PREMIUM_ONLY = "premium_only"
    REFUSED = "refused"
    """Not sold to this buyer now; ``refusal`` says why."""
    NOT_SOLD = "not_sold"
    """Hidden, or no longer sold in the shop's currency."""


class CartFilled(Event, frozen=True, kw_only=True):
    """A cart got its first line; ``version`` is the cart's."""

    user_id: UserId
    version: int
    remind_at: datetime | None = None
    """When its owner is reminded of it at the earliest: each later change postpones that."""


class StoredLine(msgspec.Struct, frozen=True):
    """A line as it is stored: how many were wanted, and the price of one that the buyer was shown."""

    variant_id: VariantId
    quantity: int
    seen: Money
    added_at: datetime


class CartLine(msgspec.Struct, frozen=True):
    """A line of a cart as things are now.

    ``quantity`` can be bought, from ``minimum`` to ``maximum``; ``requested`` is what the buyer chose. ``price`` is for
    ``quantity``; None for a line that cannot be bought. ``seen`` is what one of ``requested`` cost when added.
    ``paid`` is what the buyer paid before and counts.
    """

    offer: Offer
    state: CartState
    requested: int
    quantity: int
    minimum: int
    maximum: int
    seen: Money
    price: PricedLine | None
    paid: Money | None = None
    refusal: AppError | None = None
    available: int | None = None
    """How many are in stock, counted up to AVAILABILITY_CAP; None for any number."""

    @property
    def unit_price(self) -> Money:
        """What one of ``quantity`` costs now, before a promo code."""
        return self.offer.price_of_one(self.quantity)

    @property
    def price_changed(self) -> bool:
        """Whether one costs more or less now than the buyer was shown."""
        return self.price is not None and self.unit_price != self.seen


class Cart(msgspec.Struct, frozen=True):
    """A person's cart: what can be bought, in the order of adding, and what is unavailable; ``total`` is of ``lines``.

    ``version`` changes with each change of the cart.
    """

    version: int
    lines: tuple[CartLine, ...]
    unavailable: tuple[CartLine, ...]
    total: Money

    @property
    def promised_hours(self) -> int | None:
        """How long the slowest of its goods takes at most; None where all are delivered at once."""
        return max((line.offer.promised_hours or 0 for line in self.lines), default=0) or None

    @property
    def warranty_days(self) -> int:
        """The shortest warranty of its goods; 0 where one has none."""
        return min((line.offer.warranty_days for line in self.lines), default=0)

    @property
    def requested_lines(self) -> list[RequestedLine]:
        """What a checkout of it would buy."""
        return [RequestedLine(line.offer.variant_id, line.quantity) for line in self.lines]


class CartQuote(msgspec.Struct, frozen=True):
    """What the checkout of a cart would cost now, and how it can be paid.

    ``promo`` is the code that is used, also in the prices of ``cart``; ``refused`` why one takes nothing off.
    """

    cart: Cart
    due: AmountDue
    promo: AppliedPromo | None = None
    refused: RefusedPromo | None = None
