"""What a search is to the outside."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from backend.catalog.types import ProductCard, ProductId, Sort
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.kernel.money import Money

LONGEST_QUERY: Final = 64
"""Of what somebody types so many characters are read."""


class SearchFilters(msgspec.Struct, frozen=True, kw_only=True):
    """What a search is narrowed to; ``category`` is a slug, ``country`` two letters, ``most`` the highest price."""

    category: str | None = None
    country: str | None = None
    most: int | None = None
    """In minor units of the shop's currency."""
    in_stock: bool = False
    sort: Sort | None = None
    """None is by relevance: words in the name first, then what is in stock and sells."""

    @property
    def narrow(self) -> bool:
        """Whether anything but the order is chosen."""
        return bool(self.category or self.country or self.most is not None or self.in_stock)


class Facets(msgspec.Struct, frozen=True):
    """What the results of a search can be narrowed to, the most frequent first."""

    categories: tuple[str, ...] = ()
    """Slugs."""
    countries: tuple[str, ...] = ()
    prices: tuple[Money, ...] = ()
    """Highest prices to choose from, ascending."""


class SearchPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of what a search finds."""

    items: list[ProductCard]
    next_cursor: str | None = None
    facets: Facets = Facets()
    """Of the whole search, whatever it is narrowed to; empty after the first page."""
    near: list[ProductCard] = []
    """What comes closest, where nothing was found."""
    can_wish: bool = False
    """Whether the search has words and finds nothing, so that its reader can ask for it."""


class WishRow(msgspec.Struct, frozen=True):
    """What people searched for in vain; ``people`` wait to be told of it.

    ``key`` is the same for all writings of one search, ``typed`` is one of them.
    """

    key: str
    typed: str
    people: int
    asked_at: datetime
    """When somebody last asked for it."""


class WishFound(Event, frozen=True, kw_only=True):
    """A search that found nothing when ``user_id`` made it finds a product now."""

    user_id: UserId
    key: str
    typed: str
    product_id: ProductId
