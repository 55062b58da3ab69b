"""Whether a text that ended without a reason looks finished, and where one that was cut off can be closed."""

from __future__ import annotations

import re
from collections.abc import Callable

from backend.readings.rules.layout import ends_well, spoken_positions
from backend.readings.types.interpretation import Interpretation


def looks_whole(task: Interpretation) -> Callable[[str], bool]:
    """A check for a text: it ends with a sentence and, unless it answers a follow-up, speaks of every position."""
    positions = 0 if task.before else len(task.cards)

    def check(text: str) -> bool:
        whole = task.written + text
        return ends_well(whole) and len(spoken_positions(whole, positions)) == positions

    return check


def last_sentence(text: str) -> str:
    """The text up to its last whole sentence, so that it does not end in the middle of one; empty without one."""
    ends = [match.end() for match in re.finditer(r"[.!?…؟][\"'»”’)\]]*(?=\s|\Z)", text)]
    # "3." before a heading ends no sentence.
    while ends and re.search(r"(?:^|\n)\s*\d{1,2}\.\Z", text[: ends[-1]]):
        ends.pop()
    return text[: ends[-1]] if ends else ""
