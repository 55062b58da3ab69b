"""The SQL of the data keys that seal people's readings."""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, func, insert, select, text

from backend.infra.crypto import DataKey
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import DataKeyId, UserId
from backend.readings.models import ReadingKey

_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('readings:' || CAST(:user_id AS text), 0))")


async def lock_person(tx: Tx, user_id: UserId) -> None:
    """Let nobody else change what a person has of the reading room until the transaction ends."""
    await tx.execute(_LOCK, {"user_id": str(user_id)})


async def find_newest(tx: Tx, user_id: UserId) -> DataKeyId | None:
    """The key that seals what a person writes now."""
    statement = select(ReadingKey.data_key_id).where(ReadingKey.user_id == user_id)
    latest = statement.order_by(ReadingKey.data_key_id.desc()).limit(1)  # a UUIDv7 sorts by its time
    newest = (await tx.execute(latest)).scalar_one_or_none()
    return None if newest is None else DataKeyId(newest)


async def list_keys(tx: Tx, user_id: UserId) -> list[DataKeyId]:
    """Every key of a person's readings."""
    rows = await tx.execute(select(ReadingKey.data_key_id).where(ReadingKey.user_id == user_id))
    return [DataKeyId(row.data_key_id) for row in rows]


async def add(tx: Tx, user_id: UserId, key_id: DataKeyId) -> None:
    """Note whose key it is."""
    await tx.execute(insert(ReadingKey), {"data_key_id": key_id, "user_id": user_id, "made_at": tx.now})


async def remove_all(tx: Tx, user_id: UserId) -> None:
    """Forget the person's keys, which are destroyed."""
    await tx.execute(delete(ReadingKey).where(ReadingKey.user_id == user_id))


async def find_master(tx: Tx, key_id: DataKeyId) -> str | None:
    """The name of the master key that wraps a data key; None where the data key is gone."""
    return (await tx.execute(select(DataKey.master_key).where(DataKey.id == key_id))).scalar_one_or_none()


async def list_masters(tx: Tx) -> dict[str | None, int]:
    """How many keys of readings each master key wraps; under None those that are gone."""
    statement = (
        select(DataKey.master_key.label("master"), func.count().label("many"))
        .select_from(ReadingKey)
        .outerjoin(DataKey, DataKey.id == ReadingKey.data_key_id)
        .group_by(DataKey.master_key)
    )
    return {row.master: row.many for row in await tx.execute(statement)}
