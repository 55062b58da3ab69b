"""What several pages need of a thing or a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Final, TypeVar, cast, get_args

import msgspec

from backend.catalog.types import CategoryRow, Offer
from backend.identity.types import Actor
from backend.infra.formatting import timezone
from backend.infra.i18n import Translator
from backend.kernel.text import pick
from backend.orders.types import OrderLine
from backend.orders.types.prices import PricedLine
from backend.orders.words import part_title
from webapp.core.fields import Choice
from webapp.core.parts import Hue, PictureView, PriceRow, TileView
from webapp.core.tiles import hue_of, initial_of

T = TypeVar("T")

HUES: Final = frozenset(get_args(Hue))


def hue(name: str, subject: object = "") -> Hue:
    """The hue called ``name``; for another name, one that always is ``subject``'s."""
    return cast(Hue, name) if name in HUES else hue_of(str(subject or name))


Picture = Callable[[str | None], PictureView | None]
"""The signed addresses of a stored picture's name."""


def tile(name: str, hue_name: str, icon: str, country: str | None, picture: PictureView | None = None) -> TileView:
    """The tile of a thing in the shop."""
    return TileView(
        initial=initial_of(name),
        hue=hue(hue_name, name),
        icon=icon,
        flag=country,
        anywhere=country is None,
        picture=picture,
    )


def goods_tile(line: OrderLine | Offer, actor: Actor, picture: Picture) -> TileView:
    """The tile of a thing that is bought."""
    return tile(pick(line.name, actor.language), line.hue, line.icon, line.country, picture(line.picture))


def price_rows(price: PricedLine, words: Translator) -> tuple[PriceRow, ...]:
    """The parts of a price; none where there is only one, which the price itself says."""
    if len(price.parts) == 1:
        return ()
    base, *others = (PriceRow(part_title(part.kind, words), part.amount) for part in price.parts)
    if price.quantity > 1:
        base = msgspec.structs.replace(base, quantity=price.quantity, each=price.unit_price)
    return base, *others


def by_day(rows: Iterable[T], at: Callable[[T], datetime], actor: Actor) -> list[tuple[date, tuple[T, ...]]]:
    """Rows (in the order of their time) grouped by the days of the reader's timezone."""
    zone = timezone(actor.timezone)
    return [(day, tuple(of_day)) for day, of_day in groupby(rows, lambda row: at(row).astimezone(zone).date())]


def shop_category_choices(categories: Sequence[CategoryRow]) -> tuple[Choice, ...]:
    """The categories of the shop that something new may be put in, such as a course."""
    return tuple(Choice(one.slug, one.name) for one in categories)
