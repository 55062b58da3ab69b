"""How goods by hand end, inside the caller's transaction."""

from __future__ import annotations

from typing import Final

from backend.catalog.domain.levels import after_releasing
from backend.catalog.errors import WorkEnded, WorkRefunded
from backend.catalog.repository import hand_work
from backend.catalog.repository.hand_work import Result, Taken
from backend.catalog.types.fulfilment import LineFulfilled
from backend.catalog.types.hand_work import WORK_TOPIC, HandWork, HandWorkGiven, WorkState
from backend.infra import audit
from backend.infra.crypto import KeyRing, seal
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderLineId, UserId

KEY_PURPOSE: Final = "hand_work"


async def get_work(tx: Tx, line_id: OrderLineId) -> HandWork:
    """What is, or was, prepared for a line. Raises NotFound."""
    return await hand_work.get_work(tx, line_id)


async def lock_open(tx: Tx, line_id: OrderLineId) -> Taken:
    """An item that is still to be prepared, locked. Raises NotFound, WorkEnded, WorkRefunded."""
    item = await hand_work.lock_item(tx, line_id)
    if item.state is WorkState.CANCELLED:
        raise WorkRefunded()
    if item.state is not WorkState.OPEN:
        raise WorkEnded()
    return item


async def hand_over(tx: Tx, line_id: OrderLineId, to: UserId, by: UserId | None) -> None:
    """Have another admin prepare a line from now on, who is told so. Raises NotFound, WorkEnded, WorkRefunded."""
    item = await lock_open(tx, line_id)
    if item.taken_by == to:
        return
    await hand_work.set_taken(tx, line_id, to)
    if to != by:
        tx.emit(HandWorkGiven(line_id=line_id, to=to, by=by))
    over = {"over": str(item.taken_by)} if item.taken_by else {}
    await audit.record(tx, by, "orders.hand_over_work", f"order_line:{line_id}", {"to": str(to), **over})
    tx.signal(WORK_TOPIC)


async def deliver_text(tx: Tx, ring: KeyRing, line_id: OrderLineId, item: Taken, by: UserId | None, text: str) -> None:
    """Give a text, encrypted with a key of its own, to the buyer of a locked item."""
    data_key_id, key = await ring.create(tx, KEY_PURPOSE)
    await deliver(tx, line_id, item, by, Result(data_key_id, seal(key, text.encode(), line_id.bytes)))


async def deliver(tx: Tx, line_id: OrderLineId, item: Taken, by: UserId | None, result: Result) -> None:
    """Give what was prepared to the buyer of a locked item, and let the order know."""
    await hand_work.set_delivered(tx, line_id, by, result)
    tx.emit(LineFulfilled(line_id=line_id))
    await after_ending(tx, item)


async def after_ending(tx: Tx, item: Taken) -> None:
    """The item's place is free again: mark its product as in stock, and signal the pages that show either."""
    await after_releasing(tx, item.product_id)
    tx.signal(WORK_TOPIC)
