"""Transactions that truly commit, and a table to write into."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from tests.fakes.clock import FakeClock


class RecordingSignals(Signals):
    """Keeps what it should send."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, signals: Any) -> None:
        self.sent += list(signals)


@pytest.fixture
def signals() -> RecordingSignals:
    """What was sent."""
    return RecordingSignals()


@pytest.fixture
def real_uow(engine: AsyncEngine, clock: FakeClock, signals: RecordingSignals, committed_db: None) -> UnitOfWork:
    """Transactions that truly commit."""
    return UnitOfWork(engine, clock, signals, {"ThingDone": ("tests.first", "tests.second")})


@pytest.fixture
async def scratch(engine: AsyncEngine) -> AsyncIterator[str]:
    """A table of two rows with a check that waits for the end of the transaction."""
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE uow_scratch (id int PRIMARY KEY, n int NOT NULL CHECK (n >= 0))"))
        await connection.execute(
            text(
                "CREATE TABLE uow_child (id int PRIMARY KEY REFERENCES uow_scratch (id) DEFERRABLE INITIALLY DEFERRED)"
            )
        )
        await connection.execute(text("INSERT INTO uow_scratch VALUES (1, 10), (2, 20)"))
    yield "uow_scratch"
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE uow_child, uow_scratch"))
