"""A course in figures: bars, the tables that say the same, and the files of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from backend.courses.types import LessonId, TariffId
from backend.courses.types.figures import Brought, Chosen, Income, LessonFigures, StudentFigures
from backend.courses.types.teaching import StudentFilter, StudentState, Tariff
from backend.growth.types.attribution import Partner
from backend.infra.i18n import mark as _
from backend.infra.spreadsheets import first_line, lines
from backend.kernel.money import Money
from backend.kernel.text import Locale, pick
from webapp.core.parts import Chip
from webapp.core.rendering import Viewer
from webapp.courses.screens.teaching import CourseRow

_STATES: Final = {
    StudentState.ACTIVE: _("Learning"),
    StudentState.PAUSED: _("Paused"),
    StudentState.COMPLETED: _("Course completed"),
    StudentState.ENDED: _("Access ended"),
}
_STUDENT_HEADER: Final = (
    _("Name"), _("Username"), _("Plan"), _("Run"), _("Joined"), _("Started"), _("Lessons done"), _("Lessons"),
    _("Last active"), _("Status"),
)  # fmt: skip
_LESSON_HEADER: Final = (
    _("Number"), _("Lesson"), _("Open to"), _("Opened"), _("Lesson completed"), _("Submitted"), _("Work accepted"),
    _("Drop-off, %"),
)  # fmt: skip
_INCOME_HEADER: Final = (_("Plan"), _("Sold"), _("Given"), _("Amount"), _("Currency"))
_PARTNER_HEADER: Final = (_("Partner"), _("Code"), _("Enrolments"), _("Amount"), _("Currency"))


class Bar(msgspec.Struct, frozen=True):
    """A part of a whole, in words and per cent."""

    key: Literal["completed", "active", "quiet", "paused", "ended"]
    count: int
    percent: int


class LessonBar(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson of the funnel; ``dropped`` per cent of those who opened the one before have not opened it."""

    title: str
    number: int
    open: int
    opened: int
    completed: int
    submitted: int
    accepted: int
    asks: bool
    dropped: int | None


class IncomeRow(msgspec.Struct, frozen=True):
    """What a plan has brought."""

    plan: str
    sold: int
    given: int
    amount: Money


class PartnerBar(msgspec.Struct, frozen=True):
    """What a partner has brought."""

    name: str
    code: str
    enrolments: int
    amounts: tuple[Money, ...]


class FiguresPage(msgspec.Struct, frozen=True, kw_only=True):
    """courses/admin/figures.html; ``income`` and ``partners`` are None for who may not see money.

    ``files`` are the signed addresses of the files, by the block's name; ``feedback`` is the address of that block,
    which another slice has.
    """

    course: CourseRow
    chips: tuple[Chip, ...]
    students: tuple[Bar, ...]
    enrolled: int
    completion: int
    """Per cent of those who ever joined."""
    lessons: tuple[LessonBar, ...]
    most: int
    """How long the longest bar is."""
    feedback: str
    income: tuple[IncomeRow, ...] | None
    totals: tuple[Money, ...]
    partners: tuple[PartnerBar, ...] | None
    files: dict[str, str]


def as_filter(chosen: Chosen) -> StudentFilter:
    """The filter of the list of students that shows the same people."""
    return StudentFilter(run_id=chosen.run_id, tariff_id=chosen.tariff_id)


def student_bars(figures: StudentFigures) -> tuple[Bar, ...]:
    """The parts of all who joined."""
    counts = {
        "completed": figures.completed, "active": figures.active, "quiet": figures.quiet, "paused": figures.paused,
        "ended": figures.ended,
    }  # fmt: skip
    return tuple(Bar(key, count, share(count, figures.enrolled)) for key, count in counts.items())  # type: ignore[arg-type]


def share(part: int, whole: int) -> int:
    """``part`` of ``whole`` in per cent; 0 of nothing. Only the whole is 100, and only nothing is 0."""
    if not whole or part == whole or not part:
        return 100 if whole and part else 0
    return min(max(round(100 * part / whole), 1), 99)


def lesson_bars(figures: Sequence[LessonFigures], accepted: Mapping[LessonId, int]) -> tuple[LessonBar, ...]:
    """The funnel."""
    before = (None, *(one.opened for one in figures))
    return tuple(
        LessonBar(
            title=one.title, number=one.number, open=one.open, opened=one.opened, completed=one.completed,
            submitted=one.submitted, accepted=accepted.get(one.lesson_id, 0), asks=one.asks,
            dropped=share(max(last - one.opened, 0), last) if last else None,
        )
        for one, last in zip(figures, before, strict=False)
    )  # fmt: skip


def income_rows(income: Sequence[Income], tariffs: Sequence[Tariff], locale: Locale) -> tuple[IncomeRow, ...]:
    """The plans, and what each brought."""
    names: dict[TariffId, str] = {one.id: pick(one.fields.name, locale) for one in tariffs}
    return tuple(IncomeRow(names.get(one.tariff_id, "—"), one.sold, one.given, one.amount) for one in income)


def totals(rows: Sequence[IncomeRow]) -> tuple[Money, ...]:
    """What they brought together, in each currency."""
    sums: dict[str, Money] = {}
    for row in rows:
        sums[row.amount.currency] = sums.get(row.amount.currency, Money.zero(row.amount.currency)) + row.amount
    return tuple(sums.values())


def partner_bars(brought: Sequence[Brought], partners: Sequence[Partner]) -> tuple[PartnerBar, ...]:
    """The partners who brought anybody."""
    by_id = {one.id: one for one in partners}
    return tuple(
        PartnerBar(by_id[one.partner_id].name, by_id[one.partner_id].code, one.enrolments, one.amounts)
        for one in brought
        if one.partner_id in by_id
    )


def student_words(viewer: Viewer) -> tuple[list[str], dict[StudentState, str]]:
    """The columns of the students' file, and its states, in the reader's language."""
    say = viewer.words.gettext
    return _said(_STUDENT_HEADER, viewer), {state: say(text) for state, text in _STATES.items()}


def lessons_csv(bars: Sequence[LessonBar], viewer: Viewer) -> str:
    """The funnel as a file."""
    rows = [
        (one.number, one.title, one.open, one.opened, one.completed, one.submitted, one.accepted, one.dropped)
        for one in bars
    ]
    return first_line(_said(_LESSON_HEADER, viewer)) + lines(rows)


def income_csv(income: Sequence[IncomeRow], viewer: Viewer) -> str:
    """What each plan brought as a file."""
    rows = [(one.plan, one.sold, one.given, one.amount.decimal(), one.amount.currency) for one in income]
    return first_line(_said(_INCOME_HEADER, viewer)) + lines(rows)


def partners_csv(partners: Sequence[PartnerBar], viewer: Viewer) -> str:
    """What each partner brought as a file: a row for each currency."""
    rows = [
        (one.name, one.code, one.enrolments, amount.decimal(), amount.currency)
        for one in partners
        for amount in one.amounts
    ]
    return first_line(_said(_PARTNER_HEADER, viewer)) + lines(rows)


def _said(header: Sequence[str], viewer: Viewer) -> list[str]:
    return [viewer.words.gettext(name) for name in header]
