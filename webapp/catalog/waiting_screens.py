"""The line for what is sold out, as its people and admins see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from backend.catalog.types import VariantOffer
from backend.catalog.types.offers import StockedOffer
from backend.catalog.types.waiting import OwnWait, Place, WaitingCount
from backend.catalog.words import goods_name, product_name
from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.kernel.text import pick
from webapp.catalog.screens import stock
from webapp.core.looks import Picture, goods_tile
from webapp.core.parts import StockView, TileView


class WaitingView(msgspec.Struct, frozen=True):
    """catalog/_waiting.html: how the reader stands with a variant that is sold out.

    ``number`` of ``waiting`` people, 0 outside of the line; ``held_until``: one is reserved for them. ``stocked``: it
    can be bought. ``hold`` is for how long one is reserved, in words.
    """

    slug: str
    variant_id: str
    live_url: str
    hold: str
    number: int = 0
    waiting: int = 0
    held_until: datetime | None = None
    stocked: bool = False
    price: Money | None = None


def waiting(slug: str, variant: VariantOffer, place: Place, price: Money, live_url: str, hold: str) -> WaitingView:
    """The reader's place; ``price`` is of the smallest order."""
    return WaitingView(
        slug=slug,
        variant_id=str(variant.id),
        live_url=live_url,
        hold=hold,
        number=place.number,
        waiting=place.waiting,
        held_until=place.held_until,
        stocked=place.available is None or place.available >= variant.min_quantity,
        price=price,
    )


class WaitRow(msgspec.Struct, frozen=True):
    """A variant that the reader waits for."""

    slug: str
    title: str
    subtitle: str
    tile: TileView
    price: Money
    number: int
    waiting: int
    held_until: datetime | None
    for_sale: bool
    variant_id: str


class WaitingPage(msgspec.Struct, frozen=True):
    """catalog/waiting.html"""

    rows: tuple[WaitRow, ...]
    live_url: str = ""


def waiting_page(own: Iterable[OwnWait], reader: Actor, picture: Picture, live_url: Callable[..., str]) -> WaitingPage:
    """All that the reader waits for; the page follows the first lines."""
    rows = tuple(_row(one.goods, one.place, reader, picture) for one in own)
    topics = [f"waiting:{row.variant_id}" for row in rows[:8]]
    return WaitingPage(rows, live_url(*topics) if topics else "")


def _row(goods: StockedOffer, place: Place, reader: Actor, picture: Picture) -> WaitRow:
    offer = goods.offer
    return WaitRow(
        slug=offer.slug,
        title=product_name(pick(offer.name, reader.language), offer.country, reader.language),
        subtitle=pick(offer.variant_name, reader.language),
        tile=goods_tile(offer, reader, picture),
        price=offer.unit_price,
        number=place.number,
        waiting=place.waiting,
        held_until=place.held_until,
        for_sale=goods.for_sale,
        variant_id=str(offer.variant_id),
    )


class WaitingCountRow(msgspec.Struct, frozen=True):
    """How many people wait for a variant."""

    slug: str
    title: str
    waiting: int
    held: int
    stock: StockView


class WaitingCounts(msgspec.Struct, frozen=True):
    """catalog/admin/waiting.html"""

    rows: tuple[WaitingCountRow, ...]


def waiting_counts(counts: Iterable[WaitingCount], reader: Actor) -> WaitingCounts:
    """The longest lines."""
    return WaitingCounts(
        tuple(
            WaitingCountRow(
                slug=row.slug,
                title=goods_name(row.name, row.variant_name, row.country, reader.language),
                waiting=row.waiting,
                held=row.held,
                stock=stock(row.available),
            )
            for row in counts
        )
    )
