"""The SQL of ready answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.support.models import SupportReadyAnswer
from backend.support.types import ReadyAnswer, ReadyAnswerId

_READY = SupportReadyAnswer.__table__.c


async def list_all(tx: Tx, limit: int) -> list[ReadyAnswer]:
    """The ready answers by name."""
    rows = await tx.execute(select(SupportReadyAnswer.__table__).order_by(_READY.name, _READY.id).limit(limit))
    return [_ready(row) for row in rows]


async def get(tx: Tx, ready_id: ReadyAnswerId) -> ReadyAnswer:
    """One ready answer. Raises NotFound."""
    row = (await tx.execute(select(SupportReadyAnswer.__table__).where(_READY.id == ready_id))).one_or_none()
    if row is None:
        raise NotFound(f"ready answer {ready_id}")
    return _ready(row)


async def add(tx: Tx, name: str, texts: Mapping[str, str]) -> ReadyAnswerId:
    """Add a ready answer; its id."""
    ready_id = ReadyAnswerId(tx.new_id())
    row = {"id": ready_id, "name": name, "texts": dict(texts), "version": 1, "updated_at": tx.now}
    await tx.execute(insert(SupportReadyAnswer).values(**row))
    return ready_id


async def change(tx: Tx, ready_id: ReadyAnswerId, version: int, name: str, texts: Mapping[str, str]) -> bool:
    """Change a ready answer that still has ``version``; whether it had."""
    change = update(SupportReadyAnswer).where(_READY.id == ready_id, _READY.version == version)
    values = {"name": name, "texts": dict(texts), "version": version + 1, "updated_at": tx.now}
    return (await tx.execute(change.values(**values).returning(_READY.id))).one_or_none() is not None


async def remove(tx: Tx, ready_id: ReadyAnswerId) -> bool:
    """Delete a ready answer; False where it is gone already."""
    gone = delete(SupportReadyAnswer).where(_READY.id == ready_id).returning(_READY.id)
    return (await tx.execute(gone)).one_or_none() is not None


def _ready(row: Row[Any]) -> ReadyAnswer:
    return ReadyAnswer(id=ReadyAnswerId(row.id), name=row.name, texts=row.texts, version=row.version)
