"""SQL that keeps what the search reads: documents of products, and the words in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.models import Product
from backend.catalog.types import CategoryId, ProductId
from backend.infra.unit_of_work import Tx

_SUBJECTS = text(
    """
    SELECT p.id, p.category_id, p.slug, p.name, p.summary, p.description, p.tags, p.country, p.kind,
           coalesce(v.texts, '[]') AS texts, coalesce(v.codes, '{}') AS codes
    FROM products p LEFT JOIN LATERAL (
        SELECT jsonb_agg(name) || jsonb_agg(note) AS texts, array_agg(code) AS codes
        FROM variants WHERE product_id = p.id AND NOT hidden
    ) v ON true WHERE p.id = ANY(:ids)
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))

# Returns the words of which the number of products changes, and by how much.
_WRITE = text(
    """
    WITH given AS MATERIALIZED (
        SELECT product_id, array_to_tsvector(string_to_array(words, ' ')) AS words
        FROM unnest(:ids, :words) AS given (product_id, words)
    ), written AS (
        INSERT INTO search_documents AS d (product_id, words, fold_version)
        SELECT product_id, words, :version FROM given ORDER BY product_id
        ON CONFLICT (product_id) DO UPDATE SET words = excluded.words, fold_version = excluded.fold_version
        WHERE (d.words, d.fold_version) IS DISTINCT FROM (excluded.words, excluded.fold_version)
    )
    SELECT word, sum(difference) AS difference FROM (
        SELECT unnest(tsvector_to_array(words)) AS word, 1 AS difference FROM given
        UNION ALL
        SELECT unnest(tsvector_to_array(d.words)), -1 FROM search_documents d JOIN given USING (product_id)
    ) changes GROUP BY word HAVING sum(difference) <> 0
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("words", type_=ARRAY(Text())))

_COUNT = text(
    """
    INSERT INTO search_words AS w (word, products, named, sound)
    SELECT * FROM unnest(:words, :products, :named, :sounds) ORDER BY 1
    ON CONFLICT (word) DO UPDATE SET products = w.products + excluded.products, named = w.named + excluded.named
    """
).bindparams(
    *(bindparam(name, type_=ARRAY(Text())) for name in ("words", "sounds")),
    *(bindparam(name, type_=ARRAY(BigInteger())) for name in ("products", "named")),
)

_STALE = text(
    """
    SELECT p.id FROM products p
    LEFT JOIN search_documents d ON d.product_id = p.id AND d.fold_version = :version
    WHERE d.product_id IS NULL LIMIT :limit
    """
)


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A product as its document is made of; texts by language."""

    id: ProductId
    category_id: CategoryId
    slug: str
    name: dict[str, str]
    summary: dict[str, str]
    description: dict[str, str]
    tags: list[str]
    country: str | None
    kind: str
    texts: list[dict[str, str]]
    """Names and notes of its visible variants."""
    codes: list[str]


async def list_subjects(tx: Tx, ids: Sequence[UUID]) -> list[Subject]:
    """The products as their documents are made of."""
    return [Subject(**row) for row in (await tx.execute(_SUBJECTS, {"ids": list(ids)})).mappings()]


async def write_documents(tx: Tx, documents: Mapping[ProductId, Collection[str]], version: int) -> dict[str, int]:
    """Store the lexemes of products; by how many products each lexeme has more, or fewer, than before."""
    values: dict[str, Any] = {
        "ids": list(documents),
        "words": [" ".join(words) for words in documents.values()],
        "version": version,
    }
    return {row.word: int(row.difference) for row in await tx.execute(_WRITE, values)}


async def delete_document(tx: Tx, product_id: ProductId) -> None:
    """Forget the lexemes of a product; the caller has counted them out."""
    await tx.execute(text("DELETE FROM search_documents WHERE product_id = :id"), {"id": product_id})


async def count_words(tx: Tx, rows: Sequence[tuple[str, int, int, str]]) -> None:
    """Add to the counts of words: each word, its products, those with it in their name, and how it sounds."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    await tx.execute(_COUNT, dict(zip(("words", "products", "named", "sounds"), columns, strict=True)))


async def list_stale(tx: Tx, version: int, limit: int) -> list[ProductId]:
    """Some products whose document is missing or of another version."""
    return [ProductId(row.id) for row in await tx.execute(_STALE, {"version": version, "limit": limit})]


async def list_products_in(tx: Tx, categories: Collection[UUID]) -> list[ProductId]:
    """The products of these categories."""
    chosen = select(Product.id).where(Product.category_id.in_(categories))
    return [ProductId(row.id) for row in await tx.execute(chosen)]
