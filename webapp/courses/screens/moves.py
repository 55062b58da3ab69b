"""What a change does to schedules, in words."""

from __future__ import annotations

from collections.abc import Mapping

from backend.courses.types.schedule import Change, Outcome, Undone, Verb
from backend.infra.formatting import format_number
from backend.infra.i18n import Translator

_DAY = 24 * 60


def moved_text(moved: int, words: Translator) -> str:
    """How many students' next lesson comes at another time."""
    text = words.ngettext(
        "The next lesson of %(count)s student comes at another time.",
        "The next lesson of %(count)s students comes at another time.",
        moved,
    )
    return text % {"count": format_number(moved, words.locale)}


def change_text(change: Change, outcome: Outcome, words: Translator) -> str:
    """What a change of schedules does: "312 students move by +1 day"."""
    count = outcome.changed
    said = {"count": format_number(count, words.locale)}
    if not count:
        return words.gettext("It changes nobody's schedule.")
    match change.verb:
        case Verb.PAUSE:
            return words.ngettext("%(count)s student is paused.", "%(count)s students are paused.", count) % said
        case Verb.RESUME:
            return words.ngettext("%(count)s student goes on.", "%(count)s students go on.", count) % said
        case Verb.OPEN:
            head = words.ngettext("Lessons open for %(count)s student.", "Lessons open for %(count)s students.", count)
            opened = words.ngettext(
                "%(count)s lesson opens in all.", "%(count)s lessons open in all.", outcome.opened
            ) % {"count": format_number(outcome.opened, words.locale)}
            return f"{head % said} {opened}"
        case _:
            return "\n".join(_shifts(outcome.moved, words)) or moved_text(count, words)


def _shifts(moved: Mapping[int, int], words: Translator) -> list[str]:
    lines = []
    for minutes, count in sorted(moved.items()):
        days, rest = divmod(abs(minutes), _DAY)
        amount = days if not rest else round(abs(minutes) / 60)
        sign = "+" if minutes > 0 else "\u2212"
        by = f"\u2066{sign}{format_number(amount, words.locale)}\u2069"
        unit = (
            words.ngettext("%(by)s day", "%(by)s days", amount)
            if not rest
            else words.ngettext("%(by)s hour", "%(by)s hours", amount)
        ) % {"by": by}
        text = words.ngettext("%(count)s student moves by %(by)s.", "%(count)s students move by %(by)s.", count)
        lines.append(text % {"count": format_number(count, words.locale), "by": unit})
    return lines


def undone_text(undone: Undone, words: Translator) -> str:
    """What became of an undo; those whose schedule has changed since stay as they are."""
    text = words.ngettext("Undone for %(count)s student", "Undone for %(count)s students", undone.restored)
    said = text % {"count": format_number(undone.restored, words.locale)}
    if not undone.left:
        return said
    return f"{said}. {left_text(undone.left, words)}"


def left_text(left: int, words: Translator) -> str:
    """How many students an undo leaves as they are."""
    text = words.ngettext("%(count)s changed since and stays", "%(count)s changed since and stay", left)
    return text % {"count": format_number(left, words.locale)}
