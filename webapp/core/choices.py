"""What stored choices are called: one list, for the forms that offer them and the pages that show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from backend.assignments.words import VERDICTS
from backend.catalog import words as catalog
from backend.courses.words import SCHEDULE_VERBS
from backend.infra.i18n import Text, Translator
from backend.orders.words import REFUND_TARGETS
from backend.readings.words import PERIODS
from backend.wallet.words import ADJUSTMENTS

CHOICES: Final[Mapping[str, Mapping[str, Text]]] = {
    "adjustment": ADJUSTMENTS,
    "goods_kind": catalog.KINDS,
    "variants_differ_in": catalog.CHOICES,
    "hue": catalog.HUES,
    "icon": catalog.ICONS,
    "key_file": catalog.KEY_FILES,
    "package_period": PERIODS,
    "refund_target": REFUND_TARGETS,
    "schedule_verb": SCHEDULE_VERBS,
    "verdict": VERDICTS,
}
"""The titles by the stored values of a choice, by the choice's name in templates: ``{{ hue|title_of("hue") }}``."""


def title_of(value: str, choice: str, words: Translator) -> str:
    """What a stored value is called; one without a title is shown as it is."""
    titles = CHOICES[choice]
    return words.say(titles[value]) if value in titles else value
