"""A desk at which quizzes are taken."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import CONDITIONS, SUBSCRIPTIONS
from backend.infra.settings import Settings
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from tests.backend.quizzes.desk import Desk
from tests.fakes.clock import FakeClock


@pytest.fixture
async def desk(uow: UnitOfWork, clock: FakeClock) -> Desk:
    """A course with a quiz."""
    return await Desk(uow, clock).open()


@pytest.fixture
async def committed_desk(engine: AsyncEngine, settings: Settings, committed_db: None, clock: FakeClock) -> Desk:
    """The same in transactions that commit, for races."""
    uow = UnitOfWork(engine, clock, Signals(engine, settings.database_url), SUBSCRIPTIONS, CONDITIONS)
    return await Desk(uow, clock).open()
