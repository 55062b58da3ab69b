"""What the shop records of one person, sealed by that person's data keys: destroying them erases it."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index, delete, insert, select, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.crypto import DataKey, KeyRing
from backend.infra.database import Model
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import DataKeyId, UserId

_PURPOSE: Final = "person"
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('person_keys:' || CAST(:user_id AS text), 0))")


class PersonKey(Model):
    """Whose data key it is. Without foreign keys: destroying the data key is how what it sealed is erased."""

    __tablename__ = "person_keys"
    __table_args__ = (Index("ix_person_keys_user_id", "user_id", "data_key_id"),)

    data_key_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    made_at: Mapped[datetime]


async def key_of(tx: Tx, ring: KeyRing, user_id: UserId) -> tuple[DataKeyId, bytes]:
    """The data key that seals what is recorded of a person now; made at the first need."""
    known = await _find(tx, user_id)
    if known is None:
        await tx.execute(_LOCK, {"user_id": str(user_id)})
        known = await _find(tx, user_id)  # another transaction may have made one meanwhile
    if known is not None:
        return known, await ring.get(tx, known)
    key_id, key = await ring.create(tx, _PURPOSE)
    await tx.execute(insert(PersonKey), {"data_key_id": key_id, "user_id": user_id, "made_at": tx.now})
    return key_id, key


async def erase(tx: Tx, ring: KeyRing, user_id: UserId) -> None:
    """Destroy a person's data keys, and with them all that they sealed."""
    await tx.execute(_LOCK, {"user_id": str(user_id)})
    rows = await tx.execute(select(PersonKey.data_key_id).where(PersonKey.user_id == user_id))
    for key_id in rows.scalars().all():
        await ring.destroy(tx, DataKeyId(key_id))
    await tx.execute(delete(PersonKey).where(PersonKey.user_id == user_id))


async def _find(tx: Tx, user_id: UserId) -> DataKeyId | None:
    # Only a key that exists: this process's ring may remember one that another process has destroyed.
    statement = (
        select(PersonKey.data_key_id)
        .join(DataKey, DataKey.id == PersonKey.data_key_id)
        .where(PersonKey.user_id == user_id)
        .order_by(PersonKey.data_key_id.desc())
        .limit(1)
    )
    newest = (await tx.execute(statement)).scalar_one_or_none()
    return None if newest is None else DataKeyId(newest)
