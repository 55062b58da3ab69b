"""Lessons as teachers edit them in the panel."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from backend.courses.types import CourseId, LessonId
from backend.courses.types.lessons import LineProblem, RenderedText
from backend.kernel.text import Locale

LONGEST_ASSIGNMENT: Final = 2000


class EditedText(msgspec.Struct, frozen=True):
    """A lesson in one language; ``body`` is Markdown."""

    title: str
    body: str
    assignment: str = ""
    """What students are to submit, as plain text; empty for no assignment."""


class LessonFields(msgspec.Struct, frozen=True, kw_only=True):
    """What can be edited of a lesson; its texts in at least one language."""

    slug: str
    required: bool = True
    minutes: int | None = None
    """About how long it takes."""
    assignment_required: bool = True
    """Whether the lesson is completed only by submitting its assignment, if it has one."""
    publish_at: datetime | None = None
    """Only teachers see it before; None for at once."""
    texts: dict[Locale, EditedText]


class EditedLesson(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson as it is stored; ``version`` goes back with a change of it."""

    id: LessonId
    course_id: CourseId
    position: int
    version: int
    fields: LessonFields


class Preview(msgspec.Struct, frozen=True):
    """A text as the page would show it, and what is wrong with it, by line."""

    text: RenderedText
    problems: tuple[LineProblem, ...]
