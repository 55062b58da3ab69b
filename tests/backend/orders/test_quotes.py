"""What fulfillers say before a purchase: what was paid before is counted, a refusal is told and enforced."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.catalog.errors import PurchaseRefused
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.orders.domain import carts, settling
from backend.orders.errors import PriceChanged
from backend.orders.repository import orders as repository
from backend.orders.types import NotApplied, NotAppliedReason, OrderRef, OrderStatus
from backend.orders.types.cart import Cart, CartState
from backend.orders.types.prices import PartKind
from tests.backend.orders.two_kinds import Shop, some
from tests.factories.wallet import USD, usd


class OncePerPerson(PurchaseRefused):
    """The buyer has one."""

    code = "once_per_person"


@pytest.fixture
async def shop(uow: UnitOfWork, ring: KeyRing) -> Shop:
    """The shop."""
    shop = Shop(uow, ring)
    await shop.open()
    return shop


async def test_what_was_paid_before_counts(shop: Shop) -> None:
    upgrade, other = shop.fakes
    shop.fake.answers[upgrade.variant_id] = usd(100)
    quote = await shop.orders.checkout.quote(shop.buyer, upgrade.variant_id, 1)
    assert quote.due.total == usd(50)
    assert quote.line.price.part(PartKind.ALREADY_PAID) == -100
    order = await shop.orders.checkout.place_all(
        shop.buyer, some((upgrade, 1), (other, 1)), "upgraded", confirmed=usd(200)
    )
    assert ([line.price.total for line in order.lines], order.total) == ([usd(50), usd(150)], usd(200))
    assert await shop.balance() == 9800
    assert order == await shop.view(order.number)
    await shop.proven()


async def test_more_than_the_price_was_paid_before(shop: Shop) -> None:
    shop.fake.answers[shop.fakes[0].variant_id] = usd(9000)
    order = await shop.orders.checkout.place_all(shop.buyer, some((shop.fakes[0], 1)), "for-nothing")
    assert (order.total, await shop.balance()) == (usd(0), 10_000)


async def test_a_refusal_is_told_before_paying_and_enforced(shop: Shop) -> None:
    refused = shop.fakes[0]
    shop.fake.answers[refused.variant_id] = OncePerPerson()
    with pytest.raises(OncePerPerson):
        await shop.orders.checkout.quote(shop.buyer, refused.variant_id, 1)
    for lines in (some((refused, 1)), some((shop.keys[0], 1), (refused, 1))):
        with pytest.raises(OncePerPerson):
            await shop.orders.checkout.place_all(shop.buyer, lines, "not-twice")
        with pytest.raises(OncePerPerson):
            await shop.orders.checkout.reserve_all(shop.buyer, lines, "not-twice")
    assert (await shop.left(), await shop.balance()) == ([3, 3, 3, 3], 10_000)


async def test_a_replay_of_a_purchase_is_the_purchase(shop: Shop) -> None:
    lines = some((shop.fakes[0], 1))
    order = await shop.orders.checkout.place_all(shop.buyer, lines, "the-first")
    shop.fake.answers[shop.fakes[0].variant_id] = OncePerPerson()
    assert await shop.orders.checkout.place_all(shop.buyer, lines, "the-first") == order


async def _cart(shop: Shop) -> Cart:
    async with shop.uow.read() as tx:
        return await carts.load(tx, shop.fulfillers, shop.buyer.id, USD, reseller=False, premium=False)


async def test_a_cart_shows_both(shop: Shop) -> None:
    for goods in shop.fakes:
        await shop.orders.cart.add(shop.buyer, goods.variant_id, 1)
    refusal = OncePerPerson()
    shop.fake.answers = {shop.fakes[0].variant_id: refusal, shop.fakes[1].variant_id: usd(100)}
    cart = await _cart(shop)
    assert [(line.state, line.refusal) for line in cart.unavailable] == [(CartState.REFUSED, refusal)]
    assert ([line.offer.variant_id for line in cart.lines], cart.total) == ([shop.fakes[1].variant_id], usd(50))
    quote = await shop.orders.cart.quote(shop.buyer)
    order = await shop.orders.checkout.place_all(
        shop.buyer, quote.cart.requested_lines, "from-the-cart", confirmed=quote.due.total, cart=cart.version
    )
    assert order.total == usd(50)
    assert [line.state for line in (await _cart(shop)).unavailable] == [CartState.REFUSED]


async def _reserved(shop: Shop) -> OrderRef:
    shop.fake.answers[shop.fakes[0].variant_id] = usd(100)
    return await shop.orders.checkout.reserve_all(shop.buyer, some((shop.fakes[0], 1)), "reserved-1")


@pytest.mark.parametrize(
    ("answer", "error"), [(OncePerPerson(), OncePerPerson), (usd(99), PriceChanged), (usd(101), PriceChanged)]
)
async def test_a_reserved_order_is_asked_about_again(
    shop: Shop, answer: PurchaseRefused, error: type[Exception]
) -> None:
    ref = await _reserved(shop)
    shop.fake.answers[shop.fakes[0].variant_id] = answer
    with pytest.raises(error):
        await shop.orders.settlement.pay(shop.buyer, ref.number)
    assert (await shop.balance(), (await shop.view(ref.number)).status) == (10_000, OrderStatus.AWAITING_PAYMENT)
    async with shop.uow() as tx:
        order = await repository.lock_order(tx, order_id=ref.id)
        why = await settling.pay_arrived(tx, shop.fulfillers, order)
    view = await shop.view(ref.number)
    assert (why, view.status) == (NotApplied(NotAppliedReason.REFUSED, view.lines[0].id), OrderStatus.CANCELLED)
    assert (await shop.balance(), await shop.left()) == (10_000, [3, 3, 3, 3])


async def test_late_money_is_asked_about_too(shop: Shop) -> None:
    ref = await _reserved(shop)
    await shop.orders.reservations.cancel(shop.buyer, ref.number)
    shop.fake.answers[shop.fakes[0].variant_id] = OncePerPerson()
    async with shop.uow() as tx:
        order = await repository.lock_order(tx, order_id=ref.id)
        why = await settling.pay_late(tx, shop.fulfillers, order, timedelta(0))
        assert why is not None
        assert why.why is NotAppliedReason.REFUSED
        shop.fake.answers[shop.fakes[0].variant_id] = usd(100)
        assert await settling.pay_late(tx, shop.fulfillers, order, timedelta(0)) is None
    assert (await shop.view(ref.number)).total == usd(50)
    assert await shop.balance() == 9950
