"""Checks the database and Redis that a process needs."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Final

import asyncpg
import msgspec
from redis.asyncio import Redis
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from backend.infra import revisions
from backend.infra.redis import REDIS_DOWN
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Unavailable

_SECONDS: Final = 2.0


class State(StrEnum):
    """How a part is."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


class Migrations(StrEnum):
    """The database's schema compared with the migrations of this code."""

    HEAD = "head"
    AHEAD = "ahead"
    """A newer release has migrated it; migrations are safe beside running code, so this one serves on."""
    BEHIND = "behind"
    UNKNOWN = "unknown"


class Health(msgspec.Struct, frozen=True):
    """What /readyz says. Redis is never worse than degraded: the shop sells without it."""

    database: State
    redis: State
    migrations: Migrations

    @property
    def ready(self) -> bool:
        """Whether this process can serve people."""
        return self.database is State.OK and self.migrations in {Migrations.HEAD, Migrations.AHEAD}


async def _migrations(uow: UnitOfWork) -> Migrations:
    async with uow.read() as tx:
        current = await revisions.current(tx)
    ours = revisions.revisions()
    if current == ours.head:
        return Migrations.HEAD
    return Migrations.BEHIND if not current or current in ours.known else Migrations.AHEAD


async def check(uow: UnitOfWork, redis: Redis) -> Health:
    """Ask the database and Redis, waiting at most two seconds for each."""
    database, schema = State.OK, Migrations.UNKNOWN
    try:
        async with asyncio.timeout(_SECONDS):
            schema = await _migrations(uow)
    except Exception as error:
        if not database_lost(error):
            raise
        database = State.DOWN
    try:
        async with asyncio.timeout(_SECONDS):
            await redis.ping()
        cache = State.OK
    except REDIS_DOWN:
        cache = State.DEGRADED
    return Health(database, cache, schema)


def database_lost(error: BaseException) -> bool:
    """Whether the error means that the database is away for now, and not that a statement was wrong."""
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", "") or "")
        # 08: connection; 53: resources; 57P0x: shut down, starting up.
        return error.connection_invalidated or state[:2] in {"08", "53"} or state[:4] == "57P0"
    return isinstance(
        error,
        (
            Unavailable,
            OSError,
            TimeoutError,
            PoolTimeout,
            asyncpg.InterfaceError,
            asyncpg.PostgresConnectionError,
            asyncpg.CannotConnectNowError,
        ),
    )
