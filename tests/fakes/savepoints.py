"""An engine whose every transaction is a savepoint of one outer transaction."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Self

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_FORCE_CONSTRAINTS = text("SET CONSTRAINTS ALL IMMEDIATE")


class _Borrowed:
    """The shared connection, as one borrower sees it."""

    def __init__(self, connection: AsyncConnection, lock: asyncio.Lock) -> None:
        self._connection = connection
        self._lock = lock
        self.execute = connection.execute
        self.get_raw_connection = connection.get_raw_connection
        self.begin_nested = connection.begin_nested

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[None]:
        async with self._connection.begin_nested():
            yield
            # What PostgreSQL checks at a commit, it doesn't check at the end of a savepoint.
            await self._connection.execute(_FORCE_CONSTRAINTS)

    async def __aenter__(self) -> Self:
        await self._lock.acquire()
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._lock.release()


class SavepointEngine:
    """Stands in for an AsyncEngine in UnitOfWork; borrowers of its one connection take turns."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()

    def execution_options(self, **_options: Any) -> Self:
        """Itself: nothing commits by itself within the outer transaction."""
        return self

    def connect(self) -> _Borrowed:
        """Borrow the connection."""
        return _Borrowed(self._connection, self._lock)
