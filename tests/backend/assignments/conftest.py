"""A desk at which assignments are submitted."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import CONDITIONS, SUBSCRIPTIONS
from backend.infra.crypto import KeyRing
from backend.infra.settings import Settings
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from tests.backend.assignments.desk import Desk
from tests.fakes.clock import FakeClock


@pytest.fixture
async def desk(uow: UnitOfWork, ring: KeyRing, tmp_path: Path, clock: FakeClock) -> Desk:
    """A course with two assignments."""
    return await Desk(uow, ring, tmp_path, clock).open()


@pytest.fixture
async def committed_desk(
    engine: AsyncEngine, settings: Settings, committed_db: None, ring: KeyRing, tmp_path: Path, clock: FakeClock
) -> Desk:
    """The same in transactions that commit, for races."""
    uow = UnitOfWork(engine, clock, Signals(engine, settings.database_url), SUBSCRIPTIONS, CONDITIONS)
    return await Desk(uow, ring, tmp_path, clock).open()
