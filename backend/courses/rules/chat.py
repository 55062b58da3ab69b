"""A lesson's text as messages of the chat, from the same tokens as the page.

Text is a list of runs, each with the marks that it stands in: so a message may be cut anywhere, and its tags are still
balanced. Telegram counts UTF-16 units without the tags: 4096 in a message, 1024 below a picture, and shows at most 100
marks in one message. Source: core.telegram.org/bots/api, sendMessage and "Formatting options".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from html import escape
from itertools import takewhile
from typing import Final, NamedTuple

TEXT_UNITS: Final = 4096
CAPTION_UNITS: Final = 1024
MOST_MARKS: Final = 100
_BETWEEN_BLOCKS: Final = "\n\n"
_JOINERS: Final = frozenset("\u200d\ufe0f\u20e3")
_SENTENCE_ENDS: Final = (". ", "! ", "? ", "… ", "؟ ", "。")


class Mark(NamedTuple):
    """A tag of Telegram's HTML with its attributes; ``number`` tells one block from the next, 0 is inside a line."""

    tag: str
    attributes: str = ""
    number: int = 0


class Run(NamedTuple):
    """A piece of text, and the marks that it stands in, the outermost first."""

    text: str
    marks: tuple[Mark, ...] = ()


Runs = tuple[Run, ...]


def units(text: str) -> int:
    """The length of a text as Telegram counts it: in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def text_of(runs: Sequence[Run]) -> str:
    """The text without its marks."""
    return "".join(run.text for run in runs)


def to_html(runs: Sequence[Run]) -> str:
    """Balanced HTML of the runs; neighbours that share their outer marks stand in the same tags."""
    pieces: list[str] = []
    for open_, close, text in _steps(runs):
        pieces += [f"</{mark.tag}>" for mark in close]
        pieces += [f"<{mark.tag}{mark.attributes}>" for mark in open_]
        pieces.append(escape(text, quote=False))
    return "".join(pieces)


def pack(blocks: Sequence[Runs], most: int = TEXT_UNITS) -> list[Runs]:
    """The blocks in as few messages of ``most`` units as their borders allow; a longer block is cut at a sentence."""
    messages: list[Runs] = []
    current: Runs = ()
    for block in blocks:
        joined = join(current, block)
        if _fits(joined, most):
            current = joined
            continue
        if current and _fits(block, most):
            messages.append(current)
            joined = block
        *whole, current = _cut(joined, most)
        messages += whole
    return [*messages, current] if current else messages


def join(first: Runs, second: Runs, between: str = _BETWEEN_BLOCKS) -> Runs:
    """Two blocks with an empty line (``between``) between them, which stands in the marks that both share."""
    if not first or not second:
        return first or second
    # Marks of a line end with their block; only numbered ones, of quotations and spoilers, reach over several.
    pairs = zip(first[-1].marks, second[0].marks, strict=False)
    shared = tuple(one for one, _ in takewhile(lambda pair: pair[0] == pair[1] and pair[0].number, pairs))
    return (*first, Run(between, shared), *second)


def fits_caption(runs: Runs) -> bool:
    """Whether it can stand below a picture."""
    return _fits(runs, CAPTION_UNITS)


def trim(runs: Sequence[Run]) -> Runs:
    """The runs without whitespace at both ends and without empty ones."""
    text = text_of(runs)
    start = len(text) - len(text.lstrip())
    return _slice(runs, start, max(len(text.rstrip()), start))


def _steps(runs: Sequence[Run]) -> Iterator[tuple[tuple[Mark, ...], tuple[Mark, ...], str]]:
    """For each run the marks to open, those to close before, and its text; at the end everything is closed."""
    standing: tuple[Mark, ...] = ()
    for run in (*runs, Run("")):
        shared = _shared(standing, run.marks)
        yield run.marks[shared:], standing[shared:][::-1], run.text
        standing = run.marks


def _shared(first: Sequence[Mark], second: Sequence[Mark]) -> int:
    pairs = zip(first, second, strict=False)
    return next((index for index, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))


def _fits(runs: Sequence[Run], most: int) -> bool:
    return units(text_of(runs)) <= most and sum(len(opened) for opened, _, _ in _steps(runs)) <= MOST_MARKS


def _cut(block: Runs, most: int) -> list[Runs]:
    """A block in pieces that fit."""
    pieces: list[Runs] = []
    rest = trim(block)
    while not _fits(rest, most):
        end = _border(text_of(rest), _longest(rest, most))
        pieces.append(trim(_slice(rest, 0, end)))
        rest = trim(_slice(rest, end, None))
    return [*pieces, rest]


def _longest(runs: Runs, most: int) -> int:
    """How many characters from the beginning fit; at least one."""
    low, high = 1, len(text_of(runs))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _fits(_slice(runs, 0, middle), most) else (low, middle - 1)
    return low


def _border(text: str, most: int) -> int:
    """Where to cut so that at most ``most`` characters come before: after a line, a sentence, a word, a character."""
    head = text[: most + 1]
    for ends in (("\n",), _SENTENCE_ENDS, (" ",)):
        border = max(head.rfind(end) + len(end) if end in head else 0 for end in ends)
        # A border near the beginning would leave the message almost empty.
        if most // 2 < border <= most:
            return border
    border = most
    while border > 1 and _belong_together(text[border - 1], text[border]):
        border -= 1
    return border if border > 1 else most


def _belong_together(sign: str, following: str) -> bool:
    return bool(unicodedata.combining(following)) or following in _JOINERS or sign in _JOINERS


def _slice(runs: Sequence[Run], start: int, end: int | None) -> Runs:
    pieces: list[Run] = []
    place = 0
    for run in runs:
        piece = run.text[max(start - place, 0) : None if end is None else max(end - place, 0)]
        if piece:
            pieces.append(Run(piece, run.marks))
        place += len(run.text)
    return tuple(pieces)
