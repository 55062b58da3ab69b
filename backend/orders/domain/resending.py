"""Keys that an admin has sent to their buyer's chat again."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from backend.identity.types import Actor
from backend.infra import audit
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId
from backend.orders import domain
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import NoKeysToSend, SentTooOften
from backend.orders.repository import orders as repository
from backend.orders.types.bulk import RESENDS_A_DAY
from backend.orders.types.keys import KeysRequested

_ACTION: Final = "orders.resend_keys"
_DAY: Final = timedelta(hours=24)


async def resend(tx: Tx, fulfillers: Fulfillers, actor: Actor, order_id: OrderId, key: str) -> None:
    """Have the keys of an order sent to its buyer's chat again; the same ``key`` sends them once.

    Raises NotFound, NoKeysToSend, SentTooOften after RESENDS_A_DAY within 24 hours.
    """
    await repository.lock_order(tx, order_id=order_id)
    order = await domain.load(tx, fulfillers, order_id=order_id)
    if all(one.file for one in order.keys):
        raise NoKeysToSend()
    sent = await audit.list_entries(tx, _ACTION, subject=f"order:{order_id}", limit=RESENDS_A_DAY)
    if any(entry.params.get("key") == key for entry in sent):
        return
    if sum(entry.at > tx.now - _DAY for entry in sent) >= RESENDS_A_DAY:
        raise SentTooOften(limit=RESENDS_A_DAY)
    tx.emit(KeysRequested(order_id=order_id, user_id=order.user_id))
    await audit.record(tx, actor.user_id, _ACTION, f"order:{order_id}", {"key": key})
