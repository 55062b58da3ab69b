"""Goods that take their time: paid now, delivered or failed later, line by line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.orders.domain import settling
from backend.orders.errors import OrderNotPayable
from backend.orders.repository import orders as repository
from backend.orders.types import OrderStatus, OrderStep, RefundTarget
from backend.orders.types.lines import LineQuantity, LineStatus
from tests.backend.orders.two_kinds import Shop, some, states
from tests.factories.wallet import usd

PENDING, DELIVERED, FAILED = LineStatus.PENDING, LineStatus.DELIVERED, LineStatus.FAILED


@pytest.fixture
async def shop(uow: UnitOfWork, ring: KeyRing) -> Shop:
    """Its fake goods are delivered later."""
    shop = Shop(uow, ring, slow=True)
    await shop.open()
    return shop


async def test_an_order_is_paid_until_its_last_line_is_delivered(shop: Shop) -> None:
    lines = some((shop.fakes[0], 1), (shop.keys[0], 2), (shop.fakes[1], 1))
    order = await shop.orders.checkout.place_all(shop.buyer, lines, "slow-and-fast")
    assert order == await shop.view(order.number)
    assert (order.status, states(order), len(order.keys)) == (OrderStatus.PAID, [PENDING, DELIVERED, PENDING], 2)
    assert [entry.step for entry in order.timeline] == [OrderStep.PLACED, OrderStep.PAID]
    assert await shop.orders.checkout.place_all(shop.buyer, lines, "slow-and-fast") == order
    await shop.end_line(order.lines[0].id)
    half = await shop.view(order.number)
    assert (half.status, states(half), len(half.keys)) == (OrderStatus.PAID, [DELIVERED, DELIVERED, PENDING], 3)
    await shop.end_line(order.lines[2].id)
    whole = await shop.view(order.number)
    assert (whole.status, len(whole.keys)) == (OrderStatus.DELIVERED, 4)
    late = OrderStep.LINE_DELIVERED
    assert [entry.step for entry in whole.timeline][2:] == [late, late, OrderStep.DELIVERED]
    assert [entry.line_id for entry in whole.timeline][2:] == [order.lines[0].id, order.lines[2].id, None]
    await shop.proven()


async def test_a_reserved_order_is_paid_likewise(shop: Shop) -> None:
    ref = await shop.orders.checkout.reserve_all(shop.buyer, some((shop.fakes[0], 1)), "slow-only-1")
    assert states(await shop.view(ref.number)) == [LineStatus.RESERVED]
    for _ in range(2):
        await shop.orders.settlement.pay(shop.buyer, ref.number)
    paid = await shop.view(ref.number)
    assert (paid.status, states(paid), await shop.balance()) == (OrderStatus.PAID, [PENDING], 9850)
    with pytest.raises(OrderNotPayable):
        await shop.orders.reservations.cancel(shop.buyer, ref.number)
    await shop.end_line(paid.lines[0].id)
    done = await shop.view(ref.number)
    assert (done.status, [entry.step for entry in done.timeline][-2:]) == (
        OrderStatus.DELIVERED, [OrderStep.PAID, OrderStep.DELIVERED]
    )  # fmt: skip


async def test_late_money_pays_it_too(shop: Shop) -> None:
    ref = await shop.orders.checkout.reserve_all(shop.buyer, some((shop.fakes[0], 1), (shop.keys[0], 1)), "slow-late-1")
    await shop.orders.reservations.cancel(shop.buyer, ref.number)
    released = await shop.view(ref.number)
    assert states(released) == [LineStatus.RELEASED] * 2
    async with shop.uow() as tx:
        order = await repository.lock_order(tx, order_id=released.id)
        assert await settling.pay_late(tx, shop.fulfillers, order, timedelta(0)) is None
    paid = await shop.view(ref.number)
    assert (paid.status, states(paid)) == (OrderStatus.PAID, [PENDING, DELIVERED])


async def test_a_line_that_fails_is_refunded_and_the_rest_stays(shop: Shop) -> None:
    order = await shop.orders.checkout.place_all(
        shop.buyer, some((shop.fakes[0], 2), (shop.keys[0], 1), (shop.fakes[1], 1)), "one-fails-1"
    )
    await shop.end_line(order.lines[0].id, "the maker is closed")
    half = await shop.view(order.number)
    assert (half.status, states(half), half.refunded) == (OrderStatus.PAID, [FAILED, DELIVERED, PENDING], usd(300))
    assert (half.lines[0].failure, half.lines[0].refunded_quantity) == ("the maker is closed", 2)
    assert await shop.balance() == 10_000 - 1150 + 300
    failed = [
        (entry.step, entry.quantity, entry.amount) for entry in half.timeline if entry.line_id == half.lines[0].id
    ]
    assert failed == [(OrderStep.LINE_FAILED, None, None), (OrderStep.PARTIALLY_REFUNDED, 2, usd(300))]
    await shop.end_line(order.lines[2].id)
    assert (await shop.view(order.number)).status is OrderStatus.DELIVERED
    await shop.proven()


async def test_an_order_whose_only_line_fails_is_refunded(shop: Shop) -> None:
    order = await shop.orders.checkout.place_all(shop.buyer, some((shop.fakes[0], 1)), "it-fails-1")
    await shop.end_line(order.lines[0].id, "sold elsewhere")
    done = await shop.view(order.number)
    assert (done.status, done.refunded, await shop.balance()) == (OrderStatus.REFUNDED, usd(150), 10_000)
    assert await shop.left() == [3, 3, 3, 3]


async def test_a_free_line_that_fails_refunds_nothing(shop: Shop) -> None:
    async with shop.uow() as tx:
        gift = await shop.give_away(tx)
    for number, more in enumerate(([], [(shop.keys[0], 1)])):
        order = await shop.orders.checkout.place_all(shop.buyer, some((gift, 1), *more), f"free-fails-{number}")
        await shop.end_line(order.lines[0].id, "no longer made")
        done = await shop.view(order.number)
        assert done.status is (OrderStatus.DELIVERED if more else OrderStatus.REFUNDED)
        assert (states(done)[0], done.refunded) == (FAILED, usd(0))


async def test_what_an_admin_refunded_is_not_delivered_any_more(shop: Shop) -> None:
    order = await shop.orders.checkout.place_all(shop.buyer, some((shop.fakes[0], 2), (shop.keys[0], 1)), "too-slow-1")
    line = order.lines[0].id
    for number, status in enumerate([OrderStatus.PAID, OrderStatus.DELIVERED]):
        order = await shop.orders.refunds.refund(
            Actor.system(), order.number, [LineQuantity(line, 1)], RefundTarget.WALLET, "slow",
            idempotency_key=f"refund-{number}",
        )  # fmt: skip
        assert order.status is status
    assert states(order) == [FAILED, DELIVERED]
    assert await shop.left() == [2, 3, 3, 3]
    await shop.end_line(line)
    assert await shop.view(order.number) == order
    assert await shop.balance() == 10_000 - 700
