"""A hall in which certificates are given."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import CONDITIONS, SUBSCRIPTIONS
from backend.infra.crypto import KeyRing
from backend.infra.settings import Settings
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from tests.backend.certificates.hall import Hall
from tests.fakes.clock import FakeClock


@pytest.fixture
async def hall(uow: UnitOfWork, ring: KeyRing, tmp_path: Path, clock: FakeClock) -> Hall:
    """A course that can be completed."""
    return await Hall(uow, ring, tmp_path, clock).open()


@pytest.fixture
async def committed_hall(
    engine: AsyncEngine, settings: Settings, committed_db: None, ring: KeyRing, tmp_path: Path, clock: FakeClock
) -> Hall:
    """The same in transactions that commit, for races."""
    uow = UnitOfWork(engine, clock, Signals(engine, settings.database_url), SUBSCRIPTIONS, CONDITIONS)
    return await Hall(uow, ring, tmp_path, clock).open()
