"""The Structs of prices, part by part."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from backend.growth.types import Discount
from backend.kernel.money import Money


class PartKind(StrEnum):
    """What a part of a price is; the order in which parts are counted and shown."""

    BASE = "base"
    """The price for everybody."""
    RESELLER = "reseller"
    QUANTITY = "quantity"
    """What a larger order takes off."""
    PROMO = "promo"
    ALREADY_PAID = "already_paid"
    """What the buyer paid before and an upgrade counts."""


class PricePart(msgspec.Struct, frozen=True):
    """A part of a line's price: the base is positive or zero, what is taken off is negative."""

    kind: PartKind
    amount: Money


class PricedLine(msgspec.Struct, frozen=True):
    """The price of a line: its ``parts``, each kind at most once and the base first, add up to ``total``.

    The base is ``quantity`` times ``unit_price``; a kind that takes nothing off is not among the parts.
    """

    unit_price: Money
    quantity: int
    parts: tuple[PricePart, ...]
    total: Money

    def part(self, kind: PartKind) -> int:
        """The minor units of the part of a kind; zero where there is none."""
        return next((part.amount.amount for part in self.parts if part.kind is kind), 0)


class Priced(msgspec.Struct, frozen=True):
    """The prices of an order's lines, which add up to ``total``; ``discount`` is the one that was used."""

    lines: tuple[PricedLine, ...]
    total: Money
    discount: Discount | None = None
