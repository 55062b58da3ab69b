"""The worker's part: messages of the chat become versions, those of an album together.

Every message has a job of its own, so that nothing is lost: the first one that runs when the album is complete makes
the version of all that have come, the others find nothing left to do, and that of a late one adds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from backend.assignments import repository
from backend.assignments.ports import ChatFiles
from backend.assignments.repository import parts
from backend.assignments.repository.parts import Part
from backend.assignments.service.archive import ArchiveService, from_archive
from backend.assignments.service.chat import ALBUM_SECONDS, part_context
from backend.assignments.service.versions import NewFile, Versions
from backend.assignments.types import CollectPart, SubmissionNotTaken, WorkKind
from backend.courses.domain import access
from backend.identity import domain as identity
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing, open_sealed
from backend.infra.jobs import Job, RetryLater
from backend.infra.storage import MAX_UPLOAD_BYTES, PrivateFiles
from backend.infra.telegram.errors import TelegramDown, TooManyRequests
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import AppError

_EMPTY: Final = "empty"


class CollectingService:
    """Makes versions of messages. A file above the upload limit stays in the chat, from where it is copied."""

    def __init__(
        self, *, uow: UnitOfWork, ring: KeyRing, files: PrivateFiles, chat_files: ChatFiles, archive: ArchiveService
    ) -> None:
        self._uow = uow
        self._archive = archive
        self._ring = ring
        self._chat_files = chat_files
        self._versions = Versions(ring=ring, files=files)

    @from_archive
    async def collect(self, payload: CollectPart, job: Job) -> None:
        """Make the version of a message, with the others of its album. Running it again changes nothing.

        Raises RetryLater while more may come, or Telegram is away.
        """
        async with self._uow.read() as tx:
            part = await parts.find(tx, payload.chat_id, payload.message_id)
            if part is None or not part.waits:
                return
            album = await parts.list_album(tx, part)
            now = tx.now
        quiet = now - max(one.received_at for one in album)
        if part.media_group_id is not None and quiet < timedelta(seconds=ALBUM_SECONDS):
            raise RetryLater(ALBUM_SECONDS - quiet.total_seconds(), "more of the album may come")
        waiting = [one for one in album if one.waits]
        files = {one.message_id: await self._file(one, job) for one in waiting if one.has_file}
        async with self._uow() as tx:
            await repository.lock(tx, f"parts:{part.chat_id}:{part.media_group_id or part.message_id}")
            album = await parts.list_album(tx, part)
            # What came meanwhile has a job of its own.
            waiting = [one for one in album if one.waits and (not one.has_file or one.message_id in files)]
            if waiting:
                await self._store(tx, album, waiting, [files[one.message_id] for one in waiting if one.has_file])

    async def _file(self, part: Part, job: Job) -> NewFile:
        """A message's file, downloaded unless it is too large or no file; ``size`` is 0 for an empty one."""
        data = None
        if part.file_id is not None and (part.file_size or 0) <= MAX_UPLOAD_BYTES:
            try:
                data = await self._chat_files.download(part.file_id, MAX_UPLOAD_BYTES)
            except TooManyRequests as error:
                raise RetryLater(error.seconds, str(error)) from error
            except TelegramDown:
                if not job.last:
                    raise
        size = len(data) if data is not None else part.file_size or 0
        return NewFile(name=part.file_name or "", size=size, data=data, chat=(part.chat_id, part.message_id))

    async def _store(self, tx: Tx, album: Sequence[Part], waiting: Sequence[Part], files: Sequence[NewFile]) -> None:
        first = waiting[0]
        text = await self._text(tx, waiting)
        whole = [one for one in files if one.data != b""]
        before = next((one for one in album if one.submission_id is not None and one.version is not None), None)
        if before is not None and before.submission_id is not None and before.version is not None:
            await self._versions.append(tx, before.submission_id, before.version, whole, text)
            await parts.settle(tx, waiting, submission_id=before.submission_id, version=before.version)
            return
        try:
            if not text and not whole:
                await self._refuse(tx, waiting, _EMPTY)
                return
            async with tx.savepoint():
                entry = await access.require_open(tx, await _student(tx, first), first.lesson_id)
                intent = f"chat:{first.chat_id}:{first.media_group_id or first.message_id}"
                if first.kind is WorkKind.QUESTION:
                    submission = await self._versions.ask(
                        tx, first.user_id, entry, text, whole, intent, about=first.about_id, in_chat=True
                    )
                else:
                    submission = await self._versions.submit(
                        tx, first.user_id, entry, text, whole, intent, in_chat=True
                    )
        except AppError as refusal:
            await self._refuse(tx, waiting, refusal.code)
            return
        await parts.settle(tx, waiting, submission_id=submission.id, version=submission.versions)

    async def _text(self, tx: Tx, waiting: Sequence[Part]) -> str:
        """The texts of messages, each opened with the key that is destroyed by it."""
        texts = []
        for one in waiting:
            if one.ciphertext is not None and one.data_key_id is not None:
                key = await self._ring.get(tx, one.data_key_id)
                texts.append(open_sealed(key, one.ciphertext, part_context(one.chat_id, one.message_id)).decode())
                await self._ring.destroy(tx, one.data_key_id)
        return "\n\n".join(texts)

    @staticmethod
    async def _refuse(tx: Tx, waiting: Sequence[Part], reason: str) -> None:
        await parts.settle(tx, waiting, refused=reason)
        first = waiting[0]
        tx.emit(
            SubmissionNotTaken(
                lesson_id=first.lesson_id,
                user_id=first.user_id,
                chat_id=first.chat_id,
                message_id=first.message_id,
                reason=reason,
            )
        )


async def _student(tx: Tx, part: Part) -> Actor:
    """Who sent a message, without any permission: what they submit they submit as a student."""
    person = await identity.get_recipient(tx, part.user_id)
    return Actor(
        user_id=part.user_id,
        telegram_id=person.telegram_id,
        first_name="",
        language=person.language,
        timezone=person.timezone,
    )
