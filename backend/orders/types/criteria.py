"""What an admin's list of orders is narrowed to."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from backend.catalog.types import CategoryId, ProductId
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.orders.types import OrderRow, OrderStatus

MOST_COUNTED: Final = 10_000
"""So many orders are counted; of more it is only said that there are more."""


class OrderCriteria(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions that an order meets all of; what is not given narrows nothing."""

    status: OrderStatus | None = None
    method: str = ""
    """A payment method's name, or BALANCE."""
    product: ProductId | None = None
    category: CategoryId | None = None
    """Its products and those of the categories below it."""
    goods: str = ""
    """Words in the names of its goods, in any language."""
    since: datetime | None = None
    """It was placed then or later."""
    until: datetime | None = None
    """It was placed before."""
    least: Money | None = None
    most: Money | None = None
    by_hand: bool = False
    """An admin prepares some of its goods."""
    refunded: bool = False
    """Some of it was refunded."""
    buyer: UserId | None = None
    only: tuple[str, ...] | None = None
    """The numbers of chosen orders."""


class OrderCount(msgspec.Struct, frozen=True):
    """How many orders there are: ``counted``, or ``more`` than that."""

    counted: int
    more: bool


class ManagedOrder(msgspec.Struct, frozen=True):
    """An order as admins list it, with when something last happened to it, and how much of it was refunded."""

    order: OrderRow
    updated_at: datetime
    refunded: Money


class ExportedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a file has it; names of its goods by language."""

    id: OrderId
    number: str
    status: OrderStatus
    buyer_id: UserId
    method: str | None
    total: Money
    refunded: Money
    created_at: datetime
    paid_at: datetime | None
    updated_at: datetime
    goods: tuple[tuple[dict[str, str], dict[str, str], str | None, int], ...]
    """Of each line the name, the variant's name, the country and the quantity."""
