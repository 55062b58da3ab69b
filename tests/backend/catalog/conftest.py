"""Fixtures of the catalogue's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import SUBSCRIPTIONS
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.clock import SystemClock


@pytest.fixture
async def real(engine: AsyncEngine, database_url: str, committed_db: None) -> AsyncIterator[UnitOfWork]:
    """Transactions that commit."""
    yield UnitOfWork(engine, SystemClock(), Signals(engine, database_url), SUBSCRIPTIONS)
