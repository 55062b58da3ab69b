"""Grants lived through at random: bought, upgraded, refunded, given, revoked, run again; the laws always hold."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from backend.catalog.errors import SoldOut
from backend.courses.errors import TariffOwned
from backend.courses.fulfilment import CoursePlaces
from backend.courses.types import EnrolmentId, GrantId
from backend.identity.types import Actor
from backend.infra.settings import Settings
from backend.kernel.errors import NotFound
from backend.orders.errors import (
    OrderNotPayable,
    PriceChanged,
    ReservationsPaused,
    ReservationTooLarge,
    TooManyReservations,
)
from backend.orders.types import OrderStatus, RefundTarget
from backend.orders.types.lines import LineQuantity
from backend.payments.errors import RefundTooMuch
from backend.payments.types import IntentId, IntentStatus, TopUpSucceeded
from tests.backend.courses.grant_laws import BROKEN
from tests.backend.orders.life import PEOPLE, Life
from tests.factories.courses import add_course, add_teacher, course_services, tariffs_of
from tests.factories.wallet import USD, usd
from tests.machines import lives

CODES = ("basic", "feedback", "premium")
WHO = st.integers(0, PEOPLE - 1)
WHAT = st.sampled_from(CODES)
PICK = st.integers(0, 5)
UNPAID = (TooManyReservations, ReservationsPaused, ReservationTooLarge)
_HELD = """
    SELECT e.id, r.number, g.id AS grant_id, t.rank, g.ended_at IS NULL AS live
    FROM enrolments e JOIN course_runs r ON r.id = e.run_id JOIN course_grants g ON g.enrolment_id = e.id
    JOIN course_tariffs t ON t.id = g.tariff_id WHERE e.user_id = :id ORDER BY g.id
"""


class Grants(Life):
    """A course of three tariffs, of which the dearest has two places."""

    more = (CoursePlaces(),)

    def __init__(self) -> None:
        super().__init__()
        self.owner: dict[str, int] = {}
        self.waiting: list[str] = []
        """Orders that were not paid at once."""
        self.retired: set[str] = set()
        self.runs = 1
        self.enrolments: dict[int, set[EnrolmentId]] = {}

    async def open(self) -> None:
        """Put the course on sale."""
        self.school = course_services(self.uow)
        self.teacher = await add_teacher(self.uow)
        self.course_id = await add_course(self.uow, self.teacher)
        self.tariffs = await tariffs_of(self.uow, self.teacher, self.course_id)
        await self._limit("premium", 2)
        for who in range(PEOPLE):
            await self.add_money(who, 10**6)

    async def _limit(self, code: str, places: int | None) -> None:
        tariff = self.tariffs[code]
        fields = msgspec.structs.replace(tariff.fields, places=places)
        await self.school.tariffs.change(self.teacher, tariff.id, fields)

    async def _held(self, who: int) -> list[Any]:
        async with self.uow.read() as tx:
            return list((await tx.execute(text(_HELD), {"id": self.people[who].id})).all())

    def _rank(self, who: int) -> int:
        """The highest rank that somebody has in their newest run with access."""
        live = [(row.number, row.rank) for row in self.run(self._held(who)) if row.live]
        return max(live, default=(0, 0))[1]

    @initialize()
    def begin(self) -> None:
        """Everybody starts with something."""
        for who in range(PEOPLE):
            self._buy(who, "basic")
            self._buy(who, CODES[who])

    def _buy(self, who: int, code: str) -> None:
        before, held = self._rank(who), self.run(self._held(who))
        try:
            order = self.run(self.orders.checkout.place(self.people[who], self.tariffs[code].variant_id, 1, self.tap()))
        except TariffOwned:
            assert before >= self.tariffs[code].fields.rank
            return
        except SoldOut:
            assert code == "premium"
            return
        except NotFound:
            assert code in self.retired
            return
        assert order.status is OrderStatus.DELIVERED
        upgraded = self._rank(who) > before and before > 0
        assert {row.id for row in held} <= {row.id for row in self.run(self._held(who))}
        assert not upgraded or len({row.id for row in held}) == len({row.id for row in self.run(self._held(who))})
        self.owner[order.number] = who

    @rule(who=WHO, code=WHAT)
    def buy(self, who: int, code: str) -> None:
        """Buy a tariff from the wallet."""
        self._buy(who, code)

    @rule(who=WHO, code=WHAT)
    def reserve(self, who: int, code: str) -> None:
        """Reserve a place."""
        try:
            ref = self.run(self.orders.checkout.reserve(self.people[who], self.tariffs[code].variant_id, 1, self.tap()))
        except (TariffOwned, SoldOut, NotFound, *UNPAID):
            return
        self.owner[ref.number] = who
        self.waiting.append(ref.number)

    @precondition(lambda self: self.waiting)
    @rule(pick=PICK)
    def pay(self, pick: int) -> None:
        """Pay what waits, if what it counts is still so."""
        number = self.waiting[-1 - pick % len(self.waiting)]
        with contextlib.suppress(OrderNotPayable, TariffOwned, PriceChanged):
            self.run(self.orders.settlement.pay(self.people[self.owner[number]], number))

    @precondition(lambda self: self.waiting)
    @rule(pick=PICK)
    def payment_arrives(self, pick: int) -> None:
        """A provider reports enough money for an order, in time or too late, twice."""
        number = self.waiting[-1 - pick % len(self.waiting)]
        who = self.owner[number]
        order = self.run(self.orders.history.detail(self.people[who], number))
        self.run(self.add_money(who, 9000))
        event = TopUpSucceeded(
            intent_id=IntentId(order.id), user_id=order.user_id, order_id=order.id, method="demo", amount=9000,
            balance=0, currency=USD, status=IntentStatus.SUCCEEDED,
        )  # fmt: skip
        for _ in range(2):
            self.run(self.orders.settlement.settle_payment(event))

    @precondition(lambda self: self.waiting)
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        """Give up what waits."""
        number = self.waiting[-1 - pick % len(self.waiting)]
        with contextlib.suppress(OrderNotPayable):
            self.run(self.orders.reservations.cancel(self.people[self.owner[number]], number))

    @precondition(lambda self: self.waiting)
    @rule()
    def time_passes(self) -> None:
        """Reservations expire."""
        self.clock.move(minutes=16)
        self.run(self.orders.reservations.expire_lapsed())

    @precondition(lambda self: self.owner)
    @rule(pick=PICK, cents=st.sampled_from([None, None, 1, 700, 2500]))
    def refund(self, pick: int, cents: int | None) -> None:
        """A place goes back, or an amount."""
        number = list(self.owner)[-1 - pick % len(self.owner)]
        order = self.run(self.orders.history.detail(self.people[self.owner[number]], number))
        refunded: Any = [LineQuantity(order.lines[0].id, 1)] if cents is None else usd(cents)
        with contextlib.suppress(OrderNotPayable, RefundTooMuch):
            self.run(
                self.orders.refunds.refund(
                    Actor.system(), number, refunded, RefundTarget.WALLET, "why", idempotency_key=self.tap()
                )
            )

    @rule(who=WHO, code=WHAT)
    def give(self, who: int, code: str) -> None:
        """A teacher gives somebody a tariff, of which no place need be left."""
        before = self._rank(who)
        try:
            self.run(self.school.students.gift(self.teacher, self.people[who].id, self.tariffs[code].id, "why"))
        except TariffOwned:
            assert before >= self.tariffs[code].fields.rank
        else:
            assert self._rank(who) >= self.tariffs[code].fields.rank

    @rule(who=WHO, chance=st.randoms(use_true_random=False), twice=st.booleans())
    def revoke(self, who: int, chance: Any, twice: bool) -> None:
        """A teacher ends a grant, which then never lives again."""
        grants = self.run(self._held(who))
        if grants:
            grant_id = GrantId(chance.choice(grants).grant_id)
            for _ in range(1 + twice):
                self.run(self.school.students.revoke(self.teacher, grant_id, "why"))
            assert not next(row.live for row in self.run(self._held(who)) if row.grant_id == grant_id)

    @rule(places=st.sampled_from([None, 1, 2, 3]), code=WHAT)
    def change_tariffs(self, places: int | None, code: str) -> None:
        """The dearest tariff gets another number of places; one is taken off sale, or all are sold again."""
        self.run(self._limit("premium", places))
        for one in sorted(self.retired):
            self.run(self.school.tariffs.restore(self.teacher, self.tariffs[one].id))
        if self.retired:
            self.retired.clear()
            return
        self.run(self.school.tariffs.retire(self.teacher, self.tariffs[code].id))
        self.retired.add(code)

    @precondition(lambda self: self.runs < 2 and len(self.owner) > 8)
    @rule()
    def run_again(self) -> None:
        """The course is run again."""
        self.runs += 1
        self.run(self.school.runs.open(self.teacher, self.course_id))

    @invariant()
    def all_laws_hold(self) -> None:
        """Grants, places, money; and enrolments that were there are there."""

        async def look() -> list[Any]:
            async with self.uow.read() as tx:
                return list((await tx.execute(text(BROKEN))).all())

        assert self.run(look()) == []
        assert self.run(self.differences()) == []
        for who in range(PEOPLE):
            now = {EnrolmentId(row.id) for row in self.run(self._held(who))}
            assert self.enrolments.get(who, set()) <= now
            self.enrolments[who] = now


@pytest.mark.long("four hundred lives, if asked for")
def test_grants_keep_the_laws(settings: Settings) -> None:
    """The same few lives each time; ``SOUK_EXAMPLES=400`` for many, other ones each time."""
    Grants.config = settings
    run_state_machine_as_test(Grants, settings=lives(few=6, steps=40))
