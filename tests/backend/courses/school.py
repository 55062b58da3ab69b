"""A shop that sells one course, for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from backend.bootstrap import make_fulfillers
from backend.courses.types import EnrolmentId
from backend.courses.types.learning import OfferedTariff
from backend.courses.types.sale import Grant
from backend.courses.types.teaching import Tariff
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.money import Money
from backend.orders.service import OrdersServices
from backend.orders.types import OrderRef, OrderView, RefundTarget
from backend.orders.types.lines import LineQuantity
from tests.factories.courses import add_course, add_teacher, course_services, enrolments_of, tariffs_of
from tests.factories.shop import buyers
from tests.factories.wallet import HUGE


class School:
    """Orders and a course at 10.00, 30.00 and 90.00, its teacher, and a buyer with 1,000.00."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing) -> None:
        self.uow = uow
        self.services = course_services(uow)
        self.fulfillers = make_fulfillers(ring)
        self.orders = OrdersServices.build(
            uow=uow,
            ring=ring,
            fulfillers=self.fulfillers,
            single_admin_limit=lambda: HUGE,
            reservation=lambda: timedelta(minutes=15),
        )
        self.number = 0

    async def open(self, **how: Any) -> School:
        """Put the course on sale."""
        self.teacher = await add_teacher(self.uow)
        self.course_id = await add_course(self.uow, self.teacher, **how)
        self.tariffs = await tariffs_of(self.uow, self.teacher, self.course_id)
        (self.buyer,) = await buyers(self.uow, 1, 100_000)
        return self

    def tap(self) -> str:
        """A new idempotency key."""
        self.number += 1
        return f"tap-{self.number:08}"

    async def buy(self, code: str, *, by: Actor | None = None) -> OrderView:
        """The order of a purchase from the balance."""
        return await self.orders.checkout.place(by or self.buyer, self.tariffs[code].variant_id, 1, self.tap())

    async def reserve(self, code: str, *, by: Actor | None = None) -> OrderRef:
        """An unpaid order."""
        return await self.orders.checkout.reserve(by or self.buyer, self.tariffs[code].variant_id, 1, self.tap())

    async def refund(self, order: OrderView, amount: Money | None = None) -> None:
        """Refund an amount of an order, or the place."""
        refunded = [LineQuantity(order.lines[0].id, 1)] if amount is None else amount
        await self.orders.refunds.refund(
            Actor.system(), order.number, refunded, RefundTarget.WALLET, "asked for", idempotency_key=self.tap()
        )

    async def offers(self, by: Actor | None = None) -> dict[str, OfferedTariff]:
        """What the course's page offers, by code."""
        view = await self.services.learning.view(by or self.buyer, "calm")
        return {one.tariff.code: one for one in view.tariffs}

    async def plan(self, by: Actor | None = None) -> str:
        """The code of the tariff that somebody has now; empty for none."""
        courses = await self.services.learning.mine(by or self.buyer)
        codes = {tariff.id: code for code, tariff in self.tariffs.items()}
        return next((codes[one.tariff_id] for one in courses if one.tariff_id is not None), "")

    async def enrolments(self, by: Actor | None = None) -> list[EnrolmentId]:
        """Somebody's enrolments, the first first."""
        return await enrolments_of(self.uow, by or self.buyer)

    async def grants(self, by: Actor | None = None) -> list[Grant]:
        """Everything that gave somebody access, the first first."""
        grants: list[Grant] = []
        for enrolment_id in await self.enrolments(by):
            grants += (await self.services.students.get(self.teacher, enrolment_id)).grants
        return grants

    async def tariff(self, code: str) -> Tariff:
        """A tariff as it is now."""
        return (await tariffs_of(self.uow, self.teacher, self.course_id))[code]

    async def events(self) -> list[str]:
        """What students are told of, in order."""
        async with self.uow.read() as tx:
            sql = "SELECT task FROM outbox_jobs WHERE task LIKE 'notifications.course%' ORDER BY id"
            return [row.task.removeprefix("notifications.course_") for row in await tx.execute(text(sql))]
