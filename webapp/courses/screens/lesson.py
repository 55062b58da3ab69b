"""A lesson's page, and the page in its place where it is closed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Hashable
from typing import Final, Literal

import msgspec
from markupsafe import Markup

from backend.courses.types import MediaKind
from backend.courses.types.access import AssignmentNeed, QuizNeed
from backend.courses.types.lessons import LessonPage, NeighbourLesson
from webapp.core.parts import address
from webapp.courses.screens.outline import lesson_href

_HEADING: Final = re.compile(r"<(/?)h([2-4])>")
"""A heading of a lesson's text, which is clean: such tags have no attributes."""
_HIGHEST: Final = 2
_PLAYED: Final = frozenset({MediaKind.VIDEO, MediaKind.AUDIO})


class Neighbour(msgspec.Struct, frozen=True):
    """The lesson before or after."""

    href: str
    title: str
    day: int
    locked: bool


class LessonView(msgspec.Struct, frozen=True, kw_only=True):
    """courses/lesson.html: ``html`` is safe; ``language`` is that of the text.

    ``part`` is the number of the heading where the reader left the lesson, 0 for the beginning. ``plays``: it has a
    video or a recording.
    """

    slug: str
    course_href: str
    title: str
    day: int
    of: int
    minutes: int
    language: str
    direction: str
    html: Markup
    plays: bool
    done: bool
    done_url: str
    part: int
    resume_url: str
    previous: Neighbour | None
    next: Neighbour | None
    updated: bool
    as_day: int | None
    work: str = ""
    """How the lesson's assignment stands, ``none`` before it is submitted; empty where there is none."""
    work_href: str = ""
    work_first: bool = False
    """Only submitting it completes the lesson."""
    quiz: str = ""
    """How the reader stands with the lesson's quiz; empty where there is none."""
    quiz_href: str = ""
    quiz_first: bool = False
    """Only being done with it completes the lesson."""
    questions_href: str = ""
    """Where the teacher is asked; empty for who only looks."""


class ClosedPage(msgspec.Struct, frozen=True, kw_only=True):
    """courses/closed.html: why a lesson is closed, and when it opens where that is known."""

    code: Literal["lesson_locked", "access_ended", "forbidden"]
    slug: str
    title: str
    opens: str = ""
    before: Neighbour | None = None
    """The lesson that is open and not done yet."""
    as_day: int | None = None


def lesson_key(lesson: LessonPage, as_day: int | None, work: str = "", quiz: str = "") -> Hashable:
    """All that ``lesson_view`` makes its view of; a lesson's text follows from its id, version and language."""
    return (
        lesson.id,
        lesson.version,
        lesson.locale,
        lesson.course_slug,
        lesson.slug,
        lesson.number,
        lesson.count,
        lesson.title,
        lesson.minutes,
        lesson.updated_since_sent,
        lesson.completed_at is not None,
        lesson.place if _is_noted(lesson) else None,
        lesson.previous,
        lesson.next,
        lesson.assignment,
        lesson.quiz,
        lesson.quiz_done,
        lesson.preview,
        work,
        quiz,
        as_day,
    )


def _is_noted(lesson: LessonPage) -> bool:
    """Whether it is noted how far the reader comes."""
    return not lesson.preview and lesson.completed_at is None


def lesson_view(
    lesson: LessonPage, gap: Callable[[int], str], *, as_day: int | None = None, work: str = "", quiz: str = ""
) -> LessonView:
    """A lesson that is open; ``gap`` of a number stands for the address of that file of its text, from 0.

    ``work`` is how its assignment stands, ``quiz`` its quiz. Its headings note how far it was read, unless that is
    nothing to be noted.
    """
    base = f"/courses/{lesson.course_slug}/lessons/{lesson.slug}"
    day = str(as_day) if as_day else None
    noted = _is_noted(lesson)
    numbers = itertools.count()
    return LessonView(
        slug=lesson.course_slug,
        course_href=course_href(lesson.course_slug, as_day),
        title=lesson.title,
        day=lesson.number,
        of=lesson.count,
        minutes=lesson.minutes or 0,
        language=lesson.locale.value,
        direction=lesson.locale.direction,
        html=_marked(lesson.text.html(lambda _: gap(next(numbers))), f"{base}/place" if noted else "", lesson.place),
        plays=any(file.kind in _PLAYED for file in lesson.text.files),
        done=lesson.completed_at is not None,
        done_url=address(f"{base}/done", day=day),
        part=lesson.place if noted else 0,
        resume_url=f"{base}/resume",
        previous=neighbour(lesson.course_slug, lesson.previous, as_day),
        next=neighbour(lesson.course_slug, lesson.next, as_day),
        updated=lesson.updated_since_sent,
        as_day=as_day,
        work=work if lesson.assignment is not AssignmentNeed.NONE else "",
        work_href=f"/learn/{lesson.course_slug}/{lesson.slug}/assignment",
        work_first=lesson.assignment is AssignmentNeed.REQUIRED and work == "none" and lesson.completed_at is None,
        quiz=quiz if lesson.quiz is not QuizNeed.NONE else "",
        quiz_href=f"/learn/{lesson.course_slug}/{lesson.slug}/quiz",
        quiz_first=lesson.quiz is QuizNeed.REQUIRED and not lesson.quiz_done and lesson.completed_at is None,
        questions_href="" if lesson.preview else f"/learn/{lesson.course_slug}/{lesson.slug}/questions",
    )


def course_href(course: str, as_day: int | None) -> str:
    """The page of a course, as on a day of it where a teacher looks so."""
    return address(f"/learn/{course}", day=str(as_day) if as_day else None)


def neighbour(course: str, lesson: NeighbourLesson | None, as_day: int | None) -> Neighbour | None:
    """The lesson before or after, as a link."""
    if lesson is None:
        return None
    return Neighbour(lesson_href(course, lesson.slug, as_day), lesson.title, lesson.number, lesson.locked)


def _marked(html: str, place_url: str, place: int) -> Markup:
    """The text with a name for each heading; those after ``place`` tell ``place_url`` once they are seen.

    Its highest heading follows the page's title, whatever sign its author began it with.
    """
    count = 0
    above = min((int(level) for _, level in _HEADING.findall(html)), default=_HIGHEST) - _HIGHEST

    def mark(match: re.Match[str]) -> str:
        nonlocal count
        tag = f"h{int(match[2]) - above}"
        if match[1]:
            return f"</{tag}>"
        count += 1
        tells = ""
        if place_url and count > place:
            tells = (
                f' hx-post="{place_url}" hx-vals=\'{{"place": "{count}"}}\' hx-trigger="intersect once"'
                ' hx-target="this" hx-swap="none" hx-push-url="false" hx-sync="#lesson:queue last"'
            )
        return f'<{tag} id="part-{count}"{tells}>'

    return Markup(_HEADING.sub(mark, html))  # noqa: S704 backend.courses.rules.page has cleaned it
