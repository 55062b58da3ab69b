"""Students as teachers filter them."""

from __future__ import annotations

from sqlalchemy import text

from backend.courses.service.students import StudentsService
from backend.courses.types.teaching import StudentFilter, StudentState
from backend.infra.unit_of_work import UnitOfWork
from tests.backend.courses.students import START, School
from tests.factories.courses import add_teacher
from tests.fakes.clock import FakeClock

MANY = 250


async def test_a_filter_reaches_everybody_whom_its_search_finds(uow: UnitOfWork) -> None:
    """A bulk change takes all of them, not the first page of people. One second: 250 people are inserted."""
    school = School(uow, FakeClock(START))
    await school.course(lessons=1)
    students = await school.enrol([None] * MANY, start=False)
    async with uow() as tx:
        await tx.execute(text("UPDATE users SET first_name = 'Omar' WHERE telegram_id >= :first"), {"first": 1000})
        await tx.execute(text("UPDATE users SET first_name = 'Sara' WHERE telegram_id = :id"), {"id": 1000})
    teacher = await add_teacher(uow)
    service = StudentsService(uow=uow)
    by_query = {
        query: await service.ids_of(teacher, school.course_id, StudentFilter(query=query))
        for query in ("oma", "SARA", " ")
    }
    assert {query: len(ids) for query, ids in by_query.items()} == {"oma": MANY - 1, "SARA": 1, " ": MANY}
    assert set(by_query["oma"]) == set(students[1:])
    ended = StudentFilter(query="omar", state=StudentState.ENDED)
    assert len(await service.ids_of(teacher, school.course_id, ended)) == MANY - 1, (
        "filters go together; these have grants of no tariff"
    )
    page = await service.list_of(teacher, school.course_id, StudentFilter(query="omar"))
    assert len(page.items) == 30 and page.next_cursor
