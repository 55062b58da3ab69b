"""A month of a school with two workers that die, pauses, shifts, outages and clocks that change: no lesson is lost.

1,000 students in five courses here; `make simulations` takes SOUK_EXAMPLES of them.
"""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.courses.domain import schedule as domain
from backend.courses.repository import deliveries, schedule
from backend.courses.rules import planning
from backend.courses.service.sending import SendingService
from backend.courses.types import EnrolmentId, LateRule, ScheduleMode
from backend.courses.types.schedule import Change, Verb
from backend.identity.types import Permission
from backend.infra.metrics import DELIVERIES_AMBIGUOUS
from tests.backend.courses.students import School
from tests.factories.catalog import buyer
from tests.fakes.chat import Chat
from tests.fakes.clock import FakeClock

STUDENTS = int(os.environ.get("SOUK_EXAMPLES", "1000"))
LESSONS = 12
ZONES = (
    "Europe/Berlin", "Africa/Cairo", "America/New_York", "Asia/Riyadh", "Australia/Lord_Howe", "Asia/Kolkata",
    "Pacific/Apia", "America/St_Johns", "Europe/Moscow", None,
)  # fmt: skip
START = datetime(2027, 3, 24, 6, 0, tzinfo=UTC)
"""Four days before Europe's clocks go forward, eleven before Lord Howe's go back."""
OUTAGE = (START + timedelta(days=5), START + timedelta(days=7))
KILLS = 10
_TO_COMPLETE = text("""
    SELECT e.id, e.user_id, d.lesson_id, (u.telegram_id * 7919 + d.number * 104729) % 100 AS dice, d.due_at
    FROM enrolments e JOIN users u ON u.id = e.user_id
    CROSS JOIN LATERAL (
        SELECT lesson_id, due_at, count(*) OVER () AS number FROM lesson_deliveries
        WHERE enrolment_id = e.id ORDER BY due_at DESC LIMIT 1
    ) d
    WHERE e.course_id = :course_id
      AND NOT EXISTS (SELECT FROM lesson_progress p WHERE p.enrolment_id = e.id AND p.lesson_id = d.lesson_id)
""")
_COMPLETE = text("""
    INSERT INTO lesson_progress (enrolment_id, lesson_id, opened_at, completed_at)
    SELECT enrolment_id, lesson_id, :now, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:lessons AS uuid[])) n (enrolment_id, lesson_id)
""")


class Killed(BaseException):
    """The process has died."""


class World:
    """Two workers; of the chances to die each is taken once in so many messages, before Telegram gets it or after."""

    def __init__(self, services: Services, clock: FakeClock, source: random.Random) -> None:
        self.services, self.clock, self.source = services, clock, source
        self.chat = Chat(clock)
        self.killed: Counter[str] = Counter()
        self.chance = KILLS / (STUDENTS * LESSONS)
        self.chat.before, self.chat.after = self._dies("before"), self._dies("after")
        self.workers = [self._worker(), self._worker()]
        self.learns_at = clock.now()
        self.diligent: list[School] = []
        """Courses whose students complete their lessons."""

    def _worker(self) -> SendingService:
        return SendingService(uow=self.services.uow, messenger=self.chat, public_url="", at_once=50)

    def _dies(self, place: str):  # type: ignore[no-untyped-def]
        def dies(_chat: int) -> None:
            if self.source.random() < self.chance:
                self.killed[place] += 1
                raise Killed

        return dies

    async def work(self) -> None:
        """Both workers until nothing is due; one that died is started again."""
        busy = True
        while busy:
            busy = False
            for number, worker in enumerate(self.workers):
                try:
                    busy = bool(await worker.work(100)) or busy
                except BaseExceptionGroup as group:
                    assert group.subgroup(Killed) is not None
                    if worker._recording is not None:
                        worker._recording.cancel()
                    self.workers[number] = self._worker()
                    self.clock.move(seconds=121)  # until the leases of what it had claimed run out
                    busy = True

    async def pass_hours(self, hours: int) -> None:
        for _ in range(hours):
            await self.pass_time(hours=1)

    async def pass_time(self, **time: float) -> None:
        """Students learn what they have, a few times a day, and the workers send what is due."""
        self.clock.move(**time)
        if self.clock.now() >= self.learns_at:
            self.learns_at = self.clock.now() + timedelta(hours=5)
            for school in self.diligent:
                await self._complete(school)
        await self.work()

    async def _complete(self, school: School) -> None:
        """The newest lesson of each student some hours after it was due, one in twenty four days after it.

        The first as they do it themselves, the others by the same rules in one transaction.
        """
        now = self.clock.now()
        rows = [
            row for row in await school.rows(_TO_COMPLETE.text, course_id=school.course_id)
            if row.due_at + timedelta(hours=96 if row.dice < 5 else 1 + row.dice % 30) <= now
        ]  # fmt: skip
        for row in rows[:1]:
            assert await self.services.courses.learning.complete(buyer(user_id=row.user_id), row.lesson_id)
        if others := rows[1:]:
            ids = [row.id for row in others]
            async with school.uow() as tx:
                values = {"ids": ids, "lessons": [row.lesson_id for row in others], "now": tx.now}
                await tx.execute(_COMPLETE, values)
                planned = await domain.load(tx, ids)
                await schedule.save(tx, [(one.id, planning.again(one, lessons, tx.now)) for one, lessons in planned])


async def enrol(school: School, count: int, source: random.Random) -> list[EnrolmentId]:
    """So many students at once, their schedules planned by the same rules in one transaction."""
    ids = await school.enrol([source.choice(ZONES) for _ in range(count)], start=False)
    async with school.uow() as tx:
        steps = [(one.id, planning.begin(one, lessons, tx.now)) for one, lessons in await domain.load(tx, ids)]
        await tx.execute(
            text(
                "UPDATE enrolments e SET started_at = n.at"
                " FROM unnest(CAST(:ids AS uuid[]), CAST(:ats AS timestamptz[])) n (id, at) WHERE e.id = n.id"
            ),
            {"ids": [id_ for id_, _ in steps], "ats": [step.started_at for _, step in steps]},
        )
        await deliveries.add(tx, [(id_, item) for id_, step in steps for item in step.opened], None)
        await schedule.save(tx, [(id_, step.next) for id_, step in steps])
    return ids


@pytest.mark.long("a month of a thousand students, some 12,000 lessons")
async def test_a_month(services: Services, clock: FakeClock) -> None:
    source = random.Random(20270324)
    clock.move(seconds=(START - clock.now()).total_seconds())
    world = World(services, clock, source)
    before = DELIVERIES_AMBIGUOUS._value.get()
    modes = (
        ScheduleMode.LOCAL_HOUR, ScheduleMode.EVERY_24H, ScheduleMode.COHORT, ScheduleMode.LOCAL_HOUR,
        ScheduleMode.AFTER_COMPLETION,
    )  # fmt: skip
    schools: list[School] = []
    for number, mode in enumerate(modes):
        school = School(services.uow, clock, first_chat=1_000_000 * (number + 1))
        await school.course(
            mode, LESSONS, starts_on=date(2027, 3, 24) if mode is ScheduleMode.COHORT else None, slug=f"c{number}",
            local_minute=600 + 30 * number, late_rule=LateRule.ONE_A_DAY.value,
        )  # fmt: skip
        await enrol(school, STUDENTS // len(modes), source)
        schools.append(school)
        if mode is ScheduleMode.AFTER_COMPLETION:
            world.diligent.append(school)
    teacher = buyer(user_id=schools[0].course_id, permissions=frozenset({Permission.TEACHING}))
    change = services.courses.schedule.change

    await world.work()
    await world.pass_hours(60)
    moved: set[EnrolmentId] = set()
    paused = {school: source.sample(school.students, len(school.students) // 20) for school in schools}
    for school, ids in paused.items():
        outcome = await change(teacher, school.course_id, Change(verb=Verb.PAUSE), ids)
        assert outcome.changed == len(ids)
    await world.pass_hours(36)
    for school, ids in paused.items():
        await change(teacher, school.course_id, Change(verb=Verb.RESUME), ids)
        some = source.sample(school.students, len(school.students) // 20)
        await change(teacher, school.course_id, Change(verb=Verb.SHIFT, minutes=1440), some)
        moved |= {*ids, *some}
    await world.pass_hours(int((OUTAGE[0] - clock.now()).total_seconds() // 3600))
    clock.move(hours=48)  # nobody works
    await world.pass_hours(60)
    clock.move(days=30)
    await world.work()
    # Who missed one lesson only, not more, gets it and the rest day by day; who must complete them, as they do.
    for _ in range(LESSONS):
        await world.pass_time(days=1)
    for _ in range(5 * LESSONS):
        if await _completed(services) < len(world.diligent) * STUDENTS // len(modes) * LESSONS:
            await world.pass_time(days=1)
    clock.move(minutes=5)  # leases of the last who died
    await world.work()

    sent = sum(map(len, world.chat.sent.values()))
    for school in schools:
        await _check(school, world)
    for school in world.diligent:
        await _check_completed(school, moved)
    duplicates = sent - await _settled(services)
    ambiguous = DELIVERIES_AMBIGUOUS._value.get() - before
    assert world.killed["before"] and world.killed["after"]
    assert 0 < duplicates <= ambiguous


async def _completed(services: Services) -> int:
    async with services.uow.read() as tx:
        return int((await tx.execute(text("SELECT count(completed_at) FROM lesson_progress"))).scalar_one())


async def _settled(services: Services) -> int:
    async with services.uow.read() as tx:
        sent = text("SELECT count(*) FROM lesson_deliveries WHERE state = 'sent'")
        return int((await tx.execute(sent)).scalar_one())


async def _check(school: School, world: World) -> None:
    rows = await school.rows(
        "SELECT d.*, l.position, e.timezone AS zone, e.next_due_at, c.mode FROM lesson_deliveries d"
        " JOIN enrolments e ON e.id = d.enrolment_id JOIN lessons l ON l.id = d.lesson_id"
        " JOIN courses c ON c.id = e.course_id WHERE e.course_id = :id ORDER BY d.enrolment_id, d.due_at, l.position",
        id=school.course_id,
    )
    by_student: dict[EnrolmentId, list] = {id_: [] for id_ in school.students}  # type: ignore[type-arg]
    for row in rows:
        by_student[row.enrolment_id].append(row)
    late: list[timedelta] = []
    for id_, lessons in by_student.items():
        assert [row.position for row in lessons] == list(range(1, LESSONS + 1)), id_
        assert all(row.state == "sent" or (row.state, row.reason) == ("skipped", "digest") for row in lessons)
        assert all(row.next_due_at is None for row in lessons)
        alone = [row for row in lessons if row.state == "sent" and row.reason is None]
        assert [row.sent_at for row in alone] == sorted(row.sent_at for row in alone)
        zone = UTC if lessons[0].mode == "every_24h" else ZoneInfo(lessons[0].zone)
        dates = Counter((row.sent_at - timedelta(minutes=59)).astimezone(zone).date() for row in alone)
        assert max(dates.values()) == 1, (id_, dates)
        in_time = [row for row in alone if not OUTAGE[0] - timedelta(hours=1) < row.due_at <= OUTAGE[1]]
        late += (row.sent_at - row.due_at for row in in_time if row.due_at < OUTAGE[1] + timedelta(hours=60))
    late.sort()
    # The workers look each hour; who died costs two minutes, and what it had claimed that much.
    assert late[int(len(late) * 0.9)] <= timedelta(hours=1)
    assert late[-1] <= timedelta(hours=1, minutes=30)


async def _check_completed(school: School, moved: set[EnrolmentId]) -> None:
    """Each lesson came the day after the one before was completed; later only to ``moved`` and where a process died."""
    rows = await school.rows(
        "SELECT e.id, e.timezone AS zone, d.due_at, p.completed_at FROM enrolments e"
        " JOIN lesson_deliveries d ON d.enrolment_id = e.id"
        " JOIN lesson_progress p ON p.enrolment_id = e.id AND p.lesson_id = d.lesson_id"
        " WHERE e.course_id = :id ORDER BY e.id, d.due_at",
        id=school.course_id,
    )
    assert len(rows) == len(school.students) * LESSONS
    waits: Counter[tuple[bool, int]] = Counter()
    for before, after in itertools.pairwise(rows):
        if before.id == after.id:
            days = [at.astimezone(ZoneInfo(after.zone)).date() for at in (before.completed_at, after.due_at)]
            waits[after.id in moved, (days[1] - days[0]).days] += 1
    assert min(days for _, days in waits) >= 1, waits
    assert sum(count for (some, days), count in waits.items() if not some and days > 1) <= KILLS * 2, waits
