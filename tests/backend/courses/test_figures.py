"""A course's figures against a naive count of the same rows."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from backend.courses.models import CourseGrant, Enrolment
from backend.courses.models.lessons import LessonDelivery, LessonProgress
from backend.courses.service.figures import FiguresService
from backend.courses.types import CourseId, LessonId, RunId, TariffId
from backend.courses.types.figures import ACTIVE_DAYS, Chosen
from backend.growth.models import Attribution, Partner
from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden
from backend.kernel.ids import new_id
from backend.kernel.money import Money
from tests.backend.courses.school import School
from tests.backend.courses.students import unchecked
from tests.factories.courses import add_lessons, add_teacher
from tests.factories.wallet import actor_of, add_person
from tests.fakes.clock import FakeClock

_STUDENTS = 40


class Random:
    """Students of every kind in two runs of a course, some brought by partners, and what is true of them."""

    def __init__(self, school: School, clock: FakeClock, seed: int) -> None:
        self.school, self.clock, self.dice = school, clock, random.Random(seed)
        self.students: list[dict[str, Any]] = []

    async def fill(self) -> Random:
        uow, now = self.school.uow, self.clock.now()
        self.lessons: list[LessonId] = await add_lessons(uow, self.school.course_id, 4)
        await self.school.services.runs.open(self.school.teacher, self.school.course_id)
        self.runs = [
            run.id for run in await self.school.services.runs.list_of(self.school.teacher, self.school.course_id)
        ]
        self.tariffs = {one.id: one.fields.rank for one in self.school.tariffs.values()}
        async with uow() as tx:
            self.partners = [new_id(), new_id()]
            for number, partner in enumerate(self.partners):
                row = {"id": partner, "code": f"p{number}x", "name": "=Partner", "created_at": now}
                await tx.execute(insert(Partner), row)
            await unchecked(tx, True)
            for _ in range(_STUDENTS):
                await self._add(tx)
            await unchecked(tx, False)
        return self

    async def _add(self, tx: Any) -> None:
        dice, now = self.dice, self.clock.now()
        joined = now - timedelta(days=dice.randint(0, 30))
        one: dict[str, Any] = {
            "id": new_id(), "run": dice.choice(self.runs), "joined": joined, "seen": {}, "grants": [],
            "done": dice.random() < 0.3, "paused": dice.random() < 0.2,
            "active": dice.choice([None, now - timedelta(days=dice.uniform(0, 14))]),
            "partner": dice.choice([None, *self.partners]), "touched": joined + timedelta(days=dice.choice([-1, 1])),
        }  # fmt: skip
        user = await add_person(tx)
        if one["partner"]:
            row = {"user_id": user, "partner_id": one["partner"], "start_param": "x", "seen_at": one["touched"]}
            await tx.execute(insert(Attribution), row)
        await tx.execute(insert(Enrolment), {
            "id": one["id"], "user_id": user, "course_id": self.school.course_id, "run_id": one["run"],
            "enrolled_at": joined, "completed_at": now if one["done"] else None, "active_at": one["active"],
            "paused_at": now if one["paused"] else None,
        })  # fmt: skip
        for tariff in dice.sample(list(self.tariffs), dice.randint(1, 2)):
            grant: dict[str, Any] = {"tariff": tariff, "live": dice.random() < 0.7, "gift": dice.random() < 0.3}
            grant |= {"amount": dice.choice([0, 999, 4_200]), "currency": dice.choice(["USD", "EUR"])}
            grant["amount"] *= not grant["gift"]
            one["grants"].append(grant)
            await tx.execute(insert(CourseGrant), {
                "id": new_id(), "enrolment_id": one["id"], "tariff_id": tariff,
                "source": "gift" if grant["gift"] else "order_line",
                "order_line_id": None if grant["gift"] else new_id(),
                "granted_by": user if grant["gift"] else None, "paid_amount": grant["amount"],
                "currency": grant["currency"], "granted_at": joined, "ended_at": None if grant["live"] else now,
                "end_reason": None if grant["live"] else "refunded",
            })  # fmt: skip
        for lesson in self.lessons[: dice.randint(0, 4)]:
            due = now - timedelta(hours=1)
            delivery = {"enrolment_id": one["id"], "lesson_id": lesson, "due_at": due, "state": "planned"}
            await tx.execute(insert(LessonDelivery), delivery)
            how = [dice.random() < 0.8, dice.random() < 0.5, dice.random() < 0.5]
            one["seen"][lesson] = (True, *how)
            if how[0]:
                await tx.execute(insert(LessonProgress), {
                    "enrolment_id": one["id"], "lesson_id": lesson, "opened_at": now,
                    "completed_at": now if how[1] else None, "submitted_at": now if how[2] else None,
                })  # fmt: skip
        self.students.append(one)

    def highest(self, one: dict[str, Any]) -> TariffId | None:
        live = [grant["tariff"] for grant in one["grants"] if grant["live"]]
        return max(live, key=lambda tariff: self.tariffs[tariff], default=None)

    def chosen(self, by: Chosen) -> list[dict[str, Any]]:
        return [
            one for one in self.students
            if by.run_id in (None, one["run"]) and by.tariff_id in (None, self.highest(one))
        ]  # fmt: skip

    def state(self, one: dict[str, Any]) -> str:
        if one["done"]:
            return "completed"
        if self.highest(one) is None:
            return "ended"
        if one["paused"]:
            return "paused"
        recent = self.clock.now() - timedelta(days=ACTIVE_DAYS)
        return "active" if (one["active"] or one["joined"]) >= recent else "quiet"

    def sold(self, by: Chosen) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        return [
            (one, grant) for one in self.students for grant in one["grants"]
            if by.run_id in (None, one["run"]) and by.tariff_id in (None, grant["tariff"])
        ]  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
async def test_they_are_what_one_would_count_by_hand(school: School, clock: FakeClock, seed: int) -> None:
    crowd = await Random(school, clock, seed).fill()
    figures, course = FiguresService(uow=school.uow), school.course_id
    owner = await add_teacher(school.uow, Permission.MONEY)
    choices = [
        Chosen(),
        *(Chosen(run_id=RunId(run)) for run in crowd.runs),
        *(Chosen(tariff_id=one) for one in crowd.tariffs),
    ]
    for by in (*choices, Chosen(crowd.runs[0], next(iter(crowd.tariffs)))):
        people = crowd.chosen(by)
        counts = await figures.students(owner, course, by)
        states = Counter(crowd.state(one) for one in people)
        assert counts.enrolled == len(people)
        assert {name: getattr(counts, name) for name in states} == dict(states)
        for row in await figures.lessons(owner, course, by):
            seen = [one["seen"][row.lesson_id] for one in people if row.lesson_id in one["seen"]]
            opened = [one for one in seen if one[1]]
            assert (row.open, row.opened) == (sum(one[0] for one in seen), len(opened))
            assert (row.completed, row.submitted) == (sum(one[2] for one in opened), sum(one[3] for one in opened))
        await _money_is_counted(figures, crowd, owner, course, by)


async def _money_is_counted(figures: FiguresService, crowd: Random, owner: Actor, course: CourseId, by: Chosen) -> None:
    by_hand: Counter[tuple[TariffId, str]] = Counter()
    for _, grant in crowd.sold(by):
        by_hand[grant["tariff"], grant["currency"]] += grant["amount"]
    income = await figures.income(owner, course, by)
    assert {(row.tariff_id, row.amount.currency): row.amount.amount for row in income} == dict(by_hand)
    assert sum(row.sold + row.given for row in income) == len(crowd.sold(by))
    brought = {row.partner_id: row for row in await figures.brought(owner, course, by)}
    for partner in crowd.partners:
        sales = [
            (one, grant) for one, grant in crowd.sold(by)
            if one["partner"] == partner and one["joined"] >= one["touched"]
        ]  # fmt: skip
        row = brought.get(partner)  # type: ignore[call-overload]
        assert (row.enrolments if row else 0) == len({one["id"] for one, _ in sales})
        sums: Counter[str] = Counter()
        for _, grant in sales:
            sums[grant["currency"]] += grant["amount"]
        assert {one.currency: one.amount for one in (row.amounts if row else ())} == dict(sums)


async def test_income_is_what_the_ledger_kept(school: School) -> None:
    """Bought, upgraded, partly and wholly refunded."""
    figures, owner = FiguresService(uow=school.uow), await add_teacher(school.uow, Permission.MONEY)

    async def income() -> int:
        return sum(row.amount.amount for row in await figures.income(owner, school.course_id, Chosen()))

    basic = await school.buy("basic")
    premium = await school.buy("premium")
    assert await income() == 9000
    await school.refund(premium, Money(1500, "USD"))
    assert await income() == 7500
    await school.refund(premium)
    assert await income() == 1000
    await school.refund(basic)
    assert await income() == 0


async def test_who_may_see_what(school: School, uow: UnitOfWork) -> None:
    figures, teacher = FiguresService(uow=uow), school.teacher
    stranger = actor_of(school.buyer.id)
    for ask in (figures.lessons, figures.students, figures.income, figures.brought):
        with pytest.raises(Forbidden):
            await ask(stranger, school.course_id, Chosen())
    for ask in (figures.income, figures.brought):
        with pytest.raises(Forbidden):
            await ask(teacher, school.course_id, Chosen())
