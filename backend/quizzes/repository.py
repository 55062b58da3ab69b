"""All SQL of quizzes' attempts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.courses.types import EnrolmentId, LessonId
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.quizzes.models import QuizAnswer, QuizAttempt
from backend.quizzes.types import Answer, Attempt, AttemptId

_A: Final = QuizAttempt.__table__.c
_COLUMNS: Final = tuple(_A[name] for name in Attempt.__struct_fields__)
_RUNS: Final = _A.finished_at.is_(None)
_FIGURES: Final = text("""
    SELECT a.question_id, count(*) AS asked, count(*) FILTER (WHERE a.is_right) AS right
    FROM quiz_attempts t JOIN quiz_answers a ON a.attempt_id = t.id
    WHERE t.lesson_id = :lesson_id AND t.finished_at IS NOT NULL GROUP BY a.question_id
""")
_STUDENTS: Final = text("""
    SELECT count(DISTINCT enrolment_id) AS begun, count(DISTINCT enrolment_id) FILTER (WHERE passed) AS passed
    FROM quiz_attempts WHERE lesson_id = :lesson_id
""")


class Figures(msgspec.Struct, frozen=True):
    """How often a question was asked in finished attempts, and how often answered right."""

    asked: int
    right: int


async def list_attempts(tx: Tx, enrolment_id: EnrolmentId, lesson_id: LessonId) -> list[Attempt]:
    """A student's attempts at a lesson's quiz, the first first."""
    return await _list(tx, _A.enrolment_id == enrolment_id, _A.lesson_id == lesson_id)


async def list_of_student(tx: Tx, enrolment_id: EnrolmentId) -> list[Attempt]:
    """A student's attempts at all quizzes of their course, the first first."""
    return await _list(tx, _A.enrolment_id == enrolment_id)


async def _list(tx: Tx, *conditions: ColumnElement[bool]) -> list[Attempt]:
    statement = select(*_COLUMNS).where(*conditions).order_by(_A.started_at, _A.id)
    return [_attempt(row) for row in await tx.execute(statement)]


async def list_of_lesson(tx: Tx, lesson_id: LessonId, *, most: int, skip: int) -> list[Attempt]:
    """Attempts at a lesson's quiz, the latest first."""
    statement = (
        select(*_COLUMNS)
        .where(_A.lesson_id == lesson_id)
        .order_by(_A.started_at.desc(), _A.id.desc())
        .limit(most)
        .offset(skip)
    )
    return [_attempt(row) for row in await tx.execute(statement)]


async def get(tx: Tx, attempt_id: AttemptId, *, locked: bool = False) -> Attempt:
    """An attempt, ``locked`` until the transaction ends. Raises NotFound."""
    statement = select(*_COLUMNS).where(_A.id == attempt_id)
    row = (await tx.execute(statement.with_for_update() if locked else statement)).one_or_none()
    if row is None:
        raise NotFound("no such attempt")
    return _attempt(row)


async def list_late(tx: Tx, most: int) -> list[AttemptId]:
    """Running attempts whose time has run out."""
    statement = select(_A.id).where(_RUNS, _A.deadline_at <= tx.now).order_by(_A.deadline_at).limit(most)
    return [AttemptId(row.id) for row in await tx.execute(statement)]


async def add(tx: Tx, attempt: Attempt) -> bool:
    """Insert an attempt; False where another of the student's runs, or has its number."""
    statement = upsert(QuizAttempt).values(**msgspec.structs.asdict(attempt)).on_conflict_do_nothing()
    return (await tx.execute(statement.returning(_A.id))).first() is not None


async def set_place(tx: Tx, attempt_id: AttemptId, place: int) -> None:
    """Note at which question the student is."""
    await tx.execute(update(QuizAttempt).where(_A.id == attempt_id).values(place=place))


async def finish(tx: Tx, attempt_id: AttemptId, *, at: datetime, timed_out: bool, points: int, passed: bool) -> None:
    """Note what came of an attempt."""
    values = {"finished_at": at, "timed_out": timed_out, "points": points, "passed": passed}
    await tx.execute(update(QuizAttempt).where(_A.id == attempt_id).values(values))


async def list_answers(tx: Tx, attempt_id: AttemptId) -> dict[str, Answer]:
    """What was answered, by the ids of questions."""
    statement = select(QuizAnswer.question_id, QuizAnswer.choice, QuizAnswer.text).where(
        QuizAnswer.attempt_id == attempt_id, QuizAnswer.answered_at.isnot(None)
    )
    return {row.question_id: Answer(tuple(row.choice), row.text) for row in await tx.execute(statement)}


async def save_answer(tx: Tx, attempt_id: AttemptId, question_id: str, answer: Answer) -> None:
    """Store an answer instead of the one before; an empty one takes that back."""
    values: dict[str, Any] = {"choice": list(answer.choice), "text": answer.text}
    values["answered_at"] = None if answer.is_empty else tx.now
    statement = upsert(QuizAnswer).values(attempt_id=attempt_id, question_id=question_id, **values)
    statement = statement.on_conflict_do_update(index_elements=["attempt_id", "question_id"], set_=values)
    await tx.execute(statement)


async def mark(tx: Tx, attempt_id: AttemptId, right: Mapping[str, bool]) -> None:
    """Note of every question of a finished attempt whether it was answered right."""
    rows = [
        {"attempt_id": attempt_id, "question_id": question, "is_right": is_right}
        for question, is_right in right.items()
    ]
    statement = upsert(QuizAnswer)
    changes = {"is_right": statement.excluded.is_right}
    await tx.execute(statement.on_conflict_do_update(index_elements=["attempt_id", "question_id"], set_=changes), rows)


async def list_figures(tx: Tx, lesson_id: LessonId) -> dict[str, Figures]:
    """How the questions of a lesson's quiz, by their ids, were answered."""
    rows = await tx.execute(_FIGURES, {"lesson_id": lesson_id})
    return {row.question_id: Figures(row.asked, row.right) for row in rows}


async def count_students(tx: Tx, lesson_id: LessonId) -> tuple[int, int]:
    """How many students have started, and how many have passed, a lesson's quiz."""
    row = (await tx.execute(_STUDENTS, {"lesson_id": lesson_id})).one()
    return row.begun, row.passed


def _attempt(row: Any) -> Attempt:
    return Attempt(**row._mapping)
