"""The tree of categories, cached for as long as the catalogue does not change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from backend.catalog.repository import storefront
from backend.catalog.types import CategoryFacts, CategoryRow, CountryRow
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.text import Locale, pick


class Categories:
    """The tree of visible categories and the countries, as of one version of the catalogue."""

    def __init__(self, facts: list[CategoryFacts], countries: list[CountryRow]) -> None:
        self.countries = countries
        self._by_id: dict[UUID, CategoryFacts] = {item.id: item for item in facts}
        self._by_slug = {item.slug: item for item in facts}
        self._children: dict[UUID | None, list[CategoryFacts]] = defaultdict(list)
        for item in facts:
            self._children[item.parent_id].append(item)
        self._totals: dict[UUID, int] = {}
        for item in reversed(facts):  # parents come before children in ``facts``, so children are counted first here
            below = sum(self._totals[child.id] for child in self._children[item.id])
            self._totals[item.id] = item.products + below

    def subtree(self, slug: str) -> list[UUID]:
        """The ids of a category and all below it. Raises NotFound."""
        if slug not in self._by_slug:
            raise NotFound("no such category")
        return [item.id for item, _ in self._walk(self._by_slug[slug], 0)]

    def family(self, category_id: UUID) -> list[UUID]:
        """The ids of a category, its siblings and all below them: where similar products are."""
        category = self._by_id.get(category_id)
        if category is None:
            return [category_id]
        if category.parent_id is None:
            return self.subtree(category.slug)
        return self.subtree(self._by_id[category.parent_id].slug)

    def rows(self, locale: Locale) -> list[CategoryRow]:
        """Every category in reading order: each before what is below it."""
        return [
            CategoryRow(
                id=item.id,
                slug=item.slug,
                parent=self._by_id[item.parent_id].slug if item.parent_id else None,
                depth=depth,
                name=pick(item.name, locale),
                icon=item.icon,
                hue=item.hue,
                products=self._totals[item.id],
            )
            for top in self._children[None]
            for item, depth in self._walk(top, 1)
        ]

    def _walk(self, item: CategoryFacts, depth: int) -> Iterator[tuple[CategoryFacts, int]]:
        yield item, depth
        for child in self._children[item.id]:
            yield from self._walk(child, depth + 1)


class CategoriesCache:
    """Keeps the categories of the newest version read so far."""

    def __init__(self) -> None:
        self._version = -1
        self._categories = Categories([], [])

    async def get(self, tx: Tx) -> Categories:
        """The categories of the catalogue's current version."""
        # The version is read first: if the catalogue changes in between, the newer rows are read again next time.
        version = await storefront.get_version(tx)
        if version != self._version:
            current = Categories(await storefront.list_categories(tx), await storefront.list_countries(tx))
            self._version, self._categories = version, current
        return self._categories
