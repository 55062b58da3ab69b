"""What admins note about people, sealed with the person's data key."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from backend.identity import domain
from backend.identity.domain.locking import lock_person
from backend.identity.repository import timeline as repository
from backend.identity.repository.timeline import StoredNote
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.ids import UserId

LONGEST_NOTE: Final = 2000
"""Characters of a note."""


class NotesService:
    """Admins with the permission for users write notes about people; each changes and deletes their own only.

    The audit says that a note was written, changed or deleted, never what it says.
    """

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing) -> None:
        self._uow = uow
        self._ring = ring

    @retry_conflicts
    async def add(self, actor: Actor, user_id: UserId, text: str, key: str) -> None:
        """Note something about a person; a second tap with the same ``key`` adds nothing.

        Raises Forbidden, NotFound, Invalid.
        """
        text = _checked(text)
        async with self._uow() as tx:
            await lock_person(tx, actor, user_id, Permission.USERS)
            note_id = tx.new_id()
            sealed = await domain.seal_text(tx, self._ring, user_id, text, _context(note_id))
            note = StoredNote(note_id, user_id, actor.id, sealed, tx.now, None)
            if await repository.add_note(tx, note, key):
                await audit.record(tx, actor.user_id, "users.add_note", f"note:{note_id}", person=user_id)

    async def text_of(self, actor: Actor, note_id: UUID) -> tuple[UserId, str]:
        """About whom the actor's own note is and what it says. Raises Forbidden, NotFound."""
        actor.require(Permission.USERS)
        async with self._uow.read() as tx:
            note = await self._own(tx, actor, note_id)
            return note.user_id, await domain.open_text(tx, self._ring, note.sealed, _context(note_id)) or ""

    @retry_conflicts
    async def change(self, actor: Actor, note_id: UUID, text: str) -> UserId:
        """Replace what the actor's own note says; about whom it is. Raises Forbidden, NotFound, Invalid."""
        actor.require(Permission.USERS)
        text = _checked(text)
        async with self._uow() as tx:
            note = await self._own(tx, actor, note_id)
            await lock_person(tx, actor, note.user_id, Permission.USERS)
            sealed = await domain.seal_text(tx, self._ring, note.user_id, text, _context(note_id))
            await repository.change_note(tx, note_id, sealed)
            await audit.record(tx, actor.user_id, "users.edit_note", f"note:{note_id}", person=note.user_id)
        return note.user_id

    @retry_conflicts
    async def remove(self, actor: Actor, note_id: UUID) -> UserId:
        """Delete the actor's own note; about whom it was. Raises Forbidden, NotFound."""
        actor.require(Permission.USERS)
        async with self._uow() as tx:
            note = await self._own(tx, actor, note_id)
            await lock_person(tx, actor, note.user_id, Permission.USERS)
            await repository.remove_note(tx, note_id)
            await audit.record(tx, actor.user_id, "users.delete_note", f"note:{note_id}", person=note.user_id)
        return note.user_id

    async def _own(self, tx: Tx, actor: Actor, note_id: UUID) -> StoredNote:
        note = await repository.lock_note(tx, note_id)
        if note is None:
            raise NotFound("no such note")
        if note.author_id != actor.user_id:
            raise Forbidden("another admin's note")
        return note


def _checked(text: str) -> str:
    plain = text.replace("\0", "").replace("\r\n", "\n").strip()
    if not 0 < len(plain) <= LONGEST_NOTE:
        raise Invalid("a note says something", fields={"text": "required" if not plain else "too_long"})
    return plain


def _context(note_id: UUID) -> bytes:
    return b"person-note" + note_id.bytes
