"""Use cases of students: submit an assignment, ask the teacher, read the answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backend.assignments import domain, repository, rules
from backend.assignments.errors import NoAssignment, NoFeedbackInPlan
from backend.assignments.repository import Stored, StoredFile
from backend.assignments.types import (
    INBOX_TOPIC,
    StoredContent,
    StudentPage,
    Submission,
    SubmissionId,
    SubmissionReceived,
    SubmittedFile,
    SubmittedFileId,
    Upload,
    WorkKind,
    WorkState,
)
from backend.courses.domain import access, progress, subjects
from backend.courses.types import EnrolmentId, LessonId
from backend.courses.types.access import AssignmentNeed, LessonAccess
from backend.identity.types import Actor, Permission
from backend.infra.content_types import content_type
from backend.infra.crypto import KeyRing, open_sealed, seal
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Forbidden, NotFound
from backend.kernel.text import file_name

KEY_PURPOSE: Final = "submission"
_UNKNOWN: Final = "application/octet-stream"


class SubmittingService:
    """What students submit, each with a data key of its own; ``files`` stores the encrypted files."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, files: PrivateFiles) -> None:
        self._uow = uow
        self._ring = ring
        self._files = files

    async def page(self, actor: Actor, course: str, lesson: str) -> StudentPage:
        """The assignment of a lesson by the slugs of its course and its own, and all that was written about it.

        Raises NotFound, Forbidden, AccessEnded, LessonLocked.
        """
        async with self._uow.read() as tx:
            entry, row = (await access.list_around(tx, actor, course, lesson))[0]
            access.check_open(entry)
            threads, hours = [], None
            if entry.enrolment_id is not None:
                stored = await repository.list_of_lesson(tx, entry.enrolment_id, actor.id, entry.lesson_id)
                threads = [await domain.open_thread(tx, self._ring, one) for one in stored]
                hours = await subjects.find_feedback_hours(tx, entry.enrolment_id)
        return StudentPage(
            lesson_id=entry.lesson_id,
            course_slug=course,
            lesson_slug=lesson,
            title=row.title,
            day=entry.day,
            assignment=row.assignment or "",
            required=entry.assignment is AssignmentNeed.REQUIRED,
            feedback_hours=hours,
            threads=tuple(threads),
            preview=entry.preview,
        )

    async def find(self, actor: Actor, lesson_id: LessonId) -> Submission | None:
        """What the actor has submitted for a lesson, in their present run of the course. Raises NotFound."""
        async with self._uow.read() as tx:
            entry = await access.can_open(tx, actor, lesson_id)
            if entry.enrolment_id is None:
                return None
            stored = await repository.find_assignment(tx, entry.enrolment_id, lesson_id)
        return stored.submission if stored else None

    @retry_conflicts
    async def submit(
        self, actor: Actor, course: str, lesson: str, text: str, files: Sequence[Upload], *, intent: str
    ) -> Submission:
        """Submit a version of an assignment; the same ``intent`` again is the same version.

        Where the student's plan promises feedback a teacher is chosen, and has so many hours from now. Raises Invalid
        (see rules.check_work), NoAssignment, NotFound, Forbidden, AccessEnded, LessonLocked.
        """
        cleaned = rules.clean_text(text)
        rules.check_work(cleaned, files)
        async with self._uow() as tx:
            entry, enrolment_id = await self._opened(tx, actor, course, lesson)
            if entry.assignment is AssignmentNeed.NONE:
                raise NoAssignment()
            await repository.lock(tx, f"{enrolment_id}:{entry.lesson_id}")
            stored = await repository.find_assignment(tx, enrolment_id, entry.lesson_id, locked=True)
            if stored and await repository.has_intent(tx, stored.submission.id, intent):
                return stored.submission
            await progress.submit(tx, entry)
            return await self._add(tx, actor, entry, WorkKind.ASSIGNMENT, stored, cleaned, files, intent)

    @retry_conflicts
    async def ask(
        self,
        actor: Actor,
        course: str,
        lesson: str,
        text: str,
        files: Sequence[Upload],
        *,
        intent: str,
        about: SubmissionId | None = None,
    ) -> Submission:
        """Ask the teacher about a lesson, or go on with the question ``about``; the same ``intent`` asks once.

        Raises Invalid (see rules.check_work), NoFeedbackInPlan, NotFound, Forbidden, AccessEnded, LessonLocked.
        """
        cleaned = rules.clean_text(text)
        rules.check_work(cleaned, files)
        async with self._uow() as tx:
            entry, enrolment_id = await self._opened(tx, actor, course, lesson)
            if await subjects.find_feedback_hours(tx, enrolment_id) is None:
                raise NoFeedbackInPlan()
            await repository.lock(tx, f"{enrolment_id}:{entry.lesson_id}")
            known = await repository.find_by_intent(tx, enrolment_id, intent)
            if known is not None:
                return (await repository.get(tx, known)).submission
            stored = await repository.get(tx, about, locked=True) if about is not None else None
            if stored is not None and not _is_question_of(stored.submission, enrolment_id, entry.lesson_id):
                raise NotFound("a question of somebody else")
            return await self._add(tx, actor, entry, WorkKind.QUESTION, stored, cleaned, files, intent)

    async def file(self, actor: Actor, file_id: SubmittedFileId) -> StoredContent:
        """A file that was submitted, for who did it and for teachers. Raises NotFound, Forbidden, DecryptionError."""
        async with self._uow.read() as tx:
            item = await repository.get_file(tx, file_id)
            stored = await repository.get(tx, item.submission_id)
            if stored.submission.user_id != actor.id and not actor.may(Permission.TEACHING):
                raise Forbidden("a file of somebody else")
            key = await self._ring.get(tx, stored.key_id)
        data = open_sealed(key, await self._files.get(item.stored), file_id.bytes)
        return StoredContent(item.file.name, item.file.mime, data)

    @staticmethod
    async def _opened(tx: Tx, actor: Actor, course: str, lesson: str) -> tuple[LessonAccess, EnrolmentId]:
        entry, _ = (await access.list_around(tx, actor, course, lesson))[0]
        access.check_open(entry)
        if entry.enrolment_id is None:
            raise Forbidden("a teacher looks at it")
        return entry, entry.enrolment_id

    async def _add(
        self,
        tx: Tx,
        actor: Actor,
        entry: LessonAccess,
        kind: WorkKind,
        before: Stored | None,
        text: str,
        files: Sequence[Upload],
        intent: str,
    ) -> Submission:
        """Store a version, of a new submission where there is none ``before``; its files are stored with it."""
        assert entry.enrolment_id is not None
        hours = await subjects.find_feedback_hours(tx, entry.enrolment_id)
        reviewer = None
        if hours is not None:
            reviewer = await domain.choose_reviewer(tx, actor.id, before.submission.reviewer_id if before else None)
        submission = Submission(
            id=before.submission.id if before else SubmissionId(tx.new_id()),
            kind=kind,
            enrolment_id=entry.enrolment_id,
            user_id=actor.id,
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
        tx.emit(
            SubmissionReceived(
                submission_id=submission.id,
                version=submission.versions,
                user_id=actor.id,
                reviewer_id=reviewer,
                reviewed=submission.state is WorkState.IN_REVIEW,
            )
        )
        tx.signal(INBOX_TOPIC)
        # Last, so that little can fail after files are written that no row will name.
        await self._store_files(tx, submission, key, files)
        return submission

    async def _store(self, tx: Tx, submission: Submission, before: Stored | None) -> bytes:
        """Store the submission as it is now; its key."""
        if before is None:
            key_id, key = await self._ring.create(tx, KEY_PURPOSE)
            await repository.add(tx, submission, key_id)
            return key
        names = ("state", "versions", "reviewer_id", "submitted_at", "due_at", "answered_at")
        values = {name: getattr(submission, name) for name in names}
        await repository.change(tx, submission.id, values | {"escalated_at": None})
        return await self._ring.get(tx, before.key_id)

    async def _store_files(self, tx: Tx, submission: Submission, key: bytes, files: Sequence[Upload]) -> None:
        written: list[str] = []
        try:
            for position, upload in enumerate(files, start=1):
                file_id = SubmittedFileId(tx.new_id())
                written.append(await self._files.put(seal(key, upload.data, file_id.bytes)))
                file = SubmittedFile(
                    id=file_id,
                    name=file_name(upload.name),
                    mime=content_type(upload.data) or _UNKNOWN,
                    size=len(upload.data),
                )
                item = StoredFile(submission.id, submission.versions, written[-1], file)
                await repository.add_file(tx, item, position)
        except BaseException:
            # Not for what fails in the commit: the rows may stand then.
            for name in written:
                await self._files.delete(name)
            raise


def _is_question_of(submission: Submission, enrolment_id: EnrolmentId, lesson_id: LessonId) -> bool:
    own = submission.enrolment_id == enrolment_id and submission.lesson_id == lesson_id
    return own and submission.kind is WorkKind.QUESTION
