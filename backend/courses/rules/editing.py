"""What a lesson of the panel's form may be."""

from __future__ import annotations

import re
from typing import Final

from backend.courses.types.editing import LONGEST_ASSIGNMENT, LessonFields
from backend.kernel.errors import Invalid
from backend.kernel.text import fold

LONGEST_TITLE: Final = 200
NOT_IN_A_LINE: Final = re.compile("[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e]")
"""Signs that end a line, or show its letters in another order."""
_NOT_IN_TEXT: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e]")
_SLUG: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")
RESERVED_SLUGS: Final = frozenset({"certificate"})
"""Addresses below a course's that are no lessons."""
_MOST_MINUTES: Final = 10_000


def clean_title(title: str) -> str:
    """A title as it is stored: one line, single spaces."""
    return fold(NOT_IN_A_LINE.sub(" ", title))


def clean_assignment(text: str) -> str:
    """The text of an assignment as it is stored: lines of plain text, without spaces at its ends."""
    return _NOT_IN_TEXT.sub(" ", text.replace("\r\n", "\n")).strip()


def check_lesson(fields: LessonFields) -> None:
    """Raises Invalid, naming the field; a title's is ``title_en``."""
    bad: dict[str, str] = {}
    if not _SLUG.fullmatch(fields.slug) or fields.slug in RESERVED_SLUGS:
        bad["slug"] = "invalid"
    if fields.minutes is not None and not 1 <= fields.minutes <= _MOST_MINUTES:
        bad["minutes"] = "invalid"
    if fields.publish_at is not None and fields.publish_at.tzinfo is None:
        bad["publish_at"] = "invalid"
    if not fields.texts:
        bad["title_en"] = "required"
    for locale, text in fields.texts.items():
        title = clean_title(text.title)
        if not title or len(title) > LONGEST_TITLE:
            bad[f"title_{locale}"] = "too_long" if title else "required"
        if len(clean_assignment(text.assignment)) > LONGEST_ASSIGNMENT:
            bad[f"assignment_{locale}"] = "too_long"
    if bad:
        raise Invalid("bad lesson", fields=bad)
