"""Lessons in the back office: the list in its order, the editor with its preview, the files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from backend.courses.types import MediaKind
from backend.courses.types.editing import EditedLesson, LessonFields, Preview
from backend.courses.types.lessons import LineProblem, MediaFile, TextProblem
from backend.kernel.text import Locale, pick
from webapp.core.fields import LANGUAGES, Fields, local_text, switch
from webapp.courses.screens.teaching import CourseRow

Address = Callable[[MediaFile], str]
_SHOWN: Final = frozenset({MediaKind.PICTURE, MediaKind.VIDEO, MediaKind.AUDIO})


class LessonRow(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson in the list; ``number`` counts from 1. ``languages``: those that it has a text in."""

    id: str
    slug: str
    number: int
    title: str
    minutes: int | None
    required: bool
    publish_at: datetime | None
    languages: tuple[str, ...]


class LessonsPage(msgspec.Struct, frozen=True, kw_only=True):
    """courses/admin/lessons.html; ``undo`` is the id of a lesson that was just deleted."""

    course: CourseRow
    rows: tuple[LessonRow, ...]
    files: int
    undo: str = ""

    @property
    def path(self) -> str:
        """Its address."""
        return f"/admin/courses/{self.course.id}/lessons"


class PreviewPart(msgspec.Struct, frozen=True, kw_only=True):
    """courses/admin/_preview.html: a text as its page would show it, and what is wrong with it."""

    language: str
    direction: str
    html: str = ""
    """Safe: made by the renderer of lessons."""
    problems: tuple[LineProblem, ...] = ()
    url: str = ""
    """Where it comes from once it is looked at; empty where it is here."""


class FileRow(msgspec.Struct, frozen=True, kw_only=True):
    """A file that texts may name; ``markdown`` is what shows it there."""

    id: str
    path: str
    kind: MediaKind
    size: int
    markdown: str


class FilesPart(msgspec.Struct, frozen=True, kw_only=True):
    """courses/admin/_files.html: the files of a course; ``error`` is what was wrong with the one that was sent."""

    course_id: str
    rows: tuple[FileRow, ...]
    error: str = ""

    @property
    def path(self) -> str:
        """Where files are sent."""
        return f"/admin/courses/{self.course_id}/files"


class LessonPage(msgspec.Struct, frozen=True, kw_only=True):
    """courses/admin/lesson.html: the editor of a lesson; a new one has no ``id``."""

    form: Fields
    course: CourseRow
    previews: tuple[PreviewPart, ...]
    files: FilesPart
    id: str = ""
    number: int = 0
    problem: LineProblem | None = None
    """The first problem that refused the text."""
    languages: tuple[tuple[str, str], ...] = LANGUAGES

    @property
    def path(self) -> str:
        """Where its form is posted."""
        base = f"/admin/courses/{self.course.id}/lessons"
        return f"{base}/{self.id}" if self.id else base


def lesson_rows(lessons: Sequence[EditedLesson], locale: Locale) -> tuple[LessonRow, ...]:
    """The lessons of a course in their order."""
    return tuple(
        LessonRow(
            id=str(one.id),
            slug=one.fields.slug,
            number=number,
            title=title_of(one.fields, locale),
            minutes=one.fields.minutes,
            required=one.fields.required,
            publish_at=one.fields.publish_at,
            languages=tuple(code for code, _ in LANGUAGES if Locale(code) in one.fields.texts),
        )
        for number, one in enumerate(lessons, start=1)
    )


def title_of(fields: LessonFields, locale: Locale) -> str:
    """What a lesson is called; its slug where it has no text."""
    return pick({key.value: text.title for key, text in fields.texts.items()}, locale) or fields.slug


def lesson_form(lesson: EditedLesson, timezone: ZoneInfo) -> Fields:
    """The form of a stored lesson; moments are in the editor's time zone."""
    fields = lesson.fields
    typed = {
        "slug": fields.slug,
        "minutes": str(fields.minutes or ""),
        "required": switch(fields.required),
        "assignment_required": switch(fields.assignment_required),
        "publish_at": local_text(fields.publish_at, timezone),
        "version": str(lesson.version),
    }
    for locale, text in fields.texts.items():
        typed |= {f"title_{locale}": text.title, f"body_{locale}": text.body}
        typed |= {f"assignment_{locale}": text.assignment}
    return Fields(typed)


def preview_part(language: str, preview: Preview, address: Address) -> PreviewPart:
    """A preview in a language."""
    return PreviewPart(
        language=language,
        direction=Locale(language).direction,
        html=preview.text.html(address),
        # Nobody has typed yet.
        problems=tuple(one for one in preview.problems if one.code is not TextProblem.EMPTY),
    )


def later_preview(language: str, course_id: str) -> PreviewPart:
    """A preview that comes once its language is chosen."""
    url = f"/admin/courses/{course_id}/preview?language={language}"
    return PreviewPart(language=language, direction=Locale(language).direction, url=url)


def files_part(course_id: str, files: Sequence[MediaFile], error: str = "") -> FilesPart:
    """The files of a course, by path."""
    rows = tuple(
        FileRow(id=str(one.id), path=one.path, kind=one.kind, size=one.size, markdown=_markdown(one)) for one in files
    )
    return FilesPart(course_id=course_id, rows=rows, error=error)


def _markdown(file: MediaFile) -> str:
    bang = "!" if file.kind in _SHOWN else ""
    place = f"<{file.path}>" if " " in file.path else file.path
    return f"{bang}[{file.name}]({place})"
