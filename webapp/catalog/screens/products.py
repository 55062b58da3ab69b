"""Products in the back office: the list with its filters, and the page of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from markupsafe import Markup

from backend.catalog.types import HUES, ICONS, ChoiceKind
from backend.catalog.types.editing import (
    CREATABLE,
    EditedProduct,
    ManagedCategory,
    ManagedProduct,
    ProductFilter,
    ProductState,
    StockState,
)
from backend.catalog.words import product_name
from backend.infra.formatting import country_name
from backend.infra.i18n import Translator
from backend.kernel.money import Money
from backend.kernel.paging import Page
from backend.kernel.text import Locale, pick
from webapp.catalog.screens import stock
from webapp.catalog.screens.variants import VariantList
from webapp.core.fields import LANGUAGES, Choice, Fields, local_text, switch, typed_texts
from webapp.core.looks import Picture, tile
from webapp.core.parts import Chip, StockView, TileView, address

CATALOGUE: Final = "/admin/catalogue"
_TEXTS: Final = ("name", "summary", "description")


class ProductRow(msgspec.Struct, frozen=True):
    """A product in the list; ``at`` is when it is published, of one that is scheduled."""

    id: str
    title: str
    category: str
    tile: TileView
    state: ProductState
    stock: StockView
    price: Money | None
    from_price: bool
    at: datetime | None
    low: bool
    variants: int
    missing: int


class ProductsPage(msgspec.Struct, frozen=True):
    """catalog/admin/products.html"""

    rows: tuple[ProductRow, ...]
    states: tuple[Chip, ...]
    stocks: tuple[Chip, ...]
    query: str = ""
    category: Chip | None = None
    """The category that the list is narrowed to; a tap takes it off."""
    categories: tuple[Chip, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    """The filters that a search keeps."""
    next_url: str | None = None
    more: bool = False
    """Whether these are the next rows of a list that is shown already."""
    narrowed: bool = False
    new_href: str = CATALOGUE + "/new"


def product_row(row: ManagedProduct, locale: Locale, picture: Picture, currency: str) -> ProductRow:
    """A product of the list."""
    name = pick(row.name, locale)
    left = stock(row.available)
    return ProductRow(
        id=str(row.id),
        title=product_name(name, row.country, locale),
        category=pick(row.category_name, locale),
        tile=tile(name, row.hue, row.icon, row.country, picture(row.picture)),
        state=row.state,
        stock=StockView(left.left, low=row.low),
        price=Money(row.price_amount, currency) if row.variants else None,
        from_price=row.prices_differ,
        at=row.publish_at,
        low=row.low,
        variants=row.variants,
        missing=row.missing,
    )


def products_page(
    page: Page[ManagedProduct],
    chosen: ProductFilter,
    categories: Sequence[ManagedCategory],
    locale: Locale,
    picture: Picture,
    currency: str,
    *,
    more: bool,
) -> ProductsPage:
    """The list with its filters, which are in the address."""
    here = next((one for one in categories if one.slug == chosen.category), None)
    inside = [one for one in categories if one.parent_id == (here.id if here else None)]
    return ProductsPage(
        rows=tuple(product_row(row, locale, picture, currency) for row in page.items),
        states=tuple(_state_chips(chosen)),
        stocks=tuple(
            Chip(href=_href(chosen, stock=None if chosen.stock is one else one), active=chosen.stock is one, key=one)
            for one in StockState
        ),
        query=chosen.query,
        category=Chip(href=_href(chosen, category=""), active=True, label=pick(here.name, locale)) if here else None,
        categories=tuple(Chip(href=_href(chosen, category=one.slug), label=pick(one.name, locale)) for one in inside),
        hidden=tuple((name, value) for name, value in _named(chosen).items() if value and name != "q"),
        next_url=address(CATALOGUE, **_named(chosen), cursor=page.next_cursor) if page.next_cursor else None,
        more=more,
        narrowed=chosen != ProductFilter(),
        new_href=address(CATALOGUE + "/new", category=chosen.category),
    )


def _state_chips(chosen: ProductFilter) -> Iterable[Chip]:
    yield Chip(href=_href(chosen, state=None), active=chosen.state is None, key="all")
    for one in ProductState:
        yield Chip(href=_href(chosen, state=one), active=chosen.state is one, key=one)


def _named(chosen: ProductFilter) -> dict[str, str]:
    return {
        "q": chosen.query,
        "state": chosen.state or "",
        "stock": chosen.stock or "",
        "category": chosen.category,
    }


def _href(chosen: ProductFilter, **change: Any) -> str:
    return address(CATALOGUE, **_named(msgspec.structs.replace(chosen, **change)))


class Missing(msgspec.Struct, frozen=True):
    """A text that a product lacks: in which language (its name), and which field."""

    language: str
    field: str


class PreviewPart(msgspec.Struct, frozen=True):
    """catalog/admin/_description_preview.html: a description as the shop shows it."""

    language: str
    html: Markup
    too_long: bool = False

    @property
    def direction(self) -> str:
        """The direction of the language."""
        return Locale(self.language).direction


class CountriesPart(msgspec.Struct, frozen=True):
    """catalog/admin/_countries.html: the options of a product's country."""

    countries: tuple[Choice, ...]
    chosen: str


class ProductPage(msgspec.Struct, frozen=True, kw_only=True):
    """catalog/admin/product.html: the editor of a product; without an ``id`` of a new one."""

    form: Fields
    categories: tuple[Choice, ...]
    countries: tuple[Choice, ...]
    """The chosen country, or everywhere; the others are loaded after the page."""
    previews: tuple[PreviewPart, ...]
    tile: TileView
    id: str = ""
    intent: str = ""
    """What makes a form that is sent twice one new product, and a copy one copy."""
    title: str = ""
    kind: str = ""
    state: ProductState | None = None
    listed: bool = False
    variants: VariantList | None = None
    """None for a new product, and for one of another slice."""
    missing: tuple[Missing, ...] = ()
    slug: str = ""
    files: bool = False
    """Whether it is sold as files, which the reader may upload."""
    own_editor: str = ""
    """Where a product of another slice is edited; empty for the others."""

    languages: tuple[tuple[str, str], ...] = LANGUAGES
    kinds: tuple[str, ...] = tuple(kind.value for kind in CREATABLE)
    choices: tuple[str, ...] = tuple(kind.value for kind in ChoiceKind)
    icons: tuple[str, ...] = ICONS
    hues: tuple[str, ...] = HUES

    @property
    def path(self) -> str:
        """The page's address."""
        return f"{CATALOGUE}/products/{self.id}" if self.id else CATALOGUE


def product_values(product: EditedProduct, zone: ZoneInfo) -> dict[str, str]:
    """What the form of a stored product holds."""
    draft = product.draft
    return {
        **typed_texts(draft.name, "name"),
        **typed_texts(draft.summary, "summary"),
        **typed_texts(draft.description, "description"),
        "slug": draft.slug,
        "category": draft.category,
        "country": draft.country or "",
        "choice": draft.choice,
        "icon": draft.icon,
        "hue": draft.hue,
        "tags": ", ".join(draft.tags),
        "premium_only": switch(draft.premium_only),
        "shown": switch(not draft.hidden or draft.publish_at is not None),
        "publish_at": local_text(draft.publish_at, zone),
        "version": str(product.version),
    }


def missing_texts(values: Mapping[str, str]) -> tuple[Missing, ...]:
    """The texts that stand in one language and not in another."""
    return tuple(
        Missing(name, field)
        for field in _TEXTS
        if any(values.get(f"{field}_{code}") for code, _ in LANGUAGES)
        for code, name in LANGUAGES
        if not values.get(f"{field}_{code}")
    )


def category_choices(categories: Sequence[ManagedCategory], locale: Locale) -> tuple[Choice, ...]:
    """The categories of a select, each below the one that it is in."""
    return tuple(Choice(one.slug, "\u2003" * (one.depth - 1) + pick(one.name, locale)) for one in categories)


def country_choices(codes: Sequence[str], locale: Locale) -> tuple[Choice, ...]:
    """The countries of a select in the order of their names."""
    named = [Choice(code, country_name(code, locale)) for code in codes]
    return tuple(sorted(named, key=lambda one: one.label))


def chosen_country(code: str, words: Translator) -> tuple[Choice, ...]:
    """The one option that a page has of the countries at first."""
    return (Choice(code, country_name(code, words.locale) if code else words.gettext("Everywhere")),)
