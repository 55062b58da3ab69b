"""The SQL of segments."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from backend.audience.models import SegmentRow
from backend.audience.types import PeopleFilter, Segment
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

_S: Final = SegmentRow
_COLUMNS: Final = (_S.id, _S.name, _S.filter, _S.shared, _S.owner_id)


_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('segments:' || CAST(:owner AS text), 0))")


def _segment(row: Any) -> Segment:
    chosen = msgspec.convert(row.filter, PeopleFilter)
    return Segment(id=row.id, name=row.name, filter=chosen, shared=row.shared, owner_id=UserId(row.owner_id))


async def list_for(tx: Tx, admin: UserId | None) -> list[Segment]:
    """An admin's own segments and those that are shared, by name."""
    statement = select(*_COLUMNS).where(or_(_S.owner_id == admin, _S.shared)).order_by(_S.name, _S.id)
    return [_segment(row) for row in await tx.execute(statement)]


async def lock(tx: Tx, segment_id: UUID) -> Segment | None:
    """A segment, locked until the transaction ends."""
    row = (await tx.execute(select(*_COLUMNS).where(_S.id == segment_id).with_for_update())).one_or_none()
    return _segment(row) if row else None


async def save(tx: Tx, segment: Segment) -> bool:
    """Add a segment, or change the one of its id; False where its owner has another one of this name."""
    await tx.execute(_LOCK, {"owner": str(segment.owner_id)})
    same = select(_S.id).where(
        _S.owner_id == segment.owner_id, func.lower(_S.name) == func.lower(segment.name), _S.id != segment.id
    )
    if (await tx.execute(same)).first() is not None:
        return False
    values: dict[str, Any] = {"name": segment.name, "shared": segment.shared, "updated_at": tx.now}
    values["filter"] = msgspec.to_builtins(segment.filter)
    new = insert(_S).values(id=segment.id, owner_id=segment.owner_id, created_at=tx.now, **values)
    await tx.execute(new.on_conflict_do_update(index_elements=["id"], set_=values))
    return True


async def remove(tx: Tx, segment_id: UUID) -> None:
    """Delete a segment."""
    await tx.execute(delete(_S).where(_S.id == segment_id))
