"""The SQL of what identity knows of a person's history: their first visit, and admins' notes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.identity.models import PersonNote, User
from backend.infra.timeline import Before, newest
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId


class StoredNote(msgspec.Struct, frozen=True):
    """A note as it is stored: sealed."""

    id: UUID
    user_id: UserId
    author_id: UserId
    sealed: bytes
    created_at: datetime
    edited_at: datetime | None


_NOTE = tuple(getattr(PersonNote, name) for name in StoredNote.__struct_fields__)


async def find_first_visit(tx: Tx, user_id: UserId) -> datetime | None:
    """When the person first came; None for the root admin before their first contact."""
    statement = select(User.created_at).where(User.id == user_id, User.seen_at.is_not(None))
    first: datetime | None = (await tx.execute(statement)).scalar_one_or_none()
    return first


async def list_notes(tx: Tx, user_id: UserId, before: Before, limit: int) -> list[StoredNote]:
    """The newest notes about a person before a place."""
    about = select(*_NOTE).where(PersonNote.user_id == user_id)
    statement = newest(about, (PersonNote.created_at, PersonNote.id), before, limit)
    return [StoredNote(**row._mapping) for row in await tx.execute(statement)]


async def lock_note(tx: Tx, note_id: UUID) -> StoredNote | None:
    """A note, locked until the transaction ends."""
    row = (await tx.execute(select(*_NOTE).where(PersonNote.id == note_id).with_for_update())).one_or_none()
    return StoredNote(**row._mapping) if row else None


async def add_note(tx: Tx, note: StoredNote, key: str) -> bool:
    """Add a note; False where its author has sent it before."""
    values = msgspec.structs.asdict(note) | {"idempotency_key": key}
    added = insert(PersonNote).values(**values).on_conflict_do_nothing().returning(PersonNote.id)
    return (await tx.execute(added)).one_or_none() is not None


async def change_note(tx: Tx, note_id: UUID, sealed: bytes) -> None:
    """Replace what a note says."""
    await tx.execute(update(PersonNote).where(PersonNote.id == note_id).values(sealed=sealed, edited_at=tx.now))


async def remove_note(tx: Tx, note_id: UUID) -> None:
    """Delete a note."""
    await tx.execute(delete(PersonNote).where(PersonNote.id == note_id))
