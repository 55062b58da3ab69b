"""The worker killed with -9 while it adds keys from a file: the next one goes on, and every key is there once."""

from __future__ import annotations

import signal

import pytest

from backend.catalog.types.stock_imports import ImportDetails, ImportState
from backend.identity.types import Actor
from tests.resilience.ground import Ground
from tests.resilience.processes import Fuse, until

_KEYS = 6_000
"""More than one chunk."""


@pytest.mark.parametrize("place", ["stock_import.chunk", "stock_import.next"])
async def test_a_worker_that_dies_adds_no_key_twice(ground: Ground, fuse: Fuse, place: str) -> None:
    """It dies with a chunk added and not committed, or between two chunks."""
    goods = await ground.goods(keys=0)
    imports, admin = ground.services.catalog.stock_imports, Actor.system()
    pasted = "\n".join(f"KEY-{number:05}" for number in range(_KEYS))
    stored = await imports.paste(admin, pasted, variant_id=goods.variant_id)
    await imports.check(stored.id)
    await imports.start(admin, stored.id, ImportDetails())
    fuse.lay(place)
    ground.worker.start()
    assert await ground.worker.ended() == -signal.SIGKILL
    await fuse.blown(place)
    half = await imports.get(admin, stored.id)
    assert (half.state, half.checkpoint) == (ImportState.IMPORTING, 5_000 if place == "stock_import.next" else 0)
    await ground.long_afterwards()
    ground.worker.start()

    async def over() -> bool:
        return (await imports.get(admin, stored.id)).state is ImportState.DONE

    await until(over)
    await ground.all_done()
    counted = "SELECT count(*) AS keys, count(DISTINCT fingerprint) AS different, count(DISTINCT batch_id) AS batches"
    (row,) = await ground.rows(f"{counted} FROM stock_keys WHERE state = 'available'")
    assert (row["keys"], row["different"], row["batches"]) == (_KEYS, _KEYS, 1)
    assert (await imports.get(admin, stored.id)).added == _KEYS
