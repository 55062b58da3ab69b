"""SQL of reminders: who is looked at, who was active, who wants none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, Integer, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.courses.types import CourseId, EnrolmentId
from backend.courses.types.reminders import Learning, Look
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

_AT: Final = DateTime(timezone=True)
_IDS: Final = ARRAY(Uuid())
_ACTIVE_EVERY: Final = timedelta(hours=1)
"""Within it, being active again is not written again."""
_A_DAY: Final = timedelta(days=1)
_LIVE: Final = "EXISTS (SELECT FROM course_grants g WHERE g.enrolment_id = {of}.id AND g.ended_at IS NULL)"
_TOUCH: Final = text("""
    UPDATE enrolments e SET active_at = :now, reminders = 0,
           remind_at = CASE WHEN c.remind_days > 0 AND e.completed_at IS NULL
                            THEN :now + make_interval(days => CAST(c.remind_days AS int)) END
    FROM courses c
    WHERE e.id = :id AND c.id = e.course_id AND (e.active_at IS NULL OR e.active_at < :before OR e.reminders > 0)
""").bindparams(bindparam("now", type_=_AT), bindparam("before", type_=_AT), bindparam("id", type_=Uuid()))
_RESTART: Final = f"""
    UPDATE enrolments e SET remind_at = :now + make_interval(days => CAST(c.remind_days AS int)), reminders = 0
    FROM courses c
    WHERE {{condition}} AND c.id = e.course_id AND c.remind_days > 0 AND e.completed_at IS NULL
      AND {_LIVE.format(of="e")}
"""  # noqa: S608 - constants of ours
_RESTART_THESE: Final = text(_RESTART.format(condition="e.id = ANY(:ids)")).bindparams(
    bindparam("now", type_=_AT), bindparam("ids", type_=_IDS)
)
_RESTART_PERSON: Final = text(_RESTART.format(condition="e.user_id = :id")).bindparams(
    bindparam("now", type_=_AT), bindparam("id", type_=Uuid())
)
_RESTART_COURSE: Final = text(_RESTART.format(condition="e.course_id = :id")).bindparams(
    bindparam("now", type_=_AT), bindparam("id", type_=Uuid())
)
_LOCK_DUE: Final = text("""
    SELECT id FROM enrolments WHERE remind_at <= :now ORDER BY remind_at, id LIMIT :most
    FOR NO KEY UPDATE SKIP LOCKED
""").bindparams(bindparam("now", type_=_AT), bindparam("most", type_=Integer()))
# As access has it: of several enrolments of a person with access to a course the one in the latest run counts.
_LOAD: Final = text(f"""
    SELECT e.id, e.user_id, e.course_id, e.completed_at IS NOT NULL AS completed, e.paused_at IS NOT NULL AS paused,
           coalesce(w.reminders_off_at IS NOT NULL, false) AS off, c.remind_days,
           coalesce(e.active_at, e.started_at, e.enrolled_at) AS active_at, t.todo_at, t.todo,
           e.reminders, e.reminded_at, coalesce(e.remind_at, :now) AS look_at,
           {_LIVE.format(of="e")} AND NOT EXISTS (
               SELECT FROM enrolments o JOIN course_runs m ON m.id = o.run_id
               WHERE o.user_id = e.user_id AND o.course_id = e.course_id AND m.number > r.number
                 AND {_LIVE.format(of="o")}
           ) AS live
    FROM enrolments e
    JOIN courses c ON c.id = e.course_id
    JOIN course_runs r ON r.id = e.run_id
    LEFT JOIN learners w ON w.user_id = e.user_id
    CROSS JOIN LATERAL (
        SELECT min(greatest(d.due_at, l.publish_at)) AS todo_at,
               (array_agg(l.id ORDER BY p.opened_at DESC NULLS LAST, l.position))[1] AS todo
        FROM lesson_deliveries d
        JOIN lessons l ON l.id = d.lesson_id AND l.deleted_at IS NULL AND l.required
        LEFT JOIN lesson_progress p ON p.enrolment_id = d.enrolment_id AND p.lesson_id = d.lesson_id
        WHERE d.enrolment_id = e.id AND greatest(d.due_at, l.publish_at) <= :now
          AND (p.completed_at IS NULL OR (l.has_assignment AND l.assignment_required AND p.submitted_at IS NULL))
    ) t
    WHERE e.id = ANY(:ids)
""").bindparams(bindparam("now", type_=_AT), bindparam("ids", type_=_IDS))  # noqa: S608
_CLAIM: Final = text("""
    INSERT INTO learners (user_id, reminded_at)
    SELECT id, :now FROM unnest(:people) n (id) ORDER BY id
    ON CONFLICT (user_id) DO UPDATE SET reminded_at = excluded.reminded_at
    WHERE learners.reminders_off_at IS NULL AND (learners.reminded_at IS NULL OR learners.reminded_at <= :before)
    RETURNING user_id
""").bindparams(bindparam("now", type_=_AT), bindparam("before", type_=_AT), bindparam("people", type_=_IDS))
_SAVE: Final = text("""
    UPDATE enrolments e SET remind_at = n.again_at, reminders = e.reminders + n.sent,
           reminded_at = CASE WHEN n.sent > 0 THEN :now ELSE e.reminded_at END
    FROM unnest(:ids, :agains, :sents) n (id, again_at, sent) WHERE e.id = n.id
""").bindparams(
    bindparam("now", type_=_AT), bindparam("ids", type_=_IDS), bindparam("agains", type_=ARRAY(_AT)),
    bindparam("sents", type_=ARRAY(BigInteger())),
)  # fmt: skip
_SET_OFF: Final = text("""
    INSERT INTO learners (user_id, reminders_off_at) VALUES (:id, :at)
    ON CONFLICT (user_id) DO UPDATE SET reminders_off_at = excluded.reminders_off_at
    WHERE (learners.reminders_off_at IS NULL) <> (excluded.reminders_off_at IS NULL)
    RETURNING user_id
""").bindparams(bindparam("id", type_=Uuid()), bindparam("at", type_=_AT))


async def touch(tx: Tx, enrolment_id: EnrolmentId) -> None:
    """Note that a student does something now: their quiet, if any, has ended."""
    values = {"id": enrolment_id, "now": tx.now, "before": tx.now - _ACTIVE_EVERY}
    await tx.execute(_TOUCH, values)


async def restart(tx: Tx, ids: Collection[EnrolmentId]) -> None:
    """Count the days of quiet from now on, for those of these with access who have not completed the course."""
    if ids:
        await tx.execute(_RESTART_THESE, {"ids": list(ids), "now": tx.now})


async def restart_person(tx: Tx, user_id: UserId) -> None:
    """Do so in all courses of a person."""
    await tx.execute(_RESTART_PERSON, {"id": user_id, "now": tx.now})


async def restart_course(tx: Tx, course_id: CourseId) -> None:
    """Do so for all students of a course."""
    await tx.execute(_RESTART_COURSE, {"id": course_id, "now": tx.now})


async def lock_due(tx: Tx, most: int) -> list[EnrolmentId]:
    """Lock at most ``most`` enrolments that are to be looked at and that no other transaction has locked."""
    return [EnrolmentId(row.id) for row in await tx.execute(_LOCK_DUE, {"now": tx.now, "most": most})]


async def load(tx: Tx, ids: Collection[EnrolmentId]) -> list[Learning]:
    """What the reminders of these enrolments follow from."""
    rows = (await tx.execute(_LOAD, {"ids": list(ids), "now": tx.now})).mappings()
    return [Learning(**row) for row in rows]


async def claim(tx: Tx, people: Collection[UserId]) -> set[UserId]:
    """Those of these people who get a reminder now: they want any, and have had none for a day, of any course."""
    if not people:
        return set()
    values = {"people": list(set(people)), "now": tx.now, "before": tx.now - _A_DAY}
    return {UserId(row.user_id) for row in await tx.execute(_CLAIM, values)}


async def save(tx: Tx, looks: Mapping[EnrolmentId, Look]) -> None:
    """Store what came of looking at these, in one statement."""
    chosen: Sequence[tuple[EnrolmentId, Look]] = list(looks.items())
    columns: dict[str, list[Any]] = {
        "ids": [id_ for id_, _ in chosen],
        "agains": [one.again_at for _, one in chosen],
        "sents": [int(one.remind) for _, one in chosen],
    }
    await tx.execute(_SAVE, {**columns, "now": tx.now})


async def set_off(tx: Tx, user_id: UserId, at: datetime | None) -> bool:
    """Store since when a person wants no reminders, None for that they do; whether that changes anything."""
    return (await tx.execute(_SET_OFF, {"id": user_id, "at": at})).first() is not None
