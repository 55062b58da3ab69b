"""Answers to further questions about a spread that lies on the table: they name its cards and draw no new ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backend.kernel.folding import plain_letters
from backend.readings.deck.cards import Suit, known
from backend.readings.rules.composing import facts
from backend.readings.rules.composing.facts import Laid
from backend.readings.rules.composing.phrases import Chooser, phrases
from backend.readings.rules.composing.reading import LEANINGS
from backend.readings.rules.questions import Concern, concern_of
from backend.readings.rules.themes import Kind, Theme, kind_of, theme_of
from backend.readings.types.interpretation import Interpretation

# Which suits and places speak to a theme and to a kind of question.
_SUITS: Final = {
    Theme.LOVE: {Suit.CUPS}, Theme.WORK: {Suit.WANDS, Suit.PENTACLES}, Theme.MONEY: {Suit.PENTACLES},
    Theme.HEALTH: {Suit.PENTACLES, Suit.WANDS}, Theme.HOME: {Suit.CUPS, Suit.PENTACLES}, Theme.STUDY: {Suit.SWORDS},
    Theme.DECISION: {Suit.SWORDS}, Theme.SELF: {Suit.MAJOR}, Theme.NONE: set(),
}  # fmt: skip
_PLACES: Final = {
    Kind.YES_NO: {"outcome", "may-be", "together", "whole"}, Kind.WHEN: {"ahead", "may-be", "month"},
    Kind.WHO: {"other", "around"}, Kind.WHY: {"root", "was", "behind", "apart"},
    Kind.HOW: {"self", "crown", "is", "your-need"}, Kind.WHAT: {"hopes", "crossing", "bond"},
}  # fmt: skip


def follow_up(task: Interpretation) -> str:
    """The answer to the task's question, in three paragraphs; the same one for the same question."""
    language = known(task.language)
    words = phrases(language)
    table = facts.laid(task.spread, task.cards, language)
    theme, kind = theme_of(task.question), kind_of(task.question)
    if theme is Theme.NONE:
        theme = theme_of(task.before[0].question)
    choose = Chooser([(item.card.id, item.reversed) for item in table], len(task.before), task.question)
    said_last = "\n".join(exchange.text for exchange in task.before[1:])
    cards = _chosen(table, task.question, (_SUITS[theme], _PLACES[kind]), said_last, choose)
    asked = words["followups"]
    opening = [choose.pick(asked["begin"]), choose.pick(asked["kind"][kind])]
    body = [_said(choose.pick(asked["first"]["any"]), cards[0]), choose.pick(words["suits"][theme][cards[0].card.suit])]
    if len(cards) > 1:
        related = facts.relation(cards[0].card, cards[1].card)
        body.append(_said(choose.pick(asked["second"]["any"]), cards[1]))
        body.append(choose.pick(asked["agree"]["friendly" if related == "same" else related]))
    else:
        body.append(choose.pick(asked["one"]["any"]))
    number = "major" if cards[0].card.suit is Suit.MAJOR else str(cards[0].card.number)
    body.append(choose.pick(words["numbers"][number]))
    if kind is Kind.YES_NO and concern_of(task.question) is Concern.NONE:
        body.append(choose.pick(words["closings"]["leaning"][LEANINGS[facts.key_card(table).mood]]))
    closing = [choose.pick(asked["close"]["any"]), _decapitalised(cards[0].text.advice, language)]
    closing.append(choose.pick(words["closings"]["end"]["any"]))
    return "\n\n".join(" ".join(part) for part in (opening, body, closing))


def _chosen(
    table: Sequence[Laid], question: str, preferred: tuple[set[Suit], set[str]], said_last: str, choose: Chooser
) -> list[Laid]:
    """The one or two cards that answer: those that are named, then those whose suit or place speaks to the question."""
    plain = plain_letters(question)
    suits, places = preferred

    def weight(item: Laid) -> int:
        named = plain_letters(item.text.name.removeprefix("The ")) in plain or plain_letters(item.place) in plain
        used = item.name in said_last
        return 8 * named + 2 * (item.key in places) + 2 * (item.card.suit in suits) - 3 * used

    order = {number: index for index, number in enumerate(choose.ordered([str(item.number) for item in table]))}
    ranked = sorted(table, key=lambda item: (-weight(item), order[str(item.number)]))
    return ranked[:2]


def _said(frame: str, item: Laid) -> str:
    return frame.format(card=item.name, place=item.place, gist=item.gist)


def _decapitalised(text: str, language: str) -> str:
    """The sentence as it stands after a colon."""
    return text[0].lower() + text[1:] if language != "ar" else text
