"""Functions of orders that run inside the caller's transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from backend.catalog.types.fulfilment import FulfilmentLine, Item
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderId, OrderLineId, UserId
from backend.kernel.money import Money
from backend.orders import rules
from backend.orders.domain import money
from backend.orders.domain.lines import Fulfillers
from backend.orders.repository import lines as line_rows
from backend.orders.repository import lists
from backend.orders.repository import orders as repository
from backend.orders.types import OrderLine, OrderStatus, OrderView
from backend.orders.types.keys import DeliveredKey, OpenedKey, RevealChannel
from backend.orders.types.lines import LineStatus
from backend.wallet import domain as wallet

_MOST_NAMED = 5
TOPIC = "order"
"""The signal that an order's page should reload."""


async def load(
    tx: Tx, fulfillers: Fulfillers, *, sequence: int | None = None, order_id: OrderId | None = None
) -> OrderView:
    """The order with its lines, keys (closed) and timeline. Raises NotFound."""
    order, goods = await _read(tx, sequence, order_id)
    goods = shown_goods(order.lines, goods)
    return replace(order, keys=keys_of(goods, await fulfillers.items(tx, goods))) if goods else order


async def load_without_keys(tx: Tx, order_id: OrderId) -> OrderView:
    """The order with its lines and timeline; ``keys`` is empty. Raises NotFound."""
    order, _ = await _read(tx, None, order_id)
    return order


async def load_line(tx: Tx, line_id: OrderLineId) -> tuple[OrderView, OrderLine]:
    """One line and its order, as load_without_keys does. Raises NotFound."""
    order_id = await line_rows.find_order_id(tx, line_id)
    if order_id is None:
        raise NotFound("no such line of an order")
    order = await load_without_keys(tx, order_id)
    return order, next(line for line in order.lines if line.id == line_id)


def shown_goods(lines: Iterable[OrderLine], goods: Iterable[FulfilmentLine]) -> list[FulfilmentLine]:
    """Those of an order's goods whose buyer may open them: delivered, and not all of the line refunded."""
    shown = {line.id for line in lines if line.status is LineStatus.DELIVERED and line.unrefunded}
    return [line for line in goods if line.id in shown]


def keys_of(goods: Sequence[FulfilmentLine], items: Iterable[Item]) -> list[DeliveredKey]:
    """The items of an order's lines, counted from 1 in the order given."""
    lines = {line.id: line for line in goods}
    listed = list(items)
    count = Counter(one.line_id for one in listed)
    return [
        DeliveredKey(
            id=one.id,
            kind=lines[one.line_id].kind,
            line_id=one.line_id,
            ordinal=ordinal,
            uses=lines[one.line_id].quantity if count[one.line_id] == 1 else 1,
            file=one.file,
        )
        for ordinal, one in enumerate(listed, start=1)
    ]


async def _read(tx: Tx, sequence: int | None, order_id: OrderId | None) -> tuple[OrderView, Sequence[FulfilmentLine]]:
    order = await repository.get_order(tx, sequence=sequence, order_id=order_id)
    order_id = order.id
    lines, goods = await line_rows.list_lines(tx, order)
    held = await wallet.find_hold(tx, money.purpose(order_id)) if order.status is OrderStatus.AWAITING_PAYMENT else None
    view = OrderView(
        id=order_id,
        number=rules.order_number(order.sequence),
        user_id=order.user_id,
        status=order.status,
        total=order.total,
        created_at=order.created_at,
        expires_at=order.expires_at,
        lines=lines,
        keys=[],
        timeline=await repository.list_timeline(tx, order),
        held=held.amount if held is not None and held.open else Money.zero(order.total.currency),
        refunded=order.refunded,
    )
    return view, goods


async def find_named(tx: Tx, user_id: UserId, text: str) -> OrderId | None:
    """The first order of this person whose number stands in ``text``."""
    for sequence in rules.numbers_in(text)[:_MOST_NAMED]:
        order = await lists.find_row(tx, sequence)
        if order is not None and order.buyer_id == user_id:
            return order.id
    return None


async def order_numbers(tx: Tx, ids: Iterable[OrderId]) -> dict[OrderId, str]:
    """The numbers of those orders in ``ids`` that exist."""
    return await lists.numbers(tx, ids)


async def find_order_id(tx: Tx, number: str) -> OrderId | None:
    """The order that a number means, however it was typed; None without one."""
    sequence = rules.parse_order_number(number)
    order = None if sequence is None else await lists.find_row(tx, sequence)
    return None if order is None else order.id


async def open_keys(
    tx: Tx,
    fulfillers: Fulfillers,
    order: OrderView,
    *,
    by: UserId | None,
    channel: RevealChannel,
    ordinal: int | None = None,
    line_id: OrderLineId | None = None,
) -> list[OpenedKey]:
    """The order's keys in plain text (one, a line's, or all), each opening logged; no files.

    ``by`` is None for the first delivery.
    """
    chosen = [
        key
        for key in order.keys
        if key.file is None and ordinal in {None, key.ordinal} and line_id in {None, key.line_id}
    ]
    texts = await fulfillers.open(tx, [(key.kind, key.id) for key in chosen])
    await repository.add_reveals(tx, order.id, [key.id for key in chosen], by, channel)
    lines = {line.id: line for line in order.lines}
    return [
        OpenedKey(key.ordinal, line.name, line.variant_name, line.country, text, key.uses, key.kind)
        for line, key, text in zip((lines[key.line_id] for key in chosen), chosen, texts, strict=True)
    ]
