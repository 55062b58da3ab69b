"""SQL that changes the catalogue and fills the stock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import DateTime, LargeBinary, Uuid, bindparam, delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from backend.catalog.errors import ImportUnderWay
from backend.catalog.models import Category, Product, StockBatch, Variant
from backend.catalog.repository.availability import has_stock, of_variant
from backend.catalog.rules.rows import RowKind
from backend.catalog.types import CategoryId, ProductId, VariantId
from backend.infra.unit_of_work import Tx, sqlstate
from backend.kernel.ids import DataKeyId, UserId

_CHUNK: Final = 5000
_LOCK_NOT_AVAILABLE: Final = "55P03"
_TABLES: Final[dict[RowKind, type[Category | Product | Variant]]] = {
    RowKind.CATEGORY: Category,
    RowKind.PRODUCT: Product,
    RowKind.VARIANT: Variant,
}
_POPULAR_FOR: Final = timedelta(days=30)

# One catalogue import and one stock import at a time; readers and buyers are not concerned.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('catalog:' || CAST(:what AS text), 0))")

# Notified in the transaction itself: these writes are rare, and a process that caches pages must not miss one.
_BUMP = text(
    """
    WITH bumped AS (
        INSERT INTO catalogue_version (id, version) VALUES (1, 1)
        ON CONFLICT (id) DO UPDATE SET version = catalogue_version.version + 1 RETURNING version
    ) SELECT version, pg_notify('souk', 'catalogue:' || version) FROM bumped
    """
)

_REFRESH_FACTS = text(
    """
    WITH RECURSIVE shown AS (
        SELECT id FROM categories WHERE parent_id IS NULL AND NOT hidden
        UNION ALL SELECT c.id FROM categories c JOIN shown s ON c.parent_id = s.id WHERE NOT c.hidden
    ), facts AS (
        SELECT p.id, coalesce(f.price, 0) AS price, coalesce(f.reseller, 0) AS reseller,
               coalesce(f.lowest < f.highest, false) AS differ,
               NOT p.hidden AND p.archived_at IS NULL AND f.price IS NOT NULL
                   AND EXISTS (SELECT FROM shown s WHERE s.id = p.category_id) AS listed
        FROM products p CROSS JOIN LATERAL (
            SELECT min(v.price_amount) AS price, min(coalesce(v.reseller_amount, v.price_amount)) AS reseller,
                   min(v.price_amount) AS lowest, max(v.price_amount) AS highest
            FROM variants v WHERE v.product_id = p.id AND NOT v.hidden
        ) f WHERE CAST(:everything AS boolean) OR p.id = ANY(:ids)
    )
    UPDATE products p
    SET listed = f.listed, price_amount = f.price, reseller_amount = f.reseller, prices_differ = f.differ
    FROM facts f WHERE f.id = p.id AND (p.listed, p.price_amount, p.reseller_amount, p.prices_differ)
        IS DISTINCT FROM (f.listed, f.price, f.reseller, f.differ)
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))

_REFRESH_POPULARITY = text(
    """
    WITH sales AS (
        SELECT v.product_id, sum(taken.sold) AS sold FROM (
            SELECT variant_id, count(*) AS sold FROM stock_keys
            WHERE state = 'sold' AND taken_at >= :since GROUP BY variant_id
            UNION ALL
            SELECT variant_id, sum(quantity) FROM shared_key_lines
            WHERE state = 'sold' AND taken_at >= :since GROUP BY variant_id
            UNION ALL
            SELECT variant_id, sum(quantity) FROM hand_work
            WHERE state IN ('open', 'delivered') AND opened_at >= :since GROUP BY variant_id
            UNION ALL
            SELECT variant_id, count(*) FROM place_sales WHERE sold_at >= :since GROUP BY variant_id
        ) taken JOIN variants v ON v.id = taken.variant_id GROUP BY v.product_id
    )
    UPDATE products p SET recent_sales = coalesce(s.sold, 0)
    FROM products q LEFT JOIN sales s ON s.product_id = q.id
    WHERE q.id = p.id AND p.recent_sales <> coalesce(s.sold, 0)
    """
).bindparams(bindparam("since", type_=DateTime(timezone=True)))

_FIND_VARIANT = (
    select(Variant.id, Variant.product_id, Product.kind)
    .join(Product, Product.id == Variant.product_id)
    .where(Product.slug == bindparam("slug"), Variant.code == bindparam("code"))
)
_KNOWN_KEYS = text(
    """
    SELECT k.variant_id, k.fingerprint FROM unnest(:variants, :fingerprints) n (variant_id, fingerprint)
    JOIN stock_keys k ON k.variant_id = n.variant_id AND k.fingerprint = n.fingerprint
    """
).bindparams(bindparam("variants", type_=ARRAY(Uuid())), bindparam("fingerprints", type_=ARRAY(LargeBinary())))
_ADD_KEYS = text(
    """
    INSERT INTO stock_keys (id, variant_id, batch_id, ciphertext, fingerprint, expires_at, state)
    SELECT n.id, n.variant_id, n.batch_id, n.ciphertext, n.fingerprint, b.expires_at,
           CASE WHEN b.stopped_at IS NULL THEN 'available' ELSE 'stopped' END
    FROM unnest(:ids, :variants, :batches, :ciphertexts, :fingerprints)
        WITH ORDINALITY n (id, variant_id, batch_id, ciphertext, fingerprint, place)
    JOIN stock_batches b ON b.id = n.batch_id ORDER BY n.place
    """
).bindparams(
    *(bindparam(name, type_=ARRAY(Uuid())) for name in ("ids", "variants", "batches")),
    *(bindparam(name, type_=ARRAY(LargeBinary())) for name in ("ciphertexts", "fingerprints")),
)
_RESTOCKED = text(
    f"""
    UPDATE variants u SET low_stock_told = n.low
    FROM variants v JOIN products p ON p.id = v.product_id
    CROSS JOIN LATERAL (SELECT coalesce({of_variant("v.low_stock_at + 1")} <= v.low_stock_at, false) AS low) n
    WHERE v.id = u.id AND u.id = ANY(:ids) AND u.low_stock_told <> n.low
    """  # noqa: S608 - constants of ours
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


_REFRESH_MARKS = text(
    f"UPDATE products p SET in_stock = NOT p.in_stock WHERE p.id = ANY(:ids) AND p.in_stock <> ({has_stock()})"  # noqa: S608
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_VARIANTS_OF = text("SELECT id FROM variants WHERE product_id = ANY(:ids) ORDER BY id").bindparams(
    bindparam("ids", type_=ARRAY(Uuid()))
)


class StoredCategory(msgspec.Struct, frozen=True, kw_only=True):
    """A category's columns that an import compares; the names are those of the table."""

    id: CategoryId
    parent_id: CategoryId | None
    slug: str
    name: dict[str, str]
    icon: str
    hue: str
    position: int
    hidden: bool


class StoredProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product's columns that an import compares; the names are those of the table."""

    id: ProductId
    category_id: CategoryId
    slug: str
    country: str | None
    kind: str
    choice: str
    name: dict[str, str]
    summary: dict[str, str]
    description: dict[str, str]
    icon: str
    hue: str
    picture: str | None
    tags: list[str]
    premium_only: bool
    hidden: bool
    rank: int


class StoredVariant(msgspec.Struct, frozen=True, kw_only=True):
    """A variant's columns that an import compares; the names are those of the table."""

    id: VariantId
    product_id: ProductId
    code: str
    name: dict[str, str]
    note: dict[str, str]
    price_amount: int
    reseller_amount: int | None
    currency: str
    min_quantity: int
    max_quantity: int | None
    per_person_limit: int | None
    premium_months: int | None
    quantity_prices: list[list[int]]
    subscription_days: int | None
    low_stock_at: int
    promised_hours: int
    open_places: int | None
    warranty_days: int
    position: int
    hidden: bool


Stored = StoredCategory | StoredProduct | StoredVariant


class VariantRef(msgspec.Struct, frozen=True):
    """A variant and the product that it belongs to."""

    id: VariantId
    product_id: ProductId
    kind: str
    """A StockKind's value."""


def _columns_of(stored: type[Stored]) -> list[Any]:
    tables = {StoredCategory: Category, StoredProduct: Product, StoredVariant: Variant}
    return [tables[stored].__table__.c[name] for name in stored.__struct_fields__]


_CATEGORIES = select(*_columns_of(StoredCategory))
_PRODUCTS = select(*_columns_of(StoredProduct))
_VARIANTS = select(*_columns_of(StoredVariant))


async def lock_imports(tx: Tx, what: str) -> None:
    """Allow one import of ``what`` at a time. Raises ImportUnderWay when another one holds the lock for too long."""
    try:
        await tx.execute(_LOCK, {"what": what})
    except DBAPIError as error:
        if sqlstate(error) == _LOCK_NOT_AVAILABLE:
            raise ImportUnderWay() from error
        raise


async def bump_version(tx: Tx) -> int:
    """Raise the catalogue's version and tell every process; the new version."""
    return int((await tx.execute(_BUMP)).one().version)


async def list_all_categories(tx: Tx) -> list[StoredCategory]:
    """Every category, hidden ones too."""
    return [StoredCategory(**row) for row in (await tx.execute(_CATEGORIES)).mappings()]


async def list_products_by_slug(tx: Tx, slugs: Sequence[str]) -> list[StoredProduct]:
    """The products with these slugs, hidden ones too."""
    rows: list[StoredProduct] = []
    for start in range(0, len(slugs), _CHUNK):
        chosen = _PRODUCTS.where(Product.slug.in_(slugs[start : start + _CHUNK]))
        rows += [StoredProduct(**row) for row in (await tx.execute(chosen)).mappings()]
    return rows


async def list_products_of_kind(tx: Tx, kind: str) -> list[ProductId]:
    """The ids of the products of a kind, hidden ones too, the oldest first."""
    statement = select(Product.id).where(Product.kind == kind).order_by(Product.created_at, Product.id)
    return [ProductId(row.id) for row in await tx.execute(statement)]


async def list_products(tx: Tx, ids: Collection[ProductId]) -> list[StoredProduct]:
    """The products with these ids, hidden ones too."""
    rows = await tx.execute(_PRODUCTS.where(Product.id.in_(ids)))
    return [StoredProduct(**row) for row in rows.mappings()]


async def list_products_after(tx: Tx, after: ProductId | None, limit: int) -> list[StoredProduct]:
    """Products that are not archived, in the order of their ids, after one of them."""
    statement = _PRODUCTS.where(Product.archived_at.is_(None)).order_by(Product.id).limit(limit)
    if after is not None:
        statement = statement.where(Product.id > after)
    return [StoredProduct(**row) for row in (await tx.execute(statement)).mappings()]


async def list_variants_of(tx: Tx, product_ids: Sequence[UUID]) -> list[StoredVariant]:
    """Every variant of the products, hidden ones too."""
    rows: list[StoredVariant] = []
    for start in range(0, len(product_ids), _CHUNK):
        chosen = _VARIANTS.where(Variant.product_id.in_(product_ids[start : start + _CHUNK]))
        rows += [StoredVariant(**row) for row in (await tx.execute(chosen)).mappings()]
    return rows


async def add_rows(tx: Tx, kind: RowKind, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of one kind; all have the same columns."""
    for start in range(0, len(rows), _CHUNK):
        await tx.execute(insert(_TABLES[kind]), rows[start : start + _CHUNK])


async def change_row(tx: Tx, kind: RowKind, row_id: UUID, values: dict[str, Any]) -> None:
    """Change some columns of one row. A variant that is put on sale leaves the recycle bin; its version grows."""
    table = _TABLES[kind]
    if kind is RowKind.VARIANT:
        back = {"archived_at": None, "archived_by": None} if values.get("hidden") is False else {}
        values = {**back, **values, "version": Variant.version + 1}
    await tx.execute(update(table).where(table.id == row_id).values(values))


async def delete_variant(tx: Tx, variant_id: VariantId) -> None:
    """Delete a variant to which no row refers."""
    await tx.execute(delete(Variant).where(Variant.id == variant_id))


async def refresh_facts(tx: Tx, product_ids: Sequence[UUID] | None) -> None:
    """Recompute whether these products (None: all) are listed, and their lowest prices."""
    await tx.execute(_REFRESH_FACTS, {"everything": product_ids is None, "ids": list(product_ids or ())})


async def refresh_stock_marks(tx: Tx, product_ids: Sequence[UUID]) -> None:
    """Recompute ``in_stock`` of these products, and re-arm or silence their alerts."""
    await tx.execute(_REFRESH_MARKS, {"ids": list(product_ids)})
    variants = (await tx.execute(_VARIANTS_OF, {"ids": list(product_ids)})).scalars().all()
    await mark_restocked(tx, variants)


async def refresh_popularity(tx: Tx) -> int:
    """Count the sales of the last 30 days; returns how many products changed."""
    return (await tx.execute(_REFRESH_POPULARITY, {"since": tx.now - _POPULAR_FOR})).rowcount


async def find_variant(tx: Tx, slug: str, code: str) -> VariantRef | None:
    """The variant ``slug/code``, hidden or not."""
    row = (await tx.execute(_FIND_VARIANT, {"slug": slug, "code": code})).mappings().one_or_none()
    return None if row is None else VariantRef(**row)


async def list_known_keys(tx: Tx, variants: list[UUID], fingerprints: list[bytes]) -> set[tuple[UUID, bytes]]:
    """Which of these keys the stock has or had."""
    rows = await tx.execute(_KNOWN_KEYS, {"variants": variants, "fingerprints": fingerprints})
    return {(row.variant_id, row.fingerprint) for row in rows}


async def add_batch(
    tx: Tx,
    variant_id: VariantId,
    data_key_id: DataKeyId,
    source: str,
    unit_cost: int | None,
    currency: str,
    by: UserId | None,
) -> UUID:
    """Insert a batch of the variant; its id."""
    batch_id = tx.new_id()
    row = {"id": batch_id, "variant_id": variant_id, "data_key_id": data_key_id, "source": source}
    more = {"unit_cost": unit_cost, "currency": currency, "imported_at": tx.now, "imported_by": by}
    await tx.execute(insert(StockBatch), row | more)
    return batch_id


async def add_keys(tx: Tx, rows: Sequence[tuple[UUID, UUID, UUID, bytes, bytes]]) -> None:
    """Insert encrypted keys in their order: id, variant, batch, ciphertext, fingerprint.

    They expire with their batch, and are for sale unless it is stopped.
    """
    names = ("ids", "variants", "batches", "ciphertexts", "fingerprints")
    await tx.execute(_ADD_KEYS, dict(zip(names, (list(column) for column in zip(*rows, strict=True)), strict=True)))


async def mark_restocked(tx: Tx, variant_ids: Sequence[UUID]) -> None:
    """Re-arm the alert about low stock for variants that have enough now."""
    await tx.execute(_RESTOCKED, {"ids": list(variant_ids)})
