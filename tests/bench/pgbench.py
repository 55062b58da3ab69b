"""pgbench on the statements of a use case: what PostgreSQL alone makes of them on this machine."""

from __future__ import annotations

import asyncio
import datetime
import functools
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

from backend.identity.types import Actor
from backend.infra import embedded
from tests.bench.report import Row
from tests.bench.world import BUYERS, World, buyer_id
from tests.fakes.heard import statements_of

CLIENTS = 8
SECONDS = 5
ROUNDS = 3
RECORDED = "recorded-purchase"
"""How the idempotency key of a purchase begins whose statements are recorded."""
_BUYER = "('00000000-0000-7000-8000-' || lpad(to_hex(:buyer::bigint + 1), 12, '0'))"
_ID = re.compile(r'"id":"([0-9a-f-]{36})"')
"""The id of a row that a statement gets as JSON."""
Statements = list[tuple[str, Any]]


async def record(world: World, buy: Callable[[], Awaitable[object]]) -> Statements:
    """The statements of one purchase with their values, as they go to the server."""
    with statements_of(world.services.engine) as heard:
        await buy()
    # A hint to other processes is no part of the purchase.
    return [(statement, values) for statement, values in heard if "pg_notify" not in statement]


async def rate(world: World, seconds: float, buy: Callable[[Actor], Awaitable[None]]) -> float:
    """How often ``buy`` ran per second, eight at a time, each for buyers of its own."""
    ends = time.perf_counter() + seconds
    done = 0

    async def client(number: int) -> None:
        nonlocal done
        while time.perf_counter() < ends:
            await buy(world.buyers[(number + done * CLIENTS) % BUYERS])
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return done / (time.perf_counter() - started)


async def compare(
    world: World,
    name: str,
    buy_for: Callable[[float], Awaitable[float]],
    statements: Statements,
    known: Collection[UUID],
    before: str = "",
) -> Row:
    """Purchases per second by ``buy_for``, which gets the seconds, against pgbench on the same statements."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "purchase.sql"
        path.write_text(script(statements, known, before))
        await buy_for(1)
        await asyncio.to_thread(_pgbench, world, path, 1)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(await buy_for(SECONDS))
            theirs.append(await asyncio.to_thread(_pgbench, world, path, SECONDS))
    return Row.of(name, statistics.median(ours), "1/s", statistics.median(theirs), "higher")


def _literal(value: Any, fresh: dict[UUID, str]) -> str:
    """The value in SQL; what is new in every purchase (ids, keys) becomes an expression of pgbench's variables."""
    match value:
        case None:
            return "NULL"
        case UUID():
            known = fresh.get(value)
            return f"'{value}'" if known is None else known
        case datetime.datetime():
            return f"'{value.isoformat()}'"
        case list():
            return "ARRAY[" + ", ".join(_literal(item, fresh) for item in value) + "]"
        case Enum():
            return _literal(value.value, fresh)
        case int():
            return f"({value})"
        case bytes():
            return f"'\\x{value.hex()}'::bytea"
        case str():
            quoted = "'" + value.replace("'", "''").replace('":', '": ') + "'"  # pgbench has variables such as :null
            for item, expression in fresh.items():
                quoted = quoted.replace(str(item), f"' || {expression} || '")
            return (
                quoted.replace(RECORDED, "pgbench-' || :order::text || '").replace("'' || ", "").replace(" || ''", "")
            )
        case _:
            raise TypeError(type(value))


def _uuids(value: Any) -> Iterator[UUID]:
    if isinstance(value, UUID):
        yield value
    elif isinstance(value, str):
        yield from map(UUID, _ID.findall(value))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _uuids(item)


def _filled(values: Any, fresh: dict[UUID, str], place: re.Match[str]) -> str:
    return _literal(values[int(place[1]) - 1], fresh)


def script(statements: Statements, known: Collection[UUID], before: str = "") -> str:
    """The purchase as a pgbench script: the same statements in the same order, in one transaction.

    ``known`` is what every purchase names; ``before`` a statement that runs before it, of which ``:buyer`` is the id of
    the buyer. Like here, each client has its own buyers.
    """
    known = {*known, buyer_id(0)}
    new_ids = dict.fromkeys(item for _, values in statements for item in _uuids(values) if item not in known)
    fresh = {
        item: f"(lpad(to_hex(:order::bigint), 8, '0') || '-{n:04x}-7000-8000-'"
        " || lpad(to_hex(:client_id::bigint), 12, '0'))"
        for n, item in enumerate(new_ids)
    }
    fresh[buyer_id(0)] = _BUYER
    buyers = rf"\set buyer {CLIENTS} * random(0, {BUYERS // CLIENTS - 1}) + :client_id"
    lines = [r"\set order random(1, 2000000000)", buyers, before.replace(":buyer", f"{_BUYER}::uuid"), "BEGIN;"]
    for statement, values in statements:
        text = re.sub(r"\$(\d+)", functools.partial(_filled, values, fresh), statement)
        lines.append(" ".join(text.split()) + ";")
    return "\n".join([*lines, "COMMIT;"]) + "\n"


def _pgbench(world: World, path: Path, seconds: int) -> float:
    """Transactions per second of pgbench, eight clients on two threads, prepared statements."""
    return run_script(world, path, "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds))


def run_script(world: World, path: Path, *options: str) -> float:
    """Transactions per second of pgbench on a script."""
    program = embedded.postgres_bin() / "pgbench"
    command = [str(program), "-n", *options, "-f", str(path)]
    run = subprocess.run(
        [*command, world.settings.database_url],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PGUSER": "postgres"},
    )
    match = re.search(r"tps = ([\d.]+)", run.stdout)
    if run.returncode or not match:
        raise RuntimeError(f"pgbench failed: {run.stderr[-2000:]}")
    return float(match[1])
