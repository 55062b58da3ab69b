"""``souk doctor``: what is wrong with a deployment, and how to mend it."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
import msgspec
from rich.table import Table
from rich.text import Text
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError

from backend.bootstrap import Services
from backend.cli.frame import FAILED, console, describe_error, with_services
from backend.identity.types import Actor
from backend.infra import health, shop_currency
from backend.infra.heartbeat import is_fresh
from backend.infra.settings import Settings
from backend.infra.telegram.errors import TelegramError, WrongToken
from backend.infra.telegram.methods import GetMe
from backend.kernel.errors import AppError
from backend.payments.types import ProviderSetup, SetupState
from backend.readings.types import Failure
from backend.readings.types.models import Probe

_GIB: Final = 1024**3
_FULL: Final = 200 * 1024**2
"""Bytes of free disk below which uploads and logs will soon fail."""
_PROCESSES: Final = ("worker", "bot")


class State(StrEnum):
    """The result of one check."""

    OK = "ok"
    OFF = "off"
    NOTE = "note"
    """It works, but the operator should know something."""
    WRONG = "wrong"


class Finding(msgspec.Struct, frozen=True):
    """One line of the report; ``text`` says what was found and what to do."""

    state: State
    subject: str
    text: str


_COLOURS: Final = {State.OK: "green", State.OFF: "dim", State.NOTE: "yellow", State.WRONG: "red"}


@click.command()
def doctor() -> None:
    """Check this deployment and say how to fix what is wrong. Exit code 1 if something is wrong."""
    findings = with_services(examine, examining=True)
    print_findings(findings)
    sys.exit(FAILED if any(item.state is State.WRONG for item in findings) else 0)


def print_findings(findings: list[Finding]) -> None:
    """One line for each finding; only a terminal folds the long ones."""
    if not console.is_terminal:
        width = max(len(item.subject) for item in findings)
        for item in findings:
            click.echo(f"{item.state.value:<5} {item.subject:<{width}}  {item.text}")
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for column in ("state", "subject"):
        table.add_column(column, no_wrap=True)
    table.add_column("text", overflow="fold")
    for item in findings:
        table.add_row(Text(item.state.value, style=_COLOURS[item.state]), Text(item.subject), Text(item.text))
    console.print(table)


async def examine(services: Services) -> list[Finding]:
    """Run every check; each may report several findings."""
    findings = [item async for item in _servers(services)]
    for check in _CHECKS:
        findings += await check(services)
    return findings


async def _servers(services: Services) -> AsyncIterator[Finding]:
    state = await health.check(services.uow, services.redis)
    if state.database is health.State.DOWN:
        yield Finding(State.WRONG, "database", f"{await _database_trouble(services)}: check DATABASE_URL")
    else:
        yield Finding(State.OK, "database", "connected")
        yield _MIGRATIONS[state.migrations]
        yield await _locale(services)
        yield await _currency(services)
    if state.redis is health.State.OK:
        yield Finding(State.OK, "redis", "connected")
    else:
        text = "no connection: check REDIS_URL. The shop continues to sell, but messages and payments are delayed"
        yield Finding(State.WRONG, "redis", text)
    if state.migrations in {health.Migrations.HEAD, health.Migrations.AHEAD}:
        for finding in await _master_keys(services):
            yield finding
        yield await _reading_keys(services)


_MIGRATIONS: Final = {
    health.Migrations.HEAD: Finding(State.OK, "migrations", "up to date"),
    health.Migrations.AHEAD: Finding(State.NOTE, "migrations", "a newer release has migrated it: update this one too"),
    health.Migrations.BEHIND: Finding(State.WRONG, "migrations", "not up to date: run `souk migrate`"),
    health.Migrations.UNKNOWN: Finding(State.WRONG, "migrations", "unknown: run `souk migrate`"),
}


async def _locale(services: Services) -> Finding:
    async with services.uow.read() as tx:
        row = (await tx.execute(_LOCALE)).one()
    if row.small == "ж":
        return Finding(State.OK, "locale", f"{row.locale} ({row.provider}): letters of all languages are known")
    text = (
        f"{row.locale}: this database knows only Latin letters, so searches may miss Russian words. The shop works. "
        "To fix it, dump and restore the database as README.md describes under Locale"
    )
    return Finding(State.NOTE, "locale", text)


_LOCALE: Final = sql(
    "SELECT lower('Ж') AS small, coalesce(datlocale, datctype) AS locale, "
    "CASE datlocprovider WHEN 'b' THEN 'builtin' WHEN 'i' THEN 'ICU' ELSE 'libc' END AS provider "
    "FROM pg_database WHERE datname = current_database()"
)


async def _currency(services: Services) -> Finding:
    settings = services.settings
    try:
        other = await shop_currency.other_currency(settings)
    except shop_currency.AWAY:
        return Finding(
            State.NOTE, "SHOP_CURRENCY", f"{settings.shop_currency}; the database has no prices to ask about"
        )
    if other:
        return Finding(State.WRONG, "SHOP_CURRENCY", shop_currency.refusal(settings, other))
    return Finding(State.OK, "SHOP_CURRENCY", settings.shop_currency)


async def _database_trouble(services: Services) -> str:
    try:
        async with services.uow.read():
            return "no connection in time"
    except AppError as error:
        return describe_error(error)


async def _master_keys(services: Services) -> list[Finding]:
    async with services.uow.read() as tx:
        state = await services.ring.survey(tx)
    if state.closed:
        names = ", ".join(state.closed)
        text = f"secrets protected by {names} cannot be decrypted: add that key to MASTER_KEYS again, after the first"
        return [Finding(State.WRONG, "master keys", text)]
    if state.old:
        text = f"{state.old} data keys use an older master key: run `souk keys rotate`"
        return [Finding(State.NOTE, "master keys", text)]
    return [Finding(State.OK, "master keys", f"{services.ring.current} encrypts all data keys")]


async def _reading_keys(services: Services) -> Finding:
    if missing := await services.readings.upkeep.count_missing_keys():
        text = (
            f"{missing} keys of people's readings are missing, so their questions and texts cannot be opened: "
            "add the master key that their pages name to MASTER_KEYS again, or restore data_keys from a backup"
        )
        return Finding(State.WRONG, "readings", text)
    return Finding(State.OK, "readings", "all questions and texts can be opened")


async def _bot(services: Services) -> list[Finding]:
    settings = services.settings
    host = urlsplit(settings.telegram_api_url).hostname
    try:
        bot = await services.telegram.call(GetMe())
    except WrongToken:
        text = "Telegram rejects BOT_TOKEN: copy the token from @BotFather, /mybots, API Token"
        return [Finding(State.WRONG, "bot token", text)]
    except TelegramError as error:
        text = f"cannot reach Telegram ({error}): this machine must be able to connect to {host}"
        return [Finding(State.WRONG, "bot token", text)]
    return [Finding(State.OK, "bot token", f"@{bot.username}")]


async def _address(services: Services) -> list[Finding]:
    url = services.settings.public_url
    if urlsplit(url).scheme != "https":
        text = f"{url} is not https: Telegram does not open Mini Apps there, and providers do not call it"
        return [Finding(State.NOTE, "PUBLIC_URL", text)]
    return [Finding(State.OK, "PUBLIC_URL", f"{url}; the Mini App at @BotFather must have the same")]


async def _contact(services: Services) -> list[Finding]:
    link = services.live.current.support_link
    if link:
        return [Finding(State.OK, "contact", link)]
    text = "none: set ADMIN_USERNAME or SUPPORT_URL. Until then customers reach you only by writing to the bot"
    return [Finding(State.NOTE, "contact", text)]


async def _disk(services: Services) -> list[Finding]:
    return await asyncio.to_thread(_look_at_disk, Path(services.settings.data_dir))


def _look_at_disk(folder: Path) -> list[Finding]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"souk")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        text = f"{folder} cannot be written ({error.strerror}): set DATA_DIR, or give the folder to this user"
        return [Finding(State.WRONG, "data", text)]
    space = f"{folder}, {free / _GIB:.1f} GiB free"
    if free < _FULL:
        return [Finding(State.WRONG, "data", f"{space}: free some space before uploads and logs fail")]
    return [Finding(State.OK, "data", space)]


async def _processes(services: Services) -> list[Finding]:
    """Worker and bot touch a file while they run; /readyz checks web processes."""

    def look(name: str) -> Finding:
        folder = Path(services.settings.data_dir) / "run"
        if any(is_fresh(file) for file in folder.glob(f"{name}-*.heartbeat")):
            return Finding(State.OK, f"{name} process", "running")
        return Finding(State.NOTE, f"{name} process", f"not running on this DATA_DIR: start it with `souk {name}`")

    return [await asyncio.to_thread(look, name) for name in _PROCESSES]


async def _readings(services: Services) -> list[Finding]:
    try:
        missing = await services.readings.upkeep.count_missing_keys()
        probe = await services.interpretation.model.probe(None)
    except (AppError, DBAPIError, OSError):  # the database is away, which another line says
        return []
    findings = [_model(services.settings, probe)]
    if missing:
        text = f"{missing} keys of readings are missing: add their master key to MASTER_KEYS again, after the first"
        findings.append(Finding(State.WRONG, "reading keys", text))
    return findings


def _model(settings: Settings, probe: Probe | None) -> Finding:
    if probe is None:
        text = "none, so the built-in interpreter writes all readings; it needs READING_MODEL_URL, READING_MODEL"
        return Finding(State.OFF, "reading model", text)
    if probe.failure is Failure.TRUNCATED and probe.text and not probe.finish:
        text = "it answers without a finish_reason, so readings count as cut off: set READING_STRICT_FINISH=0"
        return Finding(State.WRONG if settings.reading_strict_finish else State.OK, "reading model", text)
    if probe.failure:
        text = f"{probe.asked_model}: {probe.failure.value} {probe.detail}".strip()
        return Finding(State.WRONG, "reading model", f"{text}: check READING_MODEL_URL, READING_MODEL and its keys")
    said = f"{probe.model} answered in {probe.seconds:.1f} s: {' '.join(probe.text.split())[:80]}"
    tokens = f"{probe.prompt_tokens} and {probe.completion_tokens} tokens" if probe.prompt_tokens else "no token counts"
    if probe.model != probe.asked_model or not probe.language_fits:
        wrong = "another model than READING_MODEL" if probe.language_fits else "in another language than asked"
        return Finding(
            State.NOTE, "reading model", f"{said} ({wrong}; finish_reason {probe.finish or 'none'}, {tokens})"
        )
    return Finding(State.OK, "reading model", f"{said} (finish_reason {probe.finish or 'none'}, {tokens})")


async def _methods(services: Services) -> list[Finding]:
    setups = await services.payments.methods.setups(Actor.system())
    findings = []
    for setup in setups:
        findings += _method(setup)
        notes = await services.payments.methods.examine(Actor.system(), setup.name)
        findings += [Finding(State.NOTE, f"pay: {setup.name}", note) for note in notes]
    if not any(setup.state is SetupState.ON for setup in setups):
        findings.append(Finding(State.WRONG, "payments", "no payment method is enabled: wallets cannot be topped up"))
    return findings


def _method(setup: ProviderSetup) -> list[Finding]:
    subject = f"pay: {setup.name}"
    if setup.state is SetupState.OFF:
        return [Finding(State.OFF, subject, f"off; it needs {', '.join(setup.needs)}")]
    if setup.state is SetupState.INCOMPLETE:
        return [Finding(State.WRONG, subject, f"incomplete, and therefore off: set {', '.join(setup.missing)}")]
    if setup.state is SetupState.WRONG:
        return [Finding(State.WRONG, subject, f"off: {setup.problem}")]
    text = f"on; its webhook address is {setup.webhook_url}" if setup.webhook_url else "on"
    findings = [Finding(State.OK, subject, text)]
    if setup.policy_risk:
        findings.append(Finding(State.NOTE, subject, POLICY))
    return findings


POLICY: Final = (
    "Telegram's rules want Stars for digital goods in Mini Apps; it may restrict a bot that uses other payment methods"
)
"""A warning for shops that enable a payment method other than Stars."""


_CHECKS: Final[tuple[Callable[[Services], Awaitable[list[Finding]]], ...]] = (
    _bot, _address, _contact, _disk, _processes, _methods, _readings,
)  # fmt: skip
