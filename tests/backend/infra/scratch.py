"""The table of the fixture ``scratch``."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine


async def numbers(engine: AsyncEngine) -> list[int]:
    """The numbers in its rows."""
    async with engine.connect() as connection:
        return list((await connection.execute(text("SELECT n FROM uow_scratch ORDER BY id"))).scalars())
