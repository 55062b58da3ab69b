"""Endings of texts that broke off before their end."""

from __future__ import annotations

from backend.readings.deck.cards import known
from backend.readings.rules.composing import facts
from backend.readings.rules.composing.phrases import Chooser, phrases
from backend.readings.types.interpretation import Interpretation


def ending(task: Interpretation, text: str) -> str:
    """One paragraph that ends a text which broke off: the card that the others lead to, and its advice."""
    language = known(task.language)
    key = facts.key_card(facts.laid(task.spread, task.cards, language))
    frame = Chooser(key.card.id, key.reversed, text[:200]).pick(phrases(language)["cut"]["any"])
    return frame.format(card=key.name, advice=key.text.advice)
