"""The search of the shop: first as it is written, then, where that finds little, in other readings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final
from uuid import UUID

import msgspec

from backend.catalog.repository import search
from backend.catalog.repository.search import Hit, Narrowed, Place, Sample, Sought
from backend.catalog.rules.queries import Frequency, Query, Term, Typed, plain, read, read_widely
from backend.catalog.rules.spelling import Dictionary, sound
from backend.catalog.service.categories import Categories
from backend.catalog.service.storefront import StorefrontService, country_code
from backend.catalog.types import Sort
from backend.catalog.types.search import Facets, SearchFilters, SearchPage
from backend.identity.types import Actor
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.currencies import round_amounts
from backend.kernel.errors import Invalid
from backend.kernel.money import Money, exponent
from backend.kernel.paging import decode_cursor, encode_cursor

_PAGE_SIZE: Final = 20
_MAX_PAGE: Final = 50
_FEW: Final = 5
_NEAR: Final = 6
_MOST_ALIKE: Final = 4
_FACETS: Final = 12
_PRICES: Final = 3


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    sort: Sort | None
    wide: bool
    tier: int
    key: int
    id: UUID


class SearchService:
    """Finds products in every language, whatever the reader's. ``currency`` is the shop's."""

    def __init__(self, *, uow: UnitOfWork, storefront: StorefrontService, currency: str) -> None:
        self._uow = uow
        self._storefront = storefront
        self._currency = currency
        self._dictionary = Dictionary()
        self._newest_word = 0

    async def search(
        self,
        actor: Actor,
        typed: str,
        filters: SearchFilters | None = None,
        *,
        cursor: str | None = None,
        limit: int = _PAGE_SIZE,
    ) -> SearchPage:
        """A page of the products that have all words of ``typed``, in the actor's language and at their price.

        Raises NotFound for an unknown category, Invalid for a bad country or cursor.
        """
        filters = filters or SearchFilters()
        if filters.sort is Sort.SHOP:  # what is found is of many categories
            filters = msgspec.structs.replace(filters, sort=None)
        limit = min(max(limit, 1), _MAX_PAGE)
        words = read(typed)
        place = _place(cursor, filters.sort)
        async with self._uow.read() as tx:
            categories = await self._storefront.tree(tx)
            run = _Run(tx, words, _narrowed(filters, categories), categories.products, limit)
            if words:
                await run.begin()
                if place is None or not place.wide:
                    await run.find_plainly(place)
                if run.may_widen(filters, place):
                    await run.find_widely(await self._widely(tx, words, run.known), place)
            facets = self._facets(await run.sample(), categories) if cursor is None else Facets()
            near = await run.near() if not run.hits and cursor is None else []
        # A product that sold out a moment ago may still be marked as in stock: the count decides.
        items = [self._storefront.listed(hit, actor) for hit in run.hits if hit.available != 0 or not filters.in_stock]
        return SearchPage(
            items=items,
            next_cursor=run.next_cursor(filters.sort),
            facets=facets,
            near=[self._storefront.listed(hit, actor) for hit in near],
            can_wish=bool(words) and not run.hits and not filters.narrow and cursor is None,
        )

    async def _widely(self, tx: Tx, words: Typed, known: dict[Term, Frequency]) -> Query:
        """The search with the other readings of the words that are unknown; of all where each is known."""
        new = await search.list_new_words(tx, self._newest_word)
        if new:
            self._dictionary.add(word for word, _ in new)
            self._newest_word = new[-1][1]
        every = [word for chunk in words.words for word in chunk]
        unknown = {word for word in every if Term(word) not in known} or set(every)
        heard = {word: sound(word) for word in unknown}
        sounds = await search.list_alike(tx, {one for one in heard.values() if one})

        def alike(word: str, last: bool) -> Iterable[Term]:
            if word not in unknown:
                return []
            terms = [Term(one) for one in sounds.get(heard[word], ())[:_MOST_ALIKE]]
            terms += [Term(one) for one in self._dictionary.mend(word, _MOST_ALIKE)]
            if last:
                terms += [Term(one, begins=True) for one in self._dictionary.mend_beginning(word, _MOST_ALIKE)]
            return dict.fromkeys(terms)

        return read_widely(words, alike)

    def _facets(self, sample: list[Sample], categories: Categories) -> Facets:
        counted = Counter(one.category_id for one in sample)
        shelves = Counter({categories.slug(UUID(category)): times for category, times in counted.items()})
        countries = Counter(one.country for one in sample if one.country is not None)
        unit = 10 ** exponent(self._currency)
        prices = sorted(one.price_amount for one in sample)
        fitting = round_amounts(self._currency, 1, prices[-1] // unit) if prices and prices[-1] >= unit else ()
        bounds = [whole * unit for whole in fitting]
        return Facets(
            categories=_most(shelves) if len(shelves) > 1 else (),
            countries=_most(countries) if len(countries) > 1 else (),
            prices=tuple(Money(most, self._currency) for most in bounds if prices[0] <= most < prices[-1])[:_PRICES],
        )


class _Run:
    """One search: what it has found so far, and by which query."""

    def __init__(self, tx: Tx, words: Typed, narrowed: Narrowed, listed: int, limit: int) -> None:
        self._tx = tx
        self._words = words
        self._narrowed = narrowed
        self._listed = listed
        self._limit = limit
        self.known: dict[Term, Frequency] = {}
        self.hits: list[Hit] = []
        self._samples: list[tuple[Sought, list[Sample] | None]] = []
        self._plain: Sought | None = None
        self._asked = Query(())
        self._more = False
        self._ended_wide = False

    async def begin(self) -> None:
        """Learn how frequent the words are."""
        every = plain(self._words)
        exact = [Term(word) for chunk in self._words.words for word in chunk]
        self.known = await search.frequencies(self._tx, dict.fromkeys([*every.terms, *exact]), self._listed)
        query = plain(self._words, self.known)
        self._plain, self._asked = Sought.of(query, self.known, self._listed), query

    async def find_plainly(self, place: _Cursor | None) -> None:
        """Find what has the words as they are written."""
        assert self._plain is not None
        await self._find(self._plain, place)

    def may_widen(self, filters: SearchFilters, place: _Cursor | None) -> bool:
        """Whether other readings are called for: the words as written are in few products."""
        assert self._plain is not None
        if place is not None:
            return place.wide
        rare = self._plain.estimate.products < _FEW
        return not self._more and len(self.hits) < _FEW and (rare or not filters.narrow)

    async def find_widely(self, query: Query, place: _Cursor | None) -> None:
        """Find what has the words in other readings, and was not found as they are written."""
        assert self._plain is not None
        new = [term for term in query.terms if term not in self.known]
        self.known |= await search.frequencies(self._tx, new, self._listed)
        unlike = self._plain.query if self._plain.estimate.products else None
        self._asked, self._ended_wide = query, True
        await self._find(Sought.of(query, self.known, self._listed, unlike), place)

    async def sample(self) -> list[Sample]:
        """Some of what the search finds, before it was narrowed."""
        if not self._more and not self._narrowed.narrow:
            return [Sample(str(hit.category_id), hit.country, hit.price_amount) for hit in self.hits]
        for sought, sample in self._samples:
            known = await search.list_sample(self._tx, sought) if sample is None else sample
            if known:
                return known
        return []

    async def near(self) -> list[Hit]:
        """What has those words that are known at all: together, else the rarest of them."""
        alone = sorted((Query((part,)) for part in self._asked.parts), key=self._products)
        known = [query for query in alone if self._products(query)]
        together = [Query(tuple(query.parts[0] for query in known))] if 1 < len(known) < len(alone) else []
        for query in together + known:
            page = await search.find(self._tx, Sought.of(query, self.known, self._listed), Narrowed(), None, _NEAR)
            if page.hits:
                return page.hits
        return []

    def next_cursor(self, sort: Sort | None) -> str | None:
        """The cursor of the next page; None after the last."""
        if not self._more or not self.hits:
            return None
        place = self.hits[-1].place(sort)
        return encode_cursor(_Cursor(sort, self._ended_wide, place.tier, place.key, place.id))

    def _products(self, query: Query) -> int:
        return query.estimate(self.known, self._listed).products

    async def _find(self, sought: Sought, place: _Cursor | None) -> None:
        missing = self._limit - len(self.hits)
        if not sought.estimate.products or self._more or not missing:
            return
        after = Place(place.tier, place.key, place.id) if place is not None else None
        # Always asked for as many, so that the same way is taken on every page.
        page = await search.find(self._tx, sought, self._narrowed, after, self._limit + 1)
        self._more = len(page.hits) > missing
        self.hits += page.hits[:missing]
        self._samples.append((sought, page.sample))


def _most(counted: Counter[str]) -> tuple[str, ...]:
    return tuple(sorted(counted, key=lambda one: (-counted[one], one))[:_FACETS])


def _narrowed(filters: SearchFilters, categories: Categories) -> Narrowed:
    return Narrowed(
        categories=tuple(categories.subtree(filters.category)) if filters.category else None,
        country=country_code(filters.country),
        most=filters.most,
        in_stock=filters.in_stock,
        sort=filters.sort,
    )


def _place(cursor: str | None, sort: Sort | None) -> _Cursor | None:
    if cursor is None:
        return None
    place = decode_cursor(cursor, _Cursor)
    if place.sort is not sort or not 0 <= place.tier <= 3:
        raise Invalid("the cursor is of another search", fields={"cursor": "bad_cursor"})
    return place
