"""The ``souk`` command: starts the processes by name, and has an operator's tools."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from backend.cli.catalog import import_group
from backend.cli.courses import export_group
from backend.cli.doctor import doctor
from backend.cli.frame import OneLineGroup, console
from backend.cli.keys import keys
from backend.cli.ledger import ledger
from backend.cli.schedules import courses
from backend.cli.settings import settings_group
from backend.infra import migrations
from backend.infra.embedded import EmbeddedError
from backend.infra.environment import load_settings
from backend.infra.origin import Origin, Via, acting_from
from backend.infra.shop_currency import check_currency


@click.group(cls=OneLineGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="souk")
@click.pass_context
def main(context: click.Context) -> None:
    """Souk, a shop inside Telegram: start its processes and maintain it."""
    context.with_resource(acting_from(Origin(Via.CLI)))


main.add_command(import_group)
main.add_command(courses)
main.add_command(export_group)
main.add_command(keys)
main.add_command(ledger)
main.add_command(settings_group)
main.add_command(doctor)


def _replace_process(*command: str) -> None:
    """Replace this process, so that signals reach the new program and not a waiting parent."""
    os.execv(sys.executable, [sys.executable, *command])  # noqa: S606 - our own module, no shell wanted


@main.command()
def web() -> None:
    """Serve the Mini App and the API."""
    _replace_process("-m", "webapp")


@main.command()
def worker() -> None:
    """Run background jobs and timers."""
    _replace_process("-m", "backend.worker")


@main.command()
def bot() -> None:
    """Run the Telegram bot."""
    _replace_process("-m", "bot")


@main.command()
@click.option(
    "--port",
    default=8080,
    envvar="PORT",
    type=click.IntRange(1, 65532),
    show_default=True,
    help="Port of the Mini App (or PORT=); the three after it serve the simulator, the metrics and Redis.",
)
@click.option(
    "--state", default=".demo", type=click.Path(path_type=Path), show_default=True, help="Folder of its data."
)
def demo(port: int, state: Path) -> None:
    """Start everything on this machine: database, Redis, shop, worker, bot and a simulated Telegram."""
    if not all(map(find_spec, ("backend.demo", "bot.simulator"))):
        raise EmbeddedError("the demo is not part of the image: clone the repository and run `make demo` there")
    from backend.demo.run import run_demo  # noqa: PLC0415 - the image has the commands and not the demo

    sys.exit(run_demo(port, state))


@main.command()
@click.option("--revision", default="head", show_default=True, help="The revision to migrate to.")
def migrate(revision: str) -> None:
    """Migrate the database to the newest revision."""
    settings = load_settings()
    asyncio.run(check_currency(settings))
    asyncio.run(migrations.upgrade(settings.database_url, revision))
    console.print("The database is up to date.")
