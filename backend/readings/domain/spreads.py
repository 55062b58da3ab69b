"""Spreads inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable

from backend.infra.unit_of_work import Tx
from backend.readings.repository import spreads as repository
from backend.readings.types import Spread, SpreadBody, SpreadId


async def ensure_built_in(tx: Tx, built_in: Iterable[tuple[str, int, SpreadBody]]) -> int:
    """Store those of the spreads (slug, credits, body) that came with Souk whose address is free; how many.

    What admins changed of them stays as it is.
    """
    added = 0
    for place, (slug, credits, body) in enumerate(built_in, start=1):
        spread = Spread(
            id=SpreadId(tx.new_id()),
            slug=slug,
            built_in=True,
            hidden=False,
            position=place,
            credits=credits,
            version=1,
            body=body,
        )
        added += await repository.add(tx, spread, None)
    return added
