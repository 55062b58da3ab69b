"""What all commands share: a running backend, one-line errors, progress bars."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import asyncpg
import click
from alembic.util.exc import CommandError
from redis.exceptions import RedisError
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
from sqlalchemy.exc import DBAPIError

from backend.bootstrap import Services, build
from backend.infra.crypto import DecryptionError
from backend.infra.embedded import EmbeddedError
from backend.infra.environment import load_settings
from backend.infra.health import database_lost
from backend.infra.logging import scrub, setup_command_logging
from backend.infra.roots import WRONG_SETTINGS
from backend.infra.settings import SettingsError
from backend.infra.shop_currency import check_currency
from backend.kernel.errors import AppError

R = TypeVar("R")
FAILED: Final = 1
_EXPECTED: Final = (
    SettingsError,
    EmbeddedError,
    DecryptionError,
    AppError,
    CommandError,  # Alembic: no such revision, a database of a newer release
    DBAPIError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    RedisError,
    OSError,
)
_NO_SUCH_TABLE: Final = "42P01"
console = Console()
_errors = Console(stderr=True)


class OneLineGroup(click.Group):
    """Shows every expected failure as one line and an exit code; only bugs show a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises SystemExit: 2 for wrong settings, 1 for another failure with a known cause."""
        setup_command_logging()
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A terminal that cannot show a character must not end the command.
            sys.stdout.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except _EXPECTED as error:
            click.echo(f"souk: {describe_error(error)}", err=True)
            sys.exit(WRONG_SETTINGS if isinstance(error, SettingsError) else FAILED)


def describe_error(error: BaseException) -> str:
    """Describe an error in one line without secrets."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    # SQLAlchemy wraps the driver's error in one of its own, whose text begins with the name of a class.
    cause = cause.__cause__ if isinstance(cause.__cause__, asyncpg.PostgresError) else cause
    text = scrub(next(iter(str(cause).splitlines()), "") or type(cause).__name__)
    if getattr(cause, "sqlstate", "") == _NO_SUCH_TABLE:
        return f"the database is not up to date: run `souk migrate` ({text})"
    if isinstance(error, (DBAPIError, asyncpg.PostgresError)) and database_lost(error):
        return f"cannot reach the database ({text})"
    return text


def with_services(work: Callable[[Services], Awaitable[R]], *, examining: bool = False) -> R:
    """Run ``work`` with the whole backend, and close it afterwards. Raises SettingsError.

    ``examining`` accepts a wrong SHOP_CURRENCY, because `souk doctor` reports it.
    """

    async def run() -> R:
        settings = load_settings()
        if not examining:
            await check_currency(settings)
        services = build(settings)
        async with services.running(listen=False):
            return await work(services)

    return asyncio.run(run())


def progress(*columns: ProgressColumn) -> Progress:
    """A progress bar on stderr, removed at the end, and absent when stderr is no terminal."""
    first = (TextColumn("{task.description}"), BarColumn())
    return Progress(*first, *columns, console=_errors, transient=True, disable=not _errors.is_terminal)
