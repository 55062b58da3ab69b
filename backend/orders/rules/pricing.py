"""What an order costs, part by part: the only place that multiplies a price. See decisions/0067."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from backend.catalog.types import Offer, VariantId
from backend.growth.types import WHOLE, Discount
from backend.kernel.money import CurrencyMismatch, Money
from backend.orders.errors import OrderTooLarge
from backend.orders.types.prices import PartKind, Priced, PricedLine, PricePart

_LARGEST: Final = 2**63 - 1
"""The most that a BIGINT holds."""


class UnpricedLine(msgspec.Struct, frozen=True):
    """What somebody wants to buy, to be priced: ``unit_price`` is the price of one for everybody."""

    variant_id: VariantId
    quantity: int
    unit_price: Money
    reseller_price: Money | None = None
    """What the buyer pays for one as a reseller."""
    quantity_price: Money | None = None
    """What anybody pays for one of so many."""
    already_paid: Money | None = None
    """What the buyer paid before and may count, for all of the line."""

    def __post_init__(self) -> None:
        currency = self.unit_price.currency
        for price in (self.unit_price, self.reseller_price, self.quantity_price, self.already_paid):
            if price is not None and price.currency != currency:
                raise CurrencyMismatch(f"{currency} and {price.currency}")
            if price is not None and price.amount < 0:
                raise ValueError("a line has no negative amount")
        if self.quantity < 1:
            raise ValueError("a line has a quantity")

    @property
    def single(self) -> int:
        """What this buyer pays for only one, in minor units."""
        return (self.unit_price if self.reseller_price is None else self.reseller_price).amount

    @property
    def own(self) -> int:
        """What this buyer pays for one of so many: as a reseller or for the quantity, whichever is less."""
        return self.single if self.quantity_price is None else min(self.single, self.quantity_price.amount)

    @property
    def paid_before(self) -> int:
        """What was paid before, in minor units."""
        return 0 if self.already_paid is None else self.already_paid.amount


def unpriced(offer: Offer, quantity: int, paid: Money | None = None) -> UnpricedLine:
    """``quantity`` of what was offered to a buyer, who has ``paid`` for it before, to be priced."""
    own = offer.price_of_one(quantity)
    return UnpricedLine(
        variant_id=offer.variant_id,
        quantity=quantity,
        unit_price=offer.public_price,
        reseller_price=offer.unit_price,
        quantity_price=own,
        already_paid=paid,
    )


def price(unpriced: Sequence[UnpricedLine], discounts: Collection[Discount] = ()) -> Priced:
    """What the ``unpriced`` lines cost a buyer who may use one of ``discounts``: the one that takes off the most.

    A discount counts on the buyer's own price; what was paid before is taken off what is left then. The order in which
    discounts are passed changes nothing. Raises ValueError without a line, CurrencyMismatch, and OrderTooLarge where
    the sum does not fit a BIGINT.
    """
    currency = _currency(unpriced, discounts)
    parts = [_own_price(line) for line in unpriced]
    if sum(line[PartKind.BASE] for line in parts) > _LARGEST:
        raise OrderTooLarge()
    best = _best(discounts, unpriced, [sum(line.values()) for line in parts])
    for place, line in enumerate(parts):
        if best is not None:
            line[PartKind.PROMO] = -best.shares[place]
        line[PartKind.ALREADY_PAID] = -min(unpriced[place].paid_before, sum(line.values()))
    lines = tuple(_priced(line, amounts) for line, amounts in zip(unpriced, parts, strict=True))
    total = Money(sum(line.total.amount for line in lines), currency)
    return Priced(lines=lines, total=total, discount=None if best is None else best.discount)


def apportion(amounts: Sequence[int], numerator: int, denominator: int) -> list[int]:
    """The share ``numerator / denominator`` (at most 1) of each amount; together they are the share of the sum.

    The share of the sum is rounded down. So is each amount's; the units that are missing then go to the largest
    remainders, of equal ones to the first.
    """
    shares = [amount * numerator // denominator for amount in amounts]
    remainders = [amount * numerator % denominator for amount in amounts]
    missing = sum(amounts) * numerator // denominator - sum(shares)
    for place in sorted(range(len(amounts)), key=lambda place: -remainders[place])[:missing]:
        shares[place] += 1
    return shares


def _currency(unpriced: Sequence[UnpricedLine], discounts: Collection[Discount]) -> str:
    if not unpriced:
        raise ValueError("an order has at least one line")
    currency = unpriced[0].unit_price.currency
    others = {line.unit_price.currency for line in unpriced} | {
        item.amount.currency for item in discounts if item.amount
    }
    if others != {currency}:
        raise CurrencyMismatch(" and ".join(sorted(others)))
    return currency


def _own_price(line: UnpricedLine) -> dict[PartKind, int]:
    """The line's price for everybody, how much less a reseller pays, and how much less for so many."""
    single, own = line.single, line.own
    # A reseller's price above the public one is no discount: it is the price that this buyer was shown.
    unit = max(line.unit_price.amount, single)
    return {
        PartKind.BASE: unit * line.quantity,
        PartKind.RESELLER: (single - unit) * line.quantity,
        PartKind.QUANTITY: (own - single) * line.quantity,
    }


class _Applied(msgspec.Struct, frozen=True):
    """A discount with what it takes off each line."""

    discount: Discount
    shares: list[int]

    @property
    def rank(self) -> tuple[int, str]:
        """Orders discounts, the best for the buyer first; of equal ones always the same one."""
        return -sum(self.shares), self.discount.id


def _best(discounts: Collection[Discount], unpriced: Sequence[UnpricedLine], amounts: Sequence[int]) -> _Applied | None:
    applied = (_Applied(discount, _shares(discount, unpriced, amounts)) for discount in discounts)
    return min((item for item in applied if any(item.shares)), key=lambda item: item.rank, default=None)


def _shares(discount: Discount, unpriced: Sequence[UnpricedLine], amounts: Sequence[int]) -> list[int]:
    inside = [amount if discount.covers(line.variant_id) else 0 for line, amount in zip(unpriced, amounts, strict=True)]
    if discount.amount is None:
        return apportion(inside, discount.basis_points, WHOLE)
    whole = sum(inside)
    return apportion(inside, min(discount.amount.amount, whole), max(whole, 1))


def _priced(line: UnpricedLine, amounts: dict[PartKind, int]) -> PricedLine:
    currency = line.unit_price.currency
    parts = tuple(
        PricePart(kind, Money(amount, currency)) for kind, amount in amounts.items() if amount or kind is PartKind.BASE
    )
    return PricedLine(
        unit_price=Money(max(line.unit_price.amount, line.single), currency),
        quantity=line.quantity,
        parts=parts,
        total=Money(sum(amounts.values()), currency),
    )
