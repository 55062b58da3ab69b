"""The student of the demo's course who is in the middle of it, with an answered assignment and a failed quiz."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from backend.assignments.types import Upload, Verdict
from backend.bootstrap import Services
from backend.courses.types.schedule import Change, Verb
from backend.demo.quiz import WRONG, take_quiz
from backend.identity.types import Actor, Contact

_SLUG: Final = "calm-in-seven-days"
LAYLA: Final = Contact(
    telegram_id=700_000_002, first_name="ليلى", last_name="حداد", username="layla_haddad", language_code="ar"
)
"""One of the simulator's people."""
_WALK: Final = "breath-and-pace"
_PAGE: Final = "evening-page"
_PICTURE: Final = Path(__file__).parent / "courses" / _SLUG / "media" / "path.png"
_WALKED: Final = "مشيت حول الحديقة عشر دقائق: أربع خطوات شهيقًا وست خطوات زفيرًا. عند الجسر ضاع مني العدّ ولم أنزعج."
_ANSWER: Final = "«ولم أنزعج» هي الدرس كله. أضِع العدّ غدًا مرة واحدة عمدًا، ولاحظ كيف تعود."
_WROTE: Final = "رائحة الخبز عند الزاوية، قبل أن يفتح أي متجر آخر."
_OPEN: Final = 4
_COMPLETED: Final = 3


async def load_demo_students(services: Services, root: Actor) -> None:
    """Give her the course, once, and open four lessons, three of which she has completed."""
    courses = services.courses
    course = await courses.courses.find(root, _SLUG)
    _, feedback, *_ = await courses.tariffs.list_of(root, course.id)
    student = await services.identity.access.authenticate(LAYLA)
    if (await courses.learning.view(student, _SLUG)).mine is not None:
        return
    enrolment = await courses.students.gift(root, student.id, feedback.id, "Student of the demo")
    lessons = [lesson.lesson_id for lesson in (await courses.learning.view(student, _SLUG)).lessons]
    change = Change(verb=Verb.OPEN, until=lessons[_OPEN - 1])
    await courses.schedule.change(root, course.id, change, [enrolment])
    await _assignments(services, root, student)
    for lesson in lessons[:_COMPLETED]:
        await courses.learning.complete(student, lesson)
    await take_quiz(services.quizzes.attempts, student, _SLUG, _PAGE, WRONG)


async def _assignments(services: Services, root: Actor, student: Actor) -> None:
    """One is answered, the other is in review."""
    submitting, review = services.assignments.submitting, services.assignments.review
    picture = Upload("path.png", _PICTURE.read_bytes())
    walk = await submitting.submit(student, _SLUG, _WALK, _WALKED, [picture], intent="demo-walk")
    await review.send(root, walk.id, _ANSWER, Verdict.ACCEPT, version=1, seen=0)
    await submitting.submit(student, _SLUG, _PAGE, _WROTE, [], intent="demo-page")
