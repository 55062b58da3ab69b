"""Versions are stored: of an assignment or a question, from a page or from the chat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from backend.assignments import domain, repository, rules
from backend.assignments.errors import NoAssignment, NoFeedbackInPlan
from backend.assignments.repository import Stored, StoredFile
from backend.assignments.types import (
    INBOX_TOPIC,
    Submission,
    SubmissionFilesAdded,
    SubmissionId,
    SubmissionReceived,
    SubmittedFile,
    SubmittedFileId,
    WorkKind,
    WorkState,
)
from backend.courses.domain import progress, reminders, subjects
from backend.courses.types import EnrolmentId, LessonId
from backend.courses.types.access import AssignmentNeed, LessonAccess
from backend.infra.content_types import content_type
from backend.infra.crypto import KeyRing, open_sealed, seal
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import Forbidden, NotFound
from backend.kernel.ids import UserId
from backend.kernel.text import file_name

_KEY_PURPOSE: Final = "submission"
_UNKNOWN: Final = "application/octet-stream"


class NewFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a new version: its content, or the ids of the chat and of the message from where it is copied."""

    name: str
    size: int
    data: bytes | None = None
    chat: tuple[int, int] | None = None


class Versions:
    """Stores versions in the caller's transaction, each submission with a data key of its own."""

    def __init__(self, *, ring: KeyRing, files: PrivateFiles) -> None:
        self._ring = ring
        self._files = files

    async def submit(
        self,
        tx: Tx,
        student: UserId,
        entry: LessonAccess,
        text: str,
        files: Sequence[NewFile],
        intent: str,
        *,
        in_chat: bool,
    ) -> Submission:
        """Store a version of the assignment of an open lesson. Raises NoAssignment, Forbidden for a preview."""
        enrolment_id = _enrolment(entry)
        if entry.assignment is AssignmentNeed.NONE:
            raise NoAssignment()
        await repository.lock(tx, f"{enrolment_id}:{entry.lesson_id}")
        stored = await repository.find_assignment(tx, enrolment_id, entry.lesson_id, locked=True)
        if stored and await repository.has_intent(tx, stored.submission.id, intent):
            return stored.submission
        await progress.submit(tx, entry)
        return await self._add(tx, student, entry, WorkKind.ASSIGNMENT, stored, text, files, intent, in_chat=in_chat)

    async def ask(
        self,
        tx: Tx,
        student: UserId,
        entry: LessonAccess,
        text: str,
        files: Sequence[NewFile],
        intent: str,
        *,
        about: SubmissionId | None,
        in_chat: bool,
    ) -> Submission:
        """Store a question about an open lesson. Raises NoFeedbackInPlan, NotFound, Forbidden for a preview."""
        enrolment_id = _enrolment(entry)
        if await subjects.find_feedback_hours(tx, enrolment_id) is None:
            raise NoFeedbackInPlan()
        await repository.lock(tx, f"{enrolment_id}:{entry.lesson_id}")
        known = await repository.find_by_intent(tx, enrolment_id, intent)
        if known is not None:
            return (await repository.get(tx, known)).submission
        stored = await repository.get(tx, about, locked=True) if about is not None else None
        if stored is not None and not _is_question_of(stored.submission, enrolment_id, entry.lesson_id):
            raise NotFound("a question of somebody else")
        await reminders.touch(tx, enrolment_id)
        return await self._add(tx, student, entry, WorkKind.QUESTION, stored, text, files, intent, in_chat=in_chat)

    async def append(
        self, tx: Tx, submission_id: SubmissionId, version: int, files: Sequence[NewFile], text: str
    ) -> None:
        """Add what came late of an album to its version; its caption, where the version has no text yet."""
        stored = await repository.get(tx, submission_id, locked=True)
        key = await self._ring.get(tx, stored.key_id)
        context = domain.version_context(submission_id, version)
        (before,) = [one for one in await repository.list_versions(tx, submission_id) if one.number == version]
        if text and not open_sealed(key, before.ciphertext, context):
            await repository.set_text(tx, submission_id, version, seal(key, text.encode(), context))
        added = await self._store_files(tx, submission_id, version, key, files)
        one = stored.submission
        if added:
            tx.emit(
                SubmissionFilesAdded(
                    submission_id=one.id,
                    version=version,
                    user_id=one.user_id,
                    reviewer_id=one.reviewer_id,
                    files=added,
                )
            )

    async def _add(
        self,
        tx: Tx,
        student: UserId,
        entry: LessonAccess,
        kind: WorkKind,
        before: Stored | None,
        text: str,
        files: Sequence[NewFile],
        intent: str,
        *,
        in_chat: bool,
    ) -> Submission:
        """Store a version, of a new submission where there is none ``before``; its files are stored with it."""
        enrolment_id = _enrolment(entry)
        hours = await subjects.find_feedback_hours(tx, enrolment_id)
        reviewer = None
        if hours is not None:
            reviewer = await domain.choose_reviewer(tx, student, before.submission.reviewer_id if before else None)
        submission = Submission(
            id=before.submission.id if before else SubmissionId(tx.new_id()),
            kind=kind,
            enrolment_id=enrolment_id,
            user_id=student,
            course_id=entry.course_id,
            lesson_id=entry.lesson_id,
            state=rules.state_of_new(hours),
            versions=before.submission.versions + 1 if before else 1,
            reviewer_id=reviewer,
            submitted_at=tx.now,
            due_at=rules.due(tx.now, hours),
            answered_at=None,
        )
        key = await self._store(tx, submission, before)
        sealed = seal(key, text.encode(), domain.version_context(submission.id, submission.versions))
        await repository.add_version(tx, submission.id, submission.versions, sealed, intent, submission.due_at)
        added = await self._store_files(tx, submission.id, submission.versions, key, files)
        tx.emit(
            SubmissionReceived(
                submission_id=submission.id,
                version=submission.versions,
                user_id=student,
                reviewer_id=reviewer,
                reviewed=submission.state is WorkState.IN_REVIEW,
                in_chat=in_chat,
                files=added,
            )
        )
        tx.signal(INBOX_TOPIC)
        return submission

    async def _store(self, tx: Tx, submission: Submission, before: Stored | None) -> bytes:
        """Store the submission as it is now; its key."""
        if before is None:
            key_id, key = await self._ring.create(tx, _KEY_PURPOSE)
            await repository.add(tx, submission, key_id)
            return key
        names = ("state", "versions", "reviewer_id", "submitted_at", "due_at", "answered_at")
        values = {name: getattr(submission, name) for name in names}
        await repository.change(tx, submission.id, values | {"escalated_at": None})
        return await self._ring.get(tx, before.key_id)

    async def _store_files(
        self, tx: Tx, submission_id: SubmissionId, version: int, key: bytes, files: Sequence[NewFile]
    ) -> tuple[SubmittedFileId, ...]:
        written: list[str] = []
        added: list[SubmittedFileId] = []
        first = await repository.next_position(tx, submission_id, version)
        try:
            for position, new in enumerate(files, start=first):
                file_id = SubmittedFileId(tx.new_id())
                stored = None
                if new.data is not None:
                    stored = await self._files.put(seal(key, new.data, file_id.bytes))
                    written.append(stored)
                mime = (content_type(new.data) if new.data else None) or _UNKNOWN
                file = SubmittedFile(
                    id=file_id, name=file_name(new.name), mime=mime, size=new.size, in_page=stored is not None
                )
                await repository.add_file(tx, StoredFile(submission_id, version, stored, file, new.chat), position)
                added.append(file_id)
        except BaseException:
            # Not for what fails in the commit: the rows may stand then.
            for name in written:
                await self._files.delete(name)
            raise
        return tuple(added)


def _enrolment(entry: LessonAccess) -> EnrolmentId:
    if entry.enrolment_id is None:
        raise Forbidden("a teacher looks at it")
    return entry.enrolment_id


def _is_question_of(submission: Submission, enrolment_id: EnrolmentId, lesson_id: LessonId) -> bool:
    own = submission.enrolment_id == enrolment_id and submission.lesson_id == lesson_id
    return own and submission.kind is WorkKind.QUESTION
