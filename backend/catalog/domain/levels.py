"""What changes with a variant's stock, whatever the kind of goods: alerts, the product's mark, open pages."""

from __future__ import annotations

from typing import Protocol

from backend.catalog.repository import stock
from backend.catalog.types import STOCK_TOPIC, ProductId, StockLow, VariantId
from backend.infra.unit_of_work import Tx


class Level(Protocol):
    """What taking stock found out about its variant."""

    @property
    def product_id(self) -> ProductId:
        """The variant's product."""
        ...

    @property
    def low_stock_at(self) -> int:
        """At how many the admins are told."""
        ...

    @property
    def low_stock_told(self) -> bool:
        """Whether they were told already."""
        ...


async def after_taking(tx: Tx, variant_id: VariantId, level: Level, left: int | None) -> None:
    """Tell the admins about low stock, clear the product's mark after the last one, and signal its pages.

    ``left`` None is any number.
    """
    if left is not None:
        low = left <= level.low_stock_at and not level.low_stock_told
        if low and await stock.mark_low_told(tx, variant_id):
            tx.emit(StockLow(variant_id=variant_id, product_id=level.product_id, left=max(left, 0)))
        if left <= 0:
            await stock.settle_in_stock(tx, [level.product_id])
    tx.signal(STOCK_TOPIC, level.product_id)


async def after_releasing(tx: Tx, product_id: ProductId) -> None:
    """Mark the product as in stock, and signal its pages."""
    await stock.mark_in_stock(tx, product_id)
    tx.signal(STOCK_TOPIC, product_id)
