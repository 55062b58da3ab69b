"""Products and variants that another slice sells and edits, in the caller's transaction.

One writer of the catalogue at a time, as with imports; search, prices of lists and every process's cache follow.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from backend.catalog.domain import search_index
from backend.catalog.errors import ProductSlugTaken
from backend.catalog.repository import places, writes
from backend.catalog.repository.writes import StoredProduct, StoredVariant
from backend.catalog.rules.rows import DEFAULTS, RowKind
from backend.catalog.types import HUES, ICONS, ProductId, StockKind, VariantId
from backend.catalog.types.goods import ProductFields, SoldProduct, SoldVariant, VariantFields
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.money import Money

_NOT_COLUMNS = frozenset({"reseller_price"})


async def lock(tx: Tx) -> None:
    """Be the only writer of the catalogue until the transaction ends. Raises ImportUnderWay."""
    await writes.lock_imports(tx, "catalogue")


async def add_product(tx: Tx, kind: StockKind, slug: str, fields: ProductFields) -> ProductId:
    """Add a product without variants, which is not listed yet. Raises NotFound for its category, ProductSlugTaken."""
    if await writes.list_products_by_slug(tx, [slug]):
        raise ProductSlugTaken()
    product_id = ProductId(tx.new_id())
    row = DEFAULTS[RowKind.PRODUCT] | await _product_columns(tx, fields)
    row |= {"id": product_id, "slug": slug, "kind": kind.value, "created_at": tx.now}
    await writes.add_rows(tx, RowKind.PRODUCT, [row])
    await follow(tx, [product_id])
    return product_id


async def change_product(tx: Tx, product_id: ProductId, fields: ProductFields) -> None:
    """Change what can be edited of a product. Raises NotFound for its category."""
    await writes.change_row(tx, RowKind.PRODUCT, product_id, await _product_columns(tx, fields))
    await follow(tx, [product_id])


async def add_variant(
    tx: Tx, product_id: ProductId, code: str, fields: VariantFields, *, most: int, places_left: int | None
) -> VariantId:
    """Add a variant of which an order has at most ``most``, and so many places (None for any number)."""
    variant_id = VariantId(tx.new_id())
    row = {name: value for name, value in DEFAULTS[RowKind.VARIANT].items() if name not in _NOT_COLUMNS}
    row |= _variant_columns(fields)
    row |= {"id": variant_id, "product_id": product_id, "code": code, "max_quantity": most, "warranty_days": 0}
    await writes.add_rows(tx, RowKind.VARIANT, [row])
    await places.add(tx, variant_id, places_left)
    await follow(tx, [product_id])
    return variant_id


async def change_variant(tx: Tx, product_id: ProductId, variant_id: VariantId, fields: VariantFields) -> None:
    """Change what can be edited of a variant."""
    await writes.change_row(tx, RowKind.VARIANT, variant_id, _variant_columns(fields))
    await follow(tx, [product_id])


async def set_subscription(tx: Tx, product_id: ProductId, variant_id: VariantId, days: int | None) -> None:
    """Sell a variant by subscription, every so many days; None: once at a time only."""
    await writes.change_row(tx, RowKind.VARIANT, variant_id, {"subscription_days": days})
    await follow(tx, [product_id])


async def list_of_kind(tx: Tx, kind: StockKind) -> list[ProductId]:
    """Every product of a kind, hidden or not, the oldest first."""
    return await writes.list_products_of_kind(tx, kind.value)


async def delete_variant(tx: Tx, product_id: ProductId, variant_id: VariantId) -> None:
    """Delete a variant that nothing refers to. Raises DBAPIError (23503) where something does."""
    await places.delete(tx, variant_id)
    await writes.delete_variant(tx, variant_id)
    await follow(tx, [product_id])


async def list_products(tx: Tx, products: Collection[ProductId]) -> dict[ProductId, SoldProduct]:
    """What is stored of the products, hidden or not."""
    slugs = {row.id: row.slug for row in await writes.list_all_categories(tx)}
    rows = await writes.list_products(tx, products)
    return {row.id: SoldProduct(row.id, row.slug, _fields_of(row, slugs[row.category_id])) for row in rows}


async def list_variants(tx: Tx, products: Collection[ProductId]) -> dict[VariantId, SoldVariant]:
    """What is stored of the variants of the products, hidden or not."""
    rows = await writes.list_variants_of(tx, list(products))
    return {
        row.id: SoldVariant(row.id, row.product_id, row.code, _of_variant(row), row.subscription_days) for row in rows
    }


async def follow(tx: Tx, products: Sequence[ProductId]) -> None:
    """Bring what is computed of changed products up to date: stock marks, lists, search, and every process's cache."""
    await writes.refresh_stock_marks(tx, products)
    await writes.refresh_facts(tx, products)
    await search_index.refresh(tx, products)
    await writes.bump_version(tx)


async def _product_columns(tx: Tx, fields: ProductFields) -> dict[str, Any]:
    categories = {row.slug: row.id for row in await writes.list_all_categories(tx)}
    if fields.category not in categories:
        raise NotFound("no such category")
    if fields.icon not in ICONS or fields.hue not in HUES:
        raise Invalid("no such icon or hue", fields={"icon": "invalid"})
    return {
        "category_id": categories[fields.category],
        "name": fields.name,
        "summary": fields.summary,
        "description": fields.description,
        "icon": fields.icon,
        "hue": fields.hue,
        "picture": fields.picture,
        "hidden": fields.hidden,
    }


def _variant_columns(fields: VariantFields) -> dict[str, Any]:
    return {
        "name": fields.name,
        "note": fields.note,
        "price_amount": fields.price.amount,
        "reseller_amount": fields.reseller_price.amount if fields.reseller_price else None,
        "currency": fields.price.currency,
        "position": fields.position,
        "hidden": fields.hidden,
    }


def _fields_of(row: StoredProduct, category: str) -> ProductFields:
    return ProductFields(
        category=category,
        name=row.name,
        summary=row.summary,
        description=row.description,
        icon=row.icon,
        hue=row.hue,
        picture=row.picture,
        hidden=row.hidden,
    )


def _of_variant(row: StoredVariant) -> VariantFields:
    reseller = row.reseller_amount
    return VariantFields(
        name=row.name,
        note=row.note,
        price=Money(row.price_amount, row.currency),
        reseller_price=None if reseller is None else Money(reseller, row.currency),
        position=row.position,
        hidden=row.hidden,
    )
