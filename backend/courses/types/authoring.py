"""A course as its authors write it: a folder of texts and files, and what an import of it does."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from backend.courses.types import CourseId, CourseState, LateRule, MediaKind, ScheduleMode
from backend.courses.types.lessons import TextProblem
from backend.courses.types.quiz import Quiz, ShowAnswers
from backend.kernel.text import Locale


class TimeOfDay(int):
    """Minutes since midnight, written as 09:30."""

    def __str__(self) -> str:
        return f"{self // 60:02}:{self % 60:02}"


Count = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
RemindDays = Annotated[int, msgspec.Meta(ge=0, le=90)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class FolderProblemCode(StrEnum):
    """What is wrong with a course's folder, beside the problems of texts."""

    NO_COURSE = "no_course"
    NOT_UTF8 = "not_utf8"
    NO_HEAD = "no_head"
    HEAD_OPEN = "head_open"
    BAD_YAML = "bad_yaml"
    KEY_TWICE = "key_twice"
    UNKNOWN_KEY = "unknown_key"
    REQUIRED = "required"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    NOT_YES_OR_NO = "not_yes_or_no"
    UNKNOWN_VALUE = "unknown_value"
    BAD_TIME = "bad_time"
    BAD_DATE = "bad_date"
    NOT_ONE_TEXT = "not_one_text"
    NOT_A_LIST = "not_a_list"
    BAD_TEXT = "bad_text"
    BAD_SLUG = "bad_slug"
    BAD_ZONE = "bad_zone"
    BAD_PRICE = "bad_price"
    NOT_THE_CURRENCY = "not_the_currency"
    ONLY_IN_FIRST = "only_in_first"
    CODE_TWICE = "code_twice"
    UNKNOWN_TARIFF = "unknown_tariff"
    NO_TARIFFS = "no_tariffs"
    BAD_FILE_NAME = "bad_file_name"
    NUMBER_TWICE = "number_twice"
    SLUG_TWICE = "slug_twice"
    NO_LESSONS = "no_lessons"
    TYPE_NOT_KNOWN = "type_not_known"
    NAME_AND_TYPE = "name_and_type"
    TOO_LARGE = "too_large"
    UNKNOWN_CATEGORY = "unknown_category"
    TAKEN = "taken"
    NO_LESSON_OF_QUIZ = "no_lesson_of_quiz"
    NOT_OF_A_QUIZ = "not_of_a_quiz"
    NO_OPTIONS = "no_options"
    NOT_THE_SAME_QUIZ = "not_the_same_quiz"
    BAD_QUIZ = "bad_quiz"
    """``field`` and ``value`` say what, as rules/quiz.py does."""


class FolderProblem(msgspec.Struct, frozen=True):
    """A problem in a file of the folder; ``line`` counts from 1, 0 for the file as a whole."""

    file: str
    line: int
    code: FolderProblemCode | TextProblem
    field: str = ""
    value: str = ""


class TariffHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tariff in the head of course.md; the order of the list is the order of upgrades."""

    code: str
    name: str
    note: str = ""
    price: str
    feedback_hours: Count | None = None
    groups: bool = False
    certificate: bool = False
    places: Count | None = None
    starts_on: date | None = None
    """A cohort's first day; without it the course starts at once."""


class TariffWords(msgspec.Struct, frozen=True, kw_only=True):
    """A tariff in the head of course.ar.md."""

    code: str
    name: str
    note: str = ""


class CourseHead(msgspec.Struct, frozen=True, kw_only=True):
    """The head of course.md."""

    title: str
    summary: str = ""
    slug: str
    category: str
    icon: str = "learn"
    hue: str = ""
    currency: str
    state: CourseState = CourseState.DRAFT
    mode: ScheduleMode = ScheduleMode.EVERY_24H
    hour: TimeOfDay = TimeOfDay(600)
    interval_days: Count = 1
    student_from: TimeOfDay | None = None
    student_to: TimeOfDay | None = None
    late_rule: LateRule = LateRule.ONE_A_DAY
    timezone: str = "UTC"
    digest_after_days: Count = 7
    new_lessons_after_completion: bool = False
    remind_days: RemindDays = 3
    study_hours: Count | None = None
    certificate_per_run: bool = False
    tariffs: tuple[TariffHead, ...] = ()


class CourseWords(msgspec.Struct, frozen=True, kw_only=True):
    """The head of course.ar.md: what is said in another language."""

    title: str
    summary: str = ""
    tariffs: tuple[TariffWords, ...] = ()


class LessonHead(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a lesson's first file."""

    title: str
    minutes: Count | None = None
    required: bool = True
    publish_at: Moment | None = None
    assignment: str = ""
    assignment_required: bool = True


class LessonWords(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a lesson in another language."""

    title: str
    assignment: str = ""


class QuizHead(msgspec.Struct, frozen=True, kw_only=True):
    """The head of the first language of a lesson's quiz."""

    attempts: Count | None = None
    passing_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 60
    minutes: Count | None = None
    required: bool = True
    show_answers: ShowAnswers = ShowAnswers.AT_THE_END


class QuizWords(msgspec.Struct, frozen=True):
    """The head of a quiz in another language, which has no settings."""


class LessonTextDraft(msgspec.Struct, frozen=True):
    """A lesson in one language; ``first_line`` of ``file`` is where the body begins."""

    title: str
    body: str
    file: str = ""
    first_line: int = 1
    assignment: str = ""


class LessonDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson as an author wrote it."""

    slug: str
    number: int
    minutes: int | None
    required: bool
    publish_at: datetime | None
    texts: dict[Locale, LessonTextDraft]
    assignment_required: bool = True
    quiz: Quiz | None = None


class MediaDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a course that lies in its folder; ``path`` is relative to it."""

    path: str
    source: Path
    kind: MediaKind
    mime: str
    size: int
    width: int | None = None
    height: int | None = None
    duration: int | None = None


class CourseDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A whole folder. ``words`` are the course's texts in the languages that it has, ``descriptions`` their bodies."""

    head: CourseHead
    lines: dict[str, int]
    """The line of each field in course.md; of a tariff's as ``tariffs.basic.price``."""
    words: dict[Locale, CourseWords]
    descriptions: dict[Locale, str]
    lessons: tuple[LessonDraft, ...]
    media: dict[str, MediaDraft]


class ChangeKind(StrEnum):
    """What a change is about."""

    COURSE = "course"
    TARIFF = "tariff"
    LESSON = "lesson"
    QUIZ = "quiz"
    """Of a lesson, by the lesson's slug."""
    FILE = "file"


class ChangeAction(StrEnum):
    """What an import does with something."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    MISSING = "missing"
    """It is in the shop and not in the folder, and stays: deleting it is an option of its own."""


class CourseChange(msgspec.Struct, frozen=True):
    """One thing that an import changes; ``fields`` are those that differ."""

    kind: ChangeKind
    ref: str
    action: ChangeAction
    fields: tuple[str, ...] = ()


class CourseReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did, or would do."""

    applied: bool
    course_id: CourseId | None
    changes: tuple[CourseChange, ...]
    problems: tuple[FolderProblem, ...]
    moves_schedule: bool = False
    """The order of lessons or the course's clock differs: what students are sent and when changes."""
    moved: int = 0
    """How many students' next lesson comes at another time by it."""
