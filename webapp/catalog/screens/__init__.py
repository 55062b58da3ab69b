"""The shop's first page, lists of products, and product pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec
from markupsafe import Markup

from backend.catalog import types as catalog
from backend.infra.i18n import Translator
from backend.kernel.money import Money
from backend.kernel.paging import Page
from backend.orders.types.prices import PricedLine
from backend.orders.types.subscriptions import SubscriptionOffer
from webapp.core.looks import Picture, price_rows, tile
from webapp.core.parts import Chip, PriceRow, StockView, TileView

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


def _tile(product: catalog.ProductCard, picture: Picture) -> TileView:
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
        tile=_tile(product, picture),
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


class QuantityView(msgspec.Struct, frozen=True):
    """The chosen quantity and its limits; ``per_person`` is shown to the buyer."""

    value: int
    minimum: int
    maximum: int
    per_person: int | None = None


class StepRow(msgspec.Struct, frozen=True):
    """A price by quantity: from ``quantity`` on, one costs ``each``; ``active`` where it is the price of this choice.

    ``reachable``: so many are in stock.
    """

    quantity: int
    each: Money
    active: bool
    reachable: bool


class BuyView(msgspec.Struct, frozen=True):
    """catalog/_buy.html: the quantity row and the button, asked again at every change of variant or quantity."""

    slug: str
    variant_id: str
    quantity: QuantityView
    total: Money
    parts: tuple[PriceRow, ...] = ()
    steps: tuple[StepRow, ...] = ()
    promised_hours: int | None = None
    """How long it takes at most; None for what is delivered at once."""
    file_kind: str = ""
    """What its file is, as ``PDF``; empty for what is no file."""
    file_size: int = 0
    warranty_days: int = 0
    state: catalog.BuyState = catalog.BuyState.BUY
    subscription: Money | None = None
    """What one each period costs; None where it can't be subscribed to."""
    premium_href: str = ""
    """The page of the product that makes its buyers premium members, where only they may buy this."""


def buy(
    product: catalog.ProductDetail,
    box: catalog.BuyBox,
    price: PricedLine,
    words: Translator,
    subscription: SubscriptionOffer | None = None,
    premium: str | None = None,
) -> BuyView:
    """The buy box as the page shows it, with the ``price`` of its quantity; ``premium`` is the slug of premium."""
    return BuyView(
        slug=product.slug,
        variant_id=str(box.variant.id),
        quantity=QuantityView(box.quantity, box.minimum, box.maximum, box.per_person_limit),
        total=price.total,
        parts=price_rows(price, words),
        steps=_steps(box),
        promised_hours=box.variant.promised_hours,
        file_kind=(box.variant.file_kind or "").upper(),
        file_size=box.variant.file_size or 0,
        warranty_days=box.variant.warranty_days,
        state=box.state,
        subscription=subscription.charged if subscription and box.state is catalog.BuyState.BUY else None,
        premium_href=f"/shop/{premium}" if premium else "",
    )


def _steps(box: catalog.BuyBox) -> tuple[StepRow, ...]:
    now = box.variant.price_of_one(box.quantity)
    return tuple(
        StepRow(step.quantity, step.price, step.price == now, step.quantity <= box.maximum)
        for step in box.variant.quantity_prices
    )


class VariantRow(msgspec.Struct, frozen=True):
    """A variant of a product, such as "3 months"."""

    id: str
    title: str
    price: Money
    note: str = ""
    was: Money | None = None
    stock: StockView = StockView()
    selected: bool = False
    available: bool = True


class ProductPage(msgspec.Struct, frozen=True):
    """catalog/product.html"""

    title: str
    tile: TileView
    stock: StockView
    variants: tuple[VariantRow, ...]
    buy: BuyView
    subtitle: str = ""
    description: Markup = Markup("")
    variants_kind: catalog.ChoiceKind = catalog.ChoiceKind.OPTION
    shared: bool = False
    """Whether all buyers get the same key."""
    instant: bool = True
    """Whether it is delivered as soon as it is paid."""
    similar: tuple[ProductCard, ...] = ()
    note_url: str = ""
    """What says how the reader's premium stands, on the pages of premium and of what is for its members."""


def product_page(
    product: catalog.ProductDetail,
    shown: BuyView,
    similar: Sequence[catalog.ProductCard],
    picture: Picture,
    *,
    member: bool,
) -> ProductPage:
    """A product with its variants and its buy box, for premium members or others."""
    about_premium = product.premium_only or product.kind is catalog.StockKind.PREMIUM
    return ProductPage(
        title=product.title,
        tile=_tile(product, picture),
        stock=stock(product.available),
        variants=tuple(
            VariantRow(
                id=str(item.id),
                title=item.name,
                price=item.price,
                note=item.note,
                was=item.public_price if item.price < item.public_price else None,
                stock=stock(item.available),
                selected=str(item.id) == shown.variant_id,
                available=item.in_stock,
            )
            for item in product.variants
        ),
        buy=shown,
        subtitle=product.summary,
        description=Markup(product.description_html),  # noqa: S704 - made by the catalogue, raw HTML off
        variants_kind=product.choice,
        shared=product.kind is catalog.StockKind.SHARED_KEY,
        instant=shown.promised_hours is None,
        similar=tuple(card(item, picture) for item in similar),
        note_url=f"/premium/note?slug={product.slug}&member={int(member)}" if about_premium else "",
    )
