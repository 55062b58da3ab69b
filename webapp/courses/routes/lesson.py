"""Lessons: read, resumed, done; and why one is closed."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.courses.errors import AccessEnded, LessonLocked
from backend.courses.types.access import AssignmentNeed, QuizNeed
from backend.courses.types.lessons import LessonPage
from backend.identity.types import Permission
from backend.infra.formatting import format_number
from backend.kernel.errors import AppError, Forbidden, NotFound
from webapp.core import forms
from webapp.core.answers import pushed
from webapp.core.limits import WRITE, limited
from webapp.core.rendered import RenderedPages
from webapp.core.responses import Html, fragment, nothing, page, rendered_page, toast
from webapp.core.site import SoukRequest, site_of
from webapp.courses.media import media_url
from webapp.courses.routes.course import Day, course_page, outline
from webapp.courses.screens import lesson as present
from webapp.courses.screens.outline import lesson_href, next_row

_MOST_PARTS: Final = 10_000


class LessonQuery(msgspec.Struct, frozen=True):
    """The day of the course on which a teacher looks at a lesson."""

    day: Day | None = None


class PlaceForm(msgspec.Struct, frozen=True):
    """The number of the heading that was read last."""

    place: Annotated[int, Meta(ge=0, le=_MOST_PARTS)]


@get("/learn/{slug:str}/{lesson:str}", name="learn:lesson")
async def lesson_page(request: SoukRequest, slug: FromPath[str], lesson: FromPath[str]) -> Html:
    """A lesson, or the page that says why it is closed and when it opens. Raises NotFound."""
    as_day = _as_day(request)
    try:
        lesson_page = await site_of(request).services.courses.lessons.page(request.user, slug, lesson, as_day=as_day)
    except (LessonLocked, AccessEnded, Forbidden) as refusal:
        return await _closed(request, slug, lesson, refusal, as_day)
    if lesson_page.opened_at is None and not lesson_page.preview:
        await site_of(request).services.courses.learning.open_lesson(request.user, lesson_page.id)
    return await _page_of(request, lesson_page, as_day)


@post("/courses/{slug:str}/lessons/{lesson:str}/done", name="learn:done", guards=[limited(WRITE)], status_code=200)
async def done(request: SoukRequest, slug: FromPath[str], lesson: FromPath[str]) -> Html:
    """Complete a lesson, and show the next one where it is open, else the course.

    Raises NotFound, Forbidden, AccessEnded, LessonLocked, AssignmentMissing, QuizMissing.
    """
    as_day, site = _as_day(request), site_of(request)
    courses, viewer = site.services.courses, site.viewer(request.user)
    lesson_page = await courses.lessons.page(request.user, slug, lesson, as_day=as_day)
    await courses.learning.complete(request.user, lesson_page.id, as_day=as_day)
    if lesson_page.next is not None and not lesson_page.next.locked:
        after = await courses.lessons.page(request.user, slug, lesson_page.next.slug, as_day=as_day)
        if not after.preview and after.opened_at is None:
            await courses.learning.open_lesson(request.user, after.id)
        answer = pushed(await _page_of(request, after, as_day), lesson_href(slug, after.slug, as_day))
    else:
        view = await courses.learning.view(request.user, slug, as_day=as_day)
        whole = as_day is None and view.mine is not None and view.mine.progress.is_whole
        answer = await course_page(request, view, as_day=as_day, fresh="completed" if whole else "")
        answer = pushed(answer, present.course_href(slug, as_day))
        if whole:
            return answer
    number = format_number(lesson_page.number, viewer.locale)
    return toast(answer, viewer.words.gettext("Day {number} is done").format(number=number))


@post("/courses/{slug:str}/lessons/{lesson:str}/place", name="learn:place", guards=[limited(WRITE)], status_code=200)
async def place(request: SoukRequest, slug: FromPath[str], lesson: FromPath[str]) -> Html:
    """Note how far the reader has come in a lesson. Raises NotFound, Forbidden, AccessEnded, LessonLocked."""
    form = await forms.read_form(request, PlaceForm)
    courses = site_of(request).services.courses
    lesson_page = await courses.lessons.page(request.user, slug, lesson)
    if form.place > lesson_page.place:
        await courses.learning.save_place(request.user, lesson_page.id, form.place)
    return nothing(request)


class Resumed(msgspec.Struct, frozen=True):
    """courses/_resumed.html: nothing to see; htmx shows the heading where the reader left the lesson."""


@get("/courses/{slug:str}/lessons/{lesson:str}/resume", name="learn:resume-lesson")
async def resume_lesson(request: SoukRequest, slug: FromPath[str], lesson: FromPath[str]) -> Html:
    """What the page asks for when it is shown, in order to go to the place where the reader left it."""
    del slug, lesson  # the page knows the place; only the moment was missing
    return fragment(request, "courses/_resumed.html", Resumed())


def _as_day(request: SoukRequest) -> int | None:
    """The day on which a teacher looks; students have no such choice."""
    return forms.read_query(request, LessonQuery).day if request.user.may(Permission.TEACHING) else None


async def _page_of(request: SoukRequest, lesson_page: LessonPage, as_day: int | None) -> Html:
    work, quiz = await _work(request, lesson_page), await _quiz(request, lesson_page)

    def view() -> present.LessonView:
        return present.lesson_view(lesson_page, RenderedPages.gap, as_day=as_day, work=work, quiz=quiz)

    addresses = [media_url(request, lesson_page.id, file) for file in lesson_page.text.files]
    key = present.lesson_key(lesson_page, as_day, work, quiz)
    back = present.course_href(lesson_page.course_slug, as_day)
    return rendered_page(request, "courses/lesson.html", key, view, addresses, tab="learn", back=back)


async def _work(request: SoukRequest, lesson_page: LessonPage) -> str:
    """How the lesson's assignment stands; empty where there is none."""
    if lesson_page.assignment is AssignmentNeed.NONE:
        return ""
    submitted = await site_of(request).services.assignments.submitting.find(request.user, lesson_page.id)
    return submitted.state.value if submitted else "none"


async def _quiz(request: SoukRequest, lesson_page: LessonPage) -> str:
    """How the reader stands with the lesson's quiz; empty where there is none."""
    if lesson_page.quiz is QuizNeed.NONE:
        return ""
    return (await site_of(request).services.quizzes.attempts.find_state(request.user, lesson_page.id)).value


async def _closed(request: SoukRequest, slug: str, lesson: str, refusal: AppError, as_day: int | None) -> Html:
    """Why a lesson is closed, when it opens, and what can be done until then."""
    view = await site_of(request).services.courses.learning.view(request.user, slug, as_day=as_day)
    lessons = await outline(request, view, as_day)
    row = next((item for item in lessons if item.href == lesson_href(slug, lesson, as_day)), None)
    if row is None:
        raise NotFound("no such lesson")
    here = next_row(lessons)
    code = refusal.code if refusal.code in {"lesson_locked", "access_ended"} else "forbidden"
    closed = present.ClosedPage(
        code=code,  # type: ignore[arg-type]  # the three of the line above
        slug=slug,
        title=row.title,
        opens=row.opens,
        before=present.Neighbour(here.href, here.title, here.day, locked=False) if here is not None else None,
        as_day=as_day,
    )
    back = present.course_href(slug, as_day)
    answer = page(request, "courses/closed.html", closed, tab="learn", back=back, status=403)
    answer.headers["x-error-code"] = refusal.code
    return answer


LESSON_HANDLERS: Final = (lesson_page, done, place, resume_lesson)
