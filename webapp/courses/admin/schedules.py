"""Changes of students' schedules in the back office, of one or of all in a filter: counted first, undone exactly."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.courses.types import CourseId, EnrolmentId, LessonId
from backend.courses.types.schedule import Change, Outcome, Verb
from backend.kernel.errors import NotFound
from webapp.core import forms
from webapp.core.answers import replaced
from webapp.core.confirming import question
from webapp.core.parts import address
from webapp.core.responses import Html, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.courses.admin.common import COURSES, ONE, TEACHING, WRITES, course_of
from webapp.courses.admin.students import StudentsQuery, student_page, students_page
from webapp.courses.screens import students as present
from webapp.courses.screens.moves import change_text, undone_text
from webapp.courses.screens.students import ScheduleSheet, UndoNote

_SCHEDULE: Final = ONE + "/schedule"
_DAY: Final = 24 * 60
_MOST_DAYS: Final = 366
_VERBS: Final = frozenset({Verb.PAUSE, Verb.RESUME, Verb.SHIFT, Verb.OPEN})


class Students(StudentsQuery, frozen=True, kw_only=True):
    """Whose schedules: of one ``student``, or of all in the filter."""

    student: UUID | None = None


class ChangeForm(Students, frozen=True, kw_only=True):
    """What is done: ``days`` for a shift, ``until`` for the last lesson that is opened, empty for all."""

    verb: Verb
    days: Annotated[int, Meta(ge=-_MOST_DAYS, le=_MOST_DAYS)] = 0
    until: UUID | None = None


@get(_SCHEDULE, name="admin:schedule-sheet", guards=[TEACHING])
async def schedule_sheet(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """The sheet of a change. Raises NotFound."""
    school, whose = site_of(request).services.courses, forms.read_query(request, Students)
    await course_of(request, CourseId(course_id))
    fields, name = present.filter_query(whose.filter()), ""
    if whose.student:
        detail = await school.students.get(request.user, EnrolmentId(whose.student))
        fields, name = {"student": str(whose.student)}, detail.student.name
    lessons = await school.editing.list_lessons(request.user, CourseId(course_id))
    view = ScheduleSheet(
        action=f"{COURSES}/{course_id}/schedule",
        fields=tuple(fields.items()),
        lessons=present.lesson_choices(lessons, request.user.language),
        name=name,
    )
    return sheet(request, "courses/admin/_schedule.html", view)


@post(_SCHEDULE, name="admin:change-schedule", guards=WRITES, status_code=200)
async def change(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """Count what a change does, and once that is confirmed do it. Raises NotFound, Invalid."""
    form, course = await forms.read_form(request, ChangeForm), CourseId(course_id)
    if form.verb not in _VERBS:
        raise NotFound("nobody does this from a page")
    words = site_of(request).viewer(request.user).words
    wish = Change(
        verb=form.verb,
        minutes=form.days * _DAY if form.verb is Verb.SHIFT else 0,
        until=LessonId(form.until) if form.until and form.verb is Verb.OPEN else None,
    )
    asks = "sure" not in await forms.posted(request)
    outcome = await _run(request, course, form, wish, dry_run=asks)
    text = change_text(wish, outcome, words)
    if asks and outcome.changed:
        title, button = words.gettext("Change schedules?"), words.gettext("Change")
        return await question(request, title, button, text, more={"sure": "on"})
    note = UndoNote(str(outcome.undo), text) if outcome.undo else None
    shown = await _back(request, course, form, note)
    return shown if note else toast(shown, text, "bad")


async def _run(request: SoukRequest, course: CourseId, form: ChangeForm, wish: Change, *, dry_run: bool) -> Outcome:
    school = site_of(request).services.courses
    if form.student:
        ids = [EnrolmentId(form.student)]
    else:
        ids = await school.students.ids_of(request.user, course, form.filter())
    return await school.schedule.change(request.user, course, wish, ids, dry_run=dry_run)


@post(_SCHEDULE + "/{undo_id:uuid}/undo", name="admin:undo-schedule", guards=WRITES, status_code=200)
async def undo(request: SoukRequest, course_id: FromPath[UUID], undo_id: FromPath[UUID]) -> Html:
    """Take a change back: each schedule as it was. Raises NotFound, Invalid for one that was taken back."""
    whose = await forms.read_form(request, Students)
    undone = await site_of(request).services.courses.schedule.undo(request.user, CourseId(course_id), undo_id)
    words = site_of(request).viewer(request.user).words
    return toast(await _back(request, CourseId(course_id), whose, None), undone_text(undone, words))


async def _back(request: SoukRequest, course: CourseId, whose: Students, note: UndoNote | None) -> Html:
    """The page from which the change was made."""
    path = f"{COURSES}/{course}/students"
    if whose.student:
        shown = await student_page(request, course, EnrolmentId(whose.student), undo=note)
        return replaced(shown, f"{path}/{whose.student}")
    shown = await students_page(request, course, whose, undo=note)
    return replaced(shown, address(path, **present.filter_query(whose.filter())))


HANDLERS: Final = (schedule_sheet, change, undo)
