"""What comes next for a student, and what is delivered to them now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from backend.courses.rules.schedule import DueRule, Plan, find_zone, first_moment, joins_late, zone_of, zones_version
from backend.courses.types import LessonId, ScheduleMode
from backend.courses.types.schedule import DeliveryReason, Enrolled, LessonSlot

_DAY = timedelta(days=1)
# A lesson that a worker takes so late still counts for the day on which it was due.
_PUNCTUAL = timedelta(hours=1)


class Opened(msgspec.Struct, frozen=True):
    """A lesson that opens now: ``announced`` by a message (a digest, where ``reason`` says so), or silently."""

    lesson_id: LessonId
    due_at: datetime
    announced: bool = True
    reason: DeliveryReason | None = None


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of the lesson that comes next; ``due_at`` is None where nothing is due by the clock."""

    shift_minutes: int
    lesson_id: LessonId | None = None
    due_at: datetime | None = None
    rule: DueRule | None = None
    zone: str | None = None


class Step(msgspec.Struct, frozen=True):
    """What happens to a schedule at one moment: lessons that open, and the one that is next then."""

    opened: tuple[Opened, ...]
    next: Next
    started_at: datetime | None = None
    """The beginning of the schedule, where it begins now."""


def plan_of(student: Enrolled, started_at: datetime) -> Plan:
    """The slots of a student. A cohort's are at the course's hour in the run's zone: one moment for everybody."""
    start = _cohort_start(student)
    in_cohort = start is not None and started_at <= start
    if in_cohort:
        zone, minute = find_zone(student.run_zone) or zone_of(None, student.course_zone)[0], student.course_minute
    else:
        own = student.local_minute
        zone, minute = zone_of(student.zone, student.course_zone)[0], student.course_minute if own is None else own
    return Plan(
        mode=student.mode, started_at=started_at, zone=zone.key, local_minute=minute,
        interval_days=student.interval_days, shift_minutes=student.shift_minutes,
        starts_on=student.starts_on if in_cohort else None,
    )  # fmt: skip


def _run_start(student: Enrolled) -> datetime | None:
    if student.starts_on is None:
        return None
    zone = find_zone(student.run_zone) or zone_of(None, student.course_zone)[0]
    return first_moment(datetime.combine(student.starts_on, time()), zone)


def _cohort_start(student: Enrolled) -> datetime | None:
    return _run_start(student) if student.mode is ScheduleMode.COHORT else None


def begin(student: Enrolled, lessons: Sequence[LessonSlot], now: datetime) -> Step:
    """The first step of a schedule: in a cohort with what the late rule gives; in another dated run from its day on."""
    run_start, cohort_start = _run_start(student), _cohort_start(student)
    if cohort_start is None:
        started_at = max(now, run_start) if run_start else now
        return Step((), next_of(student, lessons, plan_of(student, started_at), now), started_at)
    cohort = plan_of(student, cohort_start)
    plan, count = joins_late(student.late_rule, cohort, now, len(lessons))
    # A plan of their own needs their own clock; plan_of tells it by its later start.
    started_at = now if plan.starts_on is None else cohort_start
    plan = plan_of(student, started_at)
    early = [lesson for lesson in undelivered(student, lessons)[:count] if _is_published(lesson, now)]
    dues = [(lesson.id, plan.slot(number) or now) for number, lesson in enumerate(early, start=1)]
    opened = _digest(dues) if student.late_rule.value == "all_at_once" else _silent(dues)
    after = msgspec.structs.replace(student, delivered=student.delivered | {item.lesson_id for item in opened})
    return Step(opened, next_of(after, lessons, plan, now), started_at)


def undelivered(student: Enrolled, lessons: Sequence[LessonSlot]) -> list[LessonSlot]:
    """The lessons that are still to come, in the course's order now."""
    return [lesson for lesson in lessons if lesson.id not in student.delivered]


def is_waiting(student: Enrolled) -> bool:
    """Whether lessons come by the clock: not while paused, without access, or after completion unless wished."""
    done = student.completed_at is not None and not student.new_lessons_after_completion
    return student.live and student.paused_at is None and not done


def next_of(
    student: Enrolled, lessons: Sequence[LessonSlot], plan: Plan, now: datetime, *, after: date | None = None
) -> Next:
    """What comes next: never on the day ``after`` or before it, nor before it is published."""
    rest = undelivered(student, lessons)
    if not rest:
        return Next(shift_minutes=plan.shift_minutes, zone=plan.zone)
    number = len(student.delivered) + 1
    at = plan.slot(number, student.last_completed_at)
    if after is not None:
        plan, at = plan.not_before(number, after + _DAY, student.last_completed_at)
    if at is None or not is_waiting(student):
        return Next(shift_minutes=plan.shift_minutes, lesson_id=rest[0].id, zone=plan.zone)
    published = rest[0].publish_at
    due_at = at if published is None else max(at, published)
    return Next(
        shift_minutes=plan.shift_minutes, lesson_id=rest[0].id, due_at=due_at, rule=plan.rule(number), zone=plan.zone
    )


def again(student: Enrolled, lessons: Sequence[LessonSlot], now: datetime, *, today: bool = False) -> Next:
    """What comes next by the rules as they are now, later than the day of the last lesson.

    ``today``: slots that have passed before today are made up for by whole days, as after a pause.
    """
    if student.started_at is None:
        return Next(shift_minutes=student.shift_minutes)
    plan = plan_of(student, student.started_at)
    after = plan.day_of(student.last_due_at) if student.last_due_at is not None else None
    if today:
        yesterday = plan.day_of(now) - _DAY
        after = yesterday if after is None else max(after, yesterday)
    upcoming = next_of(student, lessons, plan, now, after=after)
    if today and upcoming.due_at is not None:
        # What would have come earlier today comes now, and is not late.
        return msgspec.structs.replace(upcoming, due_at=max(upcoming.due_at, now))
    return upcoming


def due(student: Enrolled, lessons: Sequence[LessonSlot], now: datetime) -> Step:
    """What opens to a student whose next lesson is due, and what is next after that.

    One lesson a day, however late it is; those that are more than the course's days late open together, announced
    once. While the message of an earlier lesson is still to be sent, the schedule moves by a day.
    """
    assert student.started_at is not None and student.next_due_at is not None
    plan, rest = plan_of(student, student.started_at), undelivered(student, lessons)
    if not rest or not is_waiting(student) or not _is_published(rest[0], now):
        return Step((), next_of(student, lessons, plan, now))
    # Long after it was due, such as when Telegram was away, the last lesson came only today.
    came_today = student.last_sent_at is not None and plan.day_of(student.last_sent_at - _PUNCTUAL) >= plan.day_of(now)
    if student.pending or came_today:
        return Step((), next_of(student, lessons, plan, now, after=plan.day_of(now)))
    opened = _overdue(student, rest, plan, now) or (Opened(rest[0].id, student.next_due_at),)
    last_due = opened[-1].due_at
    behind = max(plan.day_of(last_due), plan.day_of(now - _PUNCTUAL))
    later = msgspec.structs.replace(
        student, delivered=student.delivered | {item.lesson_id for item in opened}, last_completed_at=None
    )
    return Step(opened, next_of(later, lessons, plan, now, after=plan.day_of(last_due) if len(opened) > 1 else behind))


def _overdue(student: Enrolled, rest: Sequence[LessonSlot], plan: Plan, now: datetime) -> tuple[Opened, ...]:
    """The lessons of a digest; none where one message for one lesson will do."""
    assert student.next_due_at is not None
    if now - student.next_due_at <= student.digest_after_days * _DAY:
        return ()
    number = len(student.delivered) + 1
    ready = next((index for index, lesson in enumerate(rest) if not _is_published(lesson, now)), len(rest))
    count = plan.count_past(number, now, ready)
    return _digest([(rest[index].id, plan.slot(number + index) or now) for index in range(count)]) if count > 1 else ()


def postponed(student: Enrolled, until: datetime) -> Next:
    """The same lesson later, for a schedule that could not be planned."""
    rule = DueRule(mode=student.mode, number=0, zone="", minute=0, shift=student.shift_minutes, tzdata=zones_version())
    return Next(shift_minutes=student.shift_minutes, lesson_id=student.next_lesson_id, due_at=until, rule=rule)


def open_until(
    student: Enrolled, lessons: Sequence[LessonSlot], until: LessonId | None, now: datetime
) -> tuple[Opened, ...]:
    """The published lessons up to ``until`` (None: all) that are opened by hand now, announced together."""
    last = next((lesson.position for lesson in lessons if lesson.id == until), None) if until else None
    chosen = [
        lesson for lesson in undelivered(student, lessons)
        if _is_published(lesson, now) and (until is None or (last is not None and lesson.position <= last))
    ]  # fmt: skip
    return (
        _digest([(lesson.id, now) for lesson in chosen])
        if len(chosen) > 1
        else tuple(Opened(lesson.id, now) for lesson in chosen)
    )


def calendar(student: Enrolled, lessons: Sequence[LessonSlot], now: datetime) -> list[tuple[LessonId, datetime | None]]:
    """When each lesson comes that is still to come; None where that depends on what the student does."""
    if student.started_at is None:
        return [(lesson.id, None) for lesson in undelivered(student, lessons)]
    days: list[tuple[LessonId, datetime | None]] = []
    upcoming = again(student, lessons, now)
    plan = msgspec.structs.replace(plan_of(student, student.started_at), shift_minutes=upcoming.shift_minutes)
    number = len(student.delivered) + 1
    before: datetime | None = None
    for index, lesson in enumerate(undelivered(student, lessons)):
        at = plan.slot(number + index, student.last_completed_at if index == 0 else None)
        at = student.next_due_at if index == 0 and student.next_due_at is not None else at
        if not is_waiting(student):
            at = None
        published = lesson.publish_at or datetime.min.replace(tzinfo=UTC)
        at = max(at, published, before or published) if at is not None else None
        days.append((lesson.id, at))
        before = at
    return days


def _is_published(lesson: LessonSlot, now: datetime) -> bool:
    return lesson.publish_at is None or lesson.publish_at <= now


def _digest(dues: Sequence[tuple[LessonId, datetime]]) -> tuple[Opened, ...]:
    """Lessons that open together; the last one carries the message for all of them."""
    return tuple(
        Opened(lesson_id, at, index == len(dues) - 1, DeliveryReason.DIGEST)
        for index, (lesson_id, at) in enumerate(dues)
    )


def _silent(dues: Sequence[tuple[LessonId, datetime]]) -> tuple[Opened, ...]:
    return tuple(Opened(lesson_id, at, False, DeliveryReason.BEFORE_JOINING) for lesson_id, at in dues)
