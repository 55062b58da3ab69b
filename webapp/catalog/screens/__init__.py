"""The shop's first page, and lists of products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec

from backend.catalog import types as catalog
from backend.kernel.money import Money
from backend.kernel.paging import Page
from webapp.core.looks import Picture, tile
from webapp.core.parts import Chip, StockView, TileView

_LOW: Final = 10


_COUNTRIES: Final = 24


_SECTION: Final = 6


class Filters(msgspec.Struct, frozen=True):
    """What a list is narrowed to."""

    category: str = ""
    country: str = ""
    in_stock: bool = False
    sort: catalog.Sort | None = None
    q: str = ""
    most: int = 0
    """The highest price, in minor units; 0 is any."""

    @property
    def narrow(self) -> bool:
        """Whether a search is narrowed."""
        return bool(self.category or self.country or self.in_stock or self.most)

    @property
    def any(self) -> bool:
        """Whether anything narrows the list; without it the shop shows its first page."""
        return bool(self.q or self.category or self.country or self.in_stock or self.sort)

    @property
    def hidden_fields(self) -> tuple[tuple[str, str], ...]:
        """What narrows a list, by the names of the address, without what is searched for and the order."""
        return tuple((name, value) for name, value in self._named().items() if value and name not in {"q", "sort"})

    def _named(self) -> dict[str, str]:
        return {
            "q": self.q,
            "category": self.category,
            "country": self.country,
            "in_stock": "1" if self.in_stock else "",
            "most": str(self.most or ""),
            "sort": self.sort.value if self.sort else "",
        }

    def href(self, cursor: str = "", **change: object) -> str:
        """The list's address with some of it changed."""
        changed = msgspec.structs.replace(self, **change)
        query = {**changed._named(), "cursor": cursor}
        given = {name: value for name, value in query.items() if value}
        return f"/shop?{urlencode(given)}" if given else "/shop"


def stock(available: int | None) -> StockView:
    """How much is left: a number below the cap, else just in stock."""
    if available is None or available >= catalog.AVAILABILITY_CAP:
        return StockView()
    return StockView(left=available, low=0 < available <= _LOW)


def tile_of(product: catalog.ProductCard, picture: Picture) -> TileView:
    """A product's picture."""
    return tile(product.name, product.hue, product.icon, product.country, picture(product.picture))


class ProductCard(msgspec.Struct, frozen=True):
    """A product in a grid or a list; ``from_price`` when its variants differ in price.

    ``add`` is the variant that goes into the cart from here: the only one, if everybody can buy it.
    """

    slug: str
    title: str
    subtitle: str
    tile: TileView
    price: Money
    stock: StockView
    from_price: bool = False
    premium_only: bool = False
    add: str = ""


def card(product: catalog.ProductCard, picture: Picture) -> ProductCard:
    """A product in a grid or a list."""
    addable = product.only_variant and product.available != 0 and not product.premium_only
    return ProductCard(
        slug=product.slug,
        title=product.title,
        subtitle=product.summary,
        tile=tile_of(product, picture),
        price=product.price_from,
        stock=stock(product.available),
        from_price=product.prices_differ,
        premium_only=product.premium_only,
        add=str(product.only_variant) if addable else "",
    )


class Country(msgspec.Struct, frozen=True):
    """A country to browse by; ``code`` None is everywhere."""

    code: str | None
    href: str
    active: bool = False


class Shelf(msgspec.Struct, frozen=True):
    """A row of cards on the shop's first page."""

    key: Literal["fresh", "popular"]
    cards: tuple[ProductCard, ...]
    href: str


class ShopHome(msgspec.Struct, frozen=True):
    """catalog/home.html"""

    categories: tuple[Chip, ...]
    countries: tuple[Country, ...]
    shelves: tuple[Shelf, ...]
    typed: str = ""


def home(
    categories: Sequence[catalog.CategoryRow],
    countries: Sequence[catalog.CountryRow],
    fresh: Sequence[catalog.ProductCard],
    popular: Sequence[catalog.ProductCard],
    picture: Picture,
) -> ShopHome:
    """The shop's first page: categories and countries, then new products in stock and the other popular ones."""
    filters = Filters()
    chips = [Chip(href="/shop", active=True, key="all")]
    chips += [
        Chip(href=filters.href(category=row.slug), label=row.name, icon=row.icon)
        for row in categories
        if row.parent is None and row.products
    ]
    pucks = [Country(None, filters.href(sort=catalog.Sort.POPULAR))]
    pucks += [Country(row.code, filters.href(country=row.code)) for row in countries[:_COUNTRIES]]
    shelves = []
    if fresh:
        cards = tuple(card(item, picture) for item in fresh[:_SECTION])
        shelves.append(Shelf("fresh", cards, filters.href(in_stock=True, sort=catalog.Sort.NEW)))
    shown = {item.id for item in fresh[:_SECTION]}
    others = [item for item in popular if item.id not in shown]
    if others:
        cards = tuple(card(item, picture) for item in others[:_SECTION])
        shelves.append(Shelf("popular", cards, filters.href(sort=catalog.Sort.POPULAR)))
    return ShopHome(categories=tuple(chips) if len(chips) > 1 else (), countries=tuple(pucks), shelves=tuple(shelves))


class ProductRows(msgspec.Struct, frozen=True):
    """catalog/_rows.html: the next page of a list."""

    cards: tuple[ProductCard, ...]
    next_url: str | None = None


def rows(page: Page[catalog.ProductCard], filters: Filters, picture: Picture) -> ProductRows:
    """A part of a list, and where the next part is."""
    return ProductRows(
        cards=tuple(card(item, picture) for item in page.items),
        next_url=filters.href(cursor=page.next_cursor) if page.next_cursor else None,
    )


def order_of(filters: Filters) -> catalog.Sort:
    """The order of a list: the one that is chosen, else the shop's own in a category, else the popular first."""
    return filters.sort or (catalog.Sort.SHOP if filters.category else catalog.Sort.POPULAR)


class PriceChip(msgspec.Struct, frozen=True):
    """A highest price to narrow a search to, or the one that is chosen."""

    most: Money
    chip: Chip


class ShopList(msgspec.Struct, frozen=True):
    """catalog/list.html: a list, or what a search finds.

    ``sorts`` have keys best, popular, new, price; ``chosen`` can be taken off, ``inside`` narrows.
    """

    title: str
    sorts: tuple[Chip, ...]
    in_stock: Chip
    chosen: tuple[Chip, ...]
    rows: ProductRows
    inside: tuple[Chip, ...] = ()
    clear_href: str = "/shop"
    """Where the filters are off."""
    typed: str = ""
    """What is searched for; empty in a list."""
    prices: tuple[PriceChip, ...] = ()
    near: tuple[ProductCard, ...] = ()
    """What comes closest, where a search finds nothing."""
    can_wish: bool = False
    hidden_fields: tuple[tuple[str, str], ...] = ()
    """The filters that a search from here keeps, by the names of ShopQuery."""


def listed(
    page: Page[catalog.ProductCard],
    filters: Filters,
    categories: Sequence[catalog.CategoryRow],
    title: str,
    picture: Picture,
) -> ShopList:
    """A list with its filters; those that are on can be taken off, and a category opens into its own parts."""
    chosen = []
    here = next((row for row in categories if row.slug == filters.category), None)
    if here is not None:
        chosen.append(Chip(href=filters.href(category=here.parent or ""), active=True, label=here.name, icon=here.icon))
    if filters.country:
        chosen.append(Chip(href=filters.href(country=""), active=True, country=filters.country))
    inside = [
        Chip(href=filters.href(category=row.slug), label=row.name, icon=row.icon)
        for row in categories
        if here is not None and row.parent == here.slug and row.products
    ]
    sort = order_of(filters)
    return ShopList(
        title=title,
        sorts=tuple(
            Chip(href=filters.href(sort=item), active=item is sort, key=item.value)
            for item in catalog.Sort
            if filters.category or item is not catalog.Sort.SHOP
        ),
        in_stock=Chip(href=filters.href(in_stock=not filters.in_stock), active=filters.in_stock),
        chosen=tuple(chosen),
        inside=tuple(inside),
        rows=rows(page, filters, picture),
        clear_href=f"/shop?sort={catalog.Sort.POPULAR.value}",
        hidden_fields=filters.hidden_fields,
    )
