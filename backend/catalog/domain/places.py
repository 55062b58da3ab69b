"""How many more of a variant can be sold, where another slice counts who has them; any number without such a count."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from backend.catalog.domain.levels import after_releasing, after_taking
from backend.catalog.domain.waiting import end_wait, take_of_number
from backend.catalog.errors import SoldOut
from backend.catalog.repository import places as repository
from backend.catalog.types import ProductId, VariantId
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderLineId, UserId


class _Level(msgspec.Struct, frozen=True):
    """Nobody is told of few places: the seller has set their number."""

    product_id: ProductId
    low_stock_at: int = 0
    low_stock_told: bool = True


async def take(tx: Tx, product_id: ProductId, variant_id: VariantId, line_id: OrderLineId, buyer: UserId) -> None:
    """Take one place for a line of an order, or the one that is held for its buyer. Raises SoldOut, naming the line."""
    taken, _ = await take_of_number(tx, variant_id, buyer, lambda: repository.take(tx, variant_id, buyer))
    if taken is None:
        raise SoldOut(line_id, available=0)
    await after_taking(tx, variant_id, _Level(product_id), taken.left)


async def take_any(tx: Tx, product_id: ProductId, variant_id: VariantId, user_id: UserId) -> None:
    """Take one place for somebody though none may be left, as for a gift; they don't wait for one any more."""
    await end_wait(tx, variant_id, user_id)
    left = await repository.take_any(tx, variant_id)
    await after_taking(tx, variant_id, _Level(product_id), left)


async def note_sale(tx: Tx, variant_id: VariantId, line_id: OrderLineId) -> None:
    """Count a line that is delivered among the sales that make its product popular."""
    await repository.add_sale(tx, variant_id, line_id)


async def put_back(tx: Tx, product_id: ProductId, variant_id: VariantId) -> None:
    """Free one place."""
    left = await repository.put_back(tx, variant_id)
    if left is not None and left > 0:
        await after_releasing(tx, product_id)


async def lock(tx: Tx, variant_id: VariantId) -> None:
    """Let nobody take or free a place of the variant until the transaction ends, so that they can be counted."""
    await repository.lock(tx, variant_id)


async def list_left(tx: Tx, variants: Collection[VariantId], buyer: UserId) -> dict[VariantId, int | None]:
    """How many places a person can buy, with what is held for them; None for any number."""
    return await repository.list_left(tx, variants, buyer)


async def set_remaining(tx: Tx, product_id: ProductId, variant_id: VariantId, remaining: int | None) -> None:
    """Set how many are left with those that are held for people in line; None for any number.

    The caller holds the lock.
    """
    if remaining is not None:
        remaining -= await repository.count_held(tx, variant_id)
    await repository.set_remaining(tx, variant_id, remaining)
    if remaining is None or remaining > 0:
        await after_releasing(tx, product_id)
    else:
        await after_taking(tx, variant_id, _Level(product_id), remaining)
