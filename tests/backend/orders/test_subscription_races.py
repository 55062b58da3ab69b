"""Charges of subscriptions reported and settled by several processes at once, and beside blocks and cancellations."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import SUBSCRIPTIONS
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.orders.errors import SubscriptionHasEnded
from backend.orders.types.subscriptions import SubscriptionStatus
from backend.payments.types import Outcome
from tests.backend.orders.subscribing import PRICE, Subscriptions, later
from tests.factories.wallet import actor_of, add_person, wallet_services
from tests.fakes.clock import FakeClock

S = SubscriptionStatus


@pytest.fixture
def shop(engine: AsyncEngine, committed_db: None, clock: FakeClock, database_url: str, ring: KeyRing) -> Subscriptions:
    return Subscriptions(UnitOfWork(engine, clock, Signals(engine, database_url), SUBSCRIPTIONS), ring)


@pytest.fixture
async def person(shop: Subscriptions) -> Actor:
    async with shop.uow() as tx:
        return actor_of(await add_person(tx))


async def _balanced(shop: Subscriptions) -> bool:
    return (await wallet_services(shop.uow).ledger.verify(Actor.system())).balanced


@pytest.mark.parametrize("charge", ["c1", "c2"], ids=["shared id", "id of its own"])
async def test_one_renewal_reported_by_bot_and_statement_at_once(
    shop: Subscriptions, person: Actor, clock: FakeClock, charge: str
) -> None:
    goods, month = await shop.goods(), later(clock.now())
    first = await shop.subscribed(person, goods, month)
    ends = [later(month).replace(microsecond=0)] * 4
    reports = [shop.charge(first, end, charge, renewal=True) for end in ends]
    reports += [shop.charge(first, end.replace(second=end.second // 2), charge) for end in ends]
    outcomes = await asyncio.gather(*reports)
    assert outcomes.count(Outcome.APPLIED) == 1
    await shop.settle()
    assert (await shop.orders_of(person), await shop.balance(person)) == ([("delivered", PRICE)] * 2, 0)
    assert await _balanced(shop)


async def test_a_renewal_beside_its_cancellation_and_a_block(
    shop: Subscriptions, person: Actor, clock: FakeClock
) -> None:
    """Either an order, or a refund; and Telegram is told to stop. The cancellation may come too late."""
    goods, month = await shop.goods(keys=10), later(clock.now())
    first = await shop.subscribed(person, goods, month)
    name = await shop.id_of(person)
    await shop.charge(first, later(month), "c2", renewal=True)

    async def cancel() -> None:
        with contextlib.suppress(SubscriptionHasEnded):
            await shop.orders.subscriptions.cancel(person, name)

    await asyncio.gather(shop.settle(), cancel(), shop.block(person.id, settle=True))
    await shop.work()
    delivered = len(await shop.orders_of(person)) == 2
    assert (len(shop.provider.refunds), await shop.balance(person)) == (0 if delivered else 1, 0)
    assert await shop.status(person) is S.ENDED
    assert ("c1", False) in shop.provider.set
    assert await _balanced(shop)


async def test_the_last_key_for_two_renewals_at_once(shop: Subscriptions, clock: FakeClock) -> None:
    goods, month = await shop.goods(keys=3), later(clock.now())
    async with shop.uow() as tx:
        people = [actor_of(await add_person(tx)) for _ in range(2)]
    firsts = [await shop.begin(one, goods) for one in people]
    for number, first in enumerate(firsts):
        await shop.charge(first, month, f"c{number}")
    await shop.work()
    for number, first in enumerate(firsts):
        await shop.charge(first, later(month), f"r{number}", renewal=True)
    await shop.settle()
    orders = sorted([len(await shop.orders_of(one)) for one in people])
    balances = sorted([await shop.balance(one) for one in people])
    assert (orders, balances, await shop.left(goods.variant_id)) == ([1, 2], [0, PRICE], 0)
    assert await _balanced(shop)
