"""Time to feedback, a block of a course's figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from backend.assignments.types.figures import FeedbackFigures
from backend.infra.i18n import mark as _
from backend.infra.spreadsheets import first_line, lines
from webapp.core.rendering import Viewer

_HEADER: Final = (
    _("Promised, hours"), _("Feedback given"), _("On time"), _("Median, hours"), _("90th percentile, hours"),
)  # fmt: skip


class FeedbackRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one promise was worth; ``percent`` were on time."""

    promised: timedelta
    answered: int
    on_time: int
    median: timedelta
    p90: timedelta
    late: int
    percent: int


class FeedbackBlock(msgspec.Struct, frozen=True, kw_only=True):
    """assignments/admin/_feedback.html; ``file`` is the signed address of its file."""

    open: int
    overdue: int
    times: tuple[FeedbackRow, ...]
    file: str


def feedback_rows(figures: FeedbackFigures) -> tuple[FeedbackRow, ...]:
    """What the promises were worth, the shortest first."""
    return tuple(
        FeedbackRow(
            promised=one.promised, answered=one.answered, on_time=one.on_time, median=one.median, p90=one.p90,
            late=one.answered - one.on_time, percent=one.on_time * 100 // one.answered,
        )
        for one in figures.times
    )  # fmt: skip


def feedback_csv(rows: Sequence[FeedbackRow], viewer: Viewer) -> str:
    """The promises as a file; hours to a tenth."""
    header = [viewer.words.gettext(name) for name in _HEADER]
    cells = [(_hours(row.promised), row.answered, row.on_time, _hours(row.median), _hours(row.p90)) for row in rows]
    return first_line(header) + lines(cells)


def _hours(time: timedelta) -> str:
    return f"{time / timedelta(hours=1):.1f}"
