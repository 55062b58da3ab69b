"""Refunds of single lines: never more than was paid for one, and together exactly what was paid for all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid
from backend.kernel.ids import OrderLineId, new_id
from backend.kernel.money import Money
from backend.orders.errors import IdempotencyKeyReused
from backend.orders.rules.refunds import shares_of_amount, shares_of_lines
from backend.orders.types import OrderLine, OrderStatus, OrderStep, OrderView, RefundTarget
from backend.orders.types.lines import LineQuantity, LineRefund, LineStatus, sum_of
from backend.orders.types.prices import PricedLine
from backend.payments.errors import RefundTooMuch
from tests.backend.orders.two_kinds import Shop, some
from tests.factories.wallet import usd

ADMIN, WALLET = Actor.system(), RefundTarget.WALLET


def line(quantity: int, total: int, refunded: int = 0, refunded_quantity: int = 0) -> OrderLine:
    price = PricedLine(unit_price=usd(0), quantity=quantity, parts=(), total=usd(total))
    return OrderLine(
        OrderLineId(new_id()), "", {}, {}, "", "", None, None, price,
        LineStatus.DELIVERED, usd(refunded), refunded_quantity,
    )  # fmt: skip


def after(lines: list[OrderLine], shares: tuple[LineRefund, ...]) -> list[OrderLine]:
    back = {share.line_id: share for share in shares}
    return [
        line(
            one.quantity,
            one.price.total.amount,
            one.refunded.amount + (back[one.id].amount.amount if one.id in back else 0),
            one.refunded_quantity + (back[one.id].quantity if one.id in back else 0),
        )
        for one in lines
    ]


LINES = st.lists(st.builds(line, st.integers(1, 999), st.integers(0, 10**15)), min_size=1, max_size=8).filter(
    lambda lines: any(one.left for one in lines)
)


@given(LINES, st.data())
def test_amounts_are_shared_out_exactly_and_their_sum_is_the_whole(lines: list[OrderLine], data: st.DataObject) -> None:
    while left := sum(one.left.amount for one in lines):
        amount = usd(data.draw(st.integers(max(1, left // 3), left)))
        shares = shares_of_amount(lines, amount)
        assert sum_of(shares) == amount
        lines = after(lines, shares)
        assert all(one.refunded <= one.price.total for one in lines)
    assert all(one.unrefunded == 0 for one in lines)


@given(st.integers(1, 999), st.integers(0, 10**6), st.data())
def test_units_of_a_line_differ_by_one_at_most_and_come_to_its_price(
    quantity: int, total: int, data: st.DataObject
) -> None:
    lines, back = [line(quantity, total)], 0
    while lines[0].unrefunded:
        units = data.draw(st.integers(max(1, lines[0].unrefunded // 2), lines[0].unrefunded))
        (share,) = shares_of_lines(lines, [LineQuantity(lines[0].id, units)])
        assert abs(share.amount.amount - total * units // quantity) <= 1
        back += share.amount.amount
        lines = after(lines, (share,))
    assert back == total


def test_ten_per_cent_off_is_ten_per_cent_less_back() -> None:
    """6.00 and 4.00 less ten per cent: the first gives 5.40 back; 18 of 20, then 2, are all that was paid."""
    first, second = line(1, 540), line(1, 360)
    assert sum_of(shares_of_lines([first, second], [LineQuantity(first.id, 1)])) == usd(540)
    twenty = line(20, 999)
    most = shares_of_lines([twenty], [LineQuantity(twenty.id, 18)])
    (left,) = after([twenty], most)
    assert sum_of(most) + sum_of(shares_of_lines([left], [LineQuantity(left.id, 2)])) == usd(999)


def test_what_went_back_as_an_amount_is_not_given_twice() -> None:
    both = line(2, 1000, refunded=600)
    assert sum_of(shares_of_lines([both], [LineQuantity(both.id, 2)])) == usd(400)


def test_shares_that_are_none() -> None:
    one, other = line(2, 100), line(2, 100, refunded=50, refunded_quantity=1)
    for requested in ([], [LineQuantity(one.id, 1)] * 2, [LineQuantity(OrderLineId(new_id()), 1)]):
        with pytest.raises(Invalid):
            shares_of_lines([one, other], requested)
    for line_id, quantity in ((one.id, 0), (one.id, -1), (one.id, 3), (other.id, 2), (one.id, 2**63)):
        with pytest.raises(RefundTooMuch):
            shares_of_lines([one, other], [LineQuantity(line_id, quantity)])


@pytest.fixture
async def shop(uow: UnitOfWork, ring: KeyRing) -> Shop:
    """The shop."""
    shop = Shop(uow, ring)
    await shop.open()
    return shop


@pytest.fixture
async def sold(shop: Shop) -> OrderView:
    """Three keys for 21.00, two of the fake kind for 3.00."""
    return await shop.orders.checkout.place_all(shop.buyer, some((shop.keys[0], 3), (shop.fakes[0], 2)), "sold-both-1")


async def back(shop: Shop, order: OrderView, *requested: tuple[int, int], key: str) -> OrderView:
    lines = [LineQuantity(order.lines[place].id, quantity) for place, quantity in requested]
    return await shop.orders.refunds.refund(ADMIN, order.number, lines, WALLET, "broken", idempotency_key=key)


async def test_one_line_goes_back_and_the_other_stays(shop: Shop, sold: OrderView) -> None:
    requested = [LineQuantity(sold.lines[1].id, 2)]
    assert await shop.orders.refunds.amount_of(ADMIN, sold.number, requested) == usd(300)
    order = await back(shop, sold, (1, 2), key="refund-1")
    assert (order.status, order.refunded, await shop.balance()) == (OrderStatus.DELIVERED, usd(300), 7900)
    assert [(one.refunded, one.refunded_quantity) for one in order.lines] == [(usd(0), 0), (usd(300), 2)]
    assert {key.line_id for key in order.keys} == {sold.lines[0].id}
    assert await shop.left() == [0, 3, 3, 3]
    entry = order.timeline[-1]
    assert (entry.step, entry.line_id, entry.quantity, entry.amount) == (
        OrderStep.PARTIALLY_REFUNDED, sold.lines[1].id, 2, usd(300)
    )  # fmt: skip
    (done,) = (await shop.orders.refunds.refundable(ADMIN, sold.number)).done
    assert done.shares == (LineRefund(sold.lines[1].id, 2, usd(300)),)
    await shop.proven()


async def test_unit_by_unit_until_nothing_is_left(shop: Shop, sold: OrderView) -> None:
    await back(shop, sold, (0, 2), (1, 1), key="refund-1")
    assert await shop.balance() == 7600 + 1400 + 150
    for place, quantity in ((0, 2), (1, 2)):
        with pytest.raises(RefundTooMuch):
            await back(shop, sold, (place, quantity), key="refund-2")
    order = await back(shop, sold, (0, 1), (1, 1), key="refund-3")
    assert (order.status, order.keys, await shop.balance()) == (OrderStatus.REFUNDED, [], 10_000)
    assert [entry.step for entry in order.timeline][-3:] == [OrderStep.PARTIALLY_REFUNDED] * 2 + [OrderStep.REFUNDED]
    assert await shop.left() == [0, 3, 3, 3]
    with pytest.raises(RefundTooMuch):
        await back(shop, sold, (0, 1), key="refund-4")
    await shop.proven()


async def test_an_amount_is_shared_out_and_the_rest_takes_all_goods_back(shop: Shop, sold: OrderView) -> None:
    part = await shop.orders.refunds.refund(ADMIN, sold.number, usd(100), WALLET, "sorry", idempotency_key="refund-1")
    assert [(one.refunded.amount, one.refunded_quantity) for one in part.lines] == [(88, 0), (12, 0)]
    assert len(part.keys) == 4
    assert await shop.left() == [0, 3, 1, 3]
    whole = await shop.orders.refunds.refund(ADMIN, sold.number, usd(2300), WALLET, "all", idempotency_key="refund-2")
    assert (whole.status, [one.unrefunded for one in whole.lines]) == (OrderStatus.REFUNDED, [0, 0])
    assert await shop.left() == [0, 3, 3, 3]


async def test_the_same_key_again_is_the_same_refund_or_a_conflict(shop: Shop, sold: OrderView) -> None:
    order = await back(shop, sold, (0, 1), key="refund-1")
    assert await back(shop, sold, (0, 1), key="refund-1") == order
    for requested in ([(0, 2)], [(1, 1)], [(0, 1), (1, 1)]):
        with pytest.raises(IdempotencyKeyReused):
            await back(shop, sold, *requested, key="refund-1")
    with pytest.raises(IdempotencyKeyReused):
        await shop.orders.refunds.refund(ADMIN, sold.number, Money(1, "USD"), WALLET, "x", idempotency_key="refund-1")
    assert await shop.balance() == 7600 + 700


async def test_refunded_goods_no_longer_count_against_a_limit(shop: Shop, sold: OrderView) -> None:
    async with shop.uow() as tx:
        await tx.execute(
            text("UPDATE variants SET per_person_limit = 2 WHERE id = :id"), {"id": shop.fakes[0].variant_id}
        )
    await back(shop, sold, (1, 1), key="refund-1")
    await shop.orders.checkout.place_all(shop.buyer, some((shop.fakes[0], 1)), "within-limit")


async def test_the_database_refuses_more_back_than_a_line_cost(shop: Shop, sold: OrderView) -> None:
    for change in ("refunded_amount = total_amount + 1", "refunded_quantity = quantity + 1", "refunded_amount = -1"):
        with pytest.raises(Exception, match="never_more_back"):
            async with shop.uow() as tx:
                await tx.execute(text(f"UPDATE order_lines SET {change}"))
