"""The engine, and the base class of every table."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, DateTime, MetaData, Text, Uuid, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry

from backend.infra.dsn import connect_arguments

# Every constraint has a name, so that a migration can speak of it.
_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


_IDLE_SECONDS = 5.0
_SURPLUS_SECONDS = 60
NOTICE_LOSS = {"client_connection_check_interval": "1s"}
"""PostgreSQL looks during a statement, too, whether its client is still there: who is killed leaves no lock behind."""
_LIMITS = NOTICE_LOSS | {
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
}
DIALECT = "postgresql+asyncpg://"
"""SQLAlchemy's name for the driver; ``connect_args`` has the database's address."""


class Model(DeclarativeBase):
    """Base of the tables. Rows are read into Structs by explicit SELECTs; no session, hence no lazy loading."""

    metadata = MetaData(naming_convention=_NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        UUID: Uuid(),
        str: Text(),
        int: BigInteger(),
        dict[str, Any]: JSONB(),
        dict[str, str]: JSONB(),
    }


def new_database(name: str) -> str:
    """The statement that makes a database whose locale does not depend on the server's: lower('Ж') is 'ж' in it."""
    return (
        f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' "
        "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
    )


def dump_json(value: object) -> str:
    """JSON for a jsonb column."""
    return msgspec.json.encode(value).decode()


def make_engine(url: str, *, pool_size: int = 10, surplus_seconds: int = _SURPLUS_SECONDS) -> AsyncEngine:
    """An engine on asyncpg for a postgres:// address, of up to ``pool_size`` connections; a request waits at most 5 s.

    The last one used is used next, and PostgreSQL closes what nobody has used for ``surplus_seconds``: a quiet shop
    keeps one or two, each of which costs the server 2 to 4 MB. Raises BadAddress.
    """
    engine = create_async_engine(
        DIALECT,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_use_lifo=True,
        # Values of a statement may be secrets or somebody's words: they stay out of every traceback.
        hide_parameters=True,
        json_serializer=dump_json,
        json_deserializer=msgspec.json.decode,
        connect_args={
            "prepared_statement_cache_size": 500,
            **connect_arguments(url, **_LIMITS, idle_session_timeout=f"{surplus_seconds}s"),
        },
    )
    _prove_idle_connections(engine)
    return engine


def _prove_idle_connections(engine: AsyncEngine) -> None:
    """Ping a connection that was idle before it is used, so that the shop recovers when PostgreSQL returns.

    SQLAlchemy's own pre-ping asks before every use: three round trips more for each purchase. A connection in steady
    use needs no asking: where the server closed it, the driver knows; where it was cut, one request fails, and the
    others are asked before their next use.
    """
    pool = engine.sync_engine.pool
    lost_at = 0.0

    def note_loss(_connection: Any, _record: ConnectionPoolEntry, _error: BaseException | None) -> None:
        nonlocal lost_at
        lost_at = time.monotonic()

    def note_use(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    def prove(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        # Known without asking: asyncpg has seen the server close it.
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError
        now = time.monotonic()
        if record.info.get("used_at", now) > max(lost_at, now - _IDLE_SECONDS):
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(pool, "invalidate", note_loss)
    event.listen(pool, "checkin", note_use)
    event.listen(pool, "checkout", prove)
