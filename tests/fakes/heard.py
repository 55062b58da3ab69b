"""What is sent to PostgreSQL, whichever of our two layers sends it, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.infra.connections import LentConnection
from backend.infra.hot import HotStatement


@contextmanager
def statements_of(engine: AsyncEngine) -> Iterator[list[tuple[str, Any]]]:
    """The engine's statements with their values, while the context lasts."""
    heard: list[tuple[str, Any]] = []
    fetch = LentConnection.fetch

    def by_sqlalchemy(_connection: Any, _cursor: Any, sql: str, values: Any, _context: Any, _many: bool) -> None:
        heard.append((sql, values))

    async def by_us(self: LentConnection, statement: HotStatement, values: Mapping[str, Any]) -> list[asyncpg.Record]:
        heard.append((statement.sql, statement.arguments(values)))
        return await fetch(self, statement, values)

    event.listen(engine.sync_engine, "before_cursor_execute", by_sqlalchemy)
    try:
        with mock.patch.object(LentConnection, "fetch", by_us):
            yield heard
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", by_sqlalchemy)
