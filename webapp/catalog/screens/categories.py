"""Categories in the back office: the tree level by level, the editor of one, and the order of its products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from backend.catalog.types import HUES, ICONS
from backend.catalog.types.editing import CategoryDraft, ManagedCategory, ManagedProduct, ProductState
from backend.catalog.words import product_name
from backend.kernel.text import Locale, pick
from webapp.catalog.screens.products import CATALOGUE, Missing, category_choices, missing_texts
from webapp.core.fields import LANGUAGES, Choice, Fields, switch, texts, typed_texts
from webapp.core.looks import Picture, tile
from webapp.core.parts import TileView

CATEGORIES = CATALOGUE + "/categories"


class CategoryRow(msgspec.Struct, frozen=True):
    """A category among its siblings."""

    id: str
    title: str
    icon: str
    hue: str
    hidden: bool
    products: int
    children: int
    missing: bool


class CategoriesPage(msgspec.Struct, frozen=True):
    """catalog/admin/categories.html: the categories at the top."""

    rows: tuple[CategoryRow, ...]
    path: str = CATEGORIES


class CategoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """catalog/admin/category.html: the editor of a category; without an ``id`` of a new one."""

    form: Fields
    parents: tuple[Choice, ...]
    id: str = ""
    intent: str = ""
    title: str = ""
    slug: str = ""
    products: int = 0
    rows: tuple[CategoryRow, ...] = ()
    """The categories in it."""
    missing: tuple[Missing, ...] = ()

    languages: tuple[tuple[str, str], ...] = LANGUAGES
    icons: tuple[str, ...] = ICONS
    hues: tuple[str, ...] = HUES

    @property
    def path(self) -> str:
        """The page's address."""
        return f"{CATEGORIES}/{self.id}" if self.id else CATEGORIES


class PlaceRow(msgspec.Struct, frozen=True):
    """A product in the order of its category."""

    id: str
    title: str
    tile: TileView
    state: ProductState


class OrderPage(msgspec.Struct, frozen=True):
    """catalog/admin/order.html: the products of a category in the shop's order."""

    id: str
    title: str
    rows: tuple[PlaceRow, ...]

    @property
    def path(self) -> str:
        """The page's address."""
        return f"{CATEGORIES}/{self.id}/products"


def category_rows(categories: Sequence[ManagedCategory], parent: object, locale: Locale) -> tuple[CategoryRow, ...]:
    """The categories right below ``parent``; None for those at the top."""
    return tuple(
        CategoryRow(
            id=str(one.id),
            title=pick(one.name, locale),
            icon=one.icon,
            hue=one.hue,
            hidden=one.hidden,
            products=one.products,
            children=one.children,
            missing=any(not one.name.get(code) for code, _ in LANGUAGES),
        )
        for one in categories
        if one.parent_id == parent
    )


def category_page(
    form: Fields, categories: Sequence[ManagedCategory], stored: ManagedCategory | None, intent: str, locale: Locale
) -> CategoryPage:
    """The editor of a category; it can't be put into itself or what is in it."""
    below = _below(categories, stored) if stored else frozenset()
    return CategoryPage(
        form=form,
        parents=category_choices([one for one in categories if one.id not in below], locale),
        id=str(stored.id) if stored else "",
        intent=intent,
        title=pick(stored.name, locale) if stored else "",
        slug=stored.slug if stored else "",
        products=stored.products if stored else 0,
        rows=category_rows(categories, stored.id, locale) if stored else (),
        missing=missing_texts(form.typed) if stored else (),
    )


def _below(categories: Sequence[ManagedCategory], top: ManagedCategory) -> frozenset[object]:
    chosen: set[object] = {top.id}
    for one in categories:  # each comes before what is in it
        if one.parent_id in chosen:
            chosen.add(one.id)
    return frozenset(chosen)


def category_values(stored: ManagedCategory, categories: Sequence[ManagedCategory]) -> dict[str, str]:
    """What the form of a stored category holds."""
    slugs = {one.id: one.slug for one in categories}
    return {
        **typed_texts(stored.name, "name"),
        "slug": stored.slug,
        "parent": slugs[stored.parent_id] if stored.parent_id else "",
        "icon": stored.icon,
        "hue": stored.hue,
        "shown": switch(not stored.hidden),
    }


def category_draft(typed: Mapping[str, str]) -> CategoryDraft:
    """What the form says."""
    return CategoryDraft(
        slug=typed.get("slug", "").strip(),
        parent=typed.get("parent", "").strip() or None,
        name=texts(typed, "name"),
        icon=typed.get("icon", ""),
        hue=typed.get("hue", ""),
        hidden=typed.get("shown") != "on",
    )


def order_page(
    category: ManagedCategory, products: Sequence[ManagedProduct], locale: Locale, picture: Picture
) -> OrderPage:
    """The products of a category in their order."""
    rows = tuple(
        PlaceRow(
            id=str(one.id),
            title=product_name(pick(one.name, locale), one.country, locale),
            tile=tile(pick(one.name, locale), one.hue, one.icon, one.country, picture(one.picture)),
            state=one.state,
        )
        for one in products
    )
    return OrderPage(str(category.id), pick(category.name, locale), rows)
