"""A look at what can go back of an order."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import make_fulfillers
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import OrderId
from backend.orders.service import OrdersServices
from backend.payments.repository import intents
from backend.payments.service import IntentsService
from backend.payments.types import Capabilities, TopUpLimits, TopUpSucceeded
from tests.factories.shop import add_goods, buyers
from tests.factories.wallet import HUGE, USD, usd
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider


async def test_it_waits_for_nobody(
    engine: AsyncEngine, committed_db: None, clock: FakeClock, database_url: str, ring: KeyRing
) -> None:
    """A page that is read takes no lock: neither does it wait for a refund under way, nor a refund for it."""
    fake = FakeProvider(capabilities=Capabilities(refundable=True))
    events = ("TopUpSucceeded", "OrderPaid", "StockLow")
    uow = UnitOfWork(engine, clock, Signals(engine, database_url), {name: (f"test.{name}",) for name in events})
    orders = OrdersServices.build(
        uow=uow,
        ring=ring,
        fulfillers=make_fulfillers(ring),
        single_admin_limit=lambda: HUGE,
        reservation=lambda: timedelta(minutes=15),
        methods={fake.name: fake.capabilities},
    )
    payments = IntentsService(
        uow=uow, providers=[fake], limits=lambda: TopUpLimits(minimum=usd(1), maximum=usd(1_000_000))
    )
    buyer = (await buyers(uow, 1, 0))[0]
    async with uow() as tx:
        goods = await add_goods(tx, ring, price=720)
    ref = await orders.checkout.reserve(buyer, goods.variant_id, 1, "tap-0000001", hold=True)
    intent = await payments.start_top_up(buyer, "fake", usd(720), OrderId(ref.id), idempotency_key="pay-0000001")
    await payments.settle("fake", fake.paid(intent.id, usd(720)))
    await orders.settlement.settle_payment(
        TopUpSucceeded(
            intent_id=intent.id, user_id=buyer.id, order_id=OrderId(ref.id), method="fake", amount=720, balance=720,
            currency=USD, status=(await payments.intent(buyer, intent.id)).status, missing=0, asset=USD,
        )
    )  # fmt: skip
    async with uow() as tx:
        assert len(await intents.lock_paid_for(tx, OrderId(ref.id))) == 1
        async with asyncio.timeout(20):
            refundable = await orders.refunds.refundable(Actor.system(), ref.number)
    assert [(item.method, item.most) for item in refundable.methods] == [("fake", usd(720))]
