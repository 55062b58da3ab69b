"""Transactions that are savepoints of one outer transaction, which is rolled back at the end of a test."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection

from backend.infra import outbox
from backend.infra.connections import LentConnection
from backend.infra.crypto import KeyRing
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.clock import Clock

_BEGIN: Final = text("SELECT")


class _Borrowed(LentConnection):
    """The shared connection, as one borrower sees it."""

    def __init__(self, engine: AsyncEngine, pooled: PoolProxiedConnection, turn: asyncio.Lock) -> None:
        super().__init__(engine, pooled)
        self._turn = turn

    async def begin(self) -> None:
        await self._command("SAVEPOINT whole")

    async def commit(self) -> None:
        # What PostgreSQL checks at a commit, it doesn't check at the end of a savepoint.
        await self._command("SET CONSTRAINTS ALL IMMEDIATE")
        await self._command("RELEASE SAVEPOINT whole")

    async def rollback(self) -> None:
        await self._command("ROLLBACK TO SAVEPOINT whole; RELEASE SAVEPOINT whole")

    def give_back(self) -> None:
        self._adapted.autocommit = False
        self._turn.release()


class SavepointUnitOfWork(UnitOfWork):
    """A unit of work within the transaction of one connection, whose borrowers take turns: nothing is committed."""

    def __init__(
        self,
        connection: AsyncConnection,
        clock: Clock,
        signals: Signals,
        subscriptions: outbox.Subscriptions,
        ring: KeyRing | None = None,
    ) -> None:
        super().__init__(connection.engine, clock, signals, subscriptions, ring=ring)
        self._connection = connection
        self._turn = asyncio.Lock()
        self._begun = False

    async def lend(self) -> LentConnection:
        """The connection."""
        await self._turn.acquire()
        if not self._begun:
            await self._connection.execute(_BEGIN)  # SQLAlchemy begins with its first statement
            self._begun = True
        return _Borrowed(self._connection.engine, await self._connection.get_raw_connection(), self._turn)
