"""What every arrival and every sale of stock does with the line for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from backend.catalog.repository import waiting
from backend.catalog.types import ProductId, VariantId
from backend.catalog.types.waiting import WAITING_TOPIC, QueuedVariant, StockArrived, Wait
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId


class Counted(Protocol):
    """What was taken of a variant that has a number; ``waits``: its buyer stands in line for it."""

    @property
    def waits(self) -> bool:
        """Whether they do."""
        ...


T = TypeVar("T", bound=Counted)


async def assign(tx: Tx, product_id: ProductId) -> list[QueuedVariant]:
    """Assign stock that has come to those who wait for it, before anybody else sees it; of which variants.

    A job then offers it to them. The caller has locked the product.
    """
    served = []
    for variant in await waiting.list_queued(tx, product_id):
        people = 0
        while more := await waiting.assign(tx, variant):
            people += more
        if people:
            tx.emit(StockArrived(variant_id=variant.id))
            served.append(variant)
    return served


async def is_waiting(tx: Tx, variant_id: VariantId, user_id: UserId) -> bool:
    """Whether the person stands in line for a variant, or something is held for them; nothing is locked."""
    return await waiting.find(tx, variant_id, user_id) is not None


async def end_wait(tx: Tx, variant_id: VariantId, user_id: UserId) -> Wait | None:
    """Take a person out of a line and return what is held for them; None for who was not in it."""
    await waiting.lock_number(tx, variant_id)
    wait = await waiting.remove(tx, variant_id, user_id)
    if wait is None:
        return None
    await waiting.return_goods(tx, wait)
    tx.signal(WAITING_TOPIC, variant_id)
    return wait


async def take_of_number(
    tx: Tx, variant_id: VariantId, buyer: UserId, take: Callable[[], Awaitable[T | None]]
) -> tuple[T | None, bool]:
    """Take goods for somebody with ``take``, and with what is held for them, whose wait ends by it.

    Returns what was taken (None where too little is left; then the caller rolls back), and whether something was held.
    """
    taken = await take()
    waits = await is_waiting(tx, variant_id, buyer) if taken is None else taken.waits
    ended = await end_wait(tx, variant_id, buyer) if waits else None
    if ended and taken is None:
        taken = await take()
    return taken, bool(ended and ended.quantity)
