"""Connections of the pool as the unit of work uses them: asyncpg's own, with SQLAlchemy on top only where it is needed.

SQLAlchemy's connection and transaction objects cost a transaction several times what PostgreSQL's driver does. So
BEGIN, COMMIT and HotStatements go to the driver, and an AsyncConnection is made for the first statement that needs one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import asyncpg
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import CursorResult, Executable
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection

from backend.infra.hot import HotStatement
from backend.kernel.errors import Unavailable

# The last is what a connection says that the server is just closing: it can't be used any more.
_LOST: Final = (OSError, asyncpg.PostgresConnectionError, asyncpg.InternalClientError)
_ERRORS: Final = (*_LOST, asyncpg.PostgresError, asyncpg.InterfaceError)


class LentConnection:
    """A connection of the pool, lent for one transaction, or for statements that each commit by themselves."""

    def __init__(self, engine: AsyncEngine, pooled: PoolProxiedConnection) -> None:
        self._engine = engine
        self._pooled = pooled
        self._adapted = cast(Any, pooled.dbapi_connection)
        self._driver: Any = pooled.driver_connection
        self._sqlalchemy: AsyncConnection | None = None
        self._savepoints = 0
        # SQLAlchemy begins nothing: transactions are begun here.
        self._adapted.autocommit = True

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Run a statement by SQLAlchemy."""
        if self._sqlalchemy is None:
            under = SyncConnection(self._engine.sync_engine, self._pooled)
            self._sqlalchemy = AsyncConnection(self._engine, under)
        return await self._sqlalchemy.execute(statement, parameters)

    async def fetch(self, statement: HotStatement, values: Mapping[str, Any]) -> list[asyncpg.Record]:
        """The rows of a HotStatement; JSON columns come decoded. Raises DBAPIError as SQLAlchemy would."""
        try:
            rows: list[asyncpg.Record] = await self._driver.fetch(statement.sql, *statement.arguments(values))
        except _ERRORS as error:
            raise self._wrapped(statement.sql, error) from error
        return rows

    async def begin(self) -> None:
        """Begin a transaction."""
        await self._command("BEGIN")

    async def commit(self) -> None:
        """End the transaction; deferred constraints are checked now."""
        await self._command("COMMIT")

    async def rollback(self) -> None:
        """Undo the transaction, whatever it is doing; a connection that can't is closed, which undoes it too."""
        try:
            await self._driver.execute("ROLLBACK")
        except _ERRORS:
            self._drop()
        except BaseException:  # cancelled while a statement is being cancelled
            self._drop()
            raise

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction that an error undoes alone."""
        self._savepoints += 1
        name = f"part_{self._savepoints}"
        await self._command(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            if not self._driver.is_closed():
                await self._command(f"ROLLBACK TO SAVEPOINT {name}")
            raise
        await self._command(f"RELEASE SAVEPOINT {name}")

    def give_back(self) -> None:
        """Return it to the pool, or drop it where it is lost."""
        if self._driver.is_closed():
            self._drop()
        self._adapted.autocommit = False
        self._pooled.close()

    def _drop(self) -> None:
        if self._pooled.is_valid:
            self._pooled.invalidate()

    async def _command(self, sql: str) -> None:
        try:
            await self._driver.execute(sql)
        except _ERRORS as error:
            raise self._wrapped(sql, error) from error

    def _wrapped(self, sql: str, error: Exception) -> DBAPIError:
        if isinstance(error, _LOST):
            self._driver.terminate()
        kind = IntegrityError if isinstance(error, asyncpg.IntegrityConstraintViolationError) else DBAPIError
        return kind(sql, None, error, hide_parameters=True, connection_invalidated=self._driver.is_closed())


async def lend(engine: AsyncEngine) -> LentConnection:
    """A free connection; ``give_back`` returns it. Raises Unavailable where none can be had in time."""
    try:
        return LentConnection(engine, await engine.raw_connection())
    except (*_ERRORS, SQLAlchemyError, engine.dialect.loaded_dbapi.Error) as error:
        raise Unavailable(f"no database connection: {error!r}") from error
