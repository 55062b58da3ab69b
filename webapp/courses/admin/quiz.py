"""The editor of a lesson's quiz in the back office: questions, options, right answers, settings."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.courses.errors import LessonEdited
from backend.courses.types import CourseId, LessonId
from backend.courses.types.quiz import EditedQuiz, Quiz
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.text import pick
from webapp.core import forms
from webapp.core.answers import overtaken, replaced, say
from webapp.core.back_office import manage_page
from webapp.core.responses import FORM_ERROR, Html, fragment
from webapp.core.site import SoukRequest, site_of
from webapp.courses.admin.common import TEACHING, WRITES
from webapp.courses.admin.lessons import LESSON
from webapp.courses.screens import quiz as present
from webapp.courses.screens.quiz import QuizEditor, QuizForm

_QUIZ: Final = LESSON + "/quiz"
_LARGEST_FORM: Final = 1_000_000
_NEW: Final = Quiz(questions=())


class ActForm(msgspec.Struct, frozen=True):
    """The button of the form that was pressed."""

    act: Annotated[str, Meta(max_length=20)]


class VersionForm(msgspec.Struct, frozen=True):
    """The version of the quiz that the editor has read."""

    version: Annotated[int, Meta(ge=0, le=1_000_000_000)]


@get(_QUIZ, name="admin:quiz", guards=[TEACHING])
async def editor(request: SoukRequest, course_id: FromPath[UUID], lesson_id: FromPath[UUID]) -> Html:
    """The editor of a lesson's quiz. Raises NotFound."""
    return await _stored(request, course_id, lesson_id)


@post(_QUIZ, name="admin:save-quiz", guards=WRITES, status_code=200, request_max_body_size=_LARGEST_FORM)
async def save(request: SoukRequest, course_id: FromPath[UUID], lesson_id: FromPath[UUID]) -> Html:
    """Change the quiz; attempts that run keep the one that they began with. Raises NotFound."""
    stored, values = await _find(request, course_id, lesson_id), await forms.posted(request)
    quiz = present.from_form(values)
    try:
        await _save(request, stored, quiz)
    except Invalid as refusal:
        return _page(request, stored, quiz, values, errors=dict(refusal.fields), status=FORM_ERROR)
    except LessonEdited as why:
        # What was typed stays, so that it can be compared.
        return overtaken(request, _page(request, stored, quiz, values, status=409), why)
    return say(request, await _stored(request, course_id, lesson_id), _("Saved"))


@post(_QUIZ + "/form", name="admin:quiz-form", guards=WRITES, status_code=200, request_max_body_size=_LARGEST_FORM)
async def act(request: SoukRequest, course_id: FromPath[UUID], lesson_id: FromPath[UUID]) -> Html:
    """The questions after one was added, moved or removed; nothing is stored. Raises NotFound."""
    stored, pressed = await _find(request, course_id, lesson_id), await forms.read_form(request, ActForm)
    quiz, focus = present.acted(present.from_form(await forms.posted(request)), pressed.act)
    view = QuizForm(
        form=present.fields_of(present.to_form(quiz, stored.version)),
        questions=present.question_forms(quiz),
        path=request.url.path.removesuffix("/form"),
        focus=focus,
    )
    return fragment(request, "courses/admin/_questions.html", view)


@post(_QUIZ + "/delete", name="admin:delete-quiz", guards=WRITES, status_code=200)
async def delete(request: SoukRequest, course_id: FromPath[UUID], lesson_id: FromPath[UUID]) -> Html:
    """Delete the quiz; attempts that run can be finished. Raises NotFound."""
    stored = await _find(request, course_id, lesson_id)
    try:
        await _save(request, stored, None)
    except LessonEdited as why:
        return overtaken(request, await _stored(request, course_id, lesson_id, status=409), why)
    return say(request, await _stored(request, course_id, lesson_id), _("Quiz deleted"))


async def _save(request: SoukRequest, stored: EditedQuiz, quiz: Quiz | None) -> None:
    version = (await forms.read_form(request, VersionForm)).version
    editing = site_of(request).services.courses.quiz_editing
    await editing.save(request.user, stored.lesson_id, quiz, version=version)


async def _stored(request: SoukRequest, course_id: UUID, lesson_id: UUID, *, status: int = 200) -> Html:
    stored = await _find(request, course_id, lesson_id)
    quiz = stored.quiz or _NEW
    return _page(request, stored, quiz, present.to_form(quiz, stored.version), status=status)


async def _find(request: SoukRequest, course_id: UUID, lesson_id: UUID) -> EditedQuiz:
    stored = await site_of(request).services.courses.quiz_editing.get(request.user, LessonId(lesson_id))
    if stored.course_id != CourseId(course_id):
        raise NotFound("a lesson of another course")
    return stored


def _page(
    request: SoukRequest,
    stored: EditedQuiz,
    quiz: Quiz,
    values: dict[str, Any],
    *,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Html:
    lesson = f"/admin/courses/{stored.course_id}/lessons/{stored.lesson_id}"
    titles = {locale.value: title for locale, title in stored.titles.items()}
    view = QuizEditor(
        form=present.fields_of(values, errors),
        questions=present.question_forms(quiz),
        path=f"{lesson}/quiz",
        title=pick(titles, request.user.language),
        number=stored.position,
        exists=stored.quiz is not None,
        results_href=f"{lesson}/results" if stored.version else "",
    )
    answer = manage_page(request, "courses/admin/quiz.html", view, "courses", back=lesson, status=status)
    return replaced(answer, view.path) if request.method == "POST" else answer


HANDLERS: Final = (editor, save, act, delete)
