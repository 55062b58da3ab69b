"""SQL of schedules: who is due, what their plan follows from, what comes next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Boolean, DateTime, Integer, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from backend.courses.rules.planning import Next
from backend.courses.types import CourseId, EnrolmentId, LateRule, LessonId, RunId, ScheduleMode, TariffId
from backend.courses.types.schedule import Enrolled, LessonSlot
from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

_AT: Final = DateTime(timezone=True)
_IDS: Final = ARRAY(Uuid())
_DUE: Final = HotStatement(
    text("""
    SELECT id FROM enrolments WHERE next_due_at <= :now ORDER BY next_due_at, id LIMIT :most
    FOR NO KEY UPDATE SKIP LOCKED
    """).bindparams(bindparam("now", type_=_AT), bindparam("most", type_=Integer()))
)
_LOCK: Final = HotStatement(
    text("SELECT id FROM enrolments WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE").bindparams(
        bindparam("ids", type_=_IDS)
    )
)
_LOAD: Final = HotStatement(
    text("""
    SELECT e.id, e.user_id, e.course_id, e.started_at, e.local_minute, e.shift_minutes, e.paused_at, e.completed_at,
           e.next_lesson_id, e.next_due_at, d.delivered, d.last_due_at, d.last_sent_at, d.pending,
           p.completed_at AS last_completed_at,
           EXISTS (SELECT FROM course_grants g WHERE g.enrolment_id = e.id AND g.ended_at IS NULL) AS live,
           c.mode, c.local_minute AS course_minute, c.student_from, c.student_to, c.interval_days, c.late_rule,
           c.timezone AS course_zone, c.digest_after_days, c.new_lessons_after_completion,
           r.starts_on, r.timezone AS run_zone
    FROM enrolments e
    JOIN courses c ON c.id = e.course_id
    JOIN course_runs r ON r.id = e.run_id
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(lesson_id ORDER BY due_at), '{}') AS delivered, max(due_at) AS last_due_at,
               (array_agg(CASE WHEN reason IS NULL THEN sent_at END ORDER BY due_at DESC))[1] AS last_sent_at,
               coalesce(bool_or(retry_at IS NOT NULL), false) AS pending
        FROM lesson_deliveries WHERE enrolment_id = e.id
    ) d
    LEFT JOIN lesson_progress p ON p.enrolment_id = e.id AND p.lesson_id = d.delivered[cardinality(d.delivered)]
    WHERE e.id = ANY(:ids)
    """).bindparams(bindparam("ids", type_=_IDS))
)
_LESSONS: Final = HotStatement(
    text("""
    SELECT course_id, id, position, publish_at FROM lessons
    WHERE course_id = ANY(:ids) AND deleted_at IS NULL ORDER BY course_id, position
    """).bindparams(bindparam("ids", type_=_IDS))
)
_SAVE: Final = HotStatement(
    text("""
    UPDATE enrolments e SET next_lesson_id = n.lesson_id, next_due_at = n.due_at, due_rule = n.rule,
           shift_minutes = n.shift, timezone = coalesce(n.zone, e.timezone)
    FROM unnest(:ids, :lessons, :dues, :rules, :shifts, :zones) n (id, lesson_id, due_at, rule, shift, zone)
    WHERE e.id = n.id
    """).bindparams(
        bindparam("ids", type_=_IDS),
        bindparam("lessons", type_=_IDS),
        bindparam("dues", type_=ARRAY(_AT)),
        bindparam("rules", type_=ARRAY(JSONB(none_as_null=True))),
        bindparam("shifts", type_=ARRAY(Integer())),
        bindparam("zones", type_=ARRAY(Text())),
    )
)
_START: Final = text("UPDATE enrolments SET started_at = :at WHERE id = :id").bindparams(
    bindparam("at", type_=_AT), bindparam("id", type_=Uuid())
)
_PAUSE: Final = text("UPDATE enrolments SET paused_at = CASE WHEN :on THEN :now END WHERE id = ANY(:ids)").bindparams(
    bindparam("on", type_=Boolean()), bindparam("now", type_=_AT), bindparam("ids", type_=_IDS)
)
_HOUR: Final = text("UPDATE enrolments SET local_minute = :minute WHERE id = :id").bindparams(
    bindparam("minute", type_=Integer()), bindparam("id", type_=Uuid())
)
_OF_COURSE: Final = text("""
    SELECT e.id FROM enrolments e
    WHERE e.course_id = :course_id AND e.started_at IS NOT NULL
      AND (CAST(:run_id AS uuid) IS NULL OR e.run_id = :run_id)
      AND EXISTS (
          SELECT FROM course_grants g WHERE g.enrolment_id = e.id AND g.ended_at IS NULL
            AND (CAST(:tariff_id AS uuid) IS NULL OR g.tariff_id = :tariff_id)
      )
    ORDER BY e.id
""").bindparams(
    bindparam("course_id", type_=Uuid()), bindparam("run_id", type_=Uuid()), bindparam("tariff_id", type_=Uuid())
)
_STORED: Final = text("""
    SELECT id, shift_minutes, paused_at, next_lesson_id, next_due_at, due_rule, timezone FROM enrolments
    WHERE id = ANY(:ids)
""").bindparams(bindparam("ids", type_=_IDS))
_RESTORE: Final = text("""
    UPDATE enrolments SET shift_minutes = :shift_minutes, paused_at = :paused_at, next_lesson_id = :next_lesson_id,
           next_due_at = :next_due_at, due_rule = :due_rule, timezone = :timezone
    WHERE id = :id
""").bindparams(
    bindparam("id", type_=Uuid()),
    bindparam("paused_at", type_=_AT),
    bindparam("next_lesson_id", type_=Uuid()),
    bindparam("next_due_at", type_=_AT),
    bindparam("due_rule", type_=JSONB(none_as_null=True)),
)
_BY_OTHER_ZONES: Final = text("""
    SELECT id FROM enrolments WHERE next_due_at IS NOT NULL AND due_rule ->> 'tzdata' <> :tzdata ORDER BY id
""").bindparams(bindparam("tzdata", type_=Text()))
_OF_PERSON: Final = text("SELECT id FROM enrolments WHERE user_id = :user_id AND started_at IS NOT NULL").bindparams(
    bindparam("user_id", type_=Uuid())
)


class StoredSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of an enrolment that a change of its schedule changes."""

    id: EnrolmentId
    shift_minutes: int
    paused_at: datetime | None
    next_lesson_id: LessonId | None
    next_due_at: datetime | None
    due_rule: dict[str, Any] | None
    timezone: str | None


async def lock_due(tx: Tx, most: int) -> list[EnrolmentId]:
    """Lock at most ``most`` enrolments whose next lesson is due and that no other transaction has locked."""
    return [EnrolmentId(row["id"]) for row in await tx.fetch(_DUE, {"now": tx.now, "most": most})]


async def lock(tx: Tx, ids: Collection[EnrolmentId]) -> list[EnrolmentId]:
    """Lock these enrolments, in one order; those that there are."""
    return [EnrolmentId(row["id"]) for row in await tx.fetch(_LOCK, {"ids": list(ids)})]


async def load(tx: Tx, ids: Collection[EnrolmentId]) -> list[Enrolled]:
    """What the plans of these enrolments follow from, without the students' zones."""
    return [_enrolled(row) for row in await tx.fetch(_LOAD, {"ids": list(ids)})]


def _enrolled(row: Any) -> Enrolled:
    typed = {
        "delivered": frozenset(row["delivered"]), "mode": ScheduleMode(row["mode"]),
        "late_rule": LateRule(row["late_rule"]),
    }  # fmt: skip
    return Enrolled(**{**row, **typed})


async def list_lessons(tx: Tx, courses: Collection[CourseId]) -> dict[CourseId, list[LessonSlot]]:
    """The live lessons of each course, in its order."""
    lessons: dict[CourseId, list[LessonSlot]] = defaultdict(list)
    for row in await tx.fetch(_LESSONS, {"ids": list(courses)}):
        lessons[row["course_id"]].append(LessonSlot(LessonId(row["id"]), row["position"], row["publish_at"]))
    return lessons


async def save(tx: Tx, nexts: Sequence[tuple[EnrolmentId, Next]]) -> None:
    """Store what comes next for each."""
    if not nexts:
        return
    columns: dict[str, list[Any]] = {
        "ids": [id_ for id_, _ in nexts],
        "lessons": [item.lesson_id for _, item in nexts],
        "dues": [item.due_at for _, item in nexts],
        "rules": [msgspec.to_builtins(item.rule) for _, item in nexts],
        "shifts": [item.shift_minutes for _, item in nexts],
        "zones": [item.zone for _, item in nexts],
    }
    await tx.fetch(_SAVE, columns)


async def start(tx: Tx, enrolment_id: EnrolmentId, at: datetime) -> None:
    """Store from when a schedule counts."""
    await tx.execute(_START, {"id": enrolment_id, "at": at})


async def set_paused(tx: Tx, ids: Collection[EnrolmentId], *, paused: bool) -> None:
    """Store that these are paused since now, or are not."""
    await tx.execute(_PAUSE, {"ids": list(ids), "on": paused, "now": tx.now})


async def set_hour(tx: Tx, enrolment_id: EnrolmentId, minute: int | None) -> None:
    """Store the minute of the day that a student has moved their lessons to; None for the course's."""
    await tx.execute(_HOUR, {"id": enrolment_id, "minute": minute})


async def list_of_course(
    tx: Tx, course_id: CourseId, run_id: RunId | None = None, tariff_id: TariffId | None = None
) -> list[EnrolmentId]:
    """The enrolments of a course with access and a schedule; of one run, with one tariff, where these are given."""
    values = {"course_id": course_id, "run_id": run_id, "tariff_id": tariff_id}
    return [EnrolmentId(row.id) for row in await tx.execute(_OF_COURSE, values)]


async def list_stored(tx: Tx, ids: Collection[EnrolmentId]) -> dict[EnrolmentId, StoredSchedule]:
    """The schedules of these enrolments as they are stored."""
    rows = (await tx.execute(_STORED, {"ids": list(ids)})).mappings()
    return {EnrolmentId(row["id"]): StoredSchedule(**row) for row in rows}


async def restore(tx: Tx, rows: Sequence[StoredSchedule]) -> None:
    """Store these schedules as they were."""
    if rows:
        await tx.execute(_RESTORE, [msgspec.structs.asdict(row) for row in rows])


async def list_by_other_zones(tx: Tx, tzdata: str) -> list[EnrolmentId]:
    """The enrolments whose next moment was computed from another version of the zones' data than ``tzdata``."""
    return [EnrolmentId(row.id) for row in await tx.execute(_BY_OTHER_ZONES, {"tzdata": tzdata})]


async def list_of_person(tx: Tx, user_id: UserId) -> list[EnrolmentId]:
    """The enrolments of a person whose schedule has begun."""
    return [EnrolmentId(row.id) for row in await tx.execute(_OF_PERSON, {"user_id": user_id})]
