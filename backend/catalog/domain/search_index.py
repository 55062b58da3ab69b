"""Keeps the search current: every change of a product, a variant or a category calls this in its transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from backend.catalog.repository import search_index, writes
from backend.catalog.repository.search_index import Subject
from backend.catalog.repository.writes import StoredCategory
from backend.catalog.rules.documents import NAMED, SLUG, Described, words_of
from backend.catalog.rules.folding import FOLD_VERSION
from backend.catalog.rules.spelling import sound
from backend.catalog.types import ProductId
from backend.infra.unit_of_work import Tx

_AT_ONCE: Final = 500


async def refresh(tx: Tx, products: Collection[UUID], *, categories: Collection[UUID] = ()) -> None:
    """Make the documents of these products again, and of all in and below these categories.

    Raises ImportUnderWay when another writer holds the search's lock for too long.
    """
    await writes.lock_imports(tx, "search")
    known: dict[UUID, StoredCategory] = {item.id: item for item in await writes.list_all_categories(tx)}
    below = await search_index.list_products_in(tx, _subtrees(known, categories)) if categories else []
    ids = sorted({*products, *below})
    for start in range(0, len(ids), _AT_ONCE):
        subjects = await search_index.list_subjects(tx, ids[start : start + _AT_ONCE])
        await _write(tx, {one.id: words_of(_described(one, known)) for one in subjects})


async def refresh_stale(tx: Tx) -> int:
    """Make some of the documents that are missing or were folded by an older version; returns how many."""
    await writes.lock_imports(tx, "search")
    stale = await search_index.list_stale(tx, FOLD_VERSION, _AT_ONCE)
    if stale:
        await refresh(tx, stale)
    return len(stale)


async def forget(tx: Tx, product_id: ProductId) -> None:
    """Take a product that is about to be deleted out of the search, and its words out of the counts."""
    await writes.lock_imports(tx, "search")
    await _write(tx, {product_id: ()})
    await search_index.delete_document(tx, product_id)


async def _write(tx: Tx, documents: Mapping[ProductId, Sequence[str]]) -> None:
    changes = await search_index.write_documents(tx, documents, FOLD_VERSION)
    words = dict.fromkeys(word.removeprefix(NAMED) for word in changes if not word.startswith(SLUG))
    rows = [(word, changes.get(word, 0), changes.get(NAMED + word, 0), sound(word)) for word in words]
    if rows:
        await search_index.count_words(tx, rows)


def _described(one: Subject, known: Mapping[UUID, StoredCategory]) -> Described:
    above, category = [], known.get(one.category_id)
    while category is not None:
        above.append(category.name)
        category = known.get(category.parent_id) if category.parent_id else None
    return Described(
        slug=one.slug,
        name=one.name,
        texts=[one.summary, *one.texts, one.description],
        categories=above,
        labels=[*one.tags, *one.codes],
        country=one.country,
        kind=one.kind,
    )


def _subtrees(known: Mapping[UUID, StoredCategory], tops: Collection[UUID]) -> set[UUID]:
    chosen: set[UUID] = set(tops)
    while True:
        more = {item.id for item in known.values() if item.parent_id in chosen} - chosen
        if not more:
            return chosen
        chosen |= more
