"""A shop, and every kind of value that an admin can give in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from backend.kernel.errors import Invalid
from backend.kernel.ids import new_id
from backend.orders.types import RefundTarget
from backend.payments.types import ProviderEvent, ProviderReport, ProviderState
from backend.wallet import domain as ledger
from backend.wallet.types import AdjustmentStatus
from tests.factories.shop import add_goods
from tests.factories.wallet import USD, give, usd

BOTH = (Permission.MONEY, Permission.ORDERS)
LIMIT = 10_000
"""ADJUSTMENT_LIMIT is 100.00."""

Try = Callable[[Actor], Awaitable[bool]]
"""Lets an admin give the value; whether it was given."""


class World:
    """A shop, and for each kind of value a function that prepares an attempt to give it."""

    def __init__(self, shop: Services) -> None:
        self.shop = shop

    async def balance(self, actor: Actor) -> int:
        async with self.shop.uow.read() as tx:
            return (await ledger.balance(tx, actor.id, USD)).amount

    async def actions(self) -> list[str]:
        async with self.shop.uow.read() as tx:
            return list((await tx.execute(text("SELECT action FROM audit_entries ORDER BY id"))).scalars())

    async def adjustment(self, to: Actor, cents: int, sign: int = 1) -> Try:
        asked: list[object] = []

        async def attempt(by: Actor) -> bool:
            if asked:
                done = await self.shop.wallet.adjustments.approve(by, asked[0])  # type: ignore[arg-type]
            else:
                done = await self.shop.wallet.adjustments.adjust(
                    by, to.id, usd(sign * cents), "goodwill", idempotency_key=str(new_id())
                )
                asked.append(done.id)
            return done.status is AdjustmentStatus.APPLIED

        return attempt

    async def debit(self, to: Actor, cents: int) -> Try:
        async with self.shop.uow() as tx:
            await give(tx, to.id, usd(cents))
        return await self.adjustment(to, cents, -1)

    async def refund(self, to: Actor, cents: int, target: RefundTarget = RefundTarget.WALLET) -> Try:
        async with self.shop.uow() as tx:
            goods = await add_goods(tx, self.shop.ring, price=cents)
            await give(tx, to.id, usd(cents))
        order = await self.shop.orders.checkout.place(to, goods.variant_id, 1, str(new_id()))

        async def attempt(by: Actor) -> bool:
            done = await self.shop.orders.refunds.refund(
                by, order.number, usd(cents), target, "broken", idempotency_key=str(new_id())
            )
            return done.refunded == usd(cents)

        return attempt

    async def refund_through_the_provider(self, to: Actor, cents: int) -> Try:
        async with self.shop.uow() as tx:
            goods = await add_goods(tx, self.shop.ring, price=cents)
        order = await self.shop.orders.checkout.reserve(to, goods.variant_id, 1, str(new_id()))
        intent = await self.shop.payments.intents.start_top_up(
            to, "demo", usd(cents), order.id, idempotency_key=str(new_id())
        )
        await self.report(intent_id=intent.id, state=ProviderState.PAID, received=usd(cents))
        await self.shop.orders.settlement.pay(to, order.number)

        async def attempt(by: Actor) -> bool:
            done = await self.shop.orders.refunds.refund(
                by, order.number, usd(cents), RefundTarget.PROVIDER, "broken", idempotency_key=str(new_id())
            )
            return done.refunded == usd(cents)

        return attempt

    async def report(self, **fields: object) -> None:
        await self.shop.payments.intents.settle("demo", ProviderReport(event_id=str(new_id()), **fields))  # type: ignore[arg-type]

    async def event(self) -> ProviderEvent:
        return (await self.shop.payments.inbox.unmatched(Actor.system())).items[0]

    async def unmatched(self, to: Actor, cents: int) -> Try:
        await self.report(state=ProviderState.PAID, received=usd(cents))
        event = await self.event()

        async def attempt(by: Actor) -> bool:
            return await self.shop.payments.inbox.assign(by, event.id, to.id, usd(cents)) is not None

        return attempt

    async def waived_refund(self, to: Actor, cents: int) -> Try:
        intent = await self.shop.payments.intents.start_top_up(to, "demo", usd(cents), idempotency_key=str(new_id()))
        await self.report(intent_id=intent.id, state=ProviderState.PAID, received=usd(cents))
        await self.report(intent_id=intent.id, state=ProviderState.REFUNDED, refunded=usd(cents))
        event = await self.event()

        async def attempt(by: Actor) -> bool:
            return await self.shop.payments.inbox.dismiss(by, event.id, "a mistake of the provider")

        return attempt

    async def deposit(self, to: Actor, cents: int) -> Try:
        intent = await self.shop.payments.intents.start_top_up(to, "deposit", usd(cents), idempotency_key=str(new_id()))

        async def attempt(by: Actor) -> bool:
            return bool((await self.shop.payments.deposits.confirm(by, intent.id, usd(cents))).credited)

        return attempt

    async def vouchers(self, _to: Actor, cents: int) -> Try:
        async def attempt(by: Actor) -> bool:
            try:
                await self.shop.growth.vouchers.make(by, usd(cents // 2), codes=2, idempotency_key=str(new_id()))
            except Invalid as refused:
                assert refused.fields == {"amount": "above_limit"}
                return False
            return True

        return attempt


GRANTS = {
    "adjustment": World.adjustment, "debit": World.debit, "refund": World.refund, "deposit": World.deposit,
    "refund_through_the_provider": World.refund_through_the_provider, "unmatched": World.unmatched,
    "waived_refund": World.waived_refund, "vouchers": World.vouchers,
}  # fmt: skip
grant = pytest.mark.parametrize("grant", GRANTS)
