"""Products that a person likes, and what they are told of them."""

from __future__ import annotations

from typing import Final

import msgspec

from backend.catalog.types import ProductId
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.kernel.money import Money

MOST_FAVOURITES: Final = 100
"""How many products one person may like."""
WORTH_TELLING: Final = 5
"""By how many percent a price must have fallen, below the lowest that the person knows, to be told."""


class FavouriteChanged(Event, frozen=True, kw_only=True):
    """A product that ``user_id`` likes is back in stock (``returned``), or cheaper than the ``known`` price.

    It is in minor units of the shop's currency.
    """

    user_id: UserId
    product_id: ProductId
    known: int
    returned: bool


class Favourite(msgspec.Struct, frozen=True, kw_only=True):
    """A product that a person likes, as it is now; names by language.

    ``seen`` is what it cost them when they began to like it. ``available`` counts all variants, up to
    AVAILABILITY_CAP; None for any number.
    """

    product_id: ProductId
    slug: str
    name: dict[str, str]
    country: str | None
    hue: str
    icon: str
    picture: str | None
    for_sale: bool
    price: Money
    prices_differ: bool
    seen: Money
    available: int | None
