"""What a search finds, what one searched for lately, and what people wish for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from backend.catalog import types as catalog
from backend.catalog.types.search import SearchPage, WishRow
from backend.kernel.money import Money
from webapp.catalog.screens import Filters, PriceChip, ProductRows, ShopList, card
from webapp.core.looks import Picture
from webapp.core.parts import Chip

_SORTS = (None, catalog.Sort.PRICE, catalog.Sort.NEW)
BEST = "best"
"""The key of the order by relevance."""


def rows(page: SearchPage, filters: Filters, picture: Picture) -> ProductRows:
    """A part of the results, and where the next part is."""
    return ProductRows(
        cards=tuple(card(item, picture) for item in page.items),
        next_url=filters.href(cursor=page.next_cursor) if page.next_cursor else None,
    )


def results(
    page: SearchPage,
    filters: Filters,
    categories: Sequence[catalog.CategoryRow],
    title: str,
    currency: str,
    picture: Picture,
) -> ShopList:
    """What a search finds, and what it can be narrowed to; what it is narrowed to can be taken off."""
    by_slug = {row.slug: row for row in categories}
    chosen, inside, prices = [], [], []
    if here := by_slug.get(filters.category):
        chosen.append(Chip(href=filters.href(category=""), active=True, label=here.name, icon=here.icon))
    else:
        shelves = [by_slug[slug] for slug in page.facets.categories if slug in by_slug]
        inside += [Chip(href=filters.href(category=row.slug), label=row.name, icon=row.icon) for row in shelves]
    if filters.country:
        chosen.append(Chip(href=filters.href(country=""), active=True, country=filters.country))
    else:
        inside += [Chip(href=filters.href(country=code), country=code) for code in page.facets.countries]
    if filters.most:
        prices.append(PriceChip(Money(filters.most, currency), Chip(href=filters.href(most=0), active=True)))
    else:
        prices += [PriceChip(most, Chip(href=filters.href(most=most.amount))) for most in page.facets.prices]
    return ShopList(
        title=title,
        typed=filters.q,
        hidden_fields=filters.hidden_fields,
        sorts=tuple(
            Chip(href=filters.href(sort=item), active=item is filters.sort, key=item.value if item else BEST)
            for item in _SORTS
        ),
        in_stock=Chip(href=filters.href(in_stock=not filters.in_stock), active=filters.in_stock),
        chosen=tuple(chosen),
        inside=tuple(inside),
        prices=tuple(prices),
        rows=rows(page, filters, picture),
        clear_href=Filters(q=filters.q).href() if filters.narrow else "",
        near=tuple(card(item, picture) for item in page.near),
        can_wish=page.can_wish,
    )


class RecentSearches(msgspec.Struct, frozen=True):
    """catalog/_recent.html: what one searched for lately."""

    rows: tuple[Chip, ...]


def recent(searches: Sequence[str]) -> RecentSearches:
    """What one searched for lately, each to be searched for again."""
    return RecentSearches(tuple(Chip(href=Filters(q=typed).href(), label=typed) for typed in searches))


class Wished(msgspec.Struct, frozen=True):
    """catalog/_wished.html: it was noted that the reader wants to be told."""


class WishView(msgspec.Struct, frozen=True):
    """What people searched for in vain."""

    typed: str
    people: int
    asked_at: datetime
    href: str
    """The search, to see what it finds now."""


class ManageWishes(msgspec.Struct, frozen=True):
    """catalog/admin/wishes.html"""

    rows: tuple[WishView, ...]


def wishes(rows: Sequence[WishRow]) -> ManageWishes:
    """What people searched for in vain, the most wanted first."""
    return ManageWishes(
        tuple(WishView(row.typed, row.people, row.asked_at, Filters(q=row.typed).href()) for row in rows)
    )
