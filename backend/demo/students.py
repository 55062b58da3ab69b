"""Students of the demo's course: one in the middle of it, one at its beginning."""

from __future__ import annotations

from typing import Final

from backend.bootstrap import Services
from backend.courses.types.schedule import Change, Verb
from backend.demo.work import NOAH
from backend.identity.types import Actor, Contact

_SLUG: Final = "calm-in-seven-days"
_LAYLA: Final = Contact(
    telegram_id=700_000_002, first_name="ليلى", last_name="حداد", username="layla_haddad", language_code="ar"
)
"""One of the simulator's people."""
_OPEN: Final = 4
_COMPLETED: Final = 3


async def load_demo_students(services: Services, root: Actor) -> None:
    """Give two people the course, once, and open four lessons for the first, who has completed three of them."""
    courses = services.courses
    course = await courses.courses.find(root, _SLUG)
    basic, feedback, *_ = await courses.tariffs.list_of(root, course.id)
    for contact, tariff in ((_LAYLA, feedback), (NOAH, basic)):
        student = await services.identity.access.authenticate(contact)
        if (await courses.learning.view(student, _SLUG)).mine is not None:
            continue
        enrolment = await courses.students.gift(root, student.id, tariff.id, "Student of the demo")
        if contact is not _LAYLA:
            continue
        lessons = [lesson.lesson_id for lesson in (await courses.learning.view(student, _SLUG)).lessons]
        change = Change(verb=Verb.OPEN, until=lessons[_OPEN - 1])
        await courses.schedule.change(root, course.id, change, [enrolment])
        for lesson in lessons[:_COMPLETED]:
            await courses.learning.complete(student, lesson)
