"""``souk keys``: the master keys."""

from __future__ import annotations

import base64
import secrets

import click
from rich.progress import MofNCompleteColumn, TimeRemainingColumn

from backend.bootstrap import Services
from backend.cli.frame import console, progress, with_services


@click.group()
def keys() -> None:
    """Manage the master keys that protect stored secrets."""


@keys.command()
def generate() -> None:
    """Print a new master key for MASTER_KEYS."""
    name = f"k{secrets.token_hex(3)}"
    click.echo(f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}")


@keys.command()
def rotate() -> None:
    """Encrypt every data key with the first key of MASTER_KEYS. Stored secrets do not change."""
    console.print(f"{with_services(_rotate)} data keys now use the current master key.")


async def _rotate(services: Services) -> int:
    """Wrap all data keys again and return their number, a few in each transaction so that none is locked for long."""
    done = 0
    with progress(MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        async with services.uow.read() as tx:
            task = bar.add_task("Wrapping data keys", total=(await services.ring.survey(tx)).old)
        while True:
            async with services.uow() as tx:
                count = await services.ring.rotate(tx)
            if not count:
                return done
            done += count
            bar.update(task, completed=done)
