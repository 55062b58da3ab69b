"""People who have completed the demo's course: one has a certificate, the owner can ask for theirs."""

from __future__ import annotations

from typing import Final

from backend.assignments.types import Verdict
from backend.bootstrap import Services
from backend.courses.types.access import AssignmentNeed, QuizNeed
from backend.courses.types.schedule import Change, Verb
from backend.demo.quiz import RIGHT, take_quiz
from backend.identity.types import Actor, Contact
from backend.kernel.text import Locale

_SLUG: Final = "calm-in-seven-days"
_DMITRY: Final = Contact(
    telegram_id=700_000_003, first_name="Дмитрий", last_name="Волков", username="d_volkov", language_code="ru"
)
"""One of the simulator's people."""
_NAME: Final = "Дмитрий Сергеевич Волков"
_WROTE: Final = "🌿"
_ANSWER: Final = "👍"


async def load_demo_graduates(services: Services, root: Actor) -> None:
    """Have two people complete the course, once, and issue a certificate to the first."""
    dmitry = await services.identity.access.authenticate(_DMITRY)
    for person in (dmitry, root):
        if (await services.courses.learning.view(person, _SLUG)).mine is None:
            await _complete(services, root, person)
    await services.certificates.asking.issue(dmitry, _SLUG, _NAME, Locale.RU)


async def _complete(services: Services, root: Actor, person: Actor) -> None:
    courses, submitting, review = services.courses, services.assignments.submitting, services.assignments.review
    course = await courses.courses.find(root, _SLUG)
    _, feedback, *_ = await courses.tariffs.list_of(root, course.id)
    enrolment = await courses.students.gift(root, person.id, feedback.id, "Graduate of the demo")
    await courses.schedule.change(root, course.id, Change(verb=Verb.OPEN), [enrolment])
    for lesson in (await courses.learning.view(person, _SLUG)).lessons:
        if lesson.quiz is QuizNeed.REQUIRED:
            await take_quiz(services.quizzes.attempts, person, _SLUG, lesson.slug, RIGHT)
        if lesson.assignment is AssignmentNeed.REQUIRED:
            intent = f"demo-{lesson.slug}"
            work = await submitting.submit(person, _SLUG, lesson.slug, _WROTE, [], intent=intent)
            await review.send(root, work.id, _ANSWER, Verdict.ACCEPT, version=1, seen=0)
        else:
            await courses.learning.complete(person, lesson.lesson_id)
