"""Whatever way a search takes, and however wrong its guess of frequencies was, its pages are one exact order."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from backend.catalog.repository.search import Narrowed, Place, Sought, find, list_sample
from backend.catalog.rules.queries import Frequency, Query, Term
from backend.catalog.types import Sort
from backend.infra.unit_of_work import Tx, UnitOfWork

_MOST_PRODUCTS = 80
_SHELVES = (UUID(int=1 << 100), UUID(int=2 << 100))
_VOCABULARY = ("steam", "steamy", "card", "gold")
_QUERIES = (
    (Term("steam"),), (Term("stea", begins=True),), (Term("card"), Term("st", begins=True)), (Term("gold"),),
)  # fmt: skip
_EMPTY = "TRUNCATE search_documents, products, categories CASCADE"
_SHELF = """
    INSERT INTO categories (id, slug, name, icon, hue)
    SELECT id, id::text, '{}', 'card', 'blue' FROM unnest(CAST(:ids AS uuid[])) AS shelf (id)
"""
_PRODUCTS = """
    INSERT INTO products (id, category_id, slug, country, kind, choice, name, summary, description, icon, hue, rank,
                          listed, price_amount, reseller_amount, in_stock, created_at)
    SELECT CAST(p->>0 AS uuid), CAST(p->>1 AS uuid), p->>0, p->>2, 'unique_keys', 'amount', '{}', '{}', '{}', 'card',
           'blue', (p->>6)::bigint, (p->>3)::boolean, (p->>4)::bigint, 1, (p->>5)::boolean, now()
    FROM jsonb_array_elements(CAST(:products AS jsonb)) p
"""
_DOCUMENTS = """
    INSERT INTO search_documents (product_id, words, fold_version)
    SELECT CAST(p->>0 AS uuid), array_to_tsvector(string_to_array(p->>7, ' ')), 1
    FROM jsonb_array_elements(CAST(:products AS jsonb)) p
"""


class _Thing(msgspec.Struct, frozen=True):
    """A product, to find its place in a search without the database."""

    id: UUID
    category: UUID
    country: str
    listed: bool
    price: int
    in_stock: bool
    popularity: int
    words: frozenset[str]
    named: frozenset[str]


class _Case(msgspec.Struct, frozen=True):
    things: list[_Thing]
    query: Query
    unlike: Query | None
    narrowed: Narrowed
    limit: int
    guess: tuple[int, int]
    known: dict[Term, Frequency]


@st.composite
def _cases(draw: st.DrawFn) -> _Case:
    words = st.frozensets(st.sampled_from(_VOCABULARY), min_size=1)
    things = [
        _Thing(
            id=UUID(int=number + 1), category=draw(st.sampled_from(_SHELVES)),
            country=draw(st.sampled_from(["TR", "US"])), listed=draw(st.integers(0, 9)) > 0,
            price=draw(st.integers(1, 4)), in_stock=draw(st.booleans()), popularity=draw(st.integers(0, 3)),
            words=draw(words), named=draw(st.just(frozenset()) | words),
        )
        for number in range(draw(st.integers(0, _MOST_PRODUCTS)))
    ]  # fmt: skip
    narrowed = Narrowed(
        categories=draw(st.none() | st.just(_SHELVES[:1])),
        country=draw(st.none() | st.just("TR")),
        most=draw(st.none() | st.just(2)),
        in_stock=draw(st.booleans()),
        sort=draw(st.none() | st.sampled_from([Sort.POPULAR, Sort.NEW, Sort.PRICE])),  # SHOP is of one category
    )
    count = st.integers(0, _MOST_PRODUCTS)
    known = {
        # Some beginnings are of few words, which are known; others are not.
        Term("stea", begins=True): Frequency(draw(count), draw(count), draw(st.sampled_from([(), _VOCABULARY[:2]]))),
        Term("st", begins=True): Frequency(draw(count) * 100, draw(count) * 100),
        Term("card"): Frequency(draw(count), draw(count)),
    }  # fmt: skip
    return _Case(
        things, _query(draw(st.sampled_from(_QUERIES))), draw(st.none() | st.just(_query((Term("gold"),)))),
        draw(st.just(Narrowed()) | st.just(narrowed)), draw(st.integers(1, 4)),
        (draw(st.integers(1, _MOST_PRODUCTS)), draw(st.integers(1, _MOST_PRODUCTS))), known,
    )  # fmt: skip


def _query(terms: tuple[Term, ...]) -> Query:
    return Query(tuple(((term,),) for term in terms))


def _has(query: Query, words: frozenset[str]) -> bool:
    def meets(term: Term) -> bool:
        return any(word.startswith(term.word) if term.begins else word == term.word for word in words)

    return all(any(all(map(meets, reading)) for reading in part) for part in query.parts)


def _ranked(case: _Case) -> list[UUID]:
    """Every product that the search has, by comparing each with each."""
    chosen = case.narrowed
    keys: dict[Sort, Callable[[_Thing], tuple[int, int]]] = {
        Sort.POPULAR: lambda one: (-one.popularity, -one.id.int),
        Sort.NEW: lambda one: (0, -one.id.int),
        Sort.PRICE: lambda one: (one.price, one.id.int),
    }
    key = keys[chosen.sort or Sort.POPULAR]
    ranked = [
        one for one in case.things
        if one.listed and _has(case.query, one.words | one.named)
        and not (case.unlike and _has(case.unlike, one.words | one.named))
        and (chosen.categories is None or one.category in chosen.categories)
        and chosen.country in {None, one.country}
        and (chosen.most is None or one.price <= chosen.most)
        and (one.in_stock or not chosen.in_stock)
    ]  # fmt: skip

    def place(one: _Thing) -> tuple[bool, bool, tuple[int, int]]:
        return chosen.sort is None and not _has(case.query, one.named), not one.in_stock, key(one)

    return [one.id for one in sorted(ranked, key=place)]


async def _shelve(tx: Tx, things: list[_Thing]) -> None:
    rows = [
        [
            str(one.id), str(one.category), one.country, one.listed, one.price, one.in_stock, one.popularity,
            " ".join([*(one.words | one.named), *(f"!{word}" for word in one.named)]),
        ]
        for one in things
    ]  # fmt: skip
    await tx.execute(text(_EMPTY))
    await tx.execute(text(_SHELF), {"ids": list(_SHELVES)})
    for statement in (_PRODUCTS, _DOCUMENTS):
        await tx.execute(text(statement), {"products": msgspec.json.encode(rows).decode()})


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=_cases())
async def test_pages_are_the_order_of_every_match_whatever_the_way(uow: UnitOfWork, case: _Case) -> None:
    in_names = any(_has(case.query, one.named) for one in case.things)
    estimate = Frequency(case.guess[0], case.guess[1] if in_names else 0)  # none in a name is never a guess
    listed = sum(one.listed for one in case.things)
    sought = msgspec.structs.replace(Sought.of(case.query, case.known, listed, case.unlike), estimate=estimate)
    async with uow() as tx:
        await _shelve(tx, case.things)
        met: list[UUID] = []
        after: Place | None = None
        while True:
            page = await find(tx, sought, case.narrowed, after, case.limit)
            met += [hit.id for hit in page.hits]
            assert len(set(met)) == len(met)
            assert {UUID(one.category_id) for one in page.sample or []} <= {one.category for one in case.things}
            if len(page.hits) < case.limit:
                break
            after = page.hits[-1].place(case.narrowed.sort)
        assert met == _ranked(case)
        whole = {one.price for one in case.things if one.listed and _has(case.query, one.words | one.named)}
        assert {one.price_amount for one in await list_sample(tx, sought)} <= whole
