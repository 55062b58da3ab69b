"""The SQL of all variants of a product or a category."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Uuid, bindparam, select, text

from backend.catalog.models import Category, Product
from backend.catalog.types import CategoryId, ProductId, VariantId
from backend.infra.unit_of_work import Tx

_OF_PRODUCT: Final = text("SELECT id FROM variants WHERE product_id = :id ORDER BY id LIMIT :most").bindparams(
    bindparam("id", type_=Uuid()), bindparam("most", type_=BigInteger())
)
_OF_CATEGORY: Final = text(
    """
    WITH RECURSIVE below AS (
        SELECT id FROM categories WHERE id = :id
        UNION
        SELECT child.id FROM categories child JOIN below ON child.parent_id = below.id
    )
    SELECT v.id FROM below JOIN products p ON p.category_id = below.id JOIN variants v ON v.product_id = p.id
    ORDER BY v.id LIMIT :most
    """
).bindparams(bindparam("id", type_=Uuid()), bindparam("most", type_=BigInteger()))


async def list_of_product(tx: Tx, product: ProductId, limit: int) -> list[VariantId]:
    """The variants of a product, also those that are hidden."""
    rows = await tx.execute(_OF_PRODUCT, {"id": product, "most": limit})
    return [VariantId(variant_id) for variant_id in rows.scalars()]


async def list_of_category(tx: Tx, category: CategoryId, limit: int) -> list[VariantId]:
    """The variants of a category and of those below it, also those that are hidden."""
    rows = await tx.execute(_OF_CATEGORY, {"id": category, "most": limit})
    return [VariantId(variant_id) for variant_id in rows.scalars()]


async def find_product_name(tx: Tx, product: ProductId) -> dict[str, str] | None:
    """The name of a product by language; None for one that is unknown."""
    name: dict[str, str] | None = (
        await tx.execute(select(Product.name).where(Product.id == product))
    ).scalar_one_or_none()
    return name


async def list_category_names(tx: Tx) -> dict[CategoryId, dict[str, str]]:
    """The names of all categories, also of hidden ones, as they are ordered."""
    rows = await tx.execute(select(Category.id, Category.name).order_by(Category.position, Category.slug))
    return {CategoryId(row.id): row.name for row in rows}
