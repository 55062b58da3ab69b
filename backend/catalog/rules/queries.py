"""A search as PostgreSQL asks it: for each typed word its readings, joined by "and"."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from backend.catalog.rules.documents import NAMED
from backend.catalog.rules.folding import fold
from backend.catalog.rules.spelling import other_keyboards
from backend.catalog.types.search import LONGEST_QUERY

_MOST_WORDS: Final = 8
_MOST_COMBINED: Final = 8
# What it costs to fetch a product; as many times the cost of reading one that has a beginning.
_FETCH: Final = 25


class Term(msgspec.Struct, frozen=True):
    """A word, or with ``begins`` all words that begin with it."""

    word: str
    begins: bool = False


Reading = tuple[Term, ...]
"""Terms that a product must all have."""


class Frequency(msgspec.Struct, frozen=True):
    """In how many products a term is, and in how many of their names."""

    products: int = 0
    named: int = 0
    words: tuple[str, ...] = ()
    """Of a beginning: every word that begins so, where these are few."""


_NOTHING: Final = Frequency()


class Query(msgspec.Struct, frozen=True):
    """What a product must have: one reading of each of ``parts``."""

    parts: tuple[tuple[Reading, ...], ...]

    @property
    def terms(self) -> list[Term]:
        """Every term in it, once."""
        return list(dict.fromkeys(term for part in self.parts for reading in part for term in reading))

    def text(self, *, named: bool = False) -> str:
        """It in the language of tsquery; with ``named`` for the words of names only."""
        mark = NAMED if named else ""
        return " & ".join(f"({' | '.join(_text(reading, mark) for reading in part)})" for part in self.parts)

    def estimate(self, known: Mapping[Term, Frequency], listed: int) -> Frequency:
        """About how many of ``listed`` products have it, as far as the frequencies of its terms say; 0 is sure.

        Words go together more often than by chance, and less often than they could: in between lies the mean.
        """
        return Frequency(
            _mean(self._each(known, lambda frequency: frequency.products), listed),
            _mean(self._each(known, lambda frequency: frequency.named), listed),
        )

    def spelled(self, known: Mapping[Term, Frequency]) -> Query:
        """The same query with whole words for each beginning of few: the index of words skips what others exclude."""

        def spell(term: Term) -> Iterable[Term]:
            return map(Term, known.get(term, _NOTHING).words) if term.begins else ()

        return Query(
            tuple(
                tuple(
                    dict.fromkeys(
                        (*reading[:-1], term) for reading in part for term in tuple(spell(reading[-1])) or reading[-1:]
                    )
                )
                for part in self.parts
            )
        )

    def indexed(self, known: Mapping[Term, Frequency], listed: int, *, named: bool) -> Query:
        """The parts that the index of words is best asked for; the others are looked for in what it finds.

        It reads every product of a beginning of many words, even where another part of the query is rare.
        """

        def count(query: Query) -> int:
            frequency = query.estimate(known, listed)
            return frequency.named if named else frequency.products

        indexed, whole = self, count(self)
        for part in self.parts:
            rest = Query(tuple(one for one in indexed.parts if one is not part))
            many = any(reading[-1].begins and not known.get(reading[-1], _NOTHING).words for reading in part)
            if many and rest.parts and (count(rest) - whole) * _FETCH < count(Query((part,))):
                indexed = rest
        return indexed

    def _each(self, known: Mapping[Term, Frequency], count: Callable[[Frequency], int]) -> list[int]:
        return [
            # The readings of a word are mostly in the same products: in other languages, with and without an ending.
            max(min(count(known.get(term, _NOTHING)) for term in reading) for reading in part)
            for part in self.parts
        ]


class Typed(msgspec.Struct, frozen=True):
    """What somebody typed: ``chunks`` between the spaces, and the folded words of each."""

    chunks: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]

    @property
    def key(self) -> str:
        """The same for all writings of one search."""
        return " ".join(word for words in self.words for word in words)

    def __bool__(self) -> bool:
        return bool(self.words)


def read(typed: str) -> Typed:
    """The words of a search, at most eight; nothing where it has no letter and no digit."""
    pairs = [(chunk, tuple(fold(chunk))) for chunk in typed[:LONGEST_QUERY].split()]
    pairs = [(chunk, words) for chunk, words in pairs if words][:_MOST_WORDS]
    return Typed(tuple(chunk for chunk, _ in pairs), tuple(words[:_MOST_WORDS] for _, words in pairs))


def plain(typed: Typed, known: Mapping[Term, Frequency] | None = None) -> Query:
    """The search as it is written: every word is in the product, the last one may go on.

    A number does not go on once it is known: 50 is not 500.
    """
    parts = [((Term(word),),) for words in typed.words for word in words]
    (last,) = parts[-1][0]
    if known is None or not (last.word.isdigit() and known.get(last, _NOTHING).products):
        parts[-1] = ((Term(last.word, begins=not last.word.startswith("@")),),)
    return Query(tuple(parts))


def read_widely(typed: Typed, alike: Callable[[str, bool], Iterable[Term]]) -> Query:
    """The search with the other readings of each word: what is ``alike`` it, and the keys of other keyboards."""
    parts: list[tuple[Reading, ...]] = []
    for number, (chunk, words) in enumerate(zip(typed.chunks, typed.words, strict=True)):
        ends = number == len(typed.words) - 1
        choices: list[Sequence[Term]] = []
        for at, word in enumerate(words):
            last = ends and at == len(words) - 1
            choices.append([Term(word, begins=last), *alike(word, last)])
        readings = list(itertools.islice(itertools.product(*choices), _MOST_COMBINED))
        for other in other_keyboards(chunk):
            swapped = fold(other)[:_MOST_WORDS]
            if swapped:
                readings.append((*map(Term, swapped[:-1]), Term(swapped[-1], begins=ends)))
        parts.append(tuple(dict.fromkeys(readings)))
    return Query(tuple(parts))


def _mean(counts: list[int], listed: int) -> int:
    most = min(counts)
    if not most:
        return 0
    by_chance = float(most)
    for count in sorted(counts)[1:]:
        by_chance *= min(count / max(listed, 1), 1.0)
    return max(round(math.sqrt(most * by_chance)), 1)


def _text(reading: Reading, mark: str) -> str:
    return " & ".join(f"'{mark}{term.word}'{':*' if term.begins else ''}" for term in reading)
