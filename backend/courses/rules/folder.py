"""A course's folder as a course: names of files, heads, languages, and everything that is wrong with them in one go.

``course.md`` and ``01-first-lesson.md`` are English, ``course.ar.md`` and ``01-first-lesson.ar.md`` Arabic, and so on.
See decisions/0076.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from backend.courses.rules.course_fields import problems_of_head
from backend.courses.rules.editing import LONGEST_TITLE, NOT_IN_A_LINE, RESERVED_SLUGS, clean_assignment
from backend.courses.rules.folder_quizzes import QUIZ_NAME, read_quizzes
from backend.courses.rules.heads import Head, read_head
from backend.courses.rules.markdown import clean_text, problems_of
from backend.courses.types.authoring import (
    CourseDraft,
    CourseHead,
    CourseWords,
    FolderProblem,
    FolderProblemCode,
    LessonDraft,
    LessonHead,
    LessonTextDraft,
    LessonWords,
    MediaDraft,
)
from backend.courses.types.editing import LONGEST_ASSIGNMENT
from backend.courses.types.quiz import Quiz
from backend.kernel.text import Locale, fold

T = TypeVar("T", bound=msgspec.Struct)

_COURSE: Final = re.compile(r"course(?:\.([a-z]+))?\.md")
_LESSON: Final = re.compile(r"(\d{1,3})-([A-Za-z0-9_-]{1,60})(?:\.([a-z]+))?\.md")
_LONGEST_VALUE: Final = 200
_FIRST: Final = (Locale.EN, Locale.AR, Locale.RU)
"""A lesson's settings stand in the head of its first file, in this order of languages."""


def is_text_name(name: str) -> bool:
    """Whether a file of this name is a text of a course."""
    return any(pattern.fullmatch(name) for pattern in (_COURSE, QUIZ_NAME, _LESSON))


class Folder:
    """Reads a folder: ``texts`` are its .md files by name, ``media`` the others by path, prices in ``currency``."""

    def __init__(self, texts: Mapping[str, bytes], media: Mapping[str, MediaDraft], currency: str) -> None:
        self.problems: list[FolderProblem] = []
        self._media = dict(media)
        self._currency = currency
        self._kinds = {path: item.kind for path, item in media.items()}
        self._course: dict[Locale, tuple[str, str]] = {}
        self._lessons: dict[str, dict[Locale, tuple[str, str]]] = defaultdict(dict)
        self._quizzes: dict[str, dict[Locale, tuple[str, str]]] = defaultdict(dict)
        self._numbers: dict[str, int] = {}
        for name in sorted(texts):
            self._sort(name, texts[name])

    def read(self) -> CourseDraft | None:
        """The course, or None where the head of course.md cannot be read; ``problems`` say what is wrong."""
        lessons = self._read_lessons()
        course = self._read_course(lessons)
        self.problems.sort(key=lambda problem: (problem.file, problem.line))
        return course

    def _bad(self, file: str, line: int, code: FolderProblemCode, field: str = "", value: str = "") -> None:
        self.problems.append(FolderProblem(file, line, code, field, value[:_LONGEST_VALUE]))

    def _sort(self, name: str, data: bytes) -> None:
        """Put a file among the course's or a lesson's, by its name."""
        course, quiz = _COURSE.fullmatch(name), QUIZ_NAME.fullmatch(name)
        lesson = quiz or _LESSON.fullmatch(name)
        match = course or lesson
        language = (match[match.lastindex or 1] if match and (course or match.lastindex == 3) else None) or "en"
        if match is None or language not in set(Locale):
            self._bad(name, 0, FolderProblemCode.BAD_FILE_NAME)
            return
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._bad(name, data.count(b"\n", 0, error.start) + 1, FolderProblemCode.NOT_UTF8)
            return
        locale = Locale(language)
        if course:
            self._course[locale] = (name, text)
        elif lesson:
            number, slug = int(lesson[1]), lesson[2]
            if self._numbers.setdefault(slug, number) != number:
                self._bad(name, 0, FolderProblemCode.SLUG_TWICE, value=slug)
            (self._quizzes if quiz else self._lessons)[slug][locale] = (name, text)

    def _head(self, name: str, text: str, type_: type[T]) -> Head[T]:
        head = read_head(text, type_)
        for problem in head.problems:
            self._bad(name, problem.line, problem.code, problem.field, problem.value)
        return head

    def _title(self, file: str, lines: Mapping[str, int], title: str) -> str:
        if len(title) > LONGEST_TITLE or NOT_IN_A_LINE.search(title):
            self._bad(file, lines.get("title", 1), FolderProblemCode.BAD_TEXT, "title", title)
        return fold(title)

    def _assignment(self, file: str, lines: Mapping[str, int], text: str) -> str:
        cleaned = clean_assignment(text)
        if len(cleaned) > LONGEST_ASSIGNMENT or cleaned != text.strip():
            self._bad(file, lines.get("assignment", 1), FolderProblemCode.BAD_TEXT, "assignment", text)
        return cleaned

    def _text(self, file: str, first_line: int, body: str) -> str:
        """A body as it is stored, its problems reported at the lines of the file."""
        body = body.replace("\r\n", "\n")
        for problem in problems_of(body, self._kinds):
            line = problem.line + first_line - 1
            self.problems.append(FolderProblem(file, line, problem.code, value=problem.value))
        return clean_text(body)

    def _read_lessons(self) -> tuple[LessonDraft, ...]:
        if not self._lessons:
            self._bad("course.md", 0, FolderProblemCode.NO_LESSONS)
        by_number: dict[int, str] = {}
        drafts = []
        for slug in sorted(self._lessons, key=lambda slug: (self._numbers[slug], slug)):
            first = by_number.setdefault(self._numbers[slug], slug)
            if first != slug:
                name = next(iter(self._lessons[slug].values()))[0]
                self._bad(name, 0, FolderProblemCode.NUMBER_TWICE, value=first)
            if slug in RESERVED_SLUGS:
                self._bad(next(iter(self._lessons[slug].values()))[0], 0, FolderProblemCode.BAD_SLUG, value=slug)
            draft = self._read_lesson(slug)
            if draft is not None:
                drafts.append(draft)
        for slug in self._quizzes.keys() - self._lessons.keys():
            for name, _ in self._quizzes[slug].values():
                self._bad(name, 0, FolderProblemCode.NO_LESSON_OF_QUIZ)
        return tuple(drafts)

    def _read_quiz(self, slug: str) -> Quiz | None:
        written = self._quizzes.get(slug, {})
        if not written:
            return None
        quiz, problems = read_quizzes([(locale, *written[locale]) for locale in _FIRST if locale in written])
        self.problems += problems
        return quiz

    def _read_lesson(self, slug: str) -> LessonDraft | None:
        texts: dict[Locale, LessonTextDraft] = {}
        settings: LessonHead | None = None
        files = [(locale, *self._lessons[slug][locale]) for locale in _FIRST if locale in self._lessons[slug]]
        for number, (locale, name, text) in enumerate(files):
            head: Head[LessonHead] | Head[LessonWords]
            head = self._head(name, text, LessonHead) if number == 0 else self._head_of_words(name, text)
            if isinstance(head.value, LessonHead):
                settings = head.value
            title = self._title(name, head.lines, head.value.title) if head.value else ""
            body = self._text(name, head.first_line, head.body)
            assignment = self._assignment(name, head.lines, head.value.assignment) if head.value else ""
            texts[locale] = LessonTextDraft(title, body, name, head.first_line, assignment)
        if settings is None:
            return None
        return LessonDraft(
            slug=slug,
            number=self._numbers[slug],
            minutes=settings.minutes,
            required=settings.required,
            publish_at=settings.publish_at,
            texts=texts,
            assignment_required=settings.assignment_required,
            quiz=self._read_quiz(slug),
        )

    def _head_of_words(self, name: str, text: str) -> Head[LessonWords]:
        """The head of a lesson's other languages, where settings would contradict those of the first."""
        head = read_head(text, LessonWords)
        settings = {field.encode_name for field in msgspec.structs.fields(LessonHead)}
        for problem in head.problems:
            once = problem.code is FolderProblemCode.UNKNOWN_KEY and problem.field in settings
            code = FolderProblemCode.ONLY_IN_FIRST if once else problem.code
            self._bad(name, problem.line, code, problem.field, problem.value)
        return head

    def _read_course(self, lessons: tuple[LessonDraft, ...]) -> CourseDraft | None:
        if Locale.EN not in self._course:
            self._bad("course.md", 0, FolderProblemCode.NO_COURSE)
            return None
        name, text = self._course[Locale.EN]
        head = self._head(name, text, CourseHead)
        words: dict[Locale, CourseWords] = {}
        descriptions = {Locale.EN: clean_text(head.body)}
        for locale, (file, translated) in self._course.items():
            if locale is not Locale.EN:
                other = self._head(file, translated, CourseWords)
                if other.value is not None:
                    words[locale] = other.value
                    self._check_words(file, other, head.value)
                descriptions[locale] = clean_text(other.body)
        if head.value is None:
            return None
        self._check_course(name, head, head.value)
        return CourseDraft(
            head=head.value,
            lines=head.lines,
            words=words,
            descriptions=descriptions,
            lessons=lessons,
            media=self._media,
        )

    def _check_course(self, name: str, head: Head[CourseHead], course: CourseHead) -> None:
        self._title(name, head.lines, course.title)
        for field, code, value in problems_of_head(course, self._currency):
            self._bad(name, head.lines.get(field, 1), code, field.rpartition(".")[2], value)

    def _check_words(self, file: str, head: Head[CourseWords], course: CourseHead | None) -> None:
        words = head.value
        if words is None or course is None:
            return
        self._title(file, head.lines, words.title)
        codes = {tariff.code for tariff in course.tariffs}
        for number, tariff in enumerate(words.tariffs, start=1):
            if tariff.code not in codes:
                line = head.lines[f"tariffs.{number}.code"]
                self._bad(file, line, FolderProblemCode.UNKNOWN_TARIFF, "code", tariff.code)
