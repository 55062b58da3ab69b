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
    """The master keys that protect what is stored."""


@keys.command()
def generate() -> None:
    """Print a new master key for MASTER_KEYS."""
    name = f"k{secrets.token_hex(3)}"
    click.echo(f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}")


@keys.command()
def rotate() -> None:
    """Wrap every data key by the first key of MASTER_KEYS; what they protect stays as it is."""
    console.print(f"{with_services(_rotate)} data keys are wrapped by the current master key now.")


async def _rotate(services: Services) -> int:
    """How many were wrapped anew, with a bar meanwhile; each transaction takes some, so that none is held for long."""
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
