"""The heart on products, and the list of what somebody likes."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from backend.catalog.types.favourites import Favourite
from backend.catalog.words import product_name
from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.kernel.text import pick
from webapp.catalog.screens import stock
from webapp.core.looks import Picture, tile
from webapp.core.parts import StockView, TileView


class Hearts(msgspec.Struct, frozen=True):
    """catalog/_hearts.html: hearts of products that are on the page already, by slug."""

    slugs: tuple[str, ...]
    liked: bool = True
    alone: bool = False
    """It replaces the heart that was tapped, and is not sent out of band."""


class FavouriteRow(msgspec.Struct, frozen=True):
    """A product that the reader likes; ``seen`` is its price then, if that is another one now."""

    slug: str
    title: str
    tile: TileView
    price: Money
    from_price: bool
    seen: Money | None
    stock: StockView
    for_sale: bool


class FavouritesPage(msgspec.Struct, frozen=True):
    """catalog/favourites.html"""

    rows: tuple[FavouriteRow, ...]


def favourites_page(favourites: Iterable[Favourite], reader: Actor, picture: Picture) -> FavouritesPage:
    """All that the reader likes."""
    return FavouritesPage(tuple(_row(item, reader, picture) for item in favourites))


def _row(item: Favourite, reader: Actor, picture: Picture) -> FavouriteRow:
    name = pick(item.name, reader.language)
    return FavouriteRow(
        slug=item.slug,
        title=product_name(name, item.country, reader.language),
        tile=tile(name, item.hue, item.icon, item.country, picture(item.picture)),
        price=item.price,
        from_price=item.prices_differ,
        seen=item.seen if item.seen != item.price else None,
        stock=stock(item.available),
        for_sale=item.for_sale,
    )
