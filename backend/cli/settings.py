"""``souk settings``: read and change the settings of the running shop."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.table import Table

from backend.admin.types import SettingChange, SettingInForce
from backend.bootstrap import Services
from backend.cli.frame import console, with_services
from backend.identity.types import Actor
from backend.infra.live_settings import REGISTRY

_NAME = click.Choice(tuple(REGISTRY), case_sensitive=False)


@click.group("settings")
def settings_group() -> None:
    """Change settings without a restart. .env.example explains each."""


@settings_group.command("list")
def list_settings() -> None:
    """List the settings that can be changed, with the values in force."""

    async def work(services: Services) -> Sequence[SettingInForce]:
        return await services.shop_settings.in_force(Actor.system())

    table = Table("setting", "value", "from .env", "unit", box=None)
    for row in with_services(work):
        value = f"{row.value} (changed)" if row.changed else row.value
        table.add_row(row.setting.name, value, row.environment, row.setting.unit)
    console.print(table)


@settings_group.command("set")
@click.argument("name", type=_NAME)
@click.argument("value")
def set_value(name: str, value: str) -> None:
    """Use VALUE instead of the value in .env, in every process, now and after restarts."""

    async def work(services: Services) -> None:
        await services.shop_settings.change(Actor.system(), name, value)

    with_services(work)
    console.print(f"{name} is {value.strip() or 'empty'} in every process now.", highlight=False, markup=False)


@settings_group.command("reset")
@click.argument("name", type=_NAME)
def reset_value(name: str) -> None:
    """Use the value in .env again."""

    async def work(services: Services) -> None:
        await services.shop_settings.reset(Actor.system(), name)

    with_services(work)
    console.print(f"{name} is as in .env again.", highlight=False, markup=False)


@settings_group.command("history")
@click.argument("name", type=_NAME, required=False)
def show_history(name: str | None) -> None:
    """Show who changed what, the latest first."""

    async def work(services: Services) -> Sequence[SettingChange]:
        return await services.shop_settings.history(Actor.system(), name)

    table = Table("when (UTC)", "who", "setting", "old", "new", box=None)
    for change in with_services(work):
        who = "command line" if change.actor_id is None else str(change.actor_id)
        new = f"{change.new} (from .env)" if change.reset else change.new
        table.add_row(f"{change.at:%Y-%m-%d %H:%M:%S}", who, change.name, change.old, new)
    console.print(table)
