"""A course as a folder of texts, which rules/folder.py reads as exactly the same course."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

import msgspec

from backend.courses.rules.heads import write_head
from backend.courses.rules.quiz_text import write_quiz
from backend.courses.types.authoring import CourseDraft, LessonDraft
from backend.kernel.text import Locale


def write_folder(course: CourseDraft) -> dict[str, str]:
    """The texts of the folder by name; the other files of the course lie beside them under their paths."""
    files = {_name("course", Locale.EN): _file(_fields(course.head), course.descriptions.get(Locale.EN, ""))}
    for locale, words in course.words.items():
        files[_name("course", locale)] = _file(_fields(words), course.descriptions.get(locale, ""))
    for lesson in course.lessons:
        files |= _lesson(lesson)
    return files


def _lesson(lesson: LessonDraft) -> dict[str, str]:
    files: dict[str, str] = {}
    settings = {
        "minutes": lesson.minutes,
        "required": lesson.required,
        "publish_at": lesson.publish_at,
        # What a lesson without an assignment has anyway is left out.
        "assignment_required": None if lesson.assignment_required else False,
    }
    for locale in Locale:
        if locale in lesson.texts:
            text = lesson.texts[locale]
            head = {"title": text.title} | ({} if files else _written(settings))
            head |= _written({"assignment": text.assignment})
            files[_name(f"{lesson.number:02}-{lesson.slug}", locale)] = _file(head, text.body)
    quiz = write_quiz(lesson.quiz) if lesson.quiz else {}
    return files | {_name(f"{lesson.number:02}-{lesson.slug}.quiz", locale): text for locale, text in quiz.items()}


def _name(stem: str, locale: Locale) -> str:
    return f"{stem}.md" if locale is Locale.EN else f"{stem}.{locale}.md"


def _file(head: dict[str, Any], body: str) -> str:
    return write_head(head) + (f"\n{body}\n" if body else "")


def _fields(value: msgspec.Struct) -> dict[str, Any]:
    fields = {field.encode_name: getattr(value, field.name) for field in msgspec.structs.fields(value)}
    return _written(fields)


def _written(fields: dict[str, Any]) -> dict[str, Any]:
    """Values as texts; what is empty is left out."""
    return {name: _text(value) for name, value in fields.items() if value is not None and value not in ("", ())}


def _text(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_fields(item) for item in value]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value.value if isinstance(value, Enum) else value.isoformat() if isinstance(value, date) else value)
