"""Time to feedback and accepted work of a course, against a count by hand."""

from __future__ import annotations

import random
import statistics
from datetime import timedelta

import pytest

from backend.assignments.types import Verdict
from backend.courses.types.figures import Chosen
from backend.kernel.errors import Forbidden
from tests.backend.assignments.desk import FIRST, Desk
from tests.factories.courses import tariffs_of
from tests.fakes.clock import FakeClock

_HOURS = {"feedback": 48, "premium": 24}


def _hours(waits: list[timedelta]) -> list[float]:
    return sorted(wait / timedelta(hours=1) for wait in waits)


async def test_what_was_promised_and_what_was_taken(desk: Desk, clock: FakeClock) -> None:
    dice = random.Random(7)
    waits: dict[str, list[timedelta]] = {"feedback": [], "premium": []}
    for _ in range(5):
        for plan, taken in waits.items():
            submission = await desk.submit(await desk.student(plan))
            wait = timedelta(minutes=dice.randint(60, 60 * 60))
            clock.move(minutes=wait / timedelta(minutes=1))
            await desk.services.review.send(desk.teacher, submission.id, "Good.", Verdict.ACCEPT, version=1, seen=0)
            taken.append(wait)
    # A correction is no first answer; nothing was promised to the third; the fourth waits, and too long.
    await desk.submit(await desk.student("basic"))
    await desk.submit(await desk.student("premium"))
    clock.move(hours=25)
    await desk.submit(await desk.student("feedback"))
    figures = await desk.services.figures.feedback(desk.teacher, desk.course_id, Chosen())
    assert (figures.open, figures.overdue) == (2, 1)
    assert [one.promised for one in figures.times] == [timedelta(hours=24), timedelta(hours=48)]
    for one, plan in zip(figures.times, ("premium", "feedback"), strict=True):
        hours = _hours(waits[plan])
        assert one.answered == 5 and one.on_time == sum(hour <= _HOURS[plan] for hour in hours)
        assert one.median / timedelta(hours=1) == pytest.approx(statistics.median(hours))
        assert one.p90 / timedelta(hours=1) == pytest.approx(statistics.quantiles(hours, n=10, method="inclusive")[8])
    premium = (await tariffs_of(desk.uow, desk.teacher, desk.course_id))["premium"]
    chosen = Chosen(tariff_id=premium.id)
    assert (await desk.services.figures.accepted(desk.teacher, desk.course_id, chosen)) == {desk.lessons[FIRST]: 5}
    assert len((await desk.services.figures.feedback(desk.teacher, desk.course_id, chosen)).times) == 1


async def test_only_teachers_see_them(desk: Desk) -> None:
    student = await desk.student()
    for ask in (desk.services.figures.accepted, desk.services.figures.feedback):
        with pytest.raises(Forbidden):
            await ask(student, desk.course_id, Chosen())
