"""Prices that fall with the quantity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from backend.kernel.money import Money


class QuantityPrice(msgspec.Struct, frozen=True):
    """What one costs in an order of at least ``quantity``."""

    quantity: int
    price: Money


def price_of_one(single: Money, steps: Iterable[QuantityPrice], quantity: int) -> Money:
    """What one of ``quantity`` costs a buyer who pays ``single`` for only one: never more than that."""
    return min([single, *(step.price for step in steps if step.quantity <= quantity)])


def steps_below(single: Money, steps: Sequence[QuantityPrice], largest: int) -> tuple[QuantityPrice, ...]:
    """The steps that lower the price for a buyer who pays ``single`` for one and may have ``largest``."""
    return tuple(step for step in steps if step.price < single and step.quantity <= largest)


def read_steps(stored: Iterable[Sequence[int]], currency: str) -> tuple[QuantityPrice, ...]:
    """The steps as a variant's row stores them: pairs of a quantity and an amount in minor units, rising."""
    return tuple(QuantityPrice(quantity, Money(amount, currency)) for quantity, amount in stored)
