"""Courses as people see and take them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from backend.catalog.types.goods import ProductFields
from backend.courses.types import CourseId, CourseState, EnrolmentId, TariffId
from backend.courses.types.access import LessonAccess, Progress
from backend.courses.types.teaching import Run, Schedule, Tariff, TariffFields
from backend.kernel.money import Money


class OfferedTariff(msgspec.Struct, frozen=True, kw_only=True):
    """A tariff that a person can choose, or why they can't."""

    tariff: Tariff
    run: Run | None
    """The cohort that it is a place in; None for a start at once."""
    left: int | None
    """How many places this person can buy, with one that is held for them; None for any number."""
    price: Money
    """For this person, as a reseller or not."""
    counted: Money
    """What was paid for the course before and is taken off the price, at most the whole of it."""
    upgrade: bool
    refusal: str | None
    """The code of the PurchaseRefused that a purchase would raise; None where it can be bought."""

    @property
    def due(self) -> Money:
        """What they would pay now, without promo codes."""
        return self.price - self.counted


class MyCourse(msgspec.Struct, frozen=True, kw_only=True):
    """A course that a person takes or took: their newest enrolment with access, else their newest."""

    course_id: CourseId
    slug: str
    product: ProductFields
    enrolment_id: EnrolmentId
    tariff_id: TariffId | None
    """The highest that they have now; None where access has ended."""
    plan: TariffFields | None
    """What that tariff is."""
    run: Run
    progress: Progress
    paused_at: datetime | None
    next_due_at: datetime | None
    local_minute: int | None
    """The minute of the day to which they have moved their lessons; None for the course's."""
    reminders_off: bool
    """They want no reminders, of any course."""


class CourseView(msgspec.Struct, frozen=True, kw_only=True):
    """A course's page: what it is, what it costs this person, and how far they are."""

    course_id: CourseId
    slug: str
    product: ProductFields
    state: CourseState
    schedule: Schedule
    students: int
    """How many have access now."""
    mine: MyCourse | None
    tariffs: tuple[OfferedTariff, ...]
    """Those on sale, in their order; none of a draft."""
    lessons: tuple[LessonAccess, ...]
    """All that are not deleted, in their order."""


class OfferedCourse(msgspec.Struct, frozen=True, kw_only=True):
    """A published course in a list; ``minutes`` is what a lesson takes on average, None where no lesson says it."""

    course_id: CourseId
    slug: str
    product: ProductFields
    price: Money
    """Of its cheapest tariff, for this person."""
    prices_differ: bool
    lessons: int
    minutes: int | None
    began: int
    """How many people were ever enrolled."""
