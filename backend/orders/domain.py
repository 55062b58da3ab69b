"""Parts of an order's life that run inside somebody's transaction."""

from __future__ import annotations

from backend.catalog import domain as catalog
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.orders import repository, rules
from backend.orders.types import (
    DeliveredKey,
    OpenedKey,
    OrderStatus,
    OrderStep,
    OrderView,
    RevealChannel,
)

TOPIC = "order"
"""The signal that an order's page should look again."""


async def load(tx: Tx, *, sequence: int | None = None, order_id: OrderId | None = None) -> OrderView:
    """The order with its lines, keys (closed) and timeline. Raises NotFound."""
    row = await repository.get_order(tx, sequence=sequence, order_id=order_id)
    order_id = OrderId(row.id)
    lines = await repository.list_lines(tx, order_id, row.currency)
    keys: list[DeliveredKey] = []
    if row.status == OrderStatus.DELIVERED:
        revealed = await repository.first_reveals(tx, order_id)
        taken = await catalog.list_taken(tx, [line.id for line in lines])
        keys = [DeliveredKey(k, line, n, revealed.get(k)) for n, (line, k) in enumerate(taken, start=1)]
    return OrderView(
        id=order_id,
        number=rules.order_number(row.sequence),
        user_id=UserId(row.user_id),
        status=OrderStatus(row.status),
        total=Money(row.total_amount, row.currency),
        created_at=row.created_at,
        expires_at=row.expires_at,
        lines=lines,
        keys=keys,
        timeline=await repository.list_timeline(tx, order_id),
    )


async def open_keys(
    tx: Tx, ring: KeyRing, order: OrderView, *, by: UserId | None, channel: RevealChannel, ordinal: int | None = None
) -> list[OpenedKey]:
    """The order's keys in plain text (one, or all), each opening logged. ``by`` is None for the first delivery."""
    chosen = [key for key in order.keys if ordinal in {None, key.ordinal}]
    texts = await catalog.open_keys(tx, ring, [key.id for key in chosen])
    await repository.add_reveals(tx, order.id, [key.id for key in chosen], by, channel)
    lines = {line.id: line for line in order.lines}
    return [
        OpenedKey(key.ordinal, lines[key.line_id].name, lines[key.line_id].variant_name, text)
        for key, text in zip(chosen, texts, strict=True)
    ]


async def close_unpaid(tx: Tx, order_id: OrderId, status: OrderStatus, step: OrderStep, by: UserId | None) -> None:
    """End an order that waits for money and give its goods back to the shop. The caller holds its lock."""
    row = await repository.get_order(tx, order_id=order_id)
    for line in await repository.list_lines(tx, order_id, row.currency):
        await catalog.release_reserved(tx, line.id)
    await repository.set_status(tx, order_id, status)
    await repository.add_events(tx, order_id, [step], by)
    tx.signal(TOPIC, order_id)
