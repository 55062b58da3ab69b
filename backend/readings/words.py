"""Texts of readings that are not about cards.

To people in distress, before delicate subjects, about failures; and how packages of credits are sold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from backend.infra.i18n import Text, translator
from backend.infra.i18n import mark as _
from backend.kernel.text import Locale
from backend.readings.deck import cards as deck
from backend.readings.types import Failure
from backend.readings.types.rooms import Period

PERIODS: Final[Mapping[str, Text]] = {
    Period.ONCE: _("Sold once"),
    Period.MONTHLY: _("Every 30 days"),
}
"""How often a package of credits is sold to one person."""


def in_distress(language: str, help_lines: str) -> str:
    """To somebody whose question sounds like despair, instead of a reading; ``help_lines`` are the seller's."""
    _ = translator(Locale.closest(language)).gettext
    parts = [
        _(
            "What you write sounds very heavy, and it deserves more than cards. You don't have to carry it alone. "
            "Please talk to someone today: a person you trust, a doctor, or a crisis line."
        ),
        _("If you are in danger right now, call the emergency number of the place where you are."),
        help_lines.replace("\\n", "\n").strip(),
        _("No credit was used. The cards can wait until you feel safer."),
    ]
    return "\n\n".join(part for part in parts if part)


def failure_text(failure: Failure, locale: Locale) -> str:
    """What a person is told about an answer that failed: what happened, in one sentence."""
    _ = translator(locale).gettext
    texts = {
        Failure.UNREACHABLE: _("The interpreter can't be reached right now."),
        Failure.TIMEOUT_FIRST: _("The interpreter didn't answer in time."),
        Failure.TIMEOUT_GAP: _("The interpreter stopped in the middle."),
        Failure.TIMEOUT_TOTAL: _("The interpreter took too long."),
        Failure.RATE_LIMITED: _("Many people are asking right now."),
        Failure.QUOTA: _("The interpreter is taking a break."),
        Failure.AUTH: _("The interpreter is taking a break."),
        Failure.BAD_REQUEST: _("The interpreter didn't understand the request."),
        Failure.REFUSED: _("The interpreter declined to answer this question."),
        Failure.TRUNCATED: _("The interpreter stopped in the middle."),
        Failure.GARBAGE: _("The interpreter's answer was unreadable."),
        Failure.EMPTY: _("The interpreter gave no answer."),
        Failure.WRONG_LANGUAGE: _("The interpreter answered in another language."),
        Failure.WORKER_LOST: _("The reading was interrupted."),
        Failure.DATABASE: _("The reading couldn't be saved."),
    }
    return texts[failure]


def caveat(concern: str, language: str) -> str:
    """What stands before a reading about health, law or money, with an empty line after it; nothing before others."""
    _ = translator(Locale.closest(language)).gettext
    texts = {
        "health": _("Cards can't replace a doctor: for anything about your health, please ask one."),
        "law": _("Cards can't replace legal advice: for a decision of law, please ask a lawyer."),
        "money": _("Cards can't replace financial advice: please base no decision about money on them alone."),
    }
    text = texts.get(concern, "")
    return f"{text}\n\n" if text else ""


def card_name(card: int, locale: Locale) -> str:
    """What a card of the deck, 0 to 77, is called."""
    return deck.card_name(card, locale.value)
