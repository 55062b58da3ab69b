"""Submissions inside the caller's transaction: opened for reading, given to a teacher, answered."""

from __future__ import annotations

from msgspec.structs import replace

from backend.assignments import repository, rules
from backend.assignments.errors import AlreadyAnswered
from backend.assignments.repository import Stored, StoredFeedback
from backend.assignments.types import (
    INBOX_TOPIC,
    Feedback,
    FeedbackCorrected,
    FeedbackId,
    FeedbackSent,
    SentFile,
    Submission,
    SubmissionId,
    SubmissionReassigned,
    SubmittedFileId,
    Thread,
    Verdict,
    Version,
    WorkKind,
    WorkState,
)
from backend.identity import domain as identity
from backend.identity.types import Permission
from backend.infra.crypto import KeyRing, open_sealed, seal
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId


async def get_thread(tx: Tx, ring: KeyRing, submission_id: SubmissionId) -> Thread:
    """A submission with all that was written in it but drafts. Raises NotFound, DecryptionError, Archived."""
    return await open_thread(tx, ring, await repository.get(tx, submission_id))


async def open_thread(tx: Tx, ring: KeyRing, stored: Stored) -> Thread:
    """The same of one that was read. Raises DecryptionError, Archived."""
    key = await ring.get(tx, stored.key_id)
    submission_id = stored.submission.id
    # The versions last: where they are still there, files and feedback were not archived before they were read.
    files = await repository.list_files(tx, submission_id)
    sent = [one for one in await repository.list_feedback(tx, submission_id) if one.sent_at is not None]
    versions = [
        Version(
            number=one.number,
            text=open_sealed(key, one.ciphertext, version_context(submission_id, one.number)).decode(),
            files=tuple(item.file for item in files if item.version == one.number),
            submitted_at=one.submitted_at,
            due_at=one.due_at,
        )
        for one in await repository.list_versions(tx, submission_id)
    ]
    opened = tuple(open_feedback(key, one) for one in sent)
    return Thread(submission=stored.submission, versions=tuple(versions), feedback=opened)


def open_feedback(key: bytes, stored: StoredFeedback) -> Feedback:
    """Feedback that can be read. Raises DecryptionError."""
    return Feedback(
        id=stored.id,
        version=stored.version,
        author_id=stored.author_id,
        verdict=stored.verdict,
        text=open_sealed(key, stored.ciphertext, stored.id.bytes).decode(),
        revision=stored.revision,
        created_at=stored.created_at,
        sent_at=stored.sent_at,
        corrected_at=stored.corrected_at,
        chat=None if stored.chat_id is None or stored.message_id is None else (stored.chat_id, stored.message_id),
        copied=stored.copied,
    )


def version_context(submission_id: SubmissionId, number: int) -> bytes:
    """What the text of a version is bound to."""
    return submission_id.bytes + number.to_bytes(4, "big")


async def choose_reviewer(tx: Tx, student: UserId, before: UserId | None = None) -> UserId | None:
    """Who answers: who did ``before``, else the teacher with the fewest open submissions; None where there is none.

    One at a time chooses, until the transaction ends: else all would choose the same.
    """
    await repository.lock(tx, "reviewer")
    teachers = [one.user_id for one in await identity.list_admins(tx, Permission.TEACHING)]
    return rules.least_loaded(teachers, await repository.list_loads(tx), not_=student, before=before)


async def answer(
    tx: Tx,
    ring: KeyRing,
    stored: Stored,
    author: UserId,
    text: str,
    verdict: Verdict,
    *,
    version: int,
    chat: tuple[int, int] | None = None,
    copied: bool = False,
) -> FeedbackId:
    """Send feedback to a version: what was written on the page, which the author's draft becomes, or in the ``chat``.

    The submission is locked.
    """
    submission = stored.submission
    if submission.kind is WorkKind.QUESTION:
        verdict = Verdict.ACCEPT
    draft = await repository.find_draft(tx, submission.id, author) if chat is None else None
    chat_id, message_id = chat or (None, None)
    feedback_id = draft.id if draft else FeedbackId(tx.new_id())
    key = await ring.get(tx, stored.key_id)
    await repository.save_feedback(
        tx,
        StoredFeedback(
            id=feedback_id,
            submission_id=submission.id,
            version=version,
            author_id=author,
            verdict=verdict,
            ciphertext=seal(key, text.encode(), feedback_id.bytes),
            revision=1,
            created_at=draft.created_at if draft else tx.now,
            sent_at=tx.now,
            corrected_at=None,
            chat_id=chat_id,
            message_id=message_id,
            copied=copied,
        ),
    )
    if version == submission.versions:
        state, at = rules.state_after(verdict), submission.answered_at or tx.now
        await repository.change(tx, submission.id, {"state": state, "answered_at": at, "reviewer_id": author})
    tx.emit(FeedbackSent(submission_id=submission.id, feedback_id=feedback_id, user_id=submission.user_id))
    tx.signal(INBOX_TOPIC)
    return feedback_id


async def correct(tx: Tx, ring: KeyRing, feedback_id: FeedbackId, text: str | None, verdict: Verdict) -> bool:
    """Change feedback that was sent, its text unless that is None; what it said stays stored.

    Returns whether anything changed. Raises NotFound.
    """
    before = await repository.get_feedback(tx, feedback_id)
    stored = await repository.get(tx, before.submission_id, locked=True)
    before = await repository.get_feedback(tx, feedback_id)
    if before.sent_at is None:
        raise NotFound("a draft")
    submission = stored.submission
    if submission.kind is WorkKind.QUESTION:
        verdict = Verdict.ACCEPT
    key = await ring.get(tx, stored.key_id)
    said = open_sealed(key, before.ciphertext, feedback_id.bytes).decode()
    text = said if text is None else text
    if verdict is before.verdict and text == said:
        return False
    await repository.keep_revision(tx, before)
    after = replace(
        before,
        verdict=verdict,
        ciphertext=seal(key, text.encode(), feedback_id.bytes),
        revision=before.revision + 1,
        corrected_at=tx.now,
    )
    await repository.save_feedback(tx, after)
    if before.version == submission.versions and await _is_last(tx, before):
        await repository.change(tx, submission.id, {"state": rules.state_after(verdict)})
    tx.emit(
        FeedbackCorrected(
            submission_id=submission.id, feedback_id=feedback_id, user_id=submission.user_id, revision=after.revision
        )
    )
    return True


async def _is_last(tx: Tx, feedback: StoredFeedback) -> bool:
    sent = [one for one in await repository.list_feedback(tx, feedback.submission_id) if one.sent_at is not None]
    return max(sent, key=lambda one: (one.sent_at, one.id)).id == feedback.id


async def check_unanswered(tx: Tx, submission: Submission, version: int, seen: int) -> None:
    """Whether a page that showed ``version`` and ``seen`` answers is up to date. Raises AlreadyAnswered."""
    sent = sum(one.sent_at is not None for one in await repository.list_feedback(tx, submission.id))
    if version != submission.versions or seen != sent:
        raise AlreadyAnswered()


async def reassign(tx: Tx, submission: Submission, reviewer: UserId) -> None:
    """Have another teacher answer, who is told."""
    await repository.change(tx, submission.id, {"reviewer_id": reviewer})
    files = await list_files(tx, submission.id, submission.versions)
    if submission.state is WorkState.IN_REVIEW:
        tx.emit(
            SubmissionReassigned(
                submission_id=submission.id,
                version=submission.versions,
                user_id=submission.user_id,
                reviewer_id=reviewer,
                files=files,
            )
        )
    tx.signal(INBOX_TOPIC)


async def list_files(tx: Tx, submission_id: SubmissionId, version: int) -> tuple[SubmittedFileId, ...]:
    """The files of a version."""
    return tuple(item.file.id for item in await repository.list_files(tx, submission_id) if item.version == version)


async def get_file(tx: Tx, ring: KeyRing, files: PrivateFiles, file_id: SubmittedFileId) -> SentFile:
    """A file as it is sent to a teacher. Raises NotFound, DecryptionError."""
    item = await repository.get_file(tx, file_id)
    data = None
    if item.stored is not None:
        key = await ring.get(tx, (await repository.get(tx, item.submission_id)).key_id)
        data = open_sealed(key, await files.get(item.stored), file_id.bytes)
    return SentFile(file=item.file, chat=item.chat, data=data)
