"""The SQL of spreads and their versions."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import Select, and_, func, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.readings.models import ReadingSpread, ReadingSpreadVersion
from backend.readings.types import Spread, SpreadBody, SpreadId

_S: Final = ReadingSpread.__table__.c
_V: Final = ReadingSpreadVersion.__table__.c


def _spreads() -> Select[Any]:
    columns = (_S.id, _S.slug, _S.built_in, _S.hidden, _S.position, _S.credits, _S.version, _V.body)
    return select(*columns).join(ReadingSpreadVersion, and_(_V.spread_id == _S.id, _V.version == _S.version))


def _spread(row: Any) -> Spread:
    values = dict(row._mapping)
    return Spread(**{**values, "body": _body(values["body"])})


def _body(stored: Any) -> SpreadBody:
    return msgspec.convert(stored, SpreadBody)


async def list_spreads(tx: Tx, *, hidden: bool) -> list[Spread]:
    """The spreads in their order, with the hidden ones or without."""
    statement = _spreads().order_by(_S.position, _S.id)
    rows = await tx.execute(statement if hidden else statement.where(_S.hidden.is_(False)))
    return [_spread(row) for row in rows]


async def find(tx: Tx, slug: str) -> Spread | None:
    """The spread of an address, hidden or not."""
    row = (await tx.execute(_spreads().where(_S.slug == slug))).one_or_none()
    return None if row is None else _spread(row)


async def get(tx: Tx, spread_id: SpreadId) -> Spread:
    """A spread. Raises NotFound."""
    row = (await tx.execute(_spreads().where(_S.id == spread_id))).one_or_none()
    if row is None:
        raise NotFound("no such spread")
    return _spread(row)


async def get_body(tx: Tx, spread_id: SpreadId, version: int) -> SpreadBody:
    """What a spread is, or was, in a version. Raises NotFound."""
    statement = select(_V.body).where(_V.spread_id == spread_id, _V.version == version)
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("no such version of a spread")
    return _body(row.body)


async def list_bodies(tx: Tx, versions: set[tuple[SpreadId, int]]) -> dict[tuple[SpreadId, int], SpreadBody]:
    """What spreads were in each of ``versions``."""
    if not versions:
        return {}
    statement = select(_V.spread_id, _V.version, _V.body).where(
        _V.spread_id.in_({spread_id for spread_id, _ in versions})
    )
    rows = {(SpreadId(row.spread_id), row.version): row.body for row in await tx.execute(statement)}
    return {key: _body(rows[key]) for key in versions}


async def add(tx: Tx, spread: Spread, by: UserId | None) -> bool:
    """Store a spread with its first version; False where its address is taken."""
    values = {name: getattr(spread, name) for name in Spread.__struct_fields__ if name != "body"}
    statement = insert(ReadingSpread).values(**values, changed_at=tx.now)
    added = statement.on_conflict_do_nothing(index_elements=["slug"]).returning(_S.id)
    if (await tx.execute(added)).first() is None:
        return False
    await _add_version(tx, spread.id, spread.version, spread.body, by)
    return True


async def change(tx: Tx, spread: Spread, body: SpreadBody, by: UserId | None) -> Spread:
    """Store a new version of a spread, which must be locked."""
    changed = msgspec.structs.replace(spread, version=spread.version + 1, body=body)
    await _add_version(tx, changed.id, changed.version, body, by)
    await set_fields(tx, changed.id, version=changed.version)
    return changed


async def set_fields(tx: Tx, spread_id: SpreadId, **fields: Any) -> None:
    """Change how a spread is offered."""
    await tx.execute(update(ReadingSpread).where(_S.id == spread_id).values(**fields, changed_at=tx.now))


async def lock(tx: Tx, spread_id: SpreadId) -> Spread:
    """A spread that nobody else changes until the transaction ends. Raises NotFound."""
    await tx.execute(select(_S.id).where(_S.id == spread_id).with_for_update())
    return await get(tx, spread_id)


async def lock_order(tx: Tx) -> None:
    """Let nobody else change the order of the spreads until the transaction ends."""
    await tx.execute(select(_S.id).order_by(_S.id).with_for_update())


async def last_position(tx: Tx) -> int:
    """The position of the last spread, 0 without any."""
    return int((await tx.execute(select(func.coalesce(func.max(_S.position), 0)))).scalar_one())


async def _add_version(tx: Tx, spread_id: SpreadId, version: int, body: SpreadBody, by: UserId | None) -> None:
    values = {"spread_id": spread_id, "version": version, "body": msgspec.to_builtins(body)}
    await tx.execute(insert(ReadingSpreadVersion).values(**values, made_at=tx.now, made_by=by))
