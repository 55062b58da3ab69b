"""What the search reads: how frequent words are, the products that have them, what these can be narrowed to.

A tier of the results is read in one of three ways. What is in few products is fetched by the index of words and
sorted. What is in more is fetched, too, but sorted by meeting it on the way along the sorted list, in an index that is
read fast. What is in many is looked for document by document on that way, which ends after one page. So the cost of
none of them grows with the number of products that have the words.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from backend.catalog.repository.search_statements import (
    ALIKE,
    ANY,
    FREQUENCIES,
    MOST_BEGINNING,
    NAMED,
    NEW_WORDS,
    OTHER,
    match_statement,
    sample_statement,
    walk_statement,
)
from backend.catalog.repository.storefront import ListedProduct
from backend.catalog.rules.queries import Frequency, Query, Term
from backend.catalog.types import Sort
from backend.infra.unit_of_work import Tx

_SHARE_OF_BEGINNING: Final = 20
# What it costs to fetch a product by the index of words, to find a document on the way along the sorted list, and to
# look a fetched product up and sort it; as many times the cost of an entry of the sorted list.
_FETCH, _DOCUMENT, _LOOK_UP = 4.5, 11, 10
_TOGETHER: Final = 0.7
# A way that has found too little goes on so many times as far.
_FURTHER: Final = 8
# Words in a quarter of all products: their facets are made of what sells best.
_FREQUENT: Final = 4


class Narrowed(msgspec.Struct, frozen=True):
    """What a search is narrowed to; None is no limit. ``most`` is the highest price, in minor units."""

    categories: tuple[UUID, ...] | None = None
    country: str | None = None
    most: int | None = None
    in_stock: bool = False
    sort: Sort | None = None
    """None is by relevance."""

    @property
    def narrow(self) -> bool:
        """Whether anything but the order is chosen."""
        return self.in_stock or any(one is not None for one in (self.categories, self.country, self.most))


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The place of a product in what a search finds: its tier, its sort value, its id."""

    tier: int
    key: int
    id: UUID


class Hit(ListedProduct, frozen=True, kw_only=True):
    """A product that a search finds."""

    category_id: UUID
    tier: int

    def place(self, sort: Sort | None) -> Place:
        """Where it is in the order of the results."""
        key = {Sort.NEW: 0, Sort.PRICE: self.price_amount}.get(sort or Sort.POPULAR, self.popularity)
        return Place(self.tier, key, self.id)


class Sought(msgspec.Struct, frozen=True):
    """A query to be run: ``estimate`` says in how many products it is at most, ``listed`` how many there are.

    ``unlike``: what it leaves out, because it was shown before. ``indexed``, ``indexed_named``: the parts that the
    index of words is asked for, anywhere and in names, where that is not all of them.
    """

    query: Query
    estimate: Frequency
    listed: int
    unlike: Query | None = None
    indexed: Query | None = None
    indexed_named: Query | None = None

    @classmethod
    def of(cls, query: Query, known: Mapping[Term, Frequency], listed: int, unlike: Query | None = None) -> Sought:
        """A query as it is run best, by what is ``known`` of its terms."""
        indexed = [query.indexed(known, listed, named=named) for named in (False, True)]
        anywhere, named = (one.spelled(known) if one != query else None for one in indexed)
        return cls(query.spelled(known), query.estimate(known, listed), listed, unlike, anywhere, named)


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """A product of those that a search finds, as facets are made of it."""

    category_id: str
    """A UUID as text: that is counted ten times as fast."""
    country: str | None
    price_amount: int


class Result(msgspec.Struct, frozen=True):
    """A page of what a search finds; ``sample`` is of all of it, None where it has to be asked for."""

    hits: list[Hit]
    sample: list[Sample] | None = None


class _Segment(msgspec.Struct, frozen=True):
    """A run of tiers with one condition on the words."""

    words: str
    estimate: int
    first: int


async def frequencies(tx: Tx, terms: Collection[Term], listed: int) -> dict[Term, Frequency]:
    """How frequent terms are among ``listed`` products; those that are in no product are left out."""
    by_term: dict[Term, Frequency] = {}
    exact, beginnings = ([term.word for term in terms if term.begins is begins] for begins in (False, True))
    for row in await tx.execute(FREQUENCIES, {"exact": exact, "beginnings": beginnings}):
        # More words begin so than were counted: so many that the beginning is frequent.
        least = listed // _SHARE_OF_BEGINNING if row.words == MOST_BEGINNING else 0
        if row.products > 0:
            by_term[Term(row.word, row.begins)] = Frequency(
                max(int(row.products), least), max(int(row.named), least), tuple(row.each or ())
            )
    return by_term


async def list_new_words(tx: Tx, after: int) -> list[tuple[str, int]]:
    """The words that were added after ``after``, each with its number."""
    return [(row.word, row.added) for row in await tx.execute(NEW_WORDS, {"after": after})]


async def list_alike(tx: Tx, sounds: Collection[str]) -> dict[str, list[str]]:
    """The words that sound so, by sound, the most frequent first."""
    alike: dict[str, list[str]] = {}
    for row in await tx.execute(ALIKE, {"sounds": list(sounds)}):
        alike.setdefault(row.sound, []).append(row.word)
    return alike


async def find(tx: Tx, sought: Sought, narrowed: Narrowed, after: Place | None, limit: int) -> Result:
    """The products that have the query, after a place in their order; a page of ``limit``."""
    hits: list[Hit] = []
    segments = _segments(sought, narrowed.sort, limit)
    for segment in segments:
        if after is not None and after.tier > segment.first + 1 and segment.words != ANY:
            continue
        missing = limit - len(hits)
        if _is_broad(_surely(sought, segment.estimate), sought.listed, limit):
            walked = await _walk(tx, sought, narrowed, segment, after, missing)
            if len(walked) == missing:
                return Result(hits + walked)
        sampled = after is None and len(segments) == 1
        matched, sample = await _match(tx, sought, narrowed, segment, after, missing, sampled=sampled)
        hits += matched
        if len(hits) == limit or len(segments) == 1:
            return Result(hits, sample if sampled and (sample or not narrowed.narrow) else None)
    return Result(hits)


async def list_sample(tx: Tx, sought: Sought) -> list[Sample]:
    """Some of the products that have the query, from which facets are made; all of them where they are few."""
    broad = sought.estimate.products * _FREQUENT > sought.listed
    values = {"query": sought.query.text()}
    if sought.indexed is not None and not broad:
        values["indexed"] = sought.indexed.text()
    packed = (await tx.execute(sample_statement(broad, frozenset(values)), values)).scalar_one()
    return msgspec.convert(packed or [], list[Sample])


def _segments(sought: Sought, sort: Sort | None, limit: int) -> list[_Segment]:
    estimate = sought.estimate
    if sort is not None or not _is_broad(_surely(sought, estimate.products), sought.listed, limit):
        return [_Segment(ANY, estimate.products, 0)]
    named = [_Segment(NAMED, estimate.named, 0)] if estimate.named else []
    return [*named, _Segment(OTHER, estimate.products, 2)]


def _surely(sought: Sought, estimate: int) -> int:
    """Fewer than estimated where there are several words: these may go together less than was thought."""
    return estimate if len(sought.query.parts) == 1 else int(estimate * _TOGETHER)


def _is_broad(estimate: int, listed: int, limit: int) -> bool:
    """Whether so many are found document by document along the sorted list sooner than all of them are fetched."""
    return estimate * estimate * _FETCH > _DOCUMENT * limit * listed


async def _walk(
    tx: Tx, sought: Sought, narrowed: Narrowed, segment: _Segment, after: Place | None, limit: int
) -> list[Hit]:
    """A page of the first tier, document by document; fewer where these are too far apart for this to be the way."""
    tier = segment.first if after is None or after.tier <= segment.first else segment.first + 1
    place = after if after is not None and after.tier == tier else None
    values = {**_values(sought, segment, narrowed, place), "stocked": tier % 2 == 0, "tier": tier}
    # At first no farther than a page of what is just broad.
    farthest = _distance(_DOCUMENT / _FETCH, sought.listed, limit)
    scan = _rounded(max(min(4 * limit * sought.listed // segment.estimate, farthest), limit))
    while True:
        statement = walk_statement(
            segment.words, _shape(sought, narrowed), narrowed.sort, after=place is not None, scan=scan, limit=limit
        )
        hits = [Hit(**row) for row in (await tx.execute(statement, values)).mappings()]
        met = len(hits) * sought.listed // scan
        if len(hits) == limit or scan >= sought.listed or not _is_broad(met, sought.listed, limit):
            return hits
        scan *= _FURTHER


async def _match(
    tx: Tx, sought: Sought, narrowed: Narrowed, segment: _Segment, after: Place | None, limit: int, *, sampled: bool
) -> tuple[list[Hit], list[Sample]]:
    """A page of all tiers of the segment, by the index of words; where it is ``sampled``, a sample of what it has."""
    place = after if after is not None and (segment.words == ANY or after.tier >= segment.first) else None
    values = _values(sought, segment, narrowed, place)
    if segment.words == ANY and narrowed.sort is None:
        values["named"] = sought.query.text(named=True)
    if sought.indexed is not None:
        values["indexed"] = sought.indexed.text()
    if sought.indexed_named is not None:
        values["indexed_named"] = sought.indexed_named.text(named=True)
    if place is not None:
        values["tier"] = place.tier
    scan = 0
    shape = _shape(sought, narrowed)
    # The sorted list's index knows nothing of categories and countries.
    if shape <= {"in_stock", "unlike", "indexed", "indexed_named"}:
        expected = _distance(1 / _LOOK_UP, sought.listed, limit)
        values["least"] = limit * sought.listed // expected
        scan = _rounded(2 * expected)
    statement = match_statement(
        segment.words, segment.first, shape, narrowed.sort,
        after=place is not None, scan=scan, limit=limit, sampled=sampled,
    )  # fmt: skip
    rows = [dict(row) for row in (await tx.execute(statement, values)).mappings()]
    samples = [row.pop("sample") for row in rows]
    packed: list[Any] = next(filter(None, samples), [])
    return [Hit(**row) for row in rows], msgspec.convert(packed, list[Sample])


def _distance(cost: float, listed: int, limit: int) -> int:
    """How far a page is along the sorted list where that costs as much as what is fetched, entry by product."""
    return max(math.isqrt(int(limit * listed / cost)), limit)


def _rounded(scan: int) -> int:
    """To a power of two: each length is a statement of its own."""
    return 1 << (scan - 1).bit_length()


def _values(sought: Sought, segment: _Segment, narrowed: Narrowed, place: Place | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if segment.words != NAMED:
        values["query"] = sought.query.text()
    if segment.words != ANY:
        values["named"] = sought.query.text(named=True)
    if sought.unlike is not None:
        values["unlike"] = sought.unlike.text()
    for name in ("categories", "country", "most"):
        if getattr(narrowed, name) is not None:
            values[name] = getattr(narrowed, name)
    if narrowed.categories is not None:
        values["categories"] = list(narrowed.categories)
    if place is not None:
        values |= {"key": place.key, "id": place.id}
        if narrowed.sort is Sort.NEW:
            del values["key"]
    return values


def _shape(sought: Sought, narrowed: Narrowed) -> frozenset[str]:
    """Which conditions a statement has."""
    chosen = {name for name in ("categories", "country", "most") if getattr(narrowed, name) is not None}
    flags = {
        "in_stock": narrowed.in_stock, "unlike": sought.unlike is not None, "indexed": sought.indexed is not None,
        "indexed_named": sought.indexed_named is not None,
    }  # fmt: skip
    return frozenset(chosen | {name for name, on in flags.items() if on})
