"""A shop that sells subscriptions, whose provider says what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import text

from backend.bootstrap import make_fulfillers
from backend.catalog import domain as catalog
from backend.catalog.types import VariantId
from backend.identity.types import Actor, PersonBlocked
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import UserId
from backend.kernel.money import STARS, Money
from backend.orders.service import OrdersServices
from backend.orders.types.subscriptions import SubscriptionStatus, SubscriptionView
from backend.payments.domain import SEND_REFUND, SEND_RENEWAL
from backend.payments.errors import ProviderDown, RenewalRefused
from backend.payments.service import IntentsService, MethodsService, RefundsService
from backend.payments.service.renewals import RenewalsService
from backend.payments.telegram import paid
from backend.payments.types import (
    Capabilities,
    Intent,
    Outcome,
    PaymentRef,
    RenewalChanged,
    SendRefund,
    SendRenewal,
    SubscriptionCharged,
    SubscriptionId,
    TopUpLimits,
)
from backend.payments.types.providers import PERIOD
from backend.wallet import domain as ledger
from tests.factories.shop import Goods, add_goods
from tests.factories.wallet import HUGE, USD, usd
from tests.fakes.provider import FakeProvider

PRICE = 720
STARS_EACH = Money(720, STARS)
GRACE = timedelta(days=3)


class RenewingProvider(FakeProvider):
    """Takes Stars at a cent each, and renews. ``set`` is what it was told of renewals, by charge."""

    def __init__(self) -> None:
        can = Capabilities(
            asset=STARS, unit_price=Decimal("0.01"), recurring=True, renewal_maximum=10_000, refundable=True,
            partial_refunds=False,
        )  # fmt: skip
        super().__init__("stars", can)
        self.set: list[tuple[str | None, bool]] = []
        self.refuses_renewals = False

    async def set_renewal(self, payment: PaymentRef, *, on: bool) -> None:
        """Remember what was asked."""
        if self.down:
            raise ProviderDown("down")
        if self.refuses_renewals:
            raise RenewalRefused("no")
        self.set.append((payment.charge_id, on))


class Subscriptions:
    """The services, and what a test asks of them."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing) -> None:
        self.uow, self.ring, self.provider = uow, ring, RenewingProvider()
        limits = TopUpLimits(minimum=usd(1000), maximum=usd(1_000_000))
        providers = {"stars": self.provider}
        methods = MethodsService(providers=providers.values(), limits=lambda: limits)
        self.orders = OrdersServices.build(
            uow=uow,
            ring=ring,
            fulfillers=make_fulfillers(ring),
            single_admin_limit=lambda: HUGE,
            reservation=lambda: timedelta(minutes=15),
            methods={"stars": self.provider.capabilities},
            list_methods=methods.enabled,
            grace=lambda: GRACE,
        )
        self.payments = IntentsService(uow=uow, providers=providers.values(), limits=lambda: limits)
        self.refunds = RefundsService(uow=uow, providers=providers)
        self.renewals = RenewalsService(uow=uow, providers=providers)
        self._done: set[Any] = set()

    async def goods(self, **how: Any) -> Goods:
        """Goods that can be subscribed to."""
        async with self.uow() as tx:
            return await add_goods(tx, self.ring, **({"price": PRICE, "subscription_days": 30} | how))

    async def begin(self, actor: Actor, goods: Goods) -> Intent:
        """Start the payment of a subscription, as its page does."""
        new = await self.orders.subscriptions.begin(actor, goods.variant_id)
        return await self.payments.start_top_up(
            actor, new.method, new.amount, idempotency_key=new.idempotency_key, title="VPN", subscription_id=new.id
        )

    async def charge(
        self, first: Intent, until: datetime, charge: str = "c1", *, renewal: bool = False, stars: int = PRICE
    ) -> Outcome:
        """Let a charge for the period to ``until`` be reported, as the bot reports it."""
        report = paid(charge, str(first.id), Money(stars, STARS), until=int(until.timestamp()), renewal=renewal)
        return await self.payments.settle("stars", report)

    async def subscribed(self, actor: Actor, goods: Goods, until: datetime) -> Intent:
        """A subscription that runs, its first order delivered."""
        first = await self.begin(actor, goods)
        assert await self.charge(first, until) is Outcome.APPLIED
        await self.work()
        return first

    async def work(self) -> None:
        """What the worker does with the jobs so far; each twice, for they are at-least-once."""
        sql = "SELECT id, task, payload FROM outbox_jobs ORDER BY created_at, id"
        while new := [row for row in await self.rows(sql) if row.id not in self._done]:
            for row in new:
                for _ in range(2):
                    await self._run(row.task, row.payload)
                self._done.add(row.id)

    async def _run(self, task: str, payload: dict[str, Any]) -> None:
        match task:
            case "orders.settle_charge":
                await self.orders.renewing.settle_charge(msgspec.convert(payload, SubscriptionCharged))
            case "orders.note_renewal":
                await self.orders.renewing.note_state(msgspec.convert(payload, RenewalChanged))
            case "orders.stop_blocked":
                await self.orders.renewing.stop_blocked(msgspec.convert(payload, PersonBlocked))
            case _ if task == SEND_RENEWAL:
                await self.renewals.send(msgspec.convert(payload, SendRenewal))
            case _ if task == SEND_REFUND:
                await self.refunds.send(msgspec.convert(payload, SendRefund))

    async def settle(self) -> None:
        """Settle all charges at once, each three times, as several workers would."""
        rows = await self.rows("SELECT payload FROM outbox_jobs WHERE task = 'orders.settle_charge'")
        events = [msgspec.convert(row.payload, SubscriptionCharged) for row in rows for _ in range(3)]
        await asyncio.gather(*(self.orders.renewing.settle_charge(event) for event in events))

    async def block(self, user_id: UserId, *, settle: bool) -> None:
        """Block a person; ``settle``: and run the tasks that follow."""
        async with self.uow() as tx:
            await tx.execute(text("UPDATE users SET blacklisted_at = now(), blacklist_reason = 'x' WHERE id = :id"),
                             {"id": user_id})  # fmt: skip
            if settle:
                tx.emit(PersonBlocked(user_id=user_id))

    async def mine(self, actor: Actor) -> list[SubscriptionView]:
        """The actor's subscriptions with their charges."""
        listed = await self.orders.subscriptions.mine(actor)
        return [await self.orders.subscriptions.detail(actor, one.subscription.id) for one in listed]

    async def only(self, actor: Actor) -> SubscriptionView:
        """The actor's one subscription."""
        (view,) = await self.mine(actor)
        return view

    async def status(self, actor: Actor) -> SubscriptionStatus:
        """The status of the actor's one subscription."""
        return (await self.only(actor)).subscription.status

    async def id_of(self, actor: Actor) -> SubscriptionId:
        """The id of the actor's one subscription."""
        return (await self.only(actor)).subscription.id

    async def orders_of(self, actor: Actor) -> list[tuple[str, int]]:
        """The statuses and totals of the actor's orders, the first one first."""
        rows = await self.rows("SELECT status, total_amount FROM orders WHERE user_id = :id ORDER BY id", id=actor.id)
        return [(row.status, row.total_amount) for row in rows]

    async def events(self, name: str) -> list[dict[str, Any]]:
        """The payloads of an event that were emitted, by the first message that it starts."""
        sql = "SELECT DISTINCT payload FROM outbox_jobs WHERE task = :task"
        return [row.payload for row in await self.rows(sql, task=f"notifications.{name}")]

    async def balance(self, actor: Actor) -> int:
        """What the actor has, in cents."""
        async with self.uow.read() as tx:
            return (await ledger.balance(tx, actor.id, USD)).amount

    async def left(self, variant_id: VariantId) -> int:
        """How many are in stock."""
        async with self.uow.read() as tx:
            return await catalog.count_available(tx, variant_id)

    async def change(self, sql: str, **values: object) -> None:
        """Change a table, as an import would."""
        async with self.uow() as tx:
            await tx.execute(text(sql), values)

    async def rows(self, sql: str, **values: object) -> Sequence[Any]:
        """The rows of a query."""
        async with self.uow.read() as tx:
            return (await tx.execute(text(sql), values)).all()

    async def proven(self) -> None:
        """The provider's account in the ledger is what it has received, less what it has refunded."""
        net = await self.rows("SELECT coalesce(sum(credited - refunded), 0) AS cents FROM payment_intents")
        async with self.uow.read() as tx:
            held = {one.name: one.balance.amount for one in await ledger.shop_balances(tx)}
        assert held["provider:stars"] == -net[0].cents


def later(moment: datetime, periods: int = 1) -> datetime:
    """So many periods later."""
    return moment + PERIOD * periods
