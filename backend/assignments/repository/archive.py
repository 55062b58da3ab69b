"""SQL of the archive: which submissions are old, and their rows as they are moved there and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table, delete, func, insert, select, update

from backend.assignments import models
from backend.assignments.repository import Stored, stored_of
from backend.assignments.types import SubmissionId, WorkState
from backend.infra.unit_of_work import Tx

_S: Final = models.Submission.__table__.c
_FEEDBACK: Final = models.Feedback.__table__.c
# In the order in which they may be stored again.
_MODELS: Final = (
    models.SubmissionVersion,
    models.SubmissionFile,
    models.Feedback,
    models.FeedbackRevision,
)
_TABLES: Final[dict[str, Table]] = {model.__tablename__: model.__table__ for model in _MODELS}  # type: ignore[misc]
_TOUCHED: Final = func.greatest(_S.submitted_at, _S.answered_at, _S.restored_at)

Rows = dict[str, list[dict[str, Any]]]
"""The rows of a submission by table."""


async def list_old(tx: Tx, before: datetime, after: SubmissionId | None, limit: int) -> list[SubmissionId]:
    """The submissions that wait for nobody and were last touched ``before``, in the order of their ids."""
    statement = select(_S.id).where(_S.archived.is_(None), _S.state != WorkState.IN_REVIEW, before > _TOUCHED)
    if after is not None:
        statement = statement.where(_S.id > after)
    return [SubmissionId(row.id) for row in await tx.execute(statement.order_by(_S.id).limit(limit))]


async def lock_old(tx: Tx, submission_id: SubmissionId, before: datetime) -> Stored | None:
    """The submission, locked; None where somebody else has it, or it is not old any more."""
    statement = select(models.Submission.__table__).where(
        _S.id == submission_id, _S.archived.is_(None), _S.state != WorkState.IN_REVIEW, before > _TOUCHED
    )
    row = (await tx.execute(statement.with_for_update(skip_locked=True))).one_or_none()
    return None if row is None else stored_of(row)


async def lock_archived(tx: Tx, submission_id: SubmissionId) -> tuple[Stored, str] | None:
    """An archived submission, locked, and the name of its archive; None where it was restored meanwhile."""
    statement = select(models.Submission.__table__).where(_S.id == submission_id, _S.archived.is_not(None))
    row = (await tx.execute(statement.with_for_update())).one_or_none()
    return None if row is None else (stored_of(row), str(row.archived))


async def read_rows(tx: Tx, submission_id: SubmissionId) -> Rows:
    """All that is stored of a submission beside its own row."""
    rows: Rows = {}
    for name, table in _TABLES.items():
        selected = await tx.execute(select(table).where(_of(table, submission_id)))
        rows[name] = [dict(row._mapping) for row in selected]
    return rows


async def archive(tx: Tx, submission_id: SubmissionId, name: str) -> None:
    """Remove the rows of a submission: they are in the archive of that name."""
    for table in reversed(_TABLES.values()):
        await tx.execute(delete(table).where(_of(table, submission_id)))
    values = {"archived": name, "archived_at": tx.now}
    await tx.execute(update(models.Submission).where(_S.id == submission_id).values(values))


async def restore(tx: Tx, submission_id: SubmissionId, rows: Rows) -> None:
    """Store the rows of a submission again; it counts as touched now."""
    for name, table in _TABLES.items():
        stored = [_row(table, row) for row in rows[name]]
        if stored:
            await tx.execute(insert(table), stored)
    values = {"archived": None, "archived_at": None, "restored_at": tx.now}
    await tx.execute(update(models.Submission).where(_S.id == submission_id).values(values))


def _of(table: Table, submission_id: SubmissionId) -> Any:
    if "submission_id" in table.c:
        return table.c.submission_id == submission_id
    return table.c.feedback_id.in_(select(_FEEDBACK.id).where(_FEEDBACK.submission_id == submission_id))


def _row(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as the table has it today: a column that was dropped since is left out, a new one has its default."""
    known: Sequence[Any] = [column for column in table.c if column.name in row]
    return {column.name: _value(column.type.python_type, row[column.name]) for column in known}


def _value(kind: type, value: Any) -> Any:
    return UUID(value) if kind is UUID and isinstance(value, str) else value
