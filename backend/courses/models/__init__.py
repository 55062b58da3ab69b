"""Tables of courses, their tariffs, and who takes them. Amounts are minor units of ``currency``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model


class Course(Model):
    """A course. Its title and summary are its product's, its prices those of the product's variants.

    Minutes are of the day, in the student's zone: lessons come at ``local_minute``, which a student may move between
    ``student_from`` and ``student_to``.
    """

    __tablename__ = "courses"
    __table_args__ = (
        CheckConstraint("slug ~ '^[A-Za-z0-9_-]{1,40}$'", name="slug_fits_a_link"),
        CheckConstraint("state IN ('draft', 'published')", name="state_known"),
        CheckConstraint("mode IN ('every_24h', 'local_hour', 'after_completion', 'cohort')", name="mode_known"),
        CheckConstraint("late_rule IN ('all_at_once', 'one_a_day', 'from_today')", name="late_rule_known"),
        CheckConstraint("local_minute BETWEEN 0 AND 1439", name="minute_of_a_day"),
        CheckConstraint("interval_days >= 1", name="interval_positive"),
        CheckConstraint("student_from BETWEEN 0 AND 1439 AND student_to BETWEEN 0 AND 1439", name="window_in_a_day"),
        CheckConstraint("(student_from IS NULL) = (student_to IS NULL)", name="window_has_two_ends"),
        CheckConstraint("digest_after_days >= 1", name="digest_after_a_day"),
        CheckConstraint("remind_days BETWEEN 0 AND 90", name="remind_days_known"),
        CheckConstraint("study_hours BETWEEN 1 AND 10000", name="study_hours_in_range"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"), unique=True)
    state: Mapped[str]
    mode: Mapped[str]
    local_minute: Mapped[int] = mapped_column(server_default=text("600"))
    interval_days: Mapped[int] = mapped_column(server_default=text("1"))
    """How many days after a lesson is completed the next one comes."""
    student_from: Mapped[int | None]
    student_to: Mapped[int | None]
    late_rule: Mapped[str] = mapped_column(server_default=text("'one_a_day'"))
    """What somebody gets who joins a cohort after its start."""
    timezone: Mapped[str]
    """The zone of students whose own is unknown."""
    digest_after_days: Mapped[int] = mapped_column(server_default=text("7"))
    """Lessons that are later than this are announced together in one message."""
    new_lessons_after_completion: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether lessons that are added later are delivered to those who have completed the course."""
    remind_days: Mapped[int] = mapped_column(server_default=text("3"))
    """After how many quiet days a student with an open lesson is reminded; 0 for never."""
    study_hours: Mapped[int | None]
    """How long the course takes as a whole; certificates say it."""
    certificate_per_run: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether who completes another run gets another certificate."""
    created_at: Mapped[datetime]


class CourseRun(Model):
    """A run of a course: a cohort that starts at the beginning of ``starts_on``, or, without that, a start at once."""

    __tablename__ = "course_runs"
    __table_args__ = (
        UniqueConstraint("course_id", "number"),
        CheckConstraint("number >= 1", name="number_positive"),
        CheckConstraint("(starts_on IS NULL) = (timezone IS NULL)", name="date_in_a_zone"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    course_id: Mapped[UUID] = mapped_column(ForeignKey("courses.id"))
    number: Mapped[int]
    starts_on: Mapped[date | None]
    timezone: Mapped[str | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    """Since when nobody new can join it; those who are in it go on."""


class CourseTariff(Model):
    """What a variant of the course's product means. Its name and price are the variant's."""

    __tablename__ = "course_tariffs"
    __table_args__ = (
        UniqueConstraint("course_id", "code"),
        CheckConstraint("rank >= 1", name="rank_positive"),
        CheckConstraint("feedback_hours > 0", name="feedback_promised"),
        CheckConstraint("places > 0", name="places_positive"),
        Index("ix_course_tariffs_run_id", "run_id", postgresql_where=text("run_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    course_id: Mapped[UUID] = mapped_column(ForeignKey("courses.id"))
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"), unique=True)
    code: Mapped[str]
    rank: Mapped[int]
    """A tariff of a higher rank is an upgrade from one of a lower rank."""
    feedback_hours: Mapped[int | None]
    """Within how many hours assignments are answered; None for no feedback."""
    groups: Mapped[bool]
    certificate: Mapped[bool]
    places: Mapped[int | None]
    """How many people can have it at a time; None for any number."""
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("course_runs.id"))
    """The cohort that it is a place in; None for a start at once, in the newest run of that sort."""
    retired_at: Mapped[datetime | None]
    """Since when it is not sold; who has it keeps it."""
    position: Mapped[int]


class Enrolment(Model):
    """A person in a run of a course. It stays when access ends, and is the same one when it comes back."""

    __tablename__ = "enrolments"
    __table_args__ = (
        UniqueConstraint("user_id", "run_id"),
        CheckConstraint("local_minute BETWEEN 0 AND 1439", name="minute_of_a_day"),
        CheckConstraint("next_due_at IS NULL OR next_lesson_id IS NOT NULL", name="due_with_a_lesson"),
        CheckConstraint("next_due_at IS NULL OR due_rule IS NOT NULL", name="due_by_a_rule"),
        CheckConstraint("reminders >= 0 AND (reminders = 0 OR reminded_at IS NOT NULL)", name="reminded_at_a_time"),
        Index("ix_enrolments_user_id_course_id", "user_id", "course_id"),
        Index("ix_enrolments_course_id_id", "course_id", "id"),
        Index("ix_enrolments_run_id", "run_id"),
        Index("ix_enrolments_next_due_at", "next_due_at", "id", postgresql_where=text("next_due_at IS NOT NULL")),
        Index("ix_enrolments_remind_at", "remind_at", "id", postgresql_where=text("remind_at IS NOT NULL")),
        Index("ix_enrolments_next_lesson_id", "next_lesson_id", postgresql_where=text("next_lesson_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    course_id: Mapped[UUID] = mapped_column(ForeignKey("courses.id"))
    run_id: Mapped[UUID] = mapped_column(ForeignKey("course_runs.id"))
    enrolled_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    """The moment from which the schedule counts; it may lie ahead. None until the schedule is planned."""
    timezone: Mapped[str | None]
    """The person's zone when the next lesson was planned."""
    local_minute: Mapped[int | None]
    """The minute of the day to which the student has moved their lessons; None for the course's."""
    shift_minutes: Mapped[int] = mapped_column(server_default=text("0"))
    """How much later than by the course's rule everything comes; negative for earlier."""
    paused_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    """When all required lessons that there were had been completed; lessons added later don't undo it."""
    next_lesson_id: Mapped[UUID | None] = mapped_column(ForeignKey("lessons.id"))
    next_due_at: Mapped[datetime | None]
    """None where nothing is due by the clock."""
    due_rule: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What ``next_due_at`` was computed from: the mode, hour, zone, and version of the zones' data."""
    active_at: Mapped[datetime | None]
    """When the student last did something in a lesson, to the hour."""
    remind_at: Mapped[datetime | None]
    """When the worker looks whether a reminder is due; None for never."""
    reminders: Mapped[int] = mapped_column(server_default=text("0"))
    """How many were sent since ``active_at``."""
    reminded_at: Mapped[datetime | None]


class Learner(Model):
    """What holds for a person in all their courses; its row is the lock that gives them one reminder a day."""

    __tablename__ = "learners"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    reminders_off_at: Mapped[datetime | None]
    """Since when they want no reminders; None while they get them."""
    reminded_at: Mapped[datetime | None]


class CourseGrant(Model):
    """What gives a person access: a paid line of an order, or an admin's gift. Access is any that has not ended.

    ``order_line_id`` has no foreign key because orders belong to another slice. ``paid_amount`` is what was paid for
    the line and not refunded. See decisions/0073.
    """

    __tablename__ = "course_grants"
    __table_args__ = (
        CheckConstraint("source IN ('order_line', 'upgrade', 'gift')", name="source_known"),
        CheckConstraint("(source = 'gift') = (order_line_id IS NULL)", name="bought_or_given"),
        CheckConstraint("(source = 'gift') = (granted_by IS NOT NULL)", name="given_by_somebody"),
        CheckConstraint("paid_amount >= 0 AND (source <> 'gift' OR paid_amount = 0)", name="paid_not_negative"),
        CheckConstraint("end_reason IN ('refunded', 'revoked')", name="end_reason_known"),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended_for_a_reason"),
        Index("ix_course_grants_enrolment_id", "enrolment_id"),
        Index("ix_course_grants_live", "tariff_id", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    enrolment_id: Mapped[UUID] = mapped_column(ForeignKey("enrolments.id"))
    tariff_id: Mapped[UUID] = mapped_column(ForeignKey("course_tariffs.id"))
    source: Mapped[str]
    order_line_id: Mapped[UUID | None] = mapped_column(unique=True)
    paid_amount: Mapped[int]
    currency: Mapped[str]
    granted_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    granted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))


class CourseReservation(Model):
    """A place that an unpaid line of an order keeps for its recipient."""

    __tablename__ = "course_reservations"
    __table_args__ = (Index("ix_course_reservations_tariff_id", "tariff_id"),)

    order_line_id: Mapped[UUID] = mapped_column(primary_key=True)
    tariff_id: Mapped[UUID] = mapped_column(ForeignKey("course_tariffs.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    reserved_at: Mapped[datetime]
