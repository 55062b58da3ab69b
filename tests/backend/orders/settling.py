"""A shop whose orders are paid by a provider and from the wallet, for the tests of payment and refunds."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from sqlalchemy import text

from backend.bootstrap import make_fulfillers
from backend.catalog import domain as catalog
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import OrderId
from backend.kernel.money import Money
from backend.orders.service import OrdersServices
from backend.orders.types import (
    OrderRef,
)
from backend.payments.domain import SEND_REFUND
from backend.payments.service import IntentsService, RefundsService
from backend.payments.types import Intent, SendRefund, TopUpLimits, TopUpSucceeded
from backend.wallet import domain as ledger
from tests.factories.shop import Goods, add_goods
from tests.factories.wallet import HUGE, USD, usd, wallet_services
from tests.fakes.provider import FakeProvider

KEY = "tap-0000001"


class Shop:
    """The services, and what a test asks of them."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing, fake: FakeProvider) -> None:
        methods = {fake.name: fake.capabilities}
        limits = TopUpLimits(minimum=usd(1), maximum=usd(1_000_000))
        self.uow = uow
        self.fake = fake
        self.ring = ring
        self.orders = OrdersServices.build(
            uow=uow,
            ring=ring,
            fulfillers=make_fulfillers(ring),
            single_admin_limit=lambda: HUGE,
            reservation=lambda: timedelta(minutes=15),
            methods=methods,
        )
        self.payments = IntentsService(uow=uow, providers=[fake], limits=lambda: limits)
        self.refunds = RefundsService(uow=uow, providers={fake.name: fake})
        self.wallet = wallet_services(uow)

    async def goods(self, **how: object) -> Goods:
        async with self.uow() as tx:
            return await add_goods(tx, self.ring, **how)  # type: ignore[arg-type]

    async def balance(self, buyer: Actor) -> int:
        async with self.uow.read() as tx:
            return (await ledger.balance(tx, buyer.id, USD)).amount

    async def left(self, goods: Goods) -> int:
        async with self.uow.read() as tx:
            return await catalog.count_available(tx, goods.variant_id)

    async def jobs(self, task: str) -> list[dict[str, object]]:
        async with self.uow.read() as tx:
            statement = text("SELECT payload FROM outbox_jobs WHERE task = :task ORDER BY run_at, id")
            return list((await tx.execute(statement, {"task": task})).scalars())

    async def settle_all(self) -> None:
        """What the worker does; each job twice, for it is at-least-once."""
        for payload in await self.jobs("test.TopUpSucceeded"):
            event = msgspec.convert(payload, TopUpSucceeded)
            await self.orders.settlement.settle_payment(event)
            await self.orders.settlement.settle_payment(event)
        for payload in await self.jobs(SEND_REFUND):
            await self.refunds.send(msgspec.convert(payload, SendRefund))

    async def begin(self, buyer: Actor, ref: OrderRef, amount: Money) -> Intent:
        return await self.payments.start_top_up(buyer, "fake", amount, OrderId(ref.id), idempotency_key=f"p-{ref.id}")

    async def arrive(self, intent: Intent, received: Money) -> None:
        await self.payments.settle("fake", self.fake.paid(intent.id, received))
        await self.settle_all()

    async def proven(self) -> None:
        assert (await self.wallet.ledger.verify(Actor.system())).balanced
