"""The SQL of draws."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Select, insert, select, update

from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.readings.models import Reading
from backend.readings.types import DrawnCard, ReadingId, ReadingState, SpreadId

_R: Final = Reading.__table__.c


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A draw as it is stored."""

    id: ReadingId
    user_id: UserId
    spread_id: SpreadId
    spread_version: int
    deck_version: int
    algorithm: int
    credits: int
    free: bool
    state: ReadingState
    commitment: bytes
    sealed_seed: bytes
    seed: bytes | None = None
    client_seed: str | None = None
    reversed_cards: bool = True
    cards: tuple[DrawnCard, ...] = ()
    language: str | None = None
    committed_at: datetime
    asked_at: datetime | None = None
    revealed_at: datetime | None = None
    deleted_at: datetime | None = None


_COLUMNS: Final = tuple(_R[name] for name in Stored.__struct_fields__)


def _stored(row: Any) -> Stored:
    values = dict(row._mapping)
    cards = msgspec.convert(values["cards"] or [], tuple[DrawnCard, ...])
    return Stored(**{**values, "state": ReadingState(values["state"]), "cards": cards})


async def _one(tx: Tx, statement: Select[Any]) -> Stored | None:
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _stored(row)


async def find(tx: Tx, reading_id: ReadingId, *, locked: bool = False) -> Stored | None:
    """A draw, ``locked`` until the transaction ends."""
    statement = select(*_COLUMNS).where(_R.id == reading_id)
    return await _one(tx, statement.with_for_update() if locked else statement)


async def get(tx: Tx, reading_id: ReadingId, *, locked: bool = False) -> Stored:
    """A draw. Raises NotFound."""
    stored = await find(tx, reading_id, locked=locked)
    if stored is None:
        raise NotFound("no such reading")
    return stored


async def find_committed(tx: Tx, user_id: UserId, spread_id: SpreadId, *, free: bool) -> Stored | None:
    """The draw that a person has been shown the commitment of, and has not asked."""
    statement = select(*_COLUMNS).where(
        _R.user_id == user_id, _R.spread_id == spread_id, _R.free == free, _R.state == ReadingState.COMMITTED.value
    )
    return await _one(tx, statement.with_for_update())


async def add(tx: Tx, new: Stored) -> None:
    """Store a draw that is committed to."""
    values = {name: getattr(new, name) for name in Stored.__struct_fields__}
    await tx.execute(insert(Reading), {**values, "state": new.state.value, "cards": None})


async def deal(
    tx: Tx, reading_id: ReadingId, seed: bytes, client_seed: str, cards: tuple[DrawnCard, ...],
    *, reversed_cards: bool, language: str,
) -> None:  # fmt: skip
    """Note the cards, and reveal the seed that they come from."""
    values = {
        "state": ReadingState.DRAWN.value, "seed": seed, "client_seed": client_seed,
        "cards": msgspec.to_builtins(cards), "reversed_cards": reversed_cards, "language": language,
        "asked_at": tx.now, "revealed_at": tx.now,
    }  # fmt: skip
    await tx.execute(update(Reading).where(_R.id == reading_id).values(values))


async def abandon(tx: Tx, reading_id: ReadingId, seed: bytes | None) -> None:
    """Reveal the seed of a draw that nobody asked; None where it cannot be opened."""
    values = {"state": ReadingState.ABANDONED.value, "seed": seed, "revealed_at": None if seed is None else tx.now}
    await tx.execute(update(Reading).where(_R.id == reading_id).values(values))


async def lock_old(tx: Tx, before: datetime, most: int) -> list[Stored]:
    """Draws that were committed to ``before`` and are not asked; nobody else's of those that others change now."""
    statement = select(*_COLUMNS).where(_R.state == ReadingState.COMMITTED.value, _R.committed_at <= before)
    oldest = statement.order_by(_R.committed_at).limit(most).with_for_update(skip_locked=True)
    return [_stored(row) for row in await tx.execute(oldest)]


async def list_committed(tx: Tx, user_id: UserId) -> list[Stored]:
    """A person's draws that are not asked, locked."""
    statement = select(*_COLUMNS).where(_R.user_id == user_id, _R.state == ReadingState.COMMITTED.value)
    return [_stored(row) for row in await tx.execute(statement.with_for_update())]
