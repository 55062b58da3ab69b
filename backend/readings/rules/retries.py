"""What is done about a call of a model that failed: once more, go on, insist, or give up.

Words that were shown are never taken back, except where they were no answer at all.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

import msgspec

from backend.readings.types import Failure
from backend.readings.types.models import ModelCall

_AGAIN: Final = frozenset(
    {Failure.UNREACHABLE, Failure.TIMEOUT_FIRST, Failure.RATE_LIMITED, Failure.EMPTY, Failure.GARBAGE}
)
_COUNTED: Final = frozenset({
    Failure.UNREACHABLE, Failure.TIMEOUT_FIRST, Failure.TIMEOUT_GAP, Failure.TIMEOUT_TOTAL, Failure.QUOTA, Failure.AUTH,
})  # fmt: skip
_LONGEST_WAIT: Final = 10.0
_FIRST_DELAY: Final = 0.5
FAILED_IN_A_ROW: Final = 5
"""After so many calls in a row that the server failed, it is left alone."""
PAUSE: Final = timedelta(seconds=30)

LEVELS: Final[Mapping[Failure, int]] = {
    # Somebody must change something.
    Failure.AUTH: logging.ERROR,
    Failure.QUOTA: logging.ERROR,
    Failure.BAD_REQUEST: logging.ERROR,
    Failure.DATABASE: logging.ERROR,
    # It may pass, or tell of a server that does not keep to the API.
    Failure.UNREACHABLE: logging.WARNING,
    Failure.TIMEOUT_FIRST: logging.WARNING,
    Failure.TIMEOUT_GAP: logging.WARNING,
    Failure.TIMEOUT_TOTAL: logging.WARNING,
    Failure.GARBAGE: logging.WARNING,
    Failure.EMPTY: logging.WARNING,
    Failure.WRONG_LANGUAGE: logging.WARNING,
    Failure.WORKER_LOST: logging.WARNING,
    # Models do that.
    Failure.RATE_LIMITED: logging.INFO,
    Failure.REFUSED: logging.INFO,
    Failure.TRUNCATED: logging.INFO,
}
"""How loudly the log tells of a failure."""


class Next(Enum):
    """What is done after a failure."""

    AGAIN = auto()
    """The same call once more."""
    GO_ON = auto()
    """A call for the rest of the text."""
    CLOSE = auto()
    """A closing paragraph of the built-in interpreter below what there is."""
    INSIST = auto()
    """Once more from the start, with the language named again."""
    BUILT_IN = auto()
    """The built-in interpreter writes the text."""
    FAIL = auto()


class Tries:
    """Decides for one answer; what was tried once is not tried again."""

    def __init__(self) -> None:
        self._failed: list[Failure] = []

    def next(self, failure: Failure, wait: float | None, *, shown: bool, going_on: bool) -> Next:
        """What is done; ``shown`` if words of this text are, ``going_on`` if only its rest had been asked for.

        ``wait`` is how many seconds the server wants to be left alone, where it said so.
        """
        before = failure in self._failed
        self._failed.append(failure)
        if going_on:
            return Next.CLOSE
        if failure is Failure.REFUSED:
            return Next.BUILT_IN
        if failure is Failure.WRONG_LANGUAGE:
            return Next.BUILT_IN if before else Next.INSIST
        if failure is Failure.TRUNCATED:
            return Next.GO_ON
        waits = failure is Failure.RATE_LIMITED and (wait or 0.0) > _LONGEST_WAIT
        if failure in _AGAIN and not before and not waits and not shown:
            return Next.AGAIN
        return Next.FAIL

    def delay(self, wait: float | None, chance: float) -> float:
        """Seconds before the next call; ``chance`` is 0 to 1, by which many that failed together do not come together.

        A server that says when it wants to be asked is believed.
        """
        if wait is not None:
            return wait + chance * _FIRST_DELAY
        return _FIRST_DELAY * 2.0 ** (len(self._failed) - 1) * (0.5 + chance)


def paused_until(latest: Sequence[ModelCall]) -> datetime | None:
    """Until when a server that fails again and again is left alone; ``latest`` are its last calls, newest first.

    Only what says something of the server counts: that it cannot be reached, is silent, or wants other keys or money.
    """
    row = latest[:FAILED_IN_A_ROW]
    if len(row) < FAILED_IN_A_ROW or any(call.failure not in _COUNTED for call in row):
        return None
    return row[0].at + PAUSE


class Price(msgspec.Struct, frozen=True):
    """What a million tokens cost, of requests and of answers, in millionths of a US dollar."""

    asked: int = 0
    written: int = 0

    def of(self, prompt_tokens: int, completion_tokens: int) -> int:
        """What a call costs, in millionths of a US dollar, rounded up."""
        return -(-(prompt_tokens * self.asked + completion_tokens * self.written) // 1_000_000)
