"""Keys of one variant for one line, taken and released through the fulfiller that orders use."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from backend.catalog.fulfilment.unique_keys import UniqueKeys
from backend.catalog.types import ProductId, StockKeyId, VariantId
from backend.catalog.types.fulfilment import FulfilmentLine, ItemId
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderLineId, UserId

_NOBODY = UserId(UUID(int=0))
_RING = KeyRing("k1:" + "A" * 43 + "=")
"""Of tests that open nothing."""


def line(line_id: OrderLineId, quantity: int = 0, variant_id: VariantId | None = None) -> FulfilmentLine:
    """A line of keys."""
    return FulfilmentLine(
        id=line_id,
        kind=UniqueKeys.kind,
        product_id=ProductId(UUID(int=0)),
        variant_id=variant_id or VariantId(UUID(int=0)),
        quantity=quantity,
        buyer=_NOBODY,
        recipient=_NOBODY,
    )


async def take_keys(tx: Tx, variant_id: VariantId, quantity: int, line_id: OrderLineId) -> list[StockKeyId]:
    """Sell keys that nobody has."""
    deliveries = await UniqueKeys(_RING).deliver(tx, [line(line_id, quantity, variant_id)], reserved=False)
    return [StockKeyId(item.id) for item in deliveries[line_id].items]


async def reserve_keys(tx: Tx, variant_id: VariantId, quantity: int, line_id: OrderLineId) -> list[StockKeyId]:
    """Reserve keys that nobody has."""
    await UniqueKeys(_RING).reserve(tx, [line(line_id, quantity, variant_id)])
    reserved = text("SELECT id FROM stock_keys WHERE order_line_id = :line AND state = 'reserved' ORDER BY position")
    return [StockKeyId(key) for key in (await tx.execute(reserved, {"line": line_id})).scalars()]


async def sell_reserved(tx: Tx, line_id: OrderLineId, quantity: int) -> list[StockKeyId]:
    """Sell the reserved keys."""
    deliveries = await UniqueKeys(_RING).deliver(tx, [line(line_id, quantity)], reserved=True)
    return [StockKeyId(item.id) for item in deliveries[line_id].items]


async def release_reserved(tx: Tx, line_id: OrderLineId) -> None:
    """Release the reserved keys."""
    await UniqueKeys(_RING).release(tx, [line(line_id)])


async def list_taken(tx: Tx, line_ids: list[OrderLineId]) -> list[tuple[OrderLineId, StockKeyId]]:
    """The sold keys, each with its line."""
    items = await UniqueKeys(_RING).items(tx, [line(line_id) for line_id in line_ids])
    return [(item.line_id, StockKeyId(item.id)) for item in items]


async def open_keys(tx: Tx, ring: KeyRing, keys: list[StockKeyId]) -> list[str]:
    """Sold keys in plain text."""
    return list(await UniqueKeys(ring).open(tx, [ItemId(key) for key in keys]))
