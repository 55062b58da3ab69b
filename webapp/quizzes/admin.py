"""Teachers see what came of quizzes: of a lesson's, of a student's, and of one attempt."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath
from msgspec import Meta

from backend.courses.types import CourseId, EnrolmentId, LessonId
from backend.identity.types import Permission
from backend.kernel.errors import NotFound
from backend.quizzes.types import AttemptId
from webapp.core import forms
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.parts import address
from webapp.core.responses import Html, fragment
from webapp.core.site import SoukRequest, site_of
from webapp.quizzes import screens as present
from webapp.quizzes.screens import RESULTS

_TEACHING: Final = requires(Permission.TEACHING)
_LESSON: Final = "/admin/courses/{course_id:uuid}/lessons/{lesson_id:uuid}/results"
_STUDENT: Final = "/admin/courses/{course_id:uuid}/students/{enrolment_id:uuid}/quizzes"


class ResultsQuery(msgspec.Struct, frozen=True):
    """The page of a list."""

    page: Annotated[int, Meta(ge=0, le=10_000)] = 0


@get(_LESSON, name="admin:quiz-results", guards=[_TEACHING])
async def results(request: SoukRequest, course_id: FromPath[UUID], lesson_id: FromPath[UUID]) -> Html:
    """What came of a lesson's quiz; a next page is rows only. Raises NotFound."""
    site, actor, query = site_of(request), request.user, forms.read_query(request, ResultsQuery)
    lesson = await site.services.courses.editing.get(actor, LessonId(lesson_id))
    if lesson.course_id != CourseId(course_id):
        raise NotFound("a lesson of another course")
    service = site.services.quizzes.results
    outcome = await service.of_lesson(actor, LessonId(lesson_id), page=query.page)
    names = await site.services.identity.people.names_of(actor, {one.user_id for one in outcome.attempts})
    up = f"/admin/courses/{course_id}/lessons/{lesson_id}"
    full = len(outcome.attempts) == service.page_size
    more = address(f"{up}/results", page=str(query.page + 1)) if full else None
    view = present.results_page(outcome, names, actor.language, next_url=more, edit_href=f"{up}/quiz")
    if query.page and request.headers.get("hx-target") != "app":
        return fragment(request, "quizzes/admin/_rows.html", view)
    return manage_page(request, "quizzes/admin/results.html", view, "courses", back=view.edit_href)


@get(_STUDENT, name="admin:student-quizzes", guards=[_TEACHING])
async def student(request: SoukRequest, course_id: FromPath[UUID], enrolment_id: FromPath[UUID]) -> Html:
    """The attempts of one student."""
    rows = await site_of(request).services.quizzes.results.of_student(request.user, EnrolmentId(enrolment_id))
    view = present.student_page(rows, request.user.language)
    up = f"/admin/courses/{course_id}/students/{enrolment_id}"
    return manage_page(request, "quizzes/admin/student.html", view, "courses", back=up)


@get(RESULTS + "/attempts/{attempt_id:uuid}", name="admin:quiz-attempt", guards=[_TEACHING])
async def attempt(request: SoukRequest, attempt_id: FromPath[UUID]) -> Html:
    """One attempt with the right answers. Raises NotFound."""
    site, actor = site_of(request), request.user
    review = await site.services.quizzes.results.attempt(actor, AttemptId(attempt_id))
    lesson = await site.services.courses.editing.get(actor, review.attempt.lesson_id)
    names = await site.services.identity.people.names_of(actor, {review.attempt.user_id})
    view = present.attempt_page(review, names.get(review.attempt.user_id, ""), actor.language)
    up = f"/admin/courses/{lesson.course_id}/lessons/{lesson.id}/results"
    return manage_page(request, "quizzes/admin/attempt.html", view, "courses", back=up)


HANDLERS: Final = (results, student, attempt)
