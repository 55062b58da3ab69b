"""What the chat says of orders of several lines."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from backend.catalog.types.fulfilment import LineFailed, LineFulfilled
from backend.identity.types import Actor
from backend.kernel.ids import OrderLineId
from backend.orders.types import NotAppliedReason, OrderPaymentKept, OrderView, RefundTarget, RequestedLine
from backend.orders.types.lines import LineQuantity
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, Telegram
from tests.factories.shop import Goods

RENAME = "UPDATE order_lines SET name = CAST(:name AS jsonb) WHERE id = :id"


async def _two(shop: Shop) -> tuple[OrderView, Goods, Goods]:
    """Two keys and one key, whose lines are called Coffee and Tea."""
    first, second, buyer = await shop.goods(keys=3), await shop.goods(keys=3), await shop.buyer()
    lines = [RequestedLine(first.variant_id, 2), RequestedLine(second.variant_id, 1)]
    order = await shop.services.orders.checkout.place_all(buyer, lines, "two-lines-0001")
    async with shop.services.uow() as tx:
        for line, name in zip(order.lines, ('{"en": "Coffee"}', '{"en": "Tea"}'), strict=True):
            await tx.execute(text(RENAME), {"name": name, "id": line.id})
    return order, first, second


async def _pending(shop: Shop, line_id: OrderLineId) -> None:
    """The line as a kind that takes its time leaves it."""
    async with shop.services.uow() as tx:
        await tx.execute(text("UPDATE order_lines SET status = 'pending' WHERE id = :id"), {"id": line_id})
        await tx.execute(text("UPDATE orders SET status = 'paid'"))


async def test_keys_stand_below_the_name_of_their_line(shop: Shop, telegram: Telegram) -> None:
    _, first, second = await _two(shop)
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    said = message["text"]
    names, keys = [said.rindex("Coffee"), said.rindex("Tea")], [said.index(key) for key in first.keys[:2]]
    places = [names[0], *keys, names[1], said.index(second.keys[0])]
    assert places == sorted(places)
    assert said.count("Coffee") == said.count("Tea") == 2


async def test_what_takes_its_time_is_announced_and_comes_by_itself(shop: Shop, telegram: Telegram) -> None:
    order, first, second = await _two(shop)
    await _pending(shop, order.lines[1].id)
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    assert f"{order.number} paid" in message["text"]
    assert "In preparation" in message["text"]
    assert first.keys[0] in message["text"]
    assert second.keys[0] not in message["text"]
    async with shop.services.uow() as tx:
        tx.emit(LineFulfilled(line_id=order.lines[1].id))
    await shop.work()
    _, ready = await telegram.person(EMMA).heard()
    assert "is ready" in ready["text"]
    assert "Tea" in ready["text"]
    assert second.keys[0] in ready["text"]
    assert first.keys[0] not in ready["text"]


async def test_what_fails_is_refunded_with_its_name_and_the_reason(shop: Shop, telegram: Telegram) -> None:
    order, *_ = await _two(shop)
    await _pending(shop, order.lines[1].id)
    async with shop.services.uow() as tx:
        tx.emit(LineFailed(line_id=order.lines[1].id, reason="Out <of> season"))
    await shop.work()
    said = [message["text"] for message in await telegram.person(EMMA).heard() if "Refund" in message["text"]]
    assert len(said) == 1
    assert "Tea" in said[0]
    assert "Coffee" not in said[0]
    assert "Out <of> season" in said[0]
    assert "$7.20" in said[0]


async def test_a_refund_names_the_lines_that_were_chosen(shop: Shop, telegram: Telegram) -> None:
    order, *_ = await _two(shop)
    await shop.services.orders.refunds.refund(
        Actor.system(), order.number, [LineQuantity(order.lines[0].id, 2)], RefundTarget.WALLET, "why",
        idempotency_key="refund-1",
    )  # fmt: skip
    await shop.work()
    said = [message["text"] for message in await telegram.person(EMMA).heard() if "Refund" in message["text"]]
    assert len(said) == 1
    assert "Coffee" in said[0]
    assert "× 2" in said[0]
    assert "Tea" not in said[0]


@pytest.mark.parametrize("place", [0, 1])
async def test_money_that_came_too_late_says_which_line_is_gone(shop: Shop, telegram: Telegram, place: int) -> None:
    order, *_ = await _two(shop)
    async with shop.services.uow() as tx:
        tx.emit(
            OrderPaymentKept(
                order_id=order.id, user_id=order.user_id, amount=500, currency="USD",
                why=NotAppliedReason.SOLD_OUT, line_id=order.lines[place].id,
            )
        )  # fmt: skip
    await shop.work()
    (said,) = [m["text"] for m in await telegram.person(EMMA).heard() if "added to your balance" in m["text"]]
    assert ("Coffee" in said, "Tea" in said) == (place == 0, place == 1)
