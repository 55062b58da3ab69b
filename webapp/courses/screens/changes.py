"""The history of changes of a course's schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from backend.courses.types.schedule import PastChange, Undone
from backend.infra.formatting import format_number
from backend.infra.i18n import Translator
from backend.kernel.ids import UserId
from webapp.courses.screens.moves import change_text, left_text
from webapp.courses.screens.teaching import CourseRow


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A change: what it did, in words, and who made it."""

    id: str
    text: str
    by: str
    at: datetime
    undone: bool


class ChangesPage(msgspec.Struct, frozen=True):
    """courses/admin/changes.html"""

    course: CourseRow
    rows: tuple[ChangeRow, ...]


def change_rows(changes: Sequence[PastChange], names: Mapping[UserId, str], words: Translator) -> tuple[ChangeRow, ...]:
    """The changes, in their order."""
    return tuple(
        ChangeRow(
            id=str(one.id),
            text=change_text(one.change, one.outcome, words),
            by=names.get(one.by, "") if one.by else "",
            at=one.at,
            undone=one.undone,
        )
        for one in changes
    )


def undo_question(counted: Undone, words: Translator) -> str:
    """What an undo would do; those whose schedule has changed since stay as they are."""
    text = words.ngettext(
        "The schedule of %(count)s student becomes what it was.",
        "The schedules of %(count)s students become what they were.",
        counted.restored,
    ) % {"count": format_number(counted.restored, words.locale)}
    return f"{text} {left_text(counted.left, words)}." if counted.left else text
