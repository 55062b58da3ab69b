"""The tree of categories, cached for as long as the catalogue does not change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

import msgspec

from backend.catalog.repository import storefront
from backend.catalog.types import CategoryFacts, CategoryRow, CountryRow
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.text import Locale, pick


class Counts(msgspec.Struct, frozen=True):
    """How many listed products each category has of its own, and each country."""

    products: dict[UUID, int]
    countries: list[CountryRow]


class Categories:
    """The tree of visible categories, as of one version of the catalogue; ``products`` is about how many there are."""

    def __init__(self, facts: list[CategoryFacts], products: int) -> None:
        self.products = products
        self._by_id: dict[UUID, CategoryFacts] = {item.id: item for item in facts}
        self._by_slug = {item.slug: item for item in facts}
        self._children: dict[UUID | None, list[CategoryFacts]] = defaultdict(list)
        for item in facts:
            self._children[item.parent_id].append(item)

    def subtree(self, slug: str) -> list[UUID]:
        """The ids of a category and all below it. Raises NotFound."""
        if slug not in self._by_slug:
            raise NotFound("no such category")
        return [item.id for item, _ in self._walk(self._by_slug[slug], 0)]

    def slug(self, category_id: UUID) -> str:
        """The slug of a category; its id for one that is not shown."""
        category = self._by_id.get(category_id)
        return category.slug if category is not None else str(category_id)

    def family(self, category_id: UUID) -> list[UUID]:
        """The ids of a category, its siblings and all below them: where similar products are."""
        category = self._by_id.get(category_id)
        if category is None:
            return [category_id]
        if category.parent_id is None:
            return self.subtree(category.slug)
        return self.subtree(self._by_id[category.parent_id].slug)

    def rows(self, counts: Counts, locale: Locale) -> list[CategoryRow]:
        """Every category in reading order: each before what is below it, with all products of both."""
        totals: dict[UUID, int] = {}
        for item in reversed(self._by_id.values()):  # parents come before children, so children are counted first here
            below = sum(totals[child.id] for child in self._children[item.id])
            totals[item.id] = counts.products.get(item.id, 0) + below
        return [
            CategoryRow(
                id=item.id,
                slug=item.slug,
                parent=self._by_id[item.parent_id].slug if item.parent_id else None,
                depth=depth,
                name=pick(item.name, locale),
                icon=item.icon,
                hue=item.hue,
                products=totals[item.id],
            )
            for top in self._children[None]
            for item, depth in self._walk(top, 1)
        ]

    def _walk(self, item: CategoryFacts, depth: int) -> Iterator[tuple[CategoryFacts, int]]:
        yield item, depth
        for child in self._children[item.id]:
            yield from self._walk(child, depth + 1)


class CategoriesCache:
    """Keeps the categories of the newest version read so far, and what is counted in them.

    Counting reads the whole catalogue: a list or a search after a change does not wait for it.
    """

    def __init__(self) -> None:
        self._version = self._counted = -1
        self._categories = Categories([], 0)
        self._counts = Counts({}, [])

    async def get(self, tx: Tx) -> Categories:
        """The categories of the catalogue's current version."""
        # The version is read first: if the catalogue changes in between, the newer rows are read again next time.
        version = await storefront.get_version(tx)
        if version != self._version:
            products = await storefront.estimate_products(tx)
            categories = Categories(await storefront.list_categories(tx), products)
            self._version, self._categories = version, categories
        return self._categories

    async def counts(self, tx: Tx) -> Counts:
        """What there is in the categories and countries of the catalogue's current version."""
        version = await storefront.get_version(tx)
        if version != self._counted:
            counts = Counts(await storefront.count_in_categories(tx), await storefront.list_countries(tx))
            self._counted, self._counts = version, counts
        return self._counts
