"""Runs the migrations, and tells whether a database has them all."""

from __future__ import annotations

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from backend.infra.unit_of_work import Tx
from backend.kernel.errors import Unavailable

_FOLDER = Path(__file__).parents[2] / "migrations"


def alembic_config(database_url: str = "") -> Config:
    """Alembic's configuration for this project and, where given, one database."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    if database_url:
        config.attributes["database_url"] = database_url
    return config


def head() -> str:
    """The newest revision among the files."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or ""


async def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the database up to ``revision``. Raises Unavailable when there is no way to the database."""
    try:
        # Alembic's environment runs its own event loop, hence the thread.
        await asyncio.to_thread(command.upgrade, alembic_config(database_url), revision)
    except OSError as error:
        raise Unavailable(f"no database connection: {error!r}") from error


async def current(tx: Tx) -> str:
    """The revision of the database, or an empty text when it has none."""
    try:
        return str((await tx.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none() or "")
    except DBAPIError:
        return ""
