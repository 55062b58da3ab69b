"""Tariffs as they are sold, and who has which."""

from __future__ import annotations

from datetime import datetime

import msgspec

from backend.catalog.types import ProductId, VariantId
from backend.courses.types import CourseId, EndReason, EnrolmentId, GrantId, GrantSource, RunId, TariffId
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money


class SoldTariff(msgspec.Struct, frozen=True, kw_only=True):
    """A tariff as a sale needs it."""

    id: TariffId
    course_id: CourseId
    product_id: ProductId
    variant_id: VariantId
    rank: int
    run_id: RunId | None
    on_sale: bool
    """The course is published, the tariff not retired, its cohort not closed."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a person stands in a run of a course: what their live grants add up to."""

    enrolment_id: EnrolmentId
    course_id: CourseId
    run_id: RunId
    run_number: int
    cohort: bool
    completed: bool
    rank: int
    """The highest of the live grants; 0 without one."""
    paid: Money | None
    """What was paid for the live grants and not refunded; None without one."""

    @property
    def live(self) -> bool:
        """Whether they have access."""
        return self.rank > 0


class Place(msgspec.Struct, frozen=True):
    """Which run a tariff would give a person, and what was paid for it before."""

    run_id: RunId
    paid_before: Money | None = None
    upgrade: bool = False


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What gives a person access, or gave it."""

    id: GrantId
    enrolment_id: EnrolmentId
    course_id: CourseId
    user_id: UserId
    tariff_id: TariffId
    variant_id: VariantId
    product_id: ProductId
    rank: int
    source: GrantSource
    order_line_id: OrderLineId | None
    paid: Money
    granted_by: UserId | None
    granted_at: datetime
    ended_at: datetime | None
    end_reason: EndReason | None
