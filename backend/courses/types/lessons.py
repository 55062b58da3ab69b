"""Lessons as they are read: on a page, and in the chat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from html import escape

import msgspec

from backend.courses.types import CourseId, LessonId, MediaId, MediaKind
from backend.courses.types.access import AssignmentNeed, QuizNeed
from backend.kernel.text import Locale


class MediaFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a course, by the ``path`` that texts call it by. Sizes are in bytes, pixels and seconds."""

    id: MediaId
    path: str
    kind: MediaKind
    mime: str
    size: int
    width: int | None = None
    height: int | None = None
    duration: int | None = None

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


class RenderedText(msgspec.Struct, frozen=True):
    """A lesson's HTML, safe to show as it is: ``parts`` are joined by the addresses of ``files``, which expire."""

    parts: tuple[str, ...]
    files: tuple[MediaFile, ...]

    def html(self, address: Callable[[MediaFile], str]) -> str:
        """The HTML with an address for each of its files."""
        pieces = [self.parts[0]]
        for file, part in zip(self.files, self.parts[1:], strict=True):
            pieces += (escape(address(file)), part)
        return "".join(pieces)


class ChatPart(msgspec.Struct, frozen=True):
    """One message of a lesson in the chat: a text of Telegram's HTML, or a file with such a text below it."""

    html: str
    file: MediaFile | None = None


class ChatFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is sent to chats: ``stored`` names its content, ``file_id`` is Telegram's where this bot has one."""

    file: MediaFile
    stored: str
    file_id: str | None


class LessonTitle(msgspec.Struct, frozen=True, kw_only=True):
    """What a lesson is called, in the language nearest to the reader's."""

    id: LessonId
    slug: str
    title: str
    locale: Locale


class NeighbourLesson(msgspec.Struct, frozen=True, kw_only=True):
    """The lesson before or after another one; not to be opened where it is ``locked``."""

    slug: str
    title: str
    number: int
    locked: bool


class LessonPage(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson for one person. ``locale`` is the language of its text, which is the person's where there is one.

    ``number`` counts the course's lessons from 1; ``place`` is where the person left it: seconds of a video or a
    block's number, 0 for the beginning.
    """

    id: LessonId
    course_id: CourseId
    course_slug: str
    slug: str
    number: int
    count: int
    title: str
    locale: Locale
    text: RenderedText
    required: bool
    minutes: int | None
    version: int
    updated_at: datetime
    updated_since_sent: bool
    """The text has changed since it was sent to the person's chat."""
    opened_at: datetime | None
    completed_at: datetime | None
    place: int
    previous: NeighbourLesson | None
    next: NeighbourLesson | None
    assignment: AssignmentNeed = AssignmentNeed.NONE
    quiz: QuizNeed = QuizNeed.NONE
    quiz_done: bool = False
    """The person has passed its quiz, or has no attempt left."""
    preview: bool = False
    """A teacher looks at it; nothing is recorded."""


class StoredMedia(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it is sent to somebody who may open its lesson: ``stored`` is its name in the storage of contents."""

    name: str
    mime: str
    kind: MediaKind
    size: int
    stored: str


class TextProblem(StrEnum):
    """What is wrong with a lesson's text."""

    EMPTY = "empty_text"
    TOO_LONG = "text_too_long"
    UNKNOWN_FILE = "unknown_file"
    """It names a file that the course does not have."""
    NOT_SHOWN = "file_not_shown"
    """A document is used as a picture."""
    OUTSIDE_PICTURE = "outside_picture"
    """Pictures come from the course's folder, so that nobody else learns who reads the lesson."""
    BAD_LINK = "bad_link"
    """Links go to https, mailto and tg."""
    HIDDEN_ORDER = "hidden_order"
    """A sign that shows the letters in another order than they are written, such as U+202E."""


class LineProblem(msgspec.Struct, frozen=True):
    """A problem of a text, at a line that counts from 1."""

    line: int
    code: TextProblem
    value: str = ""
