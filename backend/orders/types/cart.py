"""The Structs of carts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from backend.catalog.types import Offer, VariantId
from backend.growth.types.promos import AppliedPromo, RefusedPromo
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders.types import AmountDue, Wanted
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
    NOT_SOLD = "not_sold"
    """Hidden, or no longer sold in the shop's currency."""


class CartLeft(Event, frozen=True, kw_only=True):
    """A cart has not changed for some hours; once from its first line until it is bought or emptied."""

    user_id: UserId
    version: int
    """The cart's version then, which tells one reminder from another."""


class KeptLine(msgspec.Struct, frozen=True):
    """A line as it is stored: how many were wanted, and the price of one that the buyer was shown."""

    variant_id: VariantId
    quantity: int
    seen: Money
    added_at: datetime


class CartLine(msgspec.Struct, frozen=True):
    """A line of a cart as things are now.

    ``quantity`` can be bought, from ``minimum`` to ``maximum``; ``wanted`` is what the buyer chose. ``price`` is for
    ``quantity``; None for a line that cannot be bought. ``seen`` is the price of one when it was added.
    """

    offer: Offer
    state: CartState
    wanted: int
    quantity: int
    minimum: int
    maximum: int
    seen: Money
    price: PricedLine | None

    @property
    def price_changed(self) -> bool:
        """Whether one costs more or less now than the buyer was shown."""
        return self.price is not None and self.offer.unit_price != self.seen


class Cart(msgspec.Struct, frozen=True):
    """A person's cart: what can be bought, in the order of adding, and what is unavailable; ``total`` is of ``lines``.

    ``version`` changes with each change of the cart.
    """

    version: int
    lines: tuple[CartLine, ...]
    unavailable: tuple[CartLine, ...]
    total: Money

    @property
    def wanted(self) -> list[Wanted]:
        """What a checkout of it would buy."""
        return [Wanted(line.offer.variant_id, line.quantity) for line in self.lines]


class CartQuote(msgspec.Struct, frozen=True):
    """What the checkout of a cart would cost now, and how it can be paid.

    ``promo`` is the code that is used, also in the prices of ``cart``; ``refused`` why one takes nothing off.
    """

    cart: Cart
    due: AmountDue
    promo: AppliedPromo | None = None
    refused: RefusedPromo | None = None
