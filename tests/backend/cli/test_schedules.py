"""``souk courses replan``."""

from __future__ import annotations

from sqlalchemy import text

from backend.bootstrap import Services
from backend.cli.schedules import described
from backend.courses.types.schedule import Outcome
from tests.backend.cli.conftest import Souk
from tests.backend.courses.students import START, School
from tests.fakes.clock import FakeClock


async def test_replan_says_what_moves_and_moves_it(services: Services, souk: Souk) -> None:
    school = School(services.uow, FakeClock(START))
    await school.course(lessons=3)
    await school.enrol(["Africa/Casablanca"] * 2)
    async with services.uow() as tx:
        old = """UPDATE enrolments SET started_at = now(), next_due_at = next_due_at + interval '1 hour',
                 due_rule = jsonb_set(due_rule, '{tzdata}', '"2025.2"')"""
        await tx.execute(text(old))
    dry = await souk("courses", "replan", "--dry-run")
    assert (dry.exit_code, "2 students would move by" in dry.stdout) == (0, True)
    assert "2 students moved by" in (await souk("courses", "replan")).stdout
    assert "Nothing to do." in (await souk("courses", "replan")).stdout


def test_what_moves_is_described() -> None:
    text = described(Outcome(students=312, changed=312, moved={1440: 312, -60: 2, 2880: 1}), dry_run=True)
    assert text.splitlines() == [
        "312 students were planned with another version of the time zones.",
        "2 students would move by -60 minutes",
        "312 students would move by +1 day",
        "1 students would move by +2 days",
    ]
