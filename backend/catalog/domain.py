"""What orders do with the catalogue inside their own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backend.catalog.errors import ReservationGone, SoldOut
from backend.catalog.repository import stock, storefront
from backend.catalog.types import (
    AVAILABILITY_CAP,
    STOCK_TOPIC,
    KeyState,
    Offer,
    StockKeyId,
    StockLow,
    StockSubject,
    VariantId,
)
from backend.infra.crypto import KeyRing, open_sealed
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderLineId
from backend.kernel.text import like

_FINGERPRINTS_AT_ONCE: Final = 1000


async def get_offer(tx: Tx, variant_id: VariantId, *, reseller: bool) -> Offer:
    """The variant as it can be bought now, at the reseller's price or the public one.

    Raises NotFound for a variant that is hidden, by itself or with its product or category.
    """
    return await storefront.get_offer(tx, variant_id, reseller=reseller)


async def take_keys(tx: Tx, variant_id: VariantId, quantity: int, line_id: OrderLineId) -> list[StockKeyId]:
    """Sell ``quantity`` keys to the order line, oldest first. Raises SoldOut, and then takes none.

    Keys that another purchase has locked at this moment are skipped, never waited for.
    """
    return await _take(tx, variant_id, quantity, line_id, KeyState.SOLD)


async def reserve_keys(tx: Tx, variant_id: VariantId, quantity: int, line_id: OrderLineId) -> list[StockKeyId]:
    """Reserve ``quantity`` keys for the line until they are sold or released. Raises SoldOut, reserving none."""
    return await _take(tx, variant_id, quantity, line_id, KeyState.RESERVED)


async def sell_reserved(tx: Tx, line_id: OrderLineId) -> list[StockKeyId]:
    """Sell the keys reserved for the line. Raises ReservationGone when none are."""
    keys = await stock.sell_reserved(tx, line_id)
    if not keys:
        raise ReservationGone()
    return keys


async def release_reserved(tx: Tx, line_id: OrderLineId) -> int:
    """Release the keys reserved for the line; returns how many. Sold ones stay sold."""
    total = 0
    for product_id, count in await stock.release_reserved(tx, line_id):
        total += count
        await stock.mark_in_stock(tx, product_id)
        tx.signal(STOCK_TOPIC, product_id)
    return total


async def list_taken(tx: Tx, line_ids: Sequence[OrderLineId]) -> list[tuple[OrderLineId, StockKeyId]]:
    """The ids of the keys sold to the lines, in the order of the lines."""
    return await stock.list_taken(tx, line_ids)


async def open_keys(tx: Tx, ring: KeyRing, key_ids: Sequence[StockKeyId]) -> list[str]:
    """Sold keys in plain text, in the order asked for. Raises NotFound, DecryptionError."""
    sealed = await stock.list_sealed(tx, key_ids)
    texts = []
    for key_id in key_ids:
        key = sealed.get(key_id)
        if key is None:
            raise NotFound("no such sold key")
        data_key = await ring.get(tx, key.data_key_id)
        texts.append(open_sealed(data_key, key.ciphertext, key_id.bytes).decode())
    return texts


async def count_available(tx: Tx, variant_id: VariantId, at_most: int = AVAILABILITY_CAP) -> int:
    """Keys that can be bought now, counted up to ``at_most``."""
    return await stock.count_available(tx, variant_id, at_most)


async def person_limit(tx: Tx, variant_id: VariantId) -> int | None:
    """How many of a variant one person may have; None for any number."""
    return await stock.find_person_limit(tx, variant_id)


async def find_stock_subject(tx: Tx, variant_id: VariantId) -> StockSubject | None:
    """The variant as an alert about its stock names it, and what is left now; None for an unknown variant."""
    return await stock.find_subject(tx, variant_id)


async def list_variants_named(tx: Tx, query: str, limit: int) -> list[VariantId]:
    """The variants that have each word of ``query`` in their names, in any language; those that sell best first."""
    return await stock.list_variants_named(tx, [like(word) for word in query.lower().split()], limit)


async def list_lines_with_key(tx: Tx, ring: KeyRing, key: bytes) -> list[OrderLineId]:
    """The order lines that have this key, found by its fingerprint: nothing is decrypted."""
    variants = await stock.list_stocked_variants(tx)
    lines: list[OrderLineId] = []
    for at in range(0, len(variants), _FINGERPRINTS_AT_ONCE):
        some = variants[at : at + _FINGERPRINTS_AT_ONCE]
        lines += await stock.list_key_lines(tx, some, [ring.fingerprint(key, one.bytes) for one in some])
    return lines


async def _take(
    tx: Tx, variant_id: VariantId, quantity: int, line_id: OrderLineId, state: KeyState
) -> list[StockKeyId]:
    if quantity < 1:
        raise ValueError("a quantity is at least 1")
    row = await stock.take(tx, variant_id, quantity, line_id, state)
    if row is None or row.ids is None:
        raise SoldOut(available=row.found if row else 0)
    left = row.seen - quantity
    if left <= row.low_stock_at and not row.low_stock_told and await stock.mark_low_told(tx, variant_id):
        tx.emit(StockLow(variant_id=variant_id, product_id=row.product_id, left=max(left, 0)))
    if left <= 0:
        await stock.settle_in_stock(tx, [row.product_id])
    tx.signal(STOCK_TOPIC, row.product_id)
    return [StockKeyId(key_id) for key_id in row.ids]
