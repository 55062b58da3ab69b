"""The form of a reading's text: plain paragraphs, those about a position under a head line ``N. card, position``."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from backend.kernel.text import ascii_digits


class Paragraph(NamedTuple):
    """A paragraph of a reading; ``position`` counts from 1 where it is about a position, else the head is empty."""

    position: int | None
    head: str
    body: str


_LONGEST_HEAD: Final = 120
_COMMAS: Final = {"ar": "، "}
_RULE: Final = re.compile(r"\s*(?:[-*_=]\s*){3,}")
_MARKS: Final = re.compile(r"\s*(?:(?:#{1,6}|>|[-*•])\s+)*")
_STRONG: Final = re.compile(r"\*\*|__|`")
_EMPHASIS: Final = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")
_NUMBER: Final = re.compile(
    r"(?P<strong>\*\*|__)?(?:(?:card|position|карта|позиция|البطاقة|بطاقة)\s+)?[№#]?\s*(?P<number>\d{1,2})"
    r"(?:\s*(?:\*\*|__)?\s*(?P<sign>[.):،–—-])|(?=\s))\s*(?P<second>\*\*|__)?\s*(?P<rest>[^\W\d_].*|[«“\"*].*)",
    re.IGNORECASE,
)
_BEGUN: Final = re.compile(r"[\s#*№-]*(?P<number>\d{1,2})\s*[.):]?\s*")
_STRONG_HEAD: Final = re.compile(r"(?P<head>.+?)(?:\*\*|__)(?P<body>.*)")
_COLON: Final = re.compile(r"(?P<head>[^:]{3,80}):\s+(?P<body>.{30,})")
_BETWEEN: Final = " \t:.,،–—-"
_ENDS: Final = re.compile(r"[.!?…؟。][\"'»”’)\]*_\s]*\Z")


def head(number: int, card: str, position: str, language: str) -> str:
    """The head line of the paragraph about position ``number``, counted from 1."""
    return f"{number}. {card}{_COMMAS.get(language, ', ')}{position}"


def paragraphs(text: str, positions: int = 99) -> list[Paragraph]:
    """The paragraphs of a text about ``positions`` cards, also of one that is still being written.

    Models are taken as they are: Markdown's marks fall away, numbers may have any script's digits and be followed by a
    bracket or nothing, heads may stand alone, in bold before their text, or between lines of one block. A bare number
    at the end is the next head, whose words are still to come.
    """
    whole, _, end = text.rpartition("\n")
    if begun := _BEGUN.fullmatch(ascii_digits(end)):
        before = _read(whole, positions)
        last = max((one.position or 0 for one in before), default=0)
        if last < int(begun["number"]) <= positions:
            return before
    return _read(text, positions)


def _read(text: str, positions: int) -> list[Paragraph]:
    listed: list[Paragraph] = []
    last = 0
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        opened = False
        for line in block.split("\n"):
            if not _plain(line) or _RULE.fullmatch(line):
                continue
            headed = _headed(line, last, positions)
            if headed:
                last = headed.position or last
                listed.append(headed)
            elif listed and (opened or (listed[-1].head and not listed[-1].body)):
                previous = listed[-1]
                listed[-1] = previous._replace(body=f"{previous.body} {_plain(line)}".strip())
            else:
                listed.append(Paragraph(None, "", _plain(line)))
            opened = True
    return listed


def _headed(line: str, last: int, positions: int) -> Paragraph | None:
    """The paragraph that a line begins, if it is the head of a position after the ``last`` one."""
    match = _NUMBER.fullmatch(ascii_digits(line[_MARKS.match(line).end() :]).strip())  # type: ignore[union-attr]
    if not match or not last < int(match["number"]) <= positions:
        return None
    number, rest, body = int(match["number"]), match["rest"], ""
    split = _STRONG_HEAD.fullmatch(rest) if match["strong"] or match["second"] else None
    split = split or (_COLON.fullmatch(rest) if match["sign"] else None)
    if split:
        rest, body = split["head"], split["body"].lstrip(_BETWEEN)
    rest = _plain(rest).rstrip(_BETWEEN)
    # A sentence that begins with a number is no head: "10 days later it ended."
    is_sentence = not split and _ENDS.search(line) and (not match["sign"] or len(rest.split()) > 12)
    if not rest or len(rest) > _LONGEST_HEAD or is_sentence:
        return None
    return Paragraph(number, rest, _plain(body))


def _plain(line: str) -> str:
    line = _MARKS.sub("", line, count=1)
    return _EMPHASIS.sub(r"\1", _STRONG.sub("", line)).strip()


def spoken_positions(text: str, positions: int) -> frozenset[int]:
    """The positions of a spread that a text speaks of, each under its head."""
    return frozenset(
        paragraph.position for paragraph in paragraphs(text, positions) if paragraph.position and paragraph.body
    )


def ends_well(text: str) -> bool:
    """Whether a text ends with a whole sentence."""
    return bool(_ENDS.search(text))
