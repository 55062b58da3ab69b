"""Fixtures of the reading room's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.infra.crypto import KeyRing
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from tests.backend.readings.table import Table
from tests.factories.readings import SUBSCRIPTIONS
from tests.fakes.clock import FakeClock
from tests.fakes.savepoints import SavepointUnitOfWork


@pytest.fixture
async def room(engine: AsyncEngine, database_url: str, clock: FakeClock) -> AsyncIterator[UnitOfWork]:
    """Transactions that leave nothing behind, in which readings can be asked for."""
    async with engine.connect() as connection:
        outer = await connection.begin()
        yield SavepointUnitOfWork(connection, clock, Signals(engine, database_url), SUBSCRIPTIONS)
        await outer.rollback()


@pytest.fixture
def real_room(engine: AsyncEngine, committed_db: None, clock: FakeClock, database_url: str) -> UnitOfWork:
    """Transactions that commit, on a connection each: for races."""
    return UnitOfWork(engine, clock, Signals(engine, database_url), SUBSCRIPTIONS)


@pytest.fixture
async def table(room: UnitOfWork, ring: KeyRing, clock: FakeClock) -> Table:
    """A reading room that leaves nothing behind."""
    return await Table(room, ring, clock).open()


@pytest.fixture
async def real_table(real_room: UnitOfWork, ring: KeyRing, clock: FakeClock) -> Table:
    """One whose transactions commit."""
    return await Table(real_room, ring, clock).open(credits=1)
