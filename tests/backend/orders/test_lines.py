"""Orders of several lines and two kinds of goods: all or none, and always locked in the same order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from backend.catalog.errors import SoldOut
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid, NotFound
from backend.orders.domain import settling
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import IdempotencyKeyReused
from backend.orders.repository import orders as repository
from backend.orders.types import NotApplied, NotAppliedReason, OrderStatus, RequestedLine
from tests.backend.orders.two_kinds import Shop, some
from tests.factories.shop import add_goods
from tests.factories.wallet import usd
from tests.fakes.fulfiller import FakeGoods


@pytest.fixture
async def shop(uow: UnitOfWork, ring: KeyRing) -> Shop:
    """The shop."""
    shop = Shop(uow, ring)
    await shop.open()
    return shop


async def test_a_purchase_of_two_kinds_is_one_order(shop: Shop) -> None:
    lines = some((shop.fakes[0], 2), (shop.keys[0], 2), (shop.fakes[1], 1))
    order = await shop.orders.checkout.place_all(shop.buyer, lines, "two-kinds-1", confirmed=usd(1850))
    assert [line.quantity for line in order.lines] == [2, 2, 1]
    assert [key.ordinal for key in order.keys] == [1, 2, 3, 4]
    assert order == await shop.orders.history.detail(shop.buyer, order.number)
    assert await shop.orders.checkout.place_all(shop.buyer, lines, "two-kinds-1") == order
    texts = [one.text for one in await shop.orders.delivery.open_file(shop.buyer, order.number)]
    assert texts[1:3] == shop.keys[0].keys[:2]
    assert [texts[0][:4], texts[3][:4]] == ["fake", "fake"]
    assert await shop.left() == [1, 3, 1, 2]
    async with shop.uow() as tx:
        memo = (await tx.execute(text("SELECT memo FROM ledger_transfers WHERE kind = 'purchase'"))).scalar_one()
    assert memo["title"]["en"] == "Private VPN key +2"
    assert "quantity" not in memo


async def test_another_wish_with_the_same_key_is_refused(shop: Shop) -> None:
    lines = some((shop.fakes[0], 1), (shop.keys[0], 1))
    await shop.orders.checkout.place_all(shop.buyer, lines, "two-kinds-1")
    for other in (lines[:1], some((shop.fakes[0], 1), (shop.keys[0], 2)), some((shop.fakes[0], 1), (shop.keys[1], 1))):
        with pytest.raises(IdempotencyKeyReused):
            await shop.orders.checkout.place_all(shop.buyer, other, "two-kinds-1")


async def test_no_lines_and_one_variant_twice_are_invalid(shop: Shop) -> None:
    for lines in ([], some((shop.keys[0], 1), (shop.keys[0], 1))):
        with pytest.raises(Invalid):
            await shop.orders.checkout.place_all(shop.buyer, lines, "not-an-order")
        with pytest.raises(Invalid):
            await shop.orders.checkout.reserve_all(shop.buyer, lines, "not-an-order")


async def test_one_line_sold_out_takes_nothing(shop: Shop) -> None:
    for lines in (some((shop.fakes[0], 1), (shop.keys[0], 4)), some((shop.fakes[0], 4), (shop.keys[0], 1))):
        with pytest.raises(SoldOut) as refusal:
            await shop.orders.checkout.place_all(shop.buyer, lines, "one-too-many")
        assert refusal.value.params == {"available": 3}
        assert refusal.value.line_id is not None
        with pytest.raises(SoldOut):
            await shop.orders.checkout.reserve_all(shop.buyer, lines, "one-too-many")
    assert await shop.left() == [3, 3, 3, 3]


async def test_lines_are_locked_in_one_order_whatever_theirs(shop: Shop) -> None:
    first, second = sorted((goods.variant_id for goods in shop.fakes), key=lambda one: product(shop, one))
    for number, pair in enumerate([(first, second), (second, first)]):
        ref = await shop.orders.checkout.reserve_all(
            shop.buyer, [RequestedLine(one, 1) for one in pair], f"either-way-{number}"
        )
        await shop.orders.reservations.cancel(shop.buyer, ref.number)
        await shop.orders.checkout.place_all(shop.buyer, [RequestedLine(one, 1) for one in pair], f"bought-{number}")
    assert shop.fake.asked == [(verb, [first, second]) for verb in ("reserve", "release", "deliver") * 2]


def product(shop: Shop, variant: object) -> object:
    return next(goods.product_id for goods in shop.fakes if goods.variant_id == variant)


async def _expired(shop: Shop) -> str:
    """An order of two kinds that has ended unpaid, both of which are back in the stock."""
    lines = some((shop.fakes[0], 2), (shop.keys[0], 2))
    ref = await shop.orders.checkout.reserve_all(shop.buyer, lines, "to-be-late")
    await shop.orders.reservations.cancel(shop.buyer, ref.number)
    assert await shop.left() == [3, 3, 3, 3]
    return ref.number


@pytest.mark.parametrize("gone", ["fake", "keys", "nothing"])
async def test_late_money_has_all_lines_or_none(shop: Shop, gone: str) -> None:
    number = await _expired(shop)
    if gone != "nothing":
        goods = shop.fakes[0] if gone == "fake" else shop.keys[0]
        await shop.orders.checkout.place_all(shop.buyer, some((goods, 2)), "bought-it-away")
    before = await shop.left()
    view = await shop.orders.history.detail(shop.buyer, number)
    async with shop.uow() as tx:
        order = await repository.lock_order(tx, order_id=view.id)
        jobs, signals = len(tx.jobs), len(tx.signals)
        why = await settling.pay_late(tx, shop.fulfillers, order, timedelta(0))
        if why is not None:
            assert (len(tx.jobs), len(tx.signals)) == (jobs, signals)
    view = await shop.orders.history.detail(shop.buyer, number)
    if gone == "nothing":
        assert (why, view.status, len(view.keys)) == (None, OrderStatus.DELIVERED, 3)
        assert await shop.left() == [1, 3, 1, 3]
    else:
        missing = view.lines[0 if gone == "fake" else 1].id
        assert (why, view.status) == (NotApplied(NotAppliedReason.SOLD_OUT, missing), OrderStatus.CANCELLED)
        assert await shop.left() == before


async def test_a_kind_that_nobody_fulfils_is_not_for_sale(shop: Shop) -> None:
    async with shop.uow() as tx:
        goods = await add_goods(tx, shop.ring, keys=0, kind="unheard_of")
    with pytest.raises(NotFound):
        await shop.orders.checkout.place(shop.buyer, goods.variant_id, 1, "unheard-of-1")
    with pytest.raises(ValueError, match="one kind"):
        Fulfillers([FakeGoods(), FakeGoods()])
