"""The line of people who wait for a variant that is sold out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, NewType
from uuid import UUID

import msgspec

from backend.catalog.types import ProductId, StockKind, VariantId
from backend.catalog.types.offers import StockedOffer
from backend.kernel.events import Event
from backend.kernel.ids import UserId

WaitId = NewType("WaitId", UUID)
Quiet = Callable[[datetime, str], datetime | None]
"""When the quiet hours that a moment falls into end for a reader in a time zone (a IANA name); None outside of them."""

WAITING_TOPIC: Final = "waiting"
"""The signal that the line for a variant has changed; its key is the variant's id."""
MOST_WAITS: Final = 20
"""In how many lines one person may stand."""
COUNTED_KINDS: Final = frozenset({StockKind.SHARED_KEY.value, StockKind.COURSE.value, StockKind.FILE.value})
"""Those of the queued kinds of which a number is left: what is held for a person is taken from it."""
QUEUED_KINDS: Final = frozenset({StockKind.UNIQUE_KEYS.value}) | COUNTED_KINDS
"""The kinds of goods that can be sold out, so that people stand in line for them."""


class StockArrived(Event, frozen=True, kw_only=True):
    """Goods of a variant were assigned to people in line, and must be offered to them now."""

    variant_id: VariantId


class StockHeld(Event, frozen=True, kw_only=True):
    """Goods are held for the first person in line, until ``until``."""

    wait_id: WaitId
    user_id: UserId
    variant_id: VariantId
    until: datetime


class HoldEnded(Event, frozen=True, kw_only=True):
    """What was held for a person is theirs no more: they did not buy it in time, or left."""

    wait_id: WaitId


class HoldUndelivered(Event, frozen=True, kw_only=True):
    """A person could not be told that something is held for them."""

    wait_id: WaitId


class Wait(msgspec.Struct, frozen=True):
    """A person in line; ``kind`` and ``quantity`` are of the goods assigned to them, None without any."""

    id: WaitId
    user_id: UserId
    variant_id: VariantId
    kind: str | None
    quantity: int | None
    held_until: datetime | None


class QueuedVariant(msgspec.Struct, frozen=True):
    """A variant that people wait for; ``min_quantity`` is held for each of them."""

    id: VariantId
    product_id: ProductId
    kind: str
    min_quantity: int
    low_stock_at: int
    low_stock_told: bool
    for_sale: bool


class Place(msgspec.Struct, frozen=True):
    """How a person stands with a variant.

    ``number`` is their place of ``waiting`` people, 0 outside of the line and for whom goods are held (``held_until``).
    ``available`` is how many they can buy now, counted up to the smallest order; None for any number.
    """

    number: int
    waiting: int
    held_until: datetime | None
    available: int | None

    @property
    def in_line(self) -> bool:
        """Whether they wait."""
        return self.number > 0


class OwnWait(msgspec.Struct, frozen=True):
    """A variant that a person waits for, as things are now."""

    goods: StockedOffer
    place: Place


class WaitingCount(msgspec.Struct, frozen=True):
    """How many people wait for a variant, and for how many goods are held; names by language."""

    slug: str
    name: dict[str, str]
    variant_name: dict[str, str]
    country: str | None
    waiting: int
    held: int
    available: int | None
