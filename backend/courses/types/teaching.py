"""Courses, their tariffs, runs and students as teachers see and edit them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec

from backend.catalog.types import ProductId, VariantId
from backend.catalog.types.goods import ProductFields
from backend.courses.types import (
    CourseId,
    CourseState,
    EnrolmentId,
    LateRule,
    RunId,
    ScheduleMode,
    TariffId,
)
from backend.courses.types.access import Progress
from backend.courses.types.sale import Grant
from backend.kernel.ids import UserId
from backend.kernel.money import Money


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When a course's lessons come; minutes are of the day, in the student's zone."""

    mode: ScheduleMode
    local_minute: int = 600
    interval_days: int = 1
    """How many days after a lesson is completed the next one comes."""
    student_from: int | None = None
    student_to: int | None = None
    """Between which minutes students may move their lessons; None where they may not."""
    late_rule: LateRule = LateRule.ONE_A_DAY
    timezone: str = "UTC"
    """The zone of students whose own is unknown."""
    digest_after_days: int = 7
    new_lessons_after_completion: bool = False
    remind_days: int = 3
    """After how many quiet days a student with an open lesson is reminded; 0 for never."""


class CertificateTerms(msgspec.Struct, frozen=True):
    """What certificates of a course say and how many a person gets; which plans have one is the plans' own."""

    study_hours: int | None = None
    """How long the course takes as a whole, 1 to 10,000; None where certificates don't say it."""
    certificate_per_run: bool = False
    """Whether who completes another run gets another certificate."""


class TariffFields(msgspec.Struct, frozen=True, kw_only=True):
    """What can be edited of a tariff; texts by language, English always."""

    name: dict[str, str]
    note: dict[str, str] = {}
    price: Money
    reseller_price: Money | None = None
    rank: int
    feedback_hours: int | None = None
    """Within how many hours assignments are answered; None for no feedback."""
    groups: bool = False
    certificate: bool = False
    places: int | None = None
    run_id: RunId | None = None
    """The cohort that it is a place in; None for a start at once."""
    position: int = 0


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """A tariff as it is stored."""

    id: TariffId
    course_id: CourseId
    product_id: ProductId
    variant_id: VariantId
    code: str
    fields: TariffFields
    taken: int
    """How many have it or have it reserved."""
    retired_at: datetime | None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a course."""

    id: RunId
    course_id: CourseId
    number: int
    starts_on: date | None
    """The day on which the cohort starts; None for a start at once."""
    timezone: str | None
    opened_at: datetime
    closed_at: datetime | None
    students: int
    """How many were ever enrolled."""


class CourseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A course as it is stored."""

    id: CourseId
    slug: str
    product_id: ProductId
    product: ProductFields
    state: CourseState
    schedule: Schedule
    terms: CertificateTerms
    created_at: datetime
    lessons: int
    students: int
    """How many have access now."""


class StudentState(StrEnum):
    """How a student stands; those who have completed the course or paused it are not active."""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    ENDED = "ended"
    """They have no access any more."""


class StudentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which students of a course; ``query`` is a name, @username or start of Telegram ID. Without any, all of them."""

    query: str = ""
    state: StudentState | None = None
    run_id: RunId | None = None
    tariff_id: TariffId | None = None
    """The highest tariff that they have now."""


class StudentRow(msgspec.Struct, frozen=True, kw_only=True):
    """A student in the list of a course."""

    enrolment_id: EnrolmentId
    user_id: UserId
    name: str
    run_number: int
    tariff_id: TariffId | None
    """The highest that they have now; None where their access has ended."""
    enrolled_at: datetime
    paused: bool
    progress: Progress

    @property
    def state(self) -> StudentState:
        """How they stand."""
        if self.tariff_id is None:
            return StudentState.ENDED
        if self.progress.completed_at is not None:
            return StudentState.COMPLETED
        return StudentState.PAUSED if self.paused else StudentState.ACTIVE


class StudentDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A student on their own page: with everything that gave them access."""

    student: StudentRow
    course_id: CourseId
    grants: tuple[Grant, ...]
