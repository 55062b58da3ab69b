"""Lessons in the back office: their list, their order with its dry run, deletion with undo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.courses.errors import LessonEdited
from backend.courses.types import CourseId, LessonId
from backend.courses.types.editing import EditedLesson
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid, NotFound
from webapp.core import forms
from webapp.core.answers import overtaken, replaced, say
from webapp.core.back_office import manage_page
from webapp.core.confirming import question
from webapp.core.responses import Html
from webapp.core.site import SoukRequest, site_of
from webapp.courses.admin.common import COURSES, ONE, TEACHING, WRITES, head_of
from webapp.courses.screens import lessons as present
from webapp.courses.screens.lessons import LessonsPage
from webapp.courses.screens.moves import moved_text

LESSONS: Final = ONE + "/lessons"
LESSON: Final = LESSONS + "/{lesson_id:uuid}"
_ORDER: Final = Meta(max_length=40_000)


class MoveForm(msgspec.Struct, frozen=True, kw_only=True):
    """A ``lesson`` that goes ``to`` a place, from 1; or, once that is confirmed, the whole ``order``."""

    lesson: UUID | None = None
    to: forms.Count = 1
    order: Annotated[str, _ORDER] = ""


@get(LESSONS, name="admin:lessons", guards=[TEACHING])
async def lessons(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """The lessons of a course. Raises NotFound."""
    return await lessons_page(request, CourseId(course_id))


@post(LESSONS + "/order", name="admin:order-lessons", guards=WRITES, status_code=200)
async def reorder(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """Move a lesson; asked first where that moves what comes next to students. Raises NotFound, Invalid."""
    form = await forms.read_form(request, MoveForm)
    course, editing = CourseId(course_id), site_of(request).services.courses.editing
    try:
        if form.order:
            await editing.reorder(request.user, course, _ids(form.order))
        else:
            stored = [one.id for one in await editing.list_lessons(request.user, course)]
            order = _moved(stored, form)
            moved = await editing.reorder(request.user, course, order, dry_run=True)
            if moved:
                return await _ask_order(request, order, moved)
            await editing.reorder(request.user, course, order)
    except LessonEdited as why:
        return overtaken(request, await lessons_page(request, course, status=409), why)
    return say(request, await _changed(request, course), _("Order changed"))


def _moved(stored: Sequence[LessonId], form: MoveForm) -> list[LessonId]:
    """The lessons with one of them in another place. Raises LessonEdited for one that is not among them."""
    if form.lesson is None or form.lesson not in stored:
        raise LessonEdited()
    order = [one for one in stored if one != form.lesson]
    order.insert(form.to - 1, LessonId(form.lesson))
    return order


def _ids(text: str) -> list[LessonId]:
    try:
        return [LessonId(UUID(one)) for one in text.split(",")]
    except ValueError as error:
        raise Invalid("not an order", fields={"order": "invalid"}) from error


async def _ask_order(request: SoukRequest, order: Sequence[LessonId], moved: int) -> Html:
    words = site_of(request).viewer(request.user).words
    return await question(
        request,
        words.gettext("Change the order?"),
        words.gettext("Change order"),
        moved_text(moved, words),
        more={"order": ",".join(str(one) for one in order)},
    )


@post(LESSON + "/delete", name="admin:delete-lesson", guards=WRITES, status_code=200)
async def delete(request: SoukRequest, course_id: FromPath[UUID], lesson_id: FromPath[UUID]) -> Html:
    """Delete a lesson for everybody, asked first; what students did in it stays. Raises NotFound."""
    await find_lesson(request, course_id, lesson_id)
    editing, lesson = site_of(request).services.courses.editing, LessonId(lesson_id)
    if "sure" not in await forms.posted(request):
        words = site_of(request).viewer(request.user).words
        moved = await editing.delete(request.user, lesson, dry_run=True)
        text = words.gettext("Students can't open it any more. Their progress is kept.")
        if moved:
            text = f"{text} {moved_text(moved, words)}"
        title, button = words.gettext("Delete this lesson?"), words.gettext("Delete lesson")
        return await question(request, title, button, text, danger=True, more={"sure": "on"})
    await editing.delete(request.user, lesson)
    return await _changed(request, CourseId(course_id), undo=str(lesson_id))


@post(LESSON + "/restore", name="admin:restore-lesson", guards=WRITES, status_code=200)
async def restore(request: SoukRequest, course_id: FromPath[UUID], lesson_id: FromPath[UUID]) -> Html:
    """Undo the deletion of a lesson. Raises NotFound, SlugTaken."""
    editing = site_of(request).services.courses.editing
    await editing.restore(request.user, CourseId(course_id), LessonId(lesson_id))
    return say(request, await _changed(request, CourseId(course_id)), _("Lesson restored"))


async def find_lesson(request: SoukRequest, course_id: UUID, lesson_id: UUID) -> EditedLesson:
    """A lesson of this course. Raises NotFound."""
    lesson = await site_of(request).services.courses.editing.get(request.user, LessonId(lesson_id))
    if lesson.course_id != course_id:
        raise NotFound("a lesson of another course")
    return lesson


async def _changed(request: SoukRequest, course_id: CourseId, **changes: Any) -> Html:
    return replaced(await lessons_page(request, course_id, **changes), f"{COURSES}/{course_id}/lessons")


async def lessons_page(request: SoukRequest, course_id: CourseId, *, undo: str = "", status: int = 200) -> Html:
    """The page of the lessons. Raises NotFound."""
    editing = site_of(request).services.courses.editing
    head = await head_of(request, course_id)
    listed = await editing.list_lessons(request.user, course_id)
    view = LessonsPage(
        course=head,
        rows=present.lesson_rows(listed, request.user.language),
        files=len(await editing.list_files(request.user, course_id)),
        undo=undo,
    )
    up = f"{COURSES}/{course_id}"
    return manage_page(request, "courses/admin/lessons.html", view, "courses", back=up, status=status)


HANDLERS: Final = (lessons, reorder, delete, restore)
