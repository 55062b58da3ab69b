"""The categories as people walk them, kept in memory as long as the catalogue stays as it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from backend.catalog.repository import shelves
from backend.catalog.types import CategoryFacts, CategoryRow, CountryRow
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.text import Locale, pick


class Shelves:
    """The tree of shown categories and the countries, as of one version of the catalogue."""

    def __init__(self, facts: list[CategoryFacts], countries: list[CountryRow]) -> None:
        self.countries = countries
        self._by_id: dict[UUID, CategoryFacts] = {item.id: item for item in facts}
        self._by_slug = {item.slug: item for item in facts}
        self._children: dict[UUID | None, list[CategoryFacts]] = defaultdict(list)
        for item in facts:
            self._children[item.parent_id].append(item)
        self._totals: dict[UUID, int] = {}
        for item in reversed(facts):  # parents come before children, so this way children are counted first
            below = sum(self._totals[child.id] for child in self._children[item.id])
            self._totals[item.id] = item.products + below

    def subtree(self, slug: str) -> list[UUID]:
        """The ids of a category and all below it. Raises NotFound."""
        if slug not in self._by_slug:
            raise NotFound("no such category")
        return [item.id for item, _ in self._walk(self._by_slug[slug], 0)]

    def family(self, category_id: UUID) -> list[UUID]:
        """The ids of a category, its siblings and all below them: where similar things stand."""
        found = self._by_id.get(category_id)
        if found is None:
            return [category_id]
        if found.parent_id is None:
            return self.subtree(found.slug)
        return self.subtree(self._by_id[found.parent_id].slug)

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


class ShelvesCache:
    """The shelves of the newest version seen."""

    def __init__(self) -> None:
        self._version = -1
        self._shelves = Shelves([], [])

    async def get(self, tx: Tx) -> Shelves:
        """The shelves as they are now."""
        # The version is read first: what is read after it can only be newer, and is then read once more.
        version = await shelves.get_version(tx)
        if version != self._version:
            fresh = Shelves(await shelves.list_categories(tx), await shelves.list_countries(tx))
            self._version, self._shelves = version, fresh
        return self._shelves
