"""All variants of a product or a category, for those who look for what was bought of them."""

from __future__ import annotations

from backend.catalog.repository import families as repository
from backend.catalog.types import CategoryId, ProductId, VariantId
from backend.infra.unit_of_work import Tx


async def list_of_product(tx: Tx, product: ProductId, limit: int) -> list[VariantId]:
    """The variants of a product, also those that are hidden; at most ``limit``."""
    return await repository.list_of_product(tx, product, limit)


async def list_of_category(tx: Tx, category: CategoryId, limit: int) -> list[VariantId]:
    """The variants of a category and of those below it, also those that are hidden; at most ``limit``."""
    return await repository.list_of_category(tx, category, limit)


async def find_product_name(tx: Tx, product: ProductId) -> dict[str, str] | None:
    """The name of a product by language; None for one that is unknown."""
    return await repository.find_product_name(tx, product)


async def list_category_names(tx: Tx) -> dict[CategoryId, dict[str, str]]:
    """The names of all categories by language, also of hidden ones, as they are ordered."""
    return await repository.list_category_names(tx)
