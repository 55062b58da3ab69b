"""Texts of lessons in the chat, and what teachers do to schedules."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Final

from backend.courses.types import LessonId
from backend.courses.types.lessons import ChatPart
from backend.courses.types.schedule import SUBMIT_PREFIX, LessonMessage, Verb
from backend.infra.formatting import format_number
from backend.infra.i18n import Text, translator
from backend.infra.i18n import mark as _
from backend.kernel.text import Locale, pick

SCHEDULE_VERBS: Final[Mapping[str, Text]] = {
    Verb.SHIFT: _("Move by days"),
    Verb.OPEN: _("Open lessons now"),
    Verb.PAUSE: _("Pause"),
    Verb.RESUME: _("Resume"),
}
"""What teachers do to the schedules of students; nobody chooses REPLAN."""


def lesson_message(
    parts: tuple[ChatPart, ...],
    titles: dict[str, str],
    address: str,
    locale: Locale,
    asks: LessonId | None = None,
    *,
    quiz: bool = False,
) -> LessonMessage:
    """The message of a lesson: its parts, or its title where it has no text, and a button that opens it.

    Below one that ``asks`` for an assignment is a button to submit it in the chat, below one with a ``quiz`` a button
    that opens the quiz.
    """
    _ = translator(locale).gettext
    title = html.escape(pick(titles, locale), quote=False)
    named = (ChatPart(f"<b>\u2068{title}\u2069</b>"),)
    submit = (_("Submit assignment"), f"{SUBMIT_PREFIX}{asks}") if asks else ("", "")
    return LessonMessage(
        parts=parts or named,
        button=_("Open lesson"),
        url=address,
        callback_button=submit[0],
        callback=submit[1],
        quiz_button=_("Take the quiz") if quiz else "",
        quiz_url=f"{address}/quiz" if quiz else "",
    )


def digest_message(count: int, address: str, locale: Locale) -> LessonMessage:
    """The message that several lessons are open."""
    words = translator(locale)
    text = words.ngettext("%(count)s lesson is waiting for you", "%(count)s lessons are waiting for you", count)
    head = text % {"count": format_number(count, locale)}
    return LessonMessage(
        parts=(ChatPart(f"<b>{head}</b>"),), button=words.gettext("Open course"), url=address, protect=False
    )
