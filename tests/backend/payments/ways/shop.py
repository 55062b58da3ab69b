"""The whole backend with one way to pay, one buyer, and one product on the shelf."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.orders.service import SETTLE
from backend.orders.types import OrderRef, OrderStatus
from backend.payments.domain import SEND_REFUND
from backend.payments.ports import PaymentProvider
from backend.payments.repository import intents
from backend.payments.service.common import ref
from backend.payments.types import Intent, IntentId, PaymentRef, Reconciliation, SendRefund, TopUpSucceeded
from tests.factories.shop import Goods
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock

SYSTEM = Actor.system()
PRICE = 1000
News = Callable[[], Awaitable[object]]
"""Word of money, as the way brings it to the shop; it can be brought again and again."""


class Way(Protocol):
    """A way to pay, as people and its provider use it. Sums are the shop's cents."""

    name: str
    settings: dict[str, object]
    """What an operator sets to have it."""
    in_parts: bool
    """Whether one payment can be paid in several parts."""
    fixed: bool
    """Whether the shop is asked before money moves: no other sum comes then, and none that is begun too late."""
    looked_at: bool
    """Whether all word of it comes by asking."""
    silent: bool
    """Whether nobody can be asked about a payment."""

    async def pay(self, shop: Shop, intent: Intent, cents: int) -> News | None:
        """Let the buyer pay so much more; the word of it, or None where he was refused."""

    async def sent_back(self, shop: Shop, intent: Intent) -> int | None:
        """What has gone back of the payment by the provider's own books; None where it keeps none."""


@dataclass
class Shop:
    """The shop, as its buyer and its worker see it."""

    services: Services
    way: Way
    clock: FakeClock
    buyer: Actor
    goods: Goods
    _taps: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def provider(self) -> PaymentProvider:
        """The provider, as bootstrap has built it."""
        return self.services.payments.intents._providers[self.way.name]

    # The buyer

    async def order(self) -> OrderRef:
        """One piece is kept for the buyer."""
        return await self.services.orders.checkout.reserve(
            self.buyer, self.goods.variant_id, 1, f"order-{next(self._taps):06}"
        )

    async def begin(self, order: OrderRef, cents: int = PRICE) -> Intent:
        """A payment for the order."""
        return await self.services.payments.intents.start_top_up(
            self.buyer, self.way.name, usd(cents), order.id, idempotency_key=f"tap {next(self._taps)}"
        )

    async def pay(self, intent: Intent, cents: int = PRICE) -> News:
        """Pay; the word of it."""
        news = await self.way.pay(self, intent, cents)
        assert news is not None, "the buyer was refused"
        return news

    async def look(self, intent: Intent) -> Intent:
        """The payment as it stands in the books."""
        return await self.services.payments.intents.intent(self.buyer, intent.id)

    async def balance(self) -> int:
        """What the buyer has, in cents."""
        return (await self.services.wallet.statement.overview(self.buyer)).balance.amount

    # The worker

    async def work(self) -> None:
        """Pay orders and send refunds, each job twice, as may happen; then the books prove themselves."""
        services = self.services
        for payload in await self._jobs(SETTLE):
            for _ in range(2):
                await services.orders.settlement.settle_payment(msgspec.convert(payload, TopUpSucceeded))
        for payload in await self._jobs(SEND_REFUND):
            for _ in range(2):
                await services.payments.refunds.send(msgspec.convert(payload, SendRefund))
        proof = await services.wallet.ledger.verify(SYSTEM)
        assert proof.balanced, proof

    async def hear(self, *news: News) -> None:
        """The words come, one after the other, and the worker does what follows."""
        for told in news:
            await told()
        await self.work()

    async def reconcile(self) -> Reconciliation:
        """Compare the provider with the books."""
        found = await self.services.payments.reconciliation.reconcile_all()
        return next(one for one in found if one.method == self.way.name)

    # What became of it

    async def assert_delivered(self, order: OrderRef, *, left: int = 0) -> None:
        """The order has its one key, one only was taken, and so much is left in the wallet."""
        found = await self.services.orders.history.detail(self.buyer, order.number)
        assert (found.status, len(found.keys)) == (OrderStatus.DELIVERED, 1)
        async with self.services.uow.read() as tx:
            sold = await tx.execute(text("SELECT count(*) FROM stock_keys WHERE state = 'sold'"))
            assert sold.scalar_one() == 1
        assert await self.balance() == left

    async def assert_waits(self, order: OrderRef) -> None:
        """The order has no keys yet and can be paid."""
        found = await self.services.orders.history.detail(self.buyer, order.number)
        assert (found.status, len(found.keys)) == (OrderStatus.AWAITING_PAYMENT, 0)

    async def unmatched(self) -> list[str]:
        """Why money waits for an admin."""
        return [row.reason for row in (await self.services.payments.inbox.unmatched(SYSTEM)).items]

    async def at_provider(self) -> int:
        """What lies at the provider, by the shop's books, in cents."""
        house = {row.name: -row.balance.amount for row in await self.services.wallet.ledger.shop_accounts(SYSTEM)}
        return house.get(f"provider:{self.way.name}", 0)

    async def intent(self, intent_id: IntentId) -> Intent:
        """The payment, whoever's and however far it is."""
        async with self.services.uow.read() as tx:
            return await intents.get_intent(tx, intent_id)

    async def ref(self, intent: Intent) -> PaymentRef:
        """The payment as its provider gets it."""
        async with self.services.uow.read() as tx:
            return await ref(tx, intent)

    async def _jobs(self, task: str) -> list[dict[str, object]]:
        async with self.services.uow.read() as tx:
            found = text("SELECT payload FROM outbox_jobs WHERE task = :task ORDER BY run_at, id")
            return list((await tx.execute(found, {"task": task})).scalars())
