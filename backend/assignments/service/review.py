"""Use cases of teachers: the inbox, drafts, feedback and its corrections; and what happens when nobody answers."""

from __future__ import annotations

from typing import Final

from backend.assignments import domain, repository, rules
from backend.assignments.repository import Stored, StoredFeedback
from backend.assignments.service.archive import ArchiveService, from_archive
from backend.assignments.types import (
    FeedbackId,
    InboxCount,
    InboxRow,
    InboxState,
    ReviewPage,
    SubmissionId,
    SubmissionOverdue,
    Verdict,
    WorkKind,
    WorkState,
)
from backend.courses.domain import subjects
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.crypto import KeyRing, seal
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts

PAGE: Final = 50
"""Rows of a page of the inbox."""
_AT_ONCE: Final = 100


class ReviewService:
    """For admins with the permission for teaching. Any of them may answer, not only who was chosen."""

    page_size: Final = PAGE

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, archive: ArchiveService) -> None:
        self._uow = uow
        self._archive = archive
        self._ring = ring

    async def inbox(self, actor: Actor, state: InboxState, *, mine: bool, page: int = 0) -> list[InboxRow]:
        """Submissions, fifty a page: those that wait with the soonest due first, answered ones the latest first.

        Raises Forbidden.
        """
        actor.require(Permission.TEACHING)
        reviewer = actor.id if mine else None
        async with self._uow.read() as tx:
            rows = await repository.list_inbox(tx, state, reviewer, limit=PAGE, offset=page * PAGE)
            about = await subjects.list_lessons(tx, {one.lesson_id for one in rows})
        return [InboxRow(submission=one, about=about[one.lesson_id]) for one in rows]

    async def count(self, actor: Actor, *, mine: bool = False) -> InboxCount:
        """How many submissions wait for an answer. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            return await repository.count_open(tx, actor.id if mine else None)

    @from_archive
    async def get(self, actor: Actor, submission_id: SubmissionId) -> ReviewPage:
        """A submission with everything in it, and the actor's draft. Raises Forbidden, NotFound, DecryptionError."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            stored = await repository.get(tx, submission_id)
            draft = await repository.find_draft(tx, submission_id, actor.id)
            key = await self._ring.get(tx, stored.key_id)
            lesson_id, kind = stored.submission.lesson_id, stored.submission.kind
            asked = kind is WorkKind.ASSIGNMENT
            return ReviewPage(
                thread=await domain.open_thread(tx, self._ring, stored),
                about=await subjects.get_lesson(tx, lesson_id),
                assignment=await subjects.find_assignment(tx, lesson_id, actor.language) if asked else "",
                draft=domain.open_feedback(key, draft) if draft else None,
            )

    @from_archive
    @retry_conflicts
    async def save_draft(self, actor: Actor, submission_id: SubmissionId, text: str, verdict: Verdict) -> None:
        """Store what the actor has begun to write; an empty text deletes it. Raises Forbidden, NotFound, Invalid."""
        actor.require(Permission.TEACHING)
        cleaned = rules.clean_text(text)
        if cleaned:
            rules.check_feedback(cleaned)
        async with self._uow() as tx:
            stored = await repository.get(tx, submission_id, locked=True)
            draft = await repository.find_draft(tx, submission_id, actor.id)
            if cleaned:
                await repository.save_feedback(tx, await self._draft(tx, stored, draft, actor, cleaned, verdict))
            elif draft is not None:
                await repository.delete_draft(tx, draft.id)

    async def _draft(
        self, tx: Tx, stored: Stored, before: StoredFeedback | None, actor: Actor, text: str, verdict: Verdict
    ) -> StoredFeedback:
        key = await self._ring.get(tx, stored.key_id)
        feedback_id = before.id if before else FeedbackId(tx.new_id())
        return StoredFeedback(
            id=feedback_id,
            submission_id=stored.submission.id,
            version=stored.submission.versions,
            author_id=actor.id,
            verdict=verdict,
            ciphertext=seal(key, text.encode(), feedback_id.bytes),
            revision=1,
            created_at=before.created_at if before else tx.now,
            sent_at=None,
            corrected_at=None,
        )

    @from_archive
    @retry_conflicts
    async def send(
        self, actor: Actor, submission_id: SubmissionId, text: str, verdict: Verdict, *, version: int, seen: int
    ) -> FeedbackId:
        """Answer the version that the actor has read, after ``seen`` answers; their draft is sent by it.

        Raises Invalid (field ``text``), AlreadyAnswered where a colleague or the student was faster, Forbidden,
        NotFound.
        """
        actor.require(Permission.TEACHING)
        cleaned = rules.clean_text(text)
        rules.check_feedback(cleaned)
        async with self._uow() as tx:
            stored = await repository.get(tx, submission_id, locked=True)
            await domain.check_unanswered(tx, stored.submission, version, seen)
            sent = await domain.answer(tx, self._ring, stored, actor.id, cleaned, verdict, version=version)
            await self._record(tx, actor, "answer", submission_id, {"verdict": verdict, "version": version})
            return sent

    @retry_conflicts
    async def correct(self, actor: Actor, feedback_id: FeedbackId, text: str, verdict: Verdict) -> SubmissionId:
        """Change feedback that was sent; the student's message is edited, and what it said stays stored.

        Raises Invalid (field ``text``), Forbidden, NotFound.
        """
        actor.require(Permission.TEACHING)
        cleaned = rules.clean_text(text)
        rules.check_feedback(cleaned)
        async with self._uow() as tx:
            submission_id = (await repository.get_feedback(tx, feedback_id)).submission_id
            if await domain.correct(tx, self._ring, feedback_id, cleaned, verdict):
                await self._record(tx, actor, "correct", submission_id, {"feedback": str(feedback_id)})
            return submission_id

    @retry_conflicts
    async def ask_again(self, actor: Actor, feedback_id: FeedbackId) -> None:
        """Ask for another version after feedback that did not. Raises Forbidden, NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            if await domain.correct(tx, self._ring, feedback_id, None, Verdict.AGAIN):
                submission_id = (await repository.get_feedback(tx, feedback_id)).submission_id
                await self._record(tx, actor, "ask_again", submission_id, {"feedback": str(feedback_id)})

    @from_archive
    @retry_conflicts
    async def take(self, actor: Actor, submission_id: SubmissionId) -> None:
        """Answer a submission instead of who was chosen. Raises Forbidden, NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            stored = await repository.get(tx, submission_id, locked=True)
            if stored.submission.reviewer_id != actor.id:
                await repository.change(tx, submission_id, {"reviewer_id": actor.id})
                await self._record(tx, actor, "take", submission_id, {"from": str(stored.submission.reviewer_id)})

    async def escalate(self) -> int:
        """Tell all teachers of submissions whose promised time has ended, each version once; how many."""
        count = 0
        while True:
            async with self._uow() as tx:
                overdue = await repository.take_overdue(tx, _AT_ONCE)
                for one in overdue:
                    files = await domain.list_files(tx, one.id, one.versions)
                    tx.emit(
                        SubmissionOverdue(submission_id=one.id, version=one.versions, user_id=one.user_id, files=files)
                    )
            count += len(overdue)
            if len(overdue) < _AT_ONCE:
                return count

    async def reassign(self) -> int:
        """Give the work of those who teach no more, and what has no reviewer, to other teachers; how much."""
        async with self._uow.read() as tx:
            teachers = {one.user_id for one in await identity.list_admins(tx, Permission.TEACHING)}
            left = await repository.list_left(tx, teachers, _AT_ONCE)
        given = 0
        for submission_id in left:
            async with self._uow() as tx:
                submission = (await repository.get(tx, submission_id, locked=True)).submission
                reviewer = await domain.choose_reviewer(tx, submission.user_id)
                if submission.state is not WorkState.IN_REVIEW or submission.reviewer_id in teachers:
                    continue
                if reviewer is not None:
                    await domain.reassign(tx, submission, reviewer)
                    given += 1
        return given

    @staticmethod
    async def _record(
        tx: Tx, actor: Actor, action: str, submission_id: SubmissionId, facts: dict[str, str | int]
    ) -> None:
        await audit.record(tx, actor.user_id, f"assignments.{action}", f"submission:{submission_id}", facts)
