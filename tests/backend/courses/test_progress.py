"""Progress is computed from the required lessons that there are: always 0 to 100, and true."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.bootstrap import SUBSCRIPTIONS, Services
from backend.courses.domain import progress
from backend.courses.domain.access import can_open
from backend.courses.models.lessons import LessonDelivery
from backend.courses.types import EnrolmentId, LessonId
from backend.courses.types.access import Progress
from backend.infra.crypto import KeyRing
from backend.infra.database import make_engine
from backend.infra.settings import Settings
from backend.infra.signals import Signals
from tests.backend.courses.school import School
from tests.factories.courses import add_lesson, add_lessons, open_lessons
from tests.fakes.clock import FakeClock
from tests.fakes.savepoints import SavepointUnitOfWork
from tests.machines import lives


@given(required=st.integers(0, 500), done=st.integers(0, 500))
def test_a_percentage_says_100_only_of_everything(required: int, done: int) -> None:
    far = Progress(min(done, required), required, None)
    assert 0 <= far.percent <= 100
    assert (far.percent == 100) == far.is_whole == (required > 0 and done >= required)
    assert (far.percent > 0) <= (done > 0)


async def _enrolled(school: School) -> EnrolmentId:
    await school.buy("basic")
    (enrolment,) = await school.enrolments()
    return enrolment


async def _far(school: School, enrolment: EnrolmentId) -> Progress:
    async with school.uow.read() as tx:
        return (await progress.list_progress(tx, [enrolment]))[enrolment]


async def _change(school: School, sql: str, lesson: LessonId) -> None:
    async with school.uow() as tx:
        await tx.execute(text(f"UPDATE lessons SET {sql} WHERE id = :id"), {"id": lesson})
        await progress.settle(tx, school.course_id)


async def test_completing_a_course_is_an_event_that_later_lessons_do_not_undo(school: School, clock: FakeClock) -> None:
    lessons = await add_lessons(school.uow, school.course_id, 2)
    enrolment = await _enrolled(school)
    await open_lessons(school.uow, enrolment, lessons, clock.now())
    learning = school.services.learning
    assert await learning.complete(school.buyer, lessons[0])
    assert ((await _far(school, enrolment)).percent, await school.events()) == (50, ["joined"])
    clock.move(days=1)
    assert [await learning.complete(school.buyer, lessons[1]) for _ in range(2)] == [True, False]
    whole = await _far(school, enrolment)
    assert (whole.percent, whole.completed_at, await school.events()) == (100, clock.now(), ["joined", "completed"])
    async with school.uow() as tx:
        bonus = await add_lesson(tx, school.course_id, 3)
    now = await _far(school, enrolment)
    assert (now.percent, now.completed_at) == (66, whole.completed_at)
    await open_lessons(school.uow, enrolment, [bonus], clock.now())
    clock.move(days=1)
    await learning.complete(school.buyer, bonus)
    assert (await _far(school, enrolment), await school.events()) == (
        Progress(3, 3, whole.completed_at), ["joined", "completed"]
    )  # fmt: skip


@pytest.mark.parametrize("change", ["deleted_at = now()", "required = false"])
async def test_who_misses_no_lesson_any_more_has_completed_the_course(
    school: School, clock: FakeClock, change: str
) -> None:
    lessons = await add_lessons(school.uow, school.course_id, 2)
    enrolment = await _enrolled(school)
    await open_lessons(school.uow, enrolment, lessons[:1], clock.now())
    await school.services.learning.complete(school.buyer, lessons[0])
    await _change(school, change, lessons[1])
    assert (await _far(school, enrolment), await school.events()) == (
        Progress(1, 1, clock.now()), ["joined", "completed"]
    )  # fmt: skip
    await _change(school, "deleted_at = now()", lessons[0])
    assert (await _far(school, enrolment)).percent == 0


_SQL = {
    "delete": "deleted_at = now()", "optional": "required = false", "required": "required = true",
    "move": "position = {position}",
}  # fmt: skip
EDITS = st.lists(
    st.tuples(st.sampled_from(["add", "delete", "optional", "required", "move", "complete"]),
              st.integers(0, 7)),
    max_size=25,
)  # fmt: skip


@contextlib.asynccontextmanager
async def _school(config: Settings) -> AsyncIterator[School]:
    """A school in a transaction of its own that is rolled back."""
    engine = make_engine(config.database_url, pool_size=1)
    async with engine.connect() as connection:
        outer = await connection.begin()
        uow = SavepointUnitOfWork(connection, FakeClock(), Signals(engine, config.database_url), SUBSCRIPTIONS)
        yield await School(uow, KeyRing(config.master_keys)).open()
        await outer.rollback()
    await engine.dispose()


async def _live(config: Settings, edits: Sequence[tuple[str, int]]) -> None:
    async with _school(config) as school:
        lessons = await add_lessons(school.uow, school.course_id, 2)
        enrolment = await _enrolled(school)
        state = {lesson: [True, True, False] for lesson in lessons}  # live, required, completed
        completed = False
        for what, which in edits:
            lesson = lessons[which % len(lessons)]
            if what == "add":
                async with school.uow() as tx:
                    lessons.append(await add_lesson(tx, school.course_id, 10 + len(lessons)))
                state[lessons[-1]] = [True, True, False]
            elif what == "complete" and state[lesson][0]:
                async with school.uow() as tx:
                    row = {"enrolment_id": enrolment, "lesson_id": lesson, "due_at": tx.now, "state": "planned"}
                    await tx.execute(upsert(LessonDelivery).values(row).on_conflict_do_nothing())
                await school.services.learning.complete(school.buyer, lesson)
                state[lesson][2] = True
            elif what in _SQL:
                await _change(school, _SQL[what].format(position=200 + which), lesson)
                state[lesson][0] &= what != "delete"
                state[lesson][1] = {"optional": False, "required": True}.get(what, state[lesson][1])
            counted = [done for live, required, done in state.values() if live and required]
            far = await _far(school, enrolment)
            assert (far.required, far.done, 0 <= far.percent <= 100) == (len(counted), sum(counted), True)
            assert (far.percent == 100) == (bool(counted) and all(counted))
            completed |= far.percent == 100
            assert (far.completed_at is not None) == completed
        assert (await school.events()).count("completed") == completed


def test_any_edits_keep_it_true(settings: Settings) -> None:
    """Whatever is added, deleted, moved, made optional and completed, in any order."""

    @lives(few=8)
    @given(edits=EDITS)
    def live(edits: Sequence[tuple[str, int]]) -> None:
        asyncio.run(_live(settings, edits))

    live()


async def _waits(work: asyncio.Task[object], services: Services) -> bool:
    """Whether the work waits for another transaction; False when it ends without."""
    waiting = text("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    while not work.done():
        async with services.uow.read() as tx:
            if (await tx.execute(waiting)).first() is not None:
                return True
    return False


async def _ready(services: Services, clock: FakeClock) -> tuple[School, EnrolmentId, list[LessonId]]:
    """A student of a course of two open lessons."""
    school = await School(services.uow, services.ring).open()
    lessons = await add_lessons(school.uow, school.course_id, 2)
    enrolment = await _enrolled(school)
    await open_lessons(school.uow, enrolment, lessons, clock.now())
    return school, enrolment, list(lessons)


async def test_the_last_two_lessons_at_once_complete_the_course(services: Services, clock: FakeClock) -> None:
    """Each transaction does not see the other's lesson, unless one waits."""
    school, enrolment, (first, second) = await _ready(services, clock)
    async with services.uow() as tx:
        await progress.complete(tx, await can_open(tx, school.buyer, first))
        work = asyncio.create_task(services.courses.learning.complete(school.buyer, second))
        assert await _waits(work, services)
    await work
    assert (await _far(school, enrolment)).completed_at is not None
    assert (await school.events()).count("completed") == 1


async def test_a_lesson_deleted_while_the_last_other_is_completed(services: Services, clock: FakeClock) -> None:
    """The deletion waits, and then sees that nothing is left to do."""
    school, enrolment, (first, second) = await _ready(services, clock)
    async with services.uow() as tx:
        await progress.complete(tx, await can_open(tx, school.buyer, first))
        work = asyncio.create_task(services.courses.editing.delete(school.teacher, second))
        assert await _waits(work, services)
    await work
    assert (await _far(school, enrolment)).completed_at is not None
    assert (await school.events()).count("completed") == 1
