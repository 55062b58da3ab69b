"""Use cases of the chat: messages of students become versions, replies of teachers become feedback.

A reply to a known message goes first, then an assignment that was opened by a button; all else is support's.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

from backend.assignments import domain, repository, rules
from backend.assignments.repository import parts
from backend.assignments.repository.parts import Part, Target
from backend.assignments.service.archive import ArchiveService, from_archive
from backend.assignments.service.versions import Versions
from backend.assignments.types import (
    LONGEST_FEEDBACK,
    ChatMessage,
    CollectPart,
    Edited,
    SubmissionId,
    Taken,
    Verdict,
    WorkKind,
)
from backend.courses.domain import access, subjects
from backend.courses.types import LessonId
from backend.courses.types.access import AssignmentNeed
from backend.courses.types.subjects import LessonSubject
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.crypto import KeyRing, seal
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.support import domain as support
from backend.support.types import Subject, SubjectKind

COLLECT: Final = "assignments.collect"
PART_PURPOSE: Final = "submission_part"
ALBUM_SECONDS: Final = 2.0
"""An album is complete when none of its messages came for so long."""
_OPEN_FOR: Final = timedelta(minutes=30)


class ChatService:
    """What is said to the bot about assignments; nothing is downloaded here, so that the bot answers at once."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, files: PrivateFiles, archive: ArchiveService) -> None:
        self._uow = uow
        self._archive = archive
        self._ring = ring
        self._versions = Versions(ring=ring, files=files)

    @from_archive
    @retry_conflicts
    async def take(self, actor: Actor, message: ChatMessage) -> Taken | None:
        """Take a message that is about a submission or a lesson; None for one that is about neither.

        Raises Forbidden for who may not answer, AccessEnded, LessonLocked, NotFound.
        """
        async with self._uow() as tx:
            subject = None
            if message.reply_to is not None:
                subject = await support.find_subject(tx, actor.telegram_id, message.reply_to)
            if subject is not None and subject.kind is SubjectKind.SUBMISSION and subject.user_id != actor.id:
                return await self._answer(tx, actor, message, subject)
            target = await self._target(tx, actor, message, subject)
            if target is None:
                return None
            await access.require_open(tx, actor, target.lesson_id)
            return Taken(new=await self._receive(tx, actor, message, target))

    @from_archive
    @retry_conflicts
    async def edit(self, actor: Actor, message: ChatMessage) -> Edited | None:
        """Follow a change of a message in the chat; None for one that is neither feedback nor submitted.

        A teacher's text is corrected. A student's text is another version until somebody answers. Photos, files and
        albums are not followed. Raises Forbidden, AccessEnded, LessonLocked, NotFound, NoAssignment, NoFeedbackInPlan.
        """
        text = rules.clean_text(message.text)
        async with self._uow() as tx:
            feedback = await repository.find_feedback_of(tx, actor.telegram_id, message.message_id)
            if feedback is not None:
                actor.require(Permission.TEACHING)
                if feedback.copied or not 0 < len(text) <= LONGEST_FEEDBACK:
                    return Edited.NOT_FOLLOWED
                await domain.correct(tx, self._ring, feedback.id, text, feedback.verdict)
                return Edited.CORRECTED
            part = await parts.find(tx, actor.telegram_id, message.message_id)
            if part is None or part.user_id != actor.id:
                return None
            return await self._resubmit(tx, actor, part, text)

    async def _resubmit(self, tx: Tx, actor: Actor, part: Part, text: str) -> Edited:
        """Make another version of a text that nobody has answered."""
        if part.submission_id is None or part.has_file or not text:
            return Edited.NOT_FOLLOWED
        one = (await repository.get(tx, part.submission_id, locked=True)).submission
        if one.versions != part.version or one.answered_at is not None:
            return Edited.NOT_FOLLOWED
        entry = await access.require_open(tx, actor, part.lesson_id)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        intent = f"edit:{part.chat_id}:{part.message_id}:{digest}"
        if part.kind is WorkKind.QUESTION:
            again = await self._versions.ask(tx, actor.id, entry, text, (), intent, about=one.id, in_chat=True)
        else:
            again = await self._versions.submit(tx, actor.id, entry, text, (), intent, in_chat=True)
        await parts.settle(tx, [part], version=again.versions)
        return Edited.SUBMITTED

    async def open(self, actor: Actor, lesson_id: LessonId) -> LessonSubject:
        """The lesson whose assignment the actor is about to submit.

        Raises NotFound, Forbidden, AccessEnded, LessonLocked.
        """
        async with self._uow.read() as tx:
            await access.require_open(tx, actor, lesson_id)
            return await subjects.get_lesson(tx, lesson_id)

    async def expect(self, actor: Actor, lesson_id: LessonId, message_id: int) -> None:
        """Have a reply to the bot's message, or else the actor's next message, belong to a lesson's assignment."""
        async with self._uow() as tx:
            subject = Subject(SubjectKind.LESSON, lesson_id, actor.id)
            await support.remember(tx, actor.telegram_id, message_id, subject)
            await parts.open_lesson(tx, actor.id, lesson_id)

    async def _target(self, tx: Tx, actor: Actor, message: ChatMessage, subject: Subject | None) -> Target | None:
        """What a message belongs to: what the rest of its album does, else what it replies to, else what is open."""
        if message.album is not None:
            target = await parts.find_target(tx, actor.telegram_id, actor.id, message.album)
            if target is not None:
                return target
        if subject is not None and subject.kind is SubjectKind.SUBMISSION:
            one = (await repository.get(tx, SubmissionId(subject.id))).submission
            about = one.id if one.kind is WorkKind.QUESTION else None
            return Target(kind=one.kind, lesson_id=one.lesson_id, about_id=about)
        lesson_id = await self._lesson(tx, actor, message, subject)
        return await self._of_lesson(tx, actor, lesson_id) if lesson_id is not None else None

    @staticmethod
    async def _lesson(tx: Tx, actor: Actor, message: ChatMessage, subject: Subject | None) -> LessonId | None:
        """The lesson whose message is replied to, or which was opened by its button; None for any other reply."""
        if message.reply_to is None:
            return await parts.take_opening(tx, actor.id, tx.now - _OPEN_FOR)
        if subject is None:
            return await subjects.find_sent_lesson(tx, actor.id, actor.telegram_id, message.reply_to)
        if subject.kind is not SubjectKind.LESSON or subject.user_id != actor.id:
            return None
        await parts.take_opening(tx, actor.id, tx.now)
        return LessonId(subject.id)

    @staticmethod
    async def _of_lesson(tx: Tx, actor: Actor, lesson_id: LessonId) -> Target | None:
        """Its assignment, where it has one, else a question, where the student's plan has feedback."""
        entry = await access.can_open(tx, actor, lesson_id)
        if entry.enrolment_id is None:
            return None
        if entry.assignment is not AssignmentNeed.NONE:
            return Target(kind=WorkKind.ASSIGNMENT, lesson_id=lesson_id)
        if await subjects.find_feedback_hours(tx, entry.enrolment_id) is None:
            return None
        return Target(kind=WorkKind.QUESTION, lesson_id=lesson_id)

    async def _receive(self, tx: Tx, actor: Actor, message: ChatMessage, target: Target) -> bool:
        """Store a message that becomes a version soon; whether it is new."""
        text, file = rules.clean_text(message.text), message.file
        key_id = ciphertext = None
        if text:
            key_id, key = await self._ring.create(tx, PART_PURPOSE)
            ciphertext = seal(key, text.encode(), part_context(actor.telegram_id, message.message_id))
        new = await parts.add(
            tx,
            Part(
                chat_id=actor.telegram_id,
                message_id=message.message_id,
                user_id=actor.id,
                kind=target.kind,
                lesson_id=target.lesson_id,
                about_id=target.about_id,
                media_group_id=message.album,
                data_key_id=key_id,
                ciphertext=ciphertext,
                has_file=file is not None,
                file_id=file.file_id if file else None,
                file_name=file.name if file else None,
                file_size=file.size if file else None,
                received_at=tx.now,
            ),
        )
        if new:
            delay = timedelta(seconds=ALBUM_SECONDS) if message.album else timedelta()
            tx.enqueue(COLLECT, CollectPart(actor.telegram_id, message.message_id), delay=delay)
        elif key_id is not None:
            await self._ring.destroy(tx, key_id)
        return new

    async def _answer(self, tx: Tx, actor: Actor, message: ChatMessage, subject: Subject) -> Taken:
        """Make a teacher's reply the feedback to the version that the message it replies to was about."""
        actor.require(Permission.TEACHING)
        stored = await repository.get(tx, SubmissionId(subject.id), locked=True)
        one = stored.submission
        names = await identity.user_names(tx, [one.user_id])
        name, chat = names.get(one.user_id, ""), (actor.telegram_id, message.message_id)
        known = await repository.find_feedback_of(tx, *chat)
        if known is not None:
            return Taken(feedback=known.id, name=name, new=False)
        text = rules.clean_text(message.text)
        copied = message.file is not None or not 0 < len(text) <= LONGEST_FEEDBACK
        version = subject.version or one.versions
        feedback_id = await domain.answer(
            tx, self._ring, stored, actor.id, text, Verdict.ACCEPT, version=version, chat=chat, copied=copied
        )
        facts: dict[str, str | int] = {"version": version, "in": "chat"}
        await audit.record(tx, actor.user_id, "assignments.answer", f"submission:{one.id}", facts)
        return Taken(feedback=feedback_id, name=name, can_ask_again=one.kind is WorkKind.ASSIGNMENT)


def part_context(chat_id: int, message_id: int) -> bytes:
    """What the text of a waiting message is bound to."""
    return f"{chat_id}:{message_id}".encode()
