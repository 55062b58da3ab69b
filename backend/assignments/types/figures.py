"""What a course's figures say of its assignments and questions."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

FEEDBACK_DAYS: Final = 90
"""Time to feedback is that of versions submitted in so many days."""


class FeedbackTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long versions waited for their first feedback that were promised one in the same time."""

    promised: timedelta
    answered: int
    on_time: int
    median: timedelta
    p90: timedelta
    """Nine of ten waited no longer."""


class FeedbackFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for a teacher now, and how long others waited, by what was promised: the shortest first."""

    open: int
    overdue: int
    times: tuple[FeedbackTimes, ...]
