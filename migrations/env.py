"""Alembic's entry: runs the migrations on the database of the caller's choice."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from backend.infra.database import DIALECT, NOTICE_LOSS
from backend.infra.dsn import connect_arguments
from backend.metadata import metadata

# Two migrators at once (two containers starting) must not run the same step.
_LOCK = 0x50B6


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_type=True, compare_server_default=True)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        # A migration that can't get its lock gives up instead of blocking the shop behind it.
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        context.run_migrations()


async def _connect_and_run() -> None:
    url = context.config.attributes.get("database_url") or os.environ["DATABASE_URL"]
    engine = create_async_engine(DIALECT, poolclass=NullPool, connect_args=connect_arguments(url, **NOTICE_LOSS))
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


asyncio.run(_connect_and_run())
