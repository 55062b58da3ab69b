"""The PostgreSQL with the migrated template database that all test processes share."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from backend.infra import embedded, migrations
from backend.infra.database import new_database

TEMPLATE = "souk_template"
POSTGRES = "SOUK_TEST_POSTGRES"
"""The variable with the server's address: a run that finds it starts none of its own."""
_RUN = "SOUK_TEST_RUN"


@contextlib.contextmanager
def postgres() -> Iterator[None]:
    """Run the server for this process and its children, unless a parent runs it already."""
    os.environ[_RUN] = str(os.getpid())
    if POSTGRES in os.environ:
        yield
        return
    folder = Path(tempfile.mkdtemp(prefix="souk-test-"))
    try:
        with embedded.postgres(folder / "pg", throwaway=True) as server:
            asyncio.run(_make_template(server))
            os.environ[POSTGRES] = server
            try:
                yield
            finally:
                del os.environ[POSTGRES]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _make_template(server: str) -> None:
    await execute(server, new_database(TEMPLATE))
    await migrations.upgrade(embedded.database_address(server, TEMPLATE))


def database_name(*parts: object) -> str:
    """A name that no other run on the same server takes."""
    return "_".join(map(str, ("souk", os.environ[_RUN], *parts)))


async def new_copy(server: str, name: str) -> str:
    """A migrated database of this name; its address."""
    await execute(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    return embedded.database_address(server, name)


async def execute(server: str, *statements: str) -> None:
    """Run statements on a connection of their own."""
    connection = await asyncpg.connect(server)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
