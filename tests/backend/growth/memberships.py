"""A shop that sells premium, for its tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import text

from backend.bootstrap import make_fulfillers
from backend.catalog.types import StockKind
from backend.growth.service import PremiumService
from backend.identity import domain as identity
from backend.identity.types import Actor, PremiumPeriod
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.orders.service import OrdersServices
from backend.orders.types import OrderView, RefundTarget
from backend.orders.types.lines import LineQuantity
from tests.factories.shop import Goods, add_goods, buyers
from tests.factories.wallet import HUGE
from tests.fakes.clock import FakeClock

START = datetime(2026, 12, 12, 9, 30, tzinfo=UTC)
GRACE = timedelta(days=3)


class Shop:
    """Orders and premium, and a buyer with 1,000.00 at 9:30 on 12 December."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing, clock: FakeClock) -> None:
        self.uow, self.ring, self.clock = uow, ring, clock
        self.grace = GRACE
        self.fulfillers = make_fulfillers(ring, lambda: self.grace)
        self.premium = PremiumService(uow=uow, clock=clock, grace=lambda: self.grace)
        self.orders = OrdersServices.build(
            uow=uow,
            ring=ring,
            fulfillers=self.fulfillers,
            single_admin_limit=lambda: HUGE,
            reservation=lambda: timedelta(minutes=15),
            premium_grace=lambda: self.grace,
        )
        self.number = 0

    async def open(self) -> Shop:
        """Fill it."""
        self.go(START)
        (self.buyer,) = await buyers(self.uow, 1, 100_000)
        self.month, self.quarter = await self.sells(1), await self.sells(3)
        return self

    def go(self, moment: datetime) -> None:
        """Have it be ``moment``."""
        self.clock.move(seconds=(moment - self.clock.now()).total_seconds())

    async def sells(self, months: int | None, **how: Any) -> Goods:
        """A product of so many months."""
        async with self.uow() as tx:
            how = {"keys": 0, "price": 500, "kind": StockKind.PREMIUM.value, "premium_months": months, **how}
            return await add_goods(tx, self.ring, **how)

    async def buy(self, goods: Goods, quantity: int = 1, *, by: Actor | None = None) -> OrderView:
        """The order of a purchase from the balance."""
        self.number += 1
        return await self.orders.checkout.place(by or self.buyer, goods.variant_id, quantity, f"tap-{self.number:08}")

    async def refund(self, order: OrderView, quantity: int | None = None) -> None:
        """Refund so many of the order's first line, or all of the order."""
        line = order.lines[0]
        requested = order.total if quantity is None else [LineQuantity(line.id, quantity)]
        self.number += 1
        await self.orders.refunds.refund(
            Actor.system(),
            order.number,
            requested,
            RefundTarget.WALLET,
            "asked for",
            idempotency_key=f"r-{self.number:08}",
        )

    async def period(self, of: Actor | None = None) -> PremiumPeriod | None:
        """The buyer's period."""
        async with self.uow.read() as tx:
            return await identity.find_premium(tx, (of or self.buyer).id)

    async def until(self) -> str | None:
        """When the buyer's premium ends: "12-01-13 09:30"."""
        period = await self.period()
        return period.until.strftime("%y-%m-%d %H:%M") if period else None

    async def is_member(self) -> bool:
        """Whether the buyer may buy what is for members."""
        async with self.uow.read() as tx:
            return await identity.is_premium(tx, self.buyer.id, self.grace)

    async def notices(self) -> list[tuple[str, datetime]]:
        """The reminders so far: each its kind and the end that it names."""
        async with self.uow.read() as tx:
            sql = "SELECT task, payload FROM outbox_jobs WHERE task LIKE 'notifications.premium%' ORDER BY id"
            rows = (await tx.execute(text(sql))).all()
        return [(row.task.rpartition("_")[2], msgspec.convert(row.payload["until"], datetime)) for row in rows]
