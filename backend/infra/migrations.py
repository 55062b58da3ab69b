"""Runs the migrations by Alembic, which only commands import."""

from __future__ import annotations

import asyncio

from alembic import command
from alembic.config import Config

from backend.infra.revisions import FOLDER
from backend.kernel.errors import Unavailable


def alembic_config(database_url: str = "") -> Config:
    """Alembic's configuration for this project and, where given, one database."""
    config = Config()
    # A per cent sign in a folder's name would be read as a reference.
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    if database_url:
        config.attributes["database_url"] = database_url
    return config


async def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the database up to ``revision``. Raises Unavailable when there is no way to the database."""
    try:
        # Alembic's environment runs its own event loop, hence the thread.
        await asyncio.to_thread(command.upgrade, alembic_config(database_url), revision)
    except OSError as error:
        raise Unavailable(f"no database connection: {error!r}") from error
