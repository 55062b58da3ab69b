"""SQL of the figures of assignments: aggregates over a course."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, and_, func, select

from backend.assignments import models
from backend.assignments.types import WorkKind, WorkState
from backend.assignments.types.figures import FEEDBACK_DAYS, FeedbackFigures, FeedbackTimes
from backend.courses.types import CourseId, LessonId
from backend.infra.unit_of_work import Tx

_S = models.Submission.__table__.c
_V = models.SubmissionVersion.__table__.c
_F = models.Feedback.__table__.c


async def count_accepted(tx: Tx, course_id: CourseId, enrolments: Select[UUID] | None) -> dict[LessonId, int]:
    """How many assignments of each lesson are accepted; of these enrolments, or of all."""
    statement = select(_S.lesson_id, func.count().label("accepted")).where(
        _S.course_id == course_id, _S.kind == WorkKind.ASSIGNMENT, _S.state == WorkState.ACCEPTED
    )
    if enrolments is not None:
        statement = statement.where(_S.enrolment_id.in_(enrolments))
    return {LessonId(row.lesson_id): row.accepted for row in await tx.execute(statement.group_by(_S.lesson_id))}


async def measure_feedback(tx: Tx, course_id: CourseId, enrolments: Select[UUID] | None) -> FeedbackFigures:
    """What waits, and how long the versions of the last days waited; of these enrolments, or of all."""
    of = [_S.course_id == course_id, *([_S.enrolment_id.in_(enrolments)] if enrolments is not None else [])]
    waits = select(func.count().label("open"), func.count().filter(_S.due_at < tx.now).label("overdue"))
    waiting = (await tx.execute(waits.where(_S.state == WorkState.IN_REVIEW, *of))).one()
    # Joined, not asked for each version: the planner hashes what would be as many look-ups.
    versions = (
        select(_V.submitted_at, _V.due_at, func.min(_F.sent_at).label("sent_at"))
        .join(models.Submission, _S.id == _V.submission_id)
        .join(models.Feedback, and_(_F.submission_id == _V.submission_id, _F.version == _V.number))
        .where(*of, _V.due_at.is_not(None), _V.submitted_at >= tx.now - timedelta(days=FEEDBACK_DAYS))
        .where(_F.sent_at.is_not(None))
        .group_by(_V.submission_id, _V.number, _V.submitted_at, _V.due_at)
        .subquery()
    )
    promised, took = versions.c.due_at - versions.c.submitted_at, versions.c.sent_at - versions.c.submitted_at
    statement = (
        select(
            promised.label("promised"), func.count().label("answered"),
            func.count().filter(versions.c.sent_at <= versions.c.due_at).label("on_time"),
            func.percentile_cont(0.5).within_group(took).label("median"),
            func.percentile_cont(0.9).within_group(took).label("p90"),
        )
        .group_by(promised)
        .order_by(promised)
    )  # fmt: skip
    times = tuple(FeedbackTimes(**row) for row in (await tx.execute(statement)).mappings())
    return FeedbackFigures(open=waiting.open, overdue=waiting.overdue, times=times)
