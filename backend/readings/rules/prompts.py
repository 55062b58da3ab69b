"""How a model is asked: the messages of a call.

The system message holds nothing of the person, so that it is byte for byte the same whatever is asked. The question is
a user message of its own, as data. Roles alternate, because some models take nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from backend.readings.deck.cards import card_name, card_text, known
from backend.readings.rules.prompt_texts import BODIES, PHRASES
from backend.readings.rules.questions import clean, for_model
from backend.readings.types.interpretation import Interpretation
from backend.readings.types.models import Message, PromptBody, Role

PLACEHOLDERS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "system": (frozenset(), frozenset()),
    "cards": (frozenset({"cards"}), frozenset({"spread", "count"})),
    "question": (frozenset({"question"}), frozenset()),
    "open_question": (frozenset(), frozenset()),
    "follow_up": (frozenset({"question"}), frozenset()),
}
"""By text of a prompt: the placeholders that it must have once, and those that it may have."""
LONGEST: Final = 6000
"""Characters of one text of a prompt."""
_PLACEHOLDER: Final = re.compile(r"\{([^{}\n]{0,40})\}")
# Quotation marks would end the one that a question stands in.
_QUOTES: Final = str.maketrans({"«": '"', "»": '"', "“": '"', "”": '"', "[": "(", "]": ")", "#": "♯"})


def neutral(question: str) -> str:
    """A question as data: on one line, without what could pass for a turn, a tag or the end of the quotation."""
    return for_model(clean(question)).translate(_QUOTES)


def faults(body: PromptBody) -> dict[str, str]:
    """What is wrong with the texts of a prompt, by text: ``empty``, ``long``, or the placeholder that is."""
    wrong: dict[str, str] = {}
    for name, (needed, allowed) in PLACEHOLDERS.items():
        text: str = getattr(body, name)
        names = _PLACEHOLDER.findall(text)
        if not text.strip():
            wrong[name] = "empty"
        elif len(text) > LONGEST:
            wrong[name] = "long"
        elif missing := sorted(item for item in needed if names.count(item) != 1):
            wrong[name] = f"{{{missing[0]}}}"
        elif unknown := [item for item in names if item not in needed | allowed]:
            wrong[name] = f"{{{unknown[0]}}}"
    return wrong


def _filled(text: str, **values: str) -> str:
    # In one pass: what a value holds is never taken for a placeholder.
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)


def cards_of(task: Interpretation) -> str:
    """The cards in their positions, one a line, with what both mean."""
    language = known(task.language)
    return "\n".join(
        f"{number}. {card_name(drawn.card, language, upside_down=drawn.reversed)}, {_in(place.name, language)}: "
        f"{_in(place.meaning, language)} "
        f"{getattr(card_text(drawn.card, language), 'reversed' if drawn.reversed else 'upright')}"
        for number, (drawn, place) in enumerate(zip(task.cards, task.spread.positions, strict=True), 1)
    )


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def messages(task: Interpretation) -> list[Message]:
    """The messages of a call for a reading, a follow-up, or the rest of a text that was cut off."""
    language = known(task.language)
    body, phrases = task.prompt or BODIES[language], PHRASES[language]
    cards = _filled(
        body.cards, cards=cards_of(task), spread=_in(task.spread.name, language), count=str(len(task.cards))
    )
    talk = [
        Message(Role.SYSTEM, f"{body.system.strip()}\n\n{phrases.language}"),
        Message(Role.USER, cards),
        Message(Role.ASSISTANT, phrases.ready),
    ]
    for place, exchange in enumerate(task.before):
        talk.append(Message(Role.USER, _asked(body, exchange.question, first=place == 0)))
        talk.append(Message(Role.ASSISTANT, exchange.text))
    asked = _asked(body, task.question, first=not task.before)
    reminder = phrases.insist if task.insist else phrases.language
    talk.append(Message(Role.USER, f"{asked}\n\n{reminder}"))
    if task.written:
        talk.append(Message(Role.ASSISTANT, task.written))
        talk.append(Message(Role.USER, f"{phrases.go_on}\n\n{reminder}"))
    return talk


def _asked(body: PromptBody, question: str, *, first: bool) -> str:
    plain = neutral(question)
    if not plain:
        return body.open_question
    return _filled(body.question if first else body.follow_up, question=plain)


def probe_messages(language: str) -> list[Message]:
    """A tiny request, by which a server is tried."""
    phrases = PHRASES[known(language)]
    return [Message(Role.SYSTEM, phrases.language), Message(Role.USER, f"{phrases.probe} {phrases.language}")]
