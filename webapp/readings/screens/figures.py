"""The reading room in figures: bars, tables, and the files of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from backend.infra.i18n import mark as _
from backend.infra.spreadsheets import first_line, lines
from backend.kernel.text import Locale, pick
from backend.readings.types import Failure
from backend.readings.types.models import Outcomes
from backend.readings.types.office import CreditFigures, DayFigures
from backend.readings.types.rooms import SpreadFigures
from backend.readings.words import failure_text
from webapp.core.parts import Chip
from webapp.core.rendering import Viewer
from webapp.readings.screens.prompts import seconds_text

_PERIODS: Final = ("7", "30", "90")
_MICROS: Final = 1_000_000
_SPREAD_HEADER: Final = (
    _("Spread"), _("Readings"), _("Free cards"), _("Abandoned"), _("Answers"), _("By the built-in interpreter"),
    _("Credits used"), _("Model cost, USD"),
)  # fmt: skip
_DAY_HEADER: Final = (_("Date, UTC"), _("Readings"), _("Free cards"), _("Credits used"))
_FAILURE_HEADER: Final = (_("Class"), _("Failure"), _("Calls of the model"), _("Failed attempts"))


class SpreadBar(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a spread."""

    name: str
    drawn: int
    free: int
    abandoned: int
    answers: int
    built_in: int
    credits: int
    cost: Decimal


class DayBar(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a day."""

    day: date
    readings: int
    credits: int


class FailureRow(msgspec.Struct, frozen=True, kw_only=True):
    """How often a failure was the end of a call, and of an attempt at an answer."""

    code: str
    text: str
    calls: int
    attempts: int


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The period as a whole; times are of the middle of the model's whole texts."""

    drawn: int
    abandoned: int
    built_in: int
    """Per cent of complete answers."""
    tokens_in: int
    tokens_out: int
    cost: Decimal
    """US dollars."""
    first_word: str


class FiguresPage(msgspec.Struct, frozen=True, kw_only=True):
    """readings/admin/figures.html: ``files`` are addresses of the blocks' files."""

    chips: tuple[Chip, ...]
    spreads: tuple[SpreadBar, ...]
    totals: Totals
    days: tuple[DayBar, ...]
    credits: CreditFigures
    failures: tuple[FailureRow, ...]
    files: dict[str, str]

    @property
    def most(self) -> int:
        """The readings of the spread that has the most."""
        return max((one.drawn for one in self.spreads), default=0)

    @property
    def busiest(self) -> int:
        """The readings of the busiest day."""
        return max((one.readings for one in self.days), default=0)


def chips(path: str, chosen: str) -> tuple[Chip, ...]:
    """The periods to choose from."""
    return tuple(Chip(href=f"{path}?days={days}", key=days, active=days == chosen) for days in _PERIODS)


def spread_bars(figures: Sequence[SpreadFigures], locale: Locale) -> tuple[SpreadBar, ...]:
    """The spreads in their order."""
    return tuple(
        SpreadBar(
            name=pick(one.spread.body.name, locale),
            drawn=one.drawn,
            free=one.free,
            abandoned=one.abandoned,
            answers=one.answers,
            built_in=one.built_in,
            credits=one.credits,
            cost=_dollars(one.cost_micros),
        )
        for one in figures
    )


def _dollars(micros: int) -> Decimal:
    return (Decimal(micros) / _MICROS).quantize(Decimal("0.0001"))


def totals(figures: Sequence[SpreadFigures], outcomes: Sequence[Outcomes]) -> Totals:
    """The sums of a period."""
    answers = sum(one.answers for one in figures)
    good = next((one for one in outcomes if one.failure is None), None)
    return Totals(
        drawn=sum(one.drawn for one in figures),
        abandoned=sum(one.abandoned for one in figures),
        built_in=round(100 * sum(one.built_in for one in figures) / answers) if answers else 0,
        tokens_in=sum(one.prompt_tokens for one in outcomes),
        tokens_out=sum(one.completion_tokens for one in outcomes),
        cost=_dollars(sum(one.cost_micros for one in outcomes)),
        first_word=seconds_text(good.first_word) if good else "",
    )


def day_bars(days: Sequence[DayFigures]) -> tuple[DayBar, ...]:
    """The days on which anything was, the latest first."""
    return tuple(
        DayBar(day=one.day, readings=one.readings, credits=one.credits) for one in days if one.readings or one.credits
    )


def failure_rows(
    figures: Sequence[SpreadFigures], outcomes: Sequence[Outcomes], locale: Locale
) -> tuple[FailureRow, ...]:
    """Failures by class, the most frequent first."""
    attempts: Counter[Failure] = Counter()
    for one in figures:
        attempts.update(one.failures)
    calls = Counter({one.failure: one.calls for one in outcomes if one.failure is not None})
    classes = sorted({*attempts, *calls}, key=lambda failure: (-attempts[failure] - calls[failure], failure.value))
    return tuple(
        FailureRow(
            code=failure.value, text=failure_text(failure, locale), calls=calls[failure], attempts=attempts[failure]
        )
        for failure in classes
    )


def _header(names: Sequence[str], viewer: Viewer) -> str:
    return first_line([viewer.words.gettext(name) for name in names])


def spreads_csv(rows: Sequence[SpreadBar], viewer: Viewer) -> str:
    """The spreads as a file."""
    return _header(_SPREAD_HEADER, viewer) + lines(
        (one.name, one.drawn, one.free, one.abandoned, one.answers, one.built_in, one.credits, one.cost) for one in rows
    )


def days_csv(rows: Sequence[DayFigures], viewer: Viewer) -> str:
    """The days as a file, those without readings too."""
    return _header(_DAY_HEADER, viewer) + lines((one.day, one.readings, one.free, one.credits) for one in rows)


def failures_csv(rows: Sequence[FailureRow], viewer: Viewer) -> str:
    """Failures as a file."""
    return _header(_FAILURE_HEADER, viewer) + lines((one.code, one.text, one.calls, one.attempts) for one in rows)
