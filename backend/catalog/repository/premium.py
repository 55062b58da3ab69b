"""SQL of goods that give premium, and of goods that are for premium members."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from backend.catalog.models import Product, Variant
from backend.catalog.types import VariantId
from backend.infra.unit_of_work import Tx


async def list_months(tx: Tx, variants: Collection[VariantId]) -> dict[VariantId, int]:
    """The months of those of the variants that say some."""
    statement = select(Variant.id, Variant.premium_months).where(
        Variant.id.in_(variants), Variant.premium_months.is_not(None)
    )
    return {VariantId(row.id): row.premium_months for row in await tx.execute(statement)}


async def list_for_members(tx: Tx, variants: Collection[VariantId]) -> set[VariantId]:
    """Those of the variants that are for premium members only."""
    statement = select(Variant.id).join(Product, Product.id == Variant.product_id)
    rows = await tx.execute(statement.where(Variant.id.in_(variants), Product.premium_only))
    return {VariantId(row.id) for row in rows}


async def find_slug_of_kind(tx: Tx, kind: str) -> str | None:
    """The listed product of a kind that sells best."""
    statement = (
        select(Product.slug)
        .where(Product.kind == kind, Product.listed)
        .order_by(Product.popularity.desc(), Product.id)
        .limit(1)
    )
    slug: str | None = (await tx.execute(statement)).scalar_one_or_none()
    return slug
