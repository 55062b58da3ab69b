"""What a course's figures say."""

from __future__ import annotations

from typing import Final

import msgspec

from backend.courses.types import LessonId, RunId, TariffId
from backend.growth.types.attribution import PartnerId
from backend.kernel.money import Money

ACTIVE_DAYS: Final = 7
"""Who did something in the course in so many days is active."""


class Chosen(msgspec.Struct, frozen=True):
    """Of whom figures are: those in a run, those with a tariff as their highest; all without."""

    run_id: RunId | None = None
    tariff_id: TariffId | None = None


class LessonFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How many students a live lesson is open to, opened it, completed it, submitted its assignment."""

    lesson_id: LessonId
    slug: str
    title: str
    number: int
    """Its place in the course, from 1."""
    asks: bool
    """It has an assignment."""
    open: int
    opened: int
    completed: int
    submitted: int


class StudentFigures(msgspec.Struct, frozen=True, kw_only=True):
    """All who were ever enrolled, each counted once in one of the other five."""

    enrolled: int
    completed: int
    """Whether or not they have access now."""
    active: int
    quiet: int
    """They have access and lessons, and have done nothing for ``ACTIVE_DAYS``."""
    paused: int
    ended: int


class Income(msgspec.Struct, frozen=True, kw_only=True):
    """What a tariff has brought in a currency, refunds taken off; gifts bring nothing."""

    tariff_id: TariffId
    sold: int
    given: int
    amount: Money


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """The enrolments of people whom a partner brought, from then on, and what was paid for them, refunds taken off."""

    partner_id: PartnerId
    enrolments: int
    amounts: tuple[Money, ...]
    """One for each currency."""
