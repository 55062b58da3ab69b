"""Claims under the warranty: replaced from another batch, else refunded, else reviewed; once each, and in time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from backend.approvals.types import Approval
from backend.bootstrap import make_fulfillers
from backend.catalog.types.fulfilment import ItemId
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid, NotFound
from backend.orders.errors import ClaimDecided, NothingToReplaceWith, WarrantyEnded
from backend.orders.service import OrdersServices
from backend.orders.types import OrderStep, OrderView, RefundTarget
from backend.orders.types.lines import LineQuantity
from backend.orders.types.warranty import ClaimDecision, ClaimStatus
from backend.wallet import domain as wallet
from tests.backend.orders.settling import Shop
from tests.factories.shop import Goods, add_goods, buyers, stock_up
from tests.factories.wallet import HUGE, USD, usd
from tests.fakes.clock import FakeClock

ADMIN = Actor.system()
DAYS = 7


async def _goods(uow: UnitOfWork, ring: KeyRing, *, keys: int = 3, **how: int) -> Goods:
    async with uow() as tx:
        return await add_goods(tx, ring, keys=keys, price=500, warranty_days=DAYS, **how)


async def _second_batch(uow: UnitOfWork, ring: KeyRing, goods: Goods, *keys: str) -> None:
    async with uow() as tx:
        await stock_up(tx, ring, goods.variant_id, list(keys))


async def _buy(
    orders: OrdersServices, buyer: Actor, goods: Goods, quantity: int = 1, tap: str = "tap-00001"
) -> OrderView:
    return await orders.checkout.place(buyer, goods.variant_id, quantity, tap)


async def _texts(orders: OrdersServices, buyer: Actor, number: str) -> list[str]:
    return [key.text for key in await orders.delivery.open_file(buyer, number)]


async def _balance(uow: UnitOfWork, buyer: Actor) -> int:
    async with uow.read() as tx:
        return (await wallet.balance(tx, buyer.id, USD)).amount


@pytest.fixture
async def buyer(uow: UnitOfWork) -> Actor:
    """Somebody with 100.00."""
    return (await buyers(uow, 1, 10_000))[0]


async def test_a_key_is_replaced_from_another_batch(
    uow: UnitOfWork, ring: KeyRing, orders: OrdersServices, buyer: Actor
) -> None:
    goods = await _goods(uow, ring)
    await _second_batch(uow, ring, goods, "NEW-BATCH-KEY")
    order = await _buy(orders, buyer, goods)
    (claimable,) = (await orders.warranty.of_order(buyer, order.number)).claimable
    assert (claimable.reviewed, claimable.refund) == (False, usd(500))
    claim = await orders.warranty.claim(buyer, order.number, order.keys[0].id, idempotency_key="claim-001")
    assert claim.status is ClaimStatus.REPLACED
    assert await _texts(orders, buyer, order.number) == ["NEW-BATCH-KEY"]
    after = await orders.history.detail(buyer, order.number)
    assert [entry.step for entry in after.timeline][-1] is OrderStep.REPLACED
    assert await _balance(uow, buyer) == 9_500
    again = await orders.warranty.claim(buyer, order.number, order.keys[0].id, idempotency_key="claim-001")
    assert again == claim
    with pytest.raises(WarrantyEnded):
        await orders.warranty.claim(buyer, order.number, order.keys[0].id, idempotency_key="claim-002")


async def test_without_another_batch_the_price_of_that_one_goes_back(
    uow: UnitOfWork, ring: KeyRing, orders: OrdersServices, buyer: Actor
) -> None:
    goods = await _goods(uow, ring)
    order = await _buy(orders, buyer, goods, 2)
    claim = await orders.warranty.claim(buyer, order.number, order.keys[1].id, idempotency_key="claim-001")
    assert claim.status is ClaimStatus.REFUNDED
    assert await _balance(uow, buyer) == 9_500
    after = await orders.history.detail(buyer, order.number)
    assert (after.refunded, after.lines[0].refunded_quantity) == (usd(500), 1)
    assert [key.id for key in after.keys] == [order.keys[0].id]
    # The line's second claim is an admin's.
    (left,) = (await orders.warranty.of_order(buyer, order.number)).claimable
    assert left.reviewed
    second = await orders.warranty.claim(buyer, order.number, left.key.id, idempotency_key="claim-002")
    assert second.status is ClaimStatus.IN_REVIEW
    assert (await orders.warranty.of_order(buyer, order.number)).claimable == []
    assert await orders.warranty.count_in_review(ADMIN) == 1


async def test_the_time_ends_to_the_second(
    uow: UnitOfWork, ring: KeyRing, orders: OrdersServices, buyer: Actor, clock: FakeClock
) -> None:
    goods = await _goods(uow, ring)
    first = await _buy(orders, buyer, goods)
    second = await _buy(orders, buyer, goods, tap="tap-00002")
    clock.move(days=DAYS, seconds=-1)
    claim = await orders.warranty.claim(buyer, first.number, first.keys[0].id, idempotency_key="claim-001")
    assert claim.status is ClaimStatus.REFUNDED
    clock.move(seconds=1)
    with pytest.raises(WarrantyEnded):
        await orders.warranty.claim(buyer, second.number, second.keys[0].id, idempotency_key="claim-002")
    assert (await orders.warranty.of_order(buyer, second.number)).claimable == []


async def test_the_warranty_is_the_one_of_the_sale(
    uow: UnitOfWork, ring: KeyRing, orders: OrdersServices, buyer: Actor
) -> None:
    goods = await _goods(uow, ring)
    covered = await _buy(orders, buyer, goods)
    async with uow() as tx:
        await tx.execute(text("UPDATE variants SET warranty_days = 0 WHERE id = :id"), {"id": goods.variant_id})
    bare = await _buy(orders, buyer, goods, tap="tap-00002")
    assert len((await orders.warranty.of_order(buyer, covered.number)).claimable) == 1
    assert (await orders.warranty.of_order(buyer, bare.number)).claimable == []
    with pytest.raises(WarrantyEnded):
        await orders.warranty.claim(buyer, bare.number, bare.keys[0].id, idempotency_key="claim-001")


async def test_what_was_refunded_has_no_warranty_and_half_of_it_half(
    uow: UnitOfWork, ring: KeyRing, orders: OrdersServices, buyer: Actor
) -> None:
    goods = await _goods(uow, ring)
    order = await _buy(orders, buyer, goods, 2)
    line = order.lines[0].id
    await orders.refunds.refund(
        ADMIN, order.number, [LineQuantity(line, 1)], RefundTarget.WALLET, "asked", idempotency_key="refund-01"
    )
    keys = (await orders.warranty.of_order(buyer, order.number)).claimable
    claim = await orders.warranty.claim(buyer, order.number, keys[0].key.id, idempotency_key="claim-001")
    assert claim.status is ClaimStatus.REFUNDED
    assert await _balance(uow, buyer) == 10_000
    assert (await orders.warranty.of_order(buyer, order.number)).claimable == []
    with pytest.raises((NotFound, WarrantyEnded)):
        await orders.warranty.claim(buyer, order.number, keys[1].key.id, idempotency_key="claim-002")


async def test_too_many_claims_of_a_person_are_reviewed(
    uow: UnitOfWork, ring: KeyRing, buyer: Actor, clock: FakeClock
) -> None:
    orders = _services(uow, ring, claims_alone=1)
    goods = await _goods(uow, ring, keys=4)
    statuses = []
    for number in range(3):
        order = await _buy(orders, buyer, goods, tap=f"tap-0000{number}")
        clock.move(days=31 if number == 2 else 0)
        order = order if number < 2 else await _buy(orders, buyer, goods, tap="tap-later")
        claim = await orders.warranty.claim(buyer, order.number, order.keys[0].id, idempotency_key=f"claim-{number:03}")
        statuses.append(claim.status)
    assert statuses == [ClaimStatus.REFUNDED, ClaimStatus.IN_REVIEW, ClaimStatus.REFUNDED]


async def test_an_admin_decides(uow: UnitOfWork, ring: KeyRing, buyer: Actor) -> None:
    orders = _services(uow, ring, claims_alone=0)
    goods = await _goods(uow, ring, keys=4)
    order = await _buy(orders, buyer, goods, 4)
    for number, key in enumerate(order.keys[:3]):
        await orders.warranty.claim(buyer, order.number, key.id, idempotency_key=f"claim-{number:03}")
    replaced, refunded, rejected = (row.claim.id for row in await orders.warranty.list_in_review(ADMIN))
    with pytest.raises(NothingToReplaceWith):
        await orders.warranty.decide(ADMIN, replaced, ClaimDecision.REPLACE)
    await _second_batch(uow, ring, goods, "ANOTHER-KEY")
    assert await orders.warranty.decide(ADMIN, replaced, ClaimDecision.REPLACE) is Approval.GIVEN
    await orders.warranty.decide(ADMIN, refunded, ClaimDecision.REFUND)
    with pytest.raises(Invalid):
        await orders.warranty.decide(ADMIN, rejected, ClaimDecision.REJECT, " ")
    await orders.warranty.decide(ADMIN, rejected, ClaimDecision.REJECT, "It works here")
    with pytest.raises(ClaimDecided):
        await orders.warranty.decide(ADMIN, rejected, ClaimDecision.REFUND)
    claims = (await orders.warranty.of_order(buyer, order.number)).claims
    assert [claim.status for claim in claims] == [ClaimStatus.REPLACED, ClaimStatus.REFUNDED, ClaimStatus.REJECTED]
    assert claims[2].reason == "It works here"
    assert await _balance(uow, buyer) == 10_000 - 4 * 500 + 500
    texts = await _texts(orders, buyer, order.number)
    assert texts == [goods.keys[2], goods.keys[3], "ANOTHER-KEY"]


async def test_a_free_thing_that_cannot_be_replaced_is_reviewed_and_stays(
    uow: UnitOfWork, ring: KeyRing, orders: OrdersServices, buyer: Actor
) -> None:
    async with uow() as tx:
        goods = await add_goods(tx, ring, keys=1, price=0, warranty_days=DAYS)
    order = await _buy(orders, buyer, goods)
    claim = await orders.warranty.claim(buyer, order.number, order.keys[0].id, idempotency_key="claim-001")
    assert claim.status is ClaimStatus.IN_REVIEW
    assert len((await orders.history.detail(buyer, order.number)).keys) == 1
    await _second_batch(uow, ring, goods, "ANOTHER-KEY")
    await orders.warranty.decide(ADMIN, claim.id, ClaimDecision.REPLACE)
    assert await _texts(orders, buyer, order.number) == ["ANOTHER-KEY"]


async def test_nobody_claims_for_another(uow: UnitOfWork, ring: KeyRing, orders: OrdersServices, buyer: Actor) -> None:
    goods = await _goods(uow, ring)
    order = await _buy(orders, buyer, goods)
    stranger = (await buyers(uow, 1, 0))[0]
    with pytest.raises(NotFound):
        await orders.warranty.of_order(stranger, order.number)
    with pytest.raises(NotFound):
        await orders.warranty.claim(stranger, order.number, order.keys[0].id, idempotency_key="claim-001")
    with pytest.raises(NotFound):
        await orders.warranty.claim(buyer, order.number, ItemId(order.id), idempotency_key="claim-001")


async def test_claims_at_the_same_moment_give_one_thing(shop: Shop, ring: KeyRing) -> None:
    """Ten taps, each with a key of its own: one replacement, and nothing else."""
    orders = _services(shop.uow, ring, claims_alone=3)
    goods = await _goods(shop.uow, ring)
    await _second_batch(shop.uow, ring, goods, "NEW-1", "NEW-2", "NEW-3")
    buyer = (await buyers(shop.uow, 1, 10_000))[0]
    order = await _buy(orders, buyer, goods)
    results = await asyncio.gather(
        *(
            orders.warranty.claim(buyer, order.number, order.keys[0].id, idempotency_key=f"claim-{number:03}")
            for number in range(10)
        ),
        return_exceptions=True,
    )
    given = [one for one in results if not isinstance(one, BaseException)]
    assert [one.status for one in given] == [ClaimStatus.REPLACED]
    assert all(isinstance(one, WarrantyEnded) for one in results if isinstance(one, BaseException))
    assert await _balance(shop.uow, buyer) == 9_500
    assert len(await _texts(orders, buyer, order.number)) == 1


def _services(uow: UnitOfWork, ring: KeyRing, *, claims_alone: int) -> OrdersServices:
    return OrdersServices.build(
        uow=uow,
        ring=ring,
        fulfillers=make_fulfillers(ring),
        single_admin_limit=lambda: HUGE,
        reservation=lambda: timedelta(minutes=15),
        claims_alone=lambda: claims_alone,
    )
