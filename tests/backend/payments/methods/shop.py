"""The whole backend with one payment method, one buyer, and one product in stock."""

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
Notify = Callable[[], Awaitable[object]]
"""Delivers the provider's report of a payment to the shop; can be called again."""


class Method(Protocol):
    """A payment method, as buyers and its provider use it. Amounts are in the shop's cents."""

    name: str
    settings: dict[str, object]
    """The settings that enable it."""
    in_parts: bool
    """Whether one payment can be paid in several parts."""
    fixed: bool
    """Whether the shop is asked before money moves: no other sum comes then, and none that is begun too late."""
    looked_at: bool
    """Whether all word of it comes by asking."""
    silent: bool
    """Whether nobody can be asked about a payment."""

    async def pay(self, shop: Shop, intent: Intent, cents: int) -> Notify | None:
        """Let the buyer pay so much more; its report, or None if it was refused."""

    async def sent_back(self, shop: Shop, intent: Intent) -> int | None:
        """The refund total at the provider; None if it has none."""


@dataclass
class Shop:
    """The shop, as its buyer and its worker see it."""

    services: Services
    method: Method
    clock: FakeClock
    buyer: Actor
    goods: Goods
    _taps: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def provider(self) -> PaymentProvider:
        """The provider, as bootstrap has built it."""
        return self.services.payments.intents._providers[self.method.name]

    # The buyer

    async def order(self) -> OrderRef:
        """One piece is kept for the buyer."""
        return await self.services.orders.checkout.reserve(
            self.buyer, self.goods.variant_id, 1, f"order-{next(self._taps):06}"
        )

    async def begin(self, order: OrderRef, cents: int = PRICE) -> Intent:
        """A payment for the order."""
        return await self.services.payments.intents.start_top_up(
            self.buyer, self.method.name, usd(cents), order.id, idempotency_key=f"tap {next(self._taps)}"
        )

    async def pay(self, intent: Intent, cents: int = PRICE) -> Notify:
        """Pay; the word of it."""
        notify = await self.method.pay(self, intent, cents)
        assert notify is not None, "the buyer was refused"
        return notify

    async def look(self, intent: Intent) -> Intent:
        """The payment as it is stored."""
        return await self.services.payments.intents.intent(self.buyer, intent.id)

    async def balance(self) -> int:
        """What the buyer has, in cents."""
        return (await self.services.wallet.statement.overview(self.buyer)).balance.amount

    # The worker

    async def work(self) -> None:
        """Pay orders and send refunds, each job twice, as may happen; then verify the ledger."""
        services = self.services
        for payload in await self._jobs(SETTLE):
            for _ in range(2):
                await services.orders.settlement.settle_payment(msgspec.convert(payload, TopUpSucceeded))
        for payload in await self._jobs(SEND_REFUND):
            for _ in range(2):
                await services.payments.refunds.send(msgspec.convert(payload, SendRefund))
        proof = await services.wallet.ledger.verify(SYSTEM)
        assert proof.balanced, proof

    async def hear(self, *notify: Notify) -> None:
        """The words come, one after the other, and the worker does what follows."""
        for report in notify:
            await report()
        await self.work()

    async def reconcile(self) -> Reconciliation:
        """Reconcile the provider with the ledger."""
        results = await self.services.payments.reconciliation.reconcile_all()
        return next(one for one in results if one.method == self.method.name)

    # What became of it

    async def assert_delivered(self, order: OrderRef, *, left: int = 0) -> None:
        """The order has its one key, one only was taken, and so much is left in the wallet."""
        detail = await self.services.orders.history.detail(self.buyer, order.number)
        assert (detail.status, len(detail.keys)) == (OrderStatus.DELIVERED, 1)
        async with self.services.uow.read() as tx:
            sold = await tx.execute(text("SELECT count(*) FROM stock_keys WHERE state = 'sold'"))
            assert sold.scalar_one() == 1
        assert await self.balance() == left

    async def assert_waits(self, order: OrderRef) -> None:
        """The order has no keys yet and can be paid."""
        detail = await self.services.orders.history.detail(self.buyer, order.number)
        assert (detail.status, len(detail.keys)) == (OrderStatus.AWAITING_PAYMENT, 0)

    async def unmatched(self) -> list[str]:
        """Why money waits for an admin."""
        return [row.reason for row in (await self.services.payments.inbox.unmatched(SYSTEM)).items]

    async def at_provider(self) -> int:
        """What lies at the provider, by the shop's books, in cents."""
        accounts = {row.name: -row.balance.amount for row in await self.services.wallet.ledger.shop_accounts(SYSTEM)}
        return accounts.get(f"provider:{self.method.name}", 0)

    async def intent(self, intent_id: IntentId) -> Intent:
        """The payment, of any person and in any status."""
        async with self.services.uow.read() as tx:
            return await intents.get_intent(tx, intent_id)

    async def ref(self, intent: Intent) -> PaymentRef:
        """The payment as its provider gets it."""
        async with self.services.uow.read() as tx:
            return await ref(tx, intent)

    async def _jobs(self, task: str) -> list[dict[str, object]]:
        async with self.services.uow.read() as tx:
            statement = text("SELECT payload FROM outbox_jobs WHERE task = :task ORDER BY run_at, id")
            return list((await tx.execute(statement, {"task": task})).scalars())
