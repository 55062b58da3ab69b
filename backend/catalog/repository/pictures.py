"""SQL of the pictures of products."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from backend.catalog.models import Product
from backend.catalog.types import ProductId
from backend.catalog.types.pictures import ProductLook
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound

_LOOK: Final = select(
    Product.id, Product.slug, Product.name, Product.icon, Product.hue, Product.country, Product.picture
)  # fmt: skip


async def get_look(tx: Tx, product_id: ProductId, *, lock: bool = False) -> ProductLook:
    """How a product looks, hidden or not; with ``lock`` nobody else changes it meanwhile. Raises NotFound."""
    statement = _LOOK.where(Product.id == product_id)
    if lock:
        statement = statement.with_for_update()
    row = (await tx.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFound("no such product")
    return ProductLook(**row)
