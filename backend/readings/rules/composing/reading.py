"""The built-in reading: one text from the cards, their places, each other and the theme of the question."""

from __future__ import annotations

from typing import Any, Final

from backend.readings.deck.cards import Suit, card_name, known
from backend.readings.rules import layout
from backend.readings.rules.composing import facts
from backend.readings.rules.composing.facts import Laid
from backend.readings.rules.composing.phrases import Chooser, listed, percent, phrases
from backend.readings.rules.questions import Concern, concern_of
from backend.readings.rules.themes import Kind, kind_of, theme_of
from backend.readings.types.interpretation import Interpretation

LEANINGS: Final = {1: "yes", 0: "open", -1: "no"}
_FEW = 3
_REVERSED_FROM = 5


class _Composer:
    """Writes one reading, and remembers what it has said."""

    def __init__(self, task: Interpretation) -> None:
        self.language = known(task.language)
        self.words: dict[str, dict[str, Any]] = phrases(self.language)
        self.question = task.question
        self.theme = theme_of(task.question)
        self.table = facts.laid(task.spread, task.cards, task.language)
        places = [(item.key, item.place, item.card.id, item.reversed) for item in self.table]
        self.choose = Chooser(places, self.theme)
        self.suits_seen: set[Suit] = set()

    def text(self) -> str:
        """All paragraphs, with an empty line between them."""
        parts = [self.opening(), *(self.paragraph(item) for item in self.table)]
        if len(self.table) >= _FEW:
            parts.append(self.together())
        return "\n\n".join([*parts, self.closing()])

    def opening(self) -> str:
        openings = self.words["openings"]
        said = [self.choose.pick(openings[self.theme])]
        if len(self.table) >= _FEW:
            said.append(self.choose.pick(openings["mood"][facts.overall(self.table)]))
        return " ".join(said)

    def paragraph(self, item: Laid) -> str:
        """A position: what it asks, what the card says, and how that hangs together with the theme and the others."""
        places = self.words["places"]
        frame = self.choose.pick(places.get(item.key, ())) or self.choose.pick(places["any"])
        gist = item.gist
        start = frame.format(gist=gist) if frame else f"{gist[0].upper()}{gist[1:]}."
        said = [start, item.meaning, self.turn(item), self.of_suit(item), *self.extras(item)]
        title = layout.head(item.number, self.name(item), item.place, self.language)
        return f"{title}\n{' '.join(part for part in said if part)}"

    def name(self, item: Laid) -> str:
        return card_name(item.card.id, self.language, upside_down=item.reversed)

    def turn(self, item: Laid) -> str:
        """What it means that a card of this mood lies in a place of this kind: a light one as an obstacle, say."""
        kind = facts.kind_of_place(item)
        return self.choose.pick(self.words["turns"][kind][facts.MOODS[item.mood]]) if kind else ""

    def of_suit(self, item: Laid) -> str:
        """What the card's suit adds to the theme, at the first card of that suit."""
        if item.card.suit in self.suits_seen:
            return ""
        self.suits_seen.add(item.card.suit)
        return self.choose.pick(self.words["suits"][self.theme][item.card.suit])

    def extras(self, item: Laid) -> list[str]:
        """How the card stands to the others, and what its rank or its lying reversed adds; more where cards are few."""
        numbers = self.words["numbers"]
        rank = "major" if item.card.suit is Suit.MAJOR else str(item.card.number)
        most = 2 if len(self.table) <= _FEW else 1
        said = [sentence] if (sentence := self.link(item)) else []
        for options in (numbers["reversed"]["any"] if item.reversed else (), numbers[rank]):
            if len(said) < most and (sentence := self.choose.pick(options)):
                said.append(sentence)
        return said

    def link(self, item: Laid) -> str:
        """How the card stands to the one that it is read with, or to another of its number."""
        other = facts.partner(item, self.table)
        if other is None:
            return ""
        links = self.words["links"]
        if item.key == "crossing":
            crossed = links["crossing"][facts.relation(item.card, other.card)]
            return self.choose.pick(crossed).format(other=other.name)
        same = [
            one
            for one in self.table[: item.number - 1]
            if facts.is_numbered(item.card) and facts.is_numbered(one.card) and one.card.number == item.card.number
        ]
        if len(same) == 1 and (sentence := self.choose.pick(links["neighbour"]["same-number"])):
            return sentence.format(other=same[0].name)
        for kind in self.choose.ordered(_kinds(item, other)):
            if sentence := self.choose.pick(links["neighbour"][kind]):
                return sentence.format(other=other.name)
        return ""

    def together(self) -> str:
        """What the cards say as a whole: at most four observations."""
        words, total, table = self.words["together"], len(self.table), self.table
        first, last = table[0].gist, facts.key_card(table).gist
        said = [self.choose.pick(words["thread"]).format(first=first, last=last)]
        turned = sum(item.reversed for item in table)
        chance = facts.rarity(turned, total)
        if total >= _REVERSED_FROM and chance <= facts.RARE:
            share = percent(chance, self.language)
            said.append(self.choose.pick(words["reversed"]["many"]).format(count=turned, total=total, percent=share))
        majors = facts.suits(table)[Suit.MAJOR]
        if majors * 2 >= total:
            said.append(self.choose.pick(words["many-majors"]).format(count=majors, total=total))
        elif not majors and total > _REVERSED_FROM:
            said.append(self.choose.pick(words["no-majors"]))
        if suit := facts.dominant(table):
            count = facts.suits(table)[suit]
            said.append(self.choose.pick(words["dominant"][suit]).format(count=count, total=total))
        if suit := facts.missing(table):
            said.append(self.choose.pick(words["missing"][suit]))
        for rank, items in facts.repeated(table).items():
            cards = listed([item.name for item in items], self.language)
            said.append(self.words["numbers"]["repeated"][str(rank)].format(cards=cards))
            break
        if len(said) < _FEW:
            said.append(self.choose.pick(words["flow"][facts.flow(table)]))
        return " ".join([self.choose.pick(words["begin"]), *said[:5]])

    def closing(self) -> str:
        """One thing that can be done, from the card that the others lead to."""
        words, key = self.words["closings"], facts.key_card(self.table)
        said = [self.choose.pick(words["lead"][self.theme]), key.text.advice]
        if len(self.table) > 1:
            said.append(self.choose.pick(words["advice"]["from"]).format(card=key.name))
        if kind_of(self.question) is Kind.YES_NO and concern_of(self.question) is Concern.NONE:
            said.append(self.choose.pick(words["leaning"][LEANINGS[key.mood]]))
        return " ".join([*said, self.choose.pick(words["end"]["any"])])


def _kinds(item: Laid, other: Laid) -> list[str]:
    """The ways in which a card stands to the one that it is read with."""
    kinds = []
    related = facts.relation(item.card, other.card)
    if item.card.suit is other.card.suit and item.card.suit is not Suit.MAJOR:
        kinds.append("same-suit")
    elif related == "hostile" or (related == "friendly" and min(item.mood, other.mood) >= 0):
        kinds.append(related)
    if item.mood > 0 > other.mood:
        kinds.append("lighter")
    if other.mood > 0 and (item.mood < 0 or (item.reversed and item.mood < other.mood)):
        kinds.append("heavier")
    if item.reversed and other.reversed:
        kinds.append("both-reversed")
    elif other.reversed and item.mood >= 0:
        kinds.append("uprighted")
    elif item.reversed and not other.reversed:
        kinds.append("overturned")
    return kinds


def compose(task: Interpretation) -> str:
    """The reading's text in the language asked for; the same one for the same cards, places and question."""
    return _Composer(task).text()
