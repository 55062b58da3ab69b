"""How many connections a process keeps."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.infra import database
from backend.infra.database import make_engine
from backend.infra.settings import Settings


async def pids(engine: AsyncEngine, together: int) -> set[int]:
    """The server processes of so many connections, all in use at the same moment."""
    everybody = asyncio.Barrier(together)

    async def one() -> int:
        async with engine.connect() as connection:
            await everybody.wait()
            return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())

    return set(await asyncio.gather(*(one() for _ in range(together))))


async def test_what_a_rush_has_opened_is_closed_when_it_is_quiet(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A connection is asked whether it lives long before PostgreSQL would close it, as in the shop: 5 s of 60.
    monkeypatch.setattr(database, "_IDLE_SECONDS", 0.1)
    engine = make_engine(settings.database_url, pool_size=3, surplus_seconds=1)
    alive = "SELECT array_agg(pid) FROM pg_stat_activity WHERE pid = ANY($1)"
    watching = await asyncpg.connect(settings.database_url)
    try:
        opened = await pids(engine, 3)
        used: set[int] = set()
        async with asyncio.timeout(10):
            while set(await watching.fetchval(alive, list(opened))) != used or len(used) != 1:
                used = await pids(engine, 1)
        assert used < opened  # the one in steady use stays
        again = await pids(engine, 3)  # and a second rush is served as the first was
        assert len(again) == 3
    finally:
        await watching.close()
        await engine.dispose()
