"""What changes with a variant's stock, whatever the kind of goods: alerts, the product's mark, open pages."""

from __future__ import annotations

from typing import Protocol

from backend.catalog.domain import waiting
from backend.catalog.repository import stock
from backend.catalog.types import STOCK_TOPIC, ProductId, StockLow, VariantId
from backend.catalog.types.waiting import WAITING_TOPIC, QueuedVariant
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
        if low and await stock.mark_low_stock(tx, variant_id):
            tx.emit(StockLow(variant_id=variant_id, product_id=level.product_id, left=max(left, 0)))
        if left <= 0:
            await stock.settle_in_stock(tx, [level.product_id])
    tx.signal(STOCK_TOPIC, level.product_id)


async def after_releasing(tx: Tx, product_id: ProductId) -> None:
    """Stock of a product has come or come back: assign it to those who wait, mark the product, signal its pages."""
    await stock.mark_in_stock(tx, product_id)
    for variant in await waiting.assign(tx, product_id):
        await after_holding(tx, variant)
    tx.signal(STOCK_TOPIC, product_id)


async def after_holding(tx: Tx, variant: QueuedVariant) -> None:
    """Do what follows where goods of a variant were assigned, held or returned: as after taking them."""
    left = await stock.count_available(tx, variant.id, variant.low_stock_at + 1)
    await after_taking(tx, variant.id, variant, left)
    tx.signal(WAITING_TOPIC, variant.id)
