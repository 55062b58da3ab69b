"""A course with a group."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import CONDITIONS, SUBSCRIPTIONS
from backend.infra.crypto import KeyRing
from backend.infra.settings import Settings
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from tests.backend.community.circle import Circle
from tests.fakes.clock import FakeClock


@pytest.fixture
async def circle(uow: UnitOfWork, ring: KeyRing, clock: FakeClock) -> Circle:
    """Its dearest plan opens the group."""
    return await Circle(uow, ring, clock).open()


@pytest.fixture
async def committed_circle(
    engine: AsyncEngine, settings: Settings, committed_db: None, ring: KeyRing, clock: FakeClock
) -> Circle:
    """The same in transactions that commit, for races."""
    uow = UnitOfWork(engine, clock, Signals(engine, settings.database_url), SUBSCRIPTIONS, CONDITIONS)
    return await Circle(uow, ring, clock).open()
