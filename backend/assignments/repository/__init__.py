"""All SQL of assignments. Texts leave as they are stored: encrypted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.assignments import models
from backend.assignments.types import (
    FeedbackId,
    InboxCount,
    InboxState,
    Submission,
    SubmissionId,
    SubmittedFile,
    SubmittedFileId,
    Verdict,
    WorkKind,
    WorkState,
)
from backend.courses.types import EnrolmentId, LessonId
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import DataKeyId, UserId

_S: Final = models.Submission.__table__.c
_V: Final = models.SubmissionVersion.__table__.c
_FILE: Final = models.SubmissionFile.__table__.c
_F: Final = models.Feedback.__table__.c
_COLUMNS: Final = tuple(_S[name] for name in Submission.__struct_fields__)
_FULL: Final = (*_COLUMNS, _S.data_key_id, _S.archived)
_WAITS: Final = _S.state == WorkState.IN_REVIEW
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('assignments:' || :what, 0))")


class Stored(msgspec.Struct, frozen=True):
    """A submission with the id of the key that its texts and files are encrypted with."""

    submission: Submission
    key_id: DataKeyId


class Archived(Exception):
    """What a submission consists of is in the archive: see service/archive.py."""

    def __init__(self, submission_id: SubmissionId) -> None:
        super().__init__(f"{submission_id} is in the archive")
        self.submission_id = submission_id


class StoredVersion(msgspec.Struct, frozen=True):
    """A version; ``ciphertext`` is its text."""

    number: int
    ciphertext: bytes
    submitted_at: datetime
    due_at: datetime | None


class StoredFile(msgspec.Struct, frozen=True):
    """A file of a version; ``stored`` names a private file."""

    submission_id: SubmissionId
    version: int
    stored: str | None
    file: SubmittedFile
    chat: tuple[int, int] | None = None


class StoredFeedback(msgspec.Struct, frozen=True, kw_only=True):
    """Feedback; ``ciphertext`` is its text."""

    id: FeedbackId
    submission_id: SubmissionId
    version: int
    author_id: UserId
    verdict: Verdict
    ciphertext: bytes
    revision: int
    created_at: datetime
    sent_at: datetime | None
    corrected_at: datetime | None
    chat_id: int | None = None
    message_id: int | None = None
    copied: bool = False


async def lock(tx: Tx, what: str) -> None:
    """Let one transaction at a time do ``what``."""
    await tx.execute(_LOCK, {"what": what})


async def find_assignment(
    tx: Tx, enrolment_id: EnrolmentId, lesson_id: LessonId, *, locked: bool = False
) -> Stored | None:
    """What a student has submitted for a lesson. Raises Archived."""
    statement = select(*_FULL).where(*_assignment(enrolment_id, lesson_id))
    row = (await tx.execute(statement.with_for_update() if locked else statement)).one_or_none()
    return None if row is None else _stored(row)


async def find_submission(tx: Tx, enrolment_id: EnrolmentId, lesson_id: LessonId) -> Submission | None:
    """The same without what is in it, so that an archived one may stay where it is."""
    row = (await tx.execute(select(*_COLUMNS).where(*_assignment(enrolment_id, lesson_id)))).one_or_none()
    return None if row is None else _submission(row)


async def list_of_lesson(tx: Tx, enrolment_id: EnrolmentId, user_id: UserId, lesson_id: LessonId) -> list[Stored]:
    """What a student has submitted and asked in a lesson: the assignment first, then the questions, oldest first.

    Raises Archived.
    """
    statement = (
        select(*_FULL)
        .where(_S.user_id == user_id, _S.lesson_id == lesson_id, _S.enrolment_id == enrolment_id)
        .order_by(_S.kind, _S.id)
    )
    return [_stored(row) for row in await tx.execute(statement)]


async def get(tx: Tx, submission_id: SubmissionId, *, locked: bool = False) -> Stored:
    """A submission. Raises NotFound, Archived."""
    statement = select(*_FULL).where(_S.id == submission_id)
    row = (await tx.execute(statement.with_for_update() if locked else statement)).one_or_none()
    if row is None:
        raise NotFound("no such submission")
    return _stored(row)


async def add(tx: Tx, submission: Submission, key_id: DataKeyId) -> None:
    """Store a new submission, without its first version."""
    row = {name: getattr(submission, name) for name in Submission.__struct_fields__}
    await tx.execute(insert(models.Submission), {**row, "data_key_id": key_id})


async def change(tx: Tx, submission_id: SubmissionId, values: Mapping[str, Any]) -> None:
    """Change some columns of a submission."""
    await tx.execute(update(models.Submission).where(_S.id == submission_id).values(dict(values)))


async def add_version(
    tx: Tx, submission_id: SubmissionId, number: int, sealed: bytes, intent: str, due_at: datetime | None
) -> None:
    """Store a version."""
    row = {"submission_id": submission_id, "number": number, "ciphertext": sealed, "intent": intent}
    await tx.execute(insert(models.SubmissionVersion), {**row, "submitted_at": tx.now, "due_at": due_at})


async def has_intent(tx: Tx, submission_id: SubmissionId, intent: str) -> bool:
    """Whether a version was submitted with this intent."""
    statement = select(_V.number).where(_V.submission_id == submission_id, _V.intent == intent)
    return (await tx.execute(statement)).first() is not None


async def find_by_intent(tx: Tx, enrolment_id: EnrolmentId, intent: str) -> SubmissionId | None:
    """The submission of an enrolment that has a version with this intent."""
    statement = select(_S.id).join(models.SubmissionVersion, _V.submission_id == _S.id)
    row = (await tx.execute(statement.where(_S.enrolment_id == enrolment_id, _V.intent == intent))).first()
    return None if row is None else SubmissionId(row.id)


async def add_file(tx: Tx, stored: StoredFile, position: int) -> None:
    """Store a file of a version."""
    chat_id, message_id = stored.chat or (None, None)
    row = {"submission_id": stored.submission_id, "version": stored.version, "stored": stored.stored}
    row |= {"position": position, "chat_id": chat_id, "message_id": message_id}
    file = {name: getattr(stored.file, name) for name in ("id", "name", "mime", "size")}
    await tx.execute(insert(models.SubmissionFile), row | file)


async def next_position(tx: Tx, submission_id: SubmissionId, version: int) -> int:
    """The position after the last file of a version."""
    statement = select(func.coalesce(func.max(_FILE.position), 0) + 1)
    statement = statement.where(_FILE.submission_id == submission_id, _FILE.version == version)
    return int((await tx.execute(statement)).scalar_one())


async def set_text(tx: Tx, submission_id: SubmissionId, version: int, sealed: bytes) -> None:
    """Store the caption that came late."""
    where = (_V.submission_id == submission_id) & (_V.number == version)
    await tx.execute(update(models.SubmissionVersion).where(where).values(ciphertext=sealed))


async def list_versions(tx: Tx, submission_id: SubmissionId) -> list[StoredVersion]:
    """The versions of a submission, the oldest first. Raises Archived for none: it was archived a moment ago."""
    columns = (_V.number, _V.ciphertext, _V.submitted_at, _V.due_at)
    rows = await tx.execute(select(*columns).where(_V.submission_id == submission_id).order_by(_V.number))
    versions = [StoredVersion(row.number, row.ciphertext, row.submitted_at, row.due_at) for row in rows]
    if not versions:
        raise Archived(submission_id)
    return versions


async def list_files(tx: Tx, submission_id: SubmissionId) -> list[StoredFile]:
    """The files of a submission, in the order of its versions and their own."""
    statement = select(models.SubmissionFile.__table__).where(_FILE.submission_id == submission_id)
    return [_file(row) for row in await tx.execute(statement.order_by(_FILE.version, _FILE.position))]


async def get_file(tx: Tx, file_id: SubmittedFileId) -> StoredFile:
    """A file. Raises NotFound."""
    row = (await tx.execute(select(models.SubmissionFile.__table__).where(_FILE.id == file_id))).one_or_none()
    if row is None:
        raise NotFound("no such file")
    return _file(row)


async def list_feedback(tx: Tx, submission_id: SubmissionId) -> list[StoredFeedback]:
    """The feedback to a submission, the oldest first; drafts too."""
    statement = (
        select(models.Feedback.__table__).where(_F.submission_id == submission_id).order_by(_F.created_at, _F.id)
    )
    return [_feedback(row) for row in await tx.execute(statement)]


async def get_feedback(tx: Tx, feedback_id: FeedbackId) -> StoredFeedback:
    """Feedback. Raises NotFound."""
    row = (await tx.execute(select(models.Feedback.__table__).where(_F.id == feedback_id))).one_or_none()
    if row is None:
        raise NotFound("no such feedback")
    return _feedback(row)


async def find_feedback_of(tx: Tx, chat_id: int, message_id: int) -> StoredFeedback | None:
    """The feedback that a teacher's message was made into."""
    where = (_F.chat_id == chat_id) & (_F.message_id == message_id)
    row = (await tx.execute(select(models.Feedback.__table__).where(where))).one_or_none()
    return None if row is None else _feedback(row)


async def find_draft(tx: Tx, submission_id: SubmissionId, author_id: UserId) -> StoredFeedback | None:
    """What a teacher has begun to write."""
    mine = (_F.submission_id == submission_id) & (_F.author_id == author_id) & _F.sent_at.is_(None)
    row = (await tx.execute(select(models.Feedback.__table__).where(mine))).one_or_none()
    return None if row is None else _feedback(row)


async def save_feedback(tx: Tx, feedback: StoredFeedback) -> None:
    """Store feedback, or change what is stored of it."""
    row = msgspec.structs.asdict(feedback)
    changed = {name: row[name] for name in ("version", "verdict", "ciphertext", "revision", "sent_at", "corrected_at")}
    statement = upsert(models.Feedback).values(row)
    await tx.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed))


async def delete_draft(tx: Tx, feedback_id: FeedbackId) -> None:
    """Forget a draft."""
    await tx.execute(delete(models.Feedback).where(_F.id == feedback_id, _F.sent_at.is_(None)))


async def keep_revision(tx: Tx, feedback: StoredFeedback) -> None:
    """Keep what feedback says now, before it is corrected."""
    written = feedback.corrected_at or feedback.sent_at
    row = {"feedback_id": feedback.id, "revision": feedback.revision, "verdict": feedback.verdict}
    await tx.execute(insert(models.FeedbackRevision), {**row, "ciphertext": feedback.ciphertext, "written_at": written})


async def list_loads(tx: Tx) -> dict[UserId, int]:
    """How many submissions wait for each reviewer."""
    statement = select(_S.reviewer_id, func.count().label("open")).where(_WAITS, _S.reviewer_id.is_not(None))
    return {UserId(row.reviewer_id): row.open for row in await tx.execute(statement.group_by(_S.reviewer_id))}


async def list_inbox(
    tx: Tx, state: InboxState, reviewer: UserId | None, *, limit: int, offset: int
) -> list[Submission]:
    """Submissions: those that wait, the soonest due first; those that are answered, the latest first."""
    statement = select(*_COLUMNS)
    if state is InboxState.ANSWERED:
        statement = statement.where(_S.answered_at.is_not(None), ~_WAITS).order_by(_S.answered_at.desc(), _S.id.desc())
    else:
        statement = statement.where(_WAITS).order_by(_S.due_at, _S.id)
        if state is InboxState.OVERDUE:
            statement = statement.where(_S.due_at < tx.now)
    if reviewer is not None:
        statement = statement.where(_S.reviewer_id == reviewer)
    return [_submission(row) for row in await tx.execute(statement.limit(limit).offset(offset))]


async def count_open(tx: Tx, reviewer: UserId | None = None) -> InboxCount:
    """How many submissions wait, of one reviewer or all."""
    overdue = func.count().filter(_S.due_at < tx.now)
    statement = select(func.count().label("open"), overdue.label("overdue")).where(_WAITS)
    if reviewer is not None:
        statement = statement.where(_S.reviewer_id == reviewer)
    row = (await tx.execute(statement)).one()
    return InboxCount(row.open, row.overdue)


async def take_overdue(tx: Tx, limit: int) -> list[Submission]:
    """Note of overdue submissions that all teachers are told now; each version once."""
    due = select(_S.id).where(_WAITS, _S.due_at < tx.now, _S.escalated_at.is_(None)).order_by(_S.due_at).limit(limit)
    statement = (
        update(models.Submission)
        .where(_S.id.in_(due.with_for_update(skip_locked=True)))
        .values(escalated_at=tx.now)
        .returning(*_COLUMNS)
    )
    return [_submission(row) for row in await tx.execute(statement)]


async def list_left(tx: Tx, teachers: Collection[UserId], limit: int) -> Sequence[SubmissionId]:
    """The submissions that wait for somebody who is none of the ``teachers``, or for nobody."""
    left = _S.reviewer_id.is_(None) | _S.reviewer_id.not_in(teachers)
    statement = select(_S.id).where(_WAITS, left).order_by(_S.due_at).limit(limit)
    return [SubmissionId(row.id) for row in await tx.execute(statement)]


def _submission(row: Any) -> Submission:
    fields = {name: getattr(row, name) for name in Submission.__struct_fields__}
    return Submission(**fields | {"kind": WorkKind(row.kind), "state": WorkState(row.state)})


def _assignment(enrolment_id: EnrolmentId, lesson_id: LessonId) -> tuple[Any, ...]:
    return _S.enrolment_id == enrolment_id, _S.lesson_id == lesson_id, _S.kind == WorkKind.ASSIGNMENT


def _stored(row: Any) -> Stored:
    if row.archived is not None:
        raise Archived(SubmissionId(row.id))
    return stored_of(row)


def stored_of(row: Any) -> Stored:
    """A row of submissions, wherever what it consists of is."""
    return Stored(_submission(row), DataKeyId(row.data_key_id))


def _file(row: Any) -> StoredFile:
    file = SubmittedFile(
        id=SubmittedFileId(row.id), name=row.name, mime=row.mime, size=row.size, in_page=row.stored is not None
    )
    chat = (row.chat_id, row.message_id) if row.message_id is not None else None
    return StoredFile(SubmissionId(row.submission_id), row.version, row.stored, file, chat)


def _feedback(row: Any) -> StoredFeedback:
    fields = {name: getattr(row, name) for name in StoredFeedback.__struct_fields__}
    return StoredFeedback(**fields | {"verdict": Verdict(row.verdict)})
