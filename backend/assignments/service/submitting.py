"""Use cases of students: submit an assignment, ask the teacher, read the answers."""

from __future__ import annotations

from collections.abc import Sequence

from backend.assignments import domain, repository, rules
from backend.assignments.service.archive import ArchiveService, from_archive
from backend.assignments.service.versions import NewFile, Versions
from backend.assignments.types import (
    StoredContent,
    StudentPage,
    Submission,
    SubmissionId,
    SubmittedFileId,
    Upload,
)
from backend.courses.domain import access, subjects
from backend.courses.types import LessonId
from backend.courses.types.access import AssignmentNeed
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing, open_sealed
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Forbidden, NotFound


class SubmittingService:
    """What students submit, each with a data key of its own; ``files`` stores the encrypted files."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, files: PrivateFiles, archive: ArchiveService) -> None:
        self._uow = uow
        self._archive = archive
        self._ring = ring
        self._files = files
        self._versions = Versions(ring=ring, files=files)

    @from_archive
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
            return await repository.find_submission(tx, entry.enrolment_id, lesson_id)

    @from_archive
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
            entry, _ = (await access.list_around(tx, actor, course, lesson))[0]
            access.check_open(entry)
            return await self._versions.submit(tx, actor.id, entry, cleaned, _new(files), intent, in_chat=False)

    @from_archive
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
            entry, _ = (await access.list_around(tx, actor, course, lesson))[0]
            access.check_open(entry)
            return await self._versions.ask(
                tx, actor.id, entry, cleaned, _new(files), intent, about=about, in_chat=False
            )

    async def file(self, actor: Actor, file_id: SubmittedFileId) -> StoredContent:
        """A file that was submitted, for who did it and for teachers.

        Raises NotFound, also for one that is only in the chat, Forbidden, DecryptionError.
        """
        async with self._uow.read() as tx:
            item = await repository.get_file(tx, file_id)
            stored = await repository.get(tx, item.submission_id)
            if stored.submission.user_id != actor.id and not actor.may(Permission.TEACHING):
                raise Forbidden("a file of somebody else")
            key = await self._ring.get(tx, stored.key_id)
        if item.stored is None:
            raise NotFound("it is only in the chat")
        data = open_sealed(key, await self._files.get(item.stored), file_id.bytes)
        return StoredContent(item.file.name, item.file.mime, data)


def _new(files: Sequence[Upload]) -> list[NewFile]:
    return [NewFile(name=one.name, size=len(one.data), data=one.data) for one in files]
