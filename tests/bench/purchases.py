"""Purchases: the service against pgbench on the same statements, and a large stock against a small one."""

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
from collections.abc import Iterator
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from backend.catalog.types import VariantId
from backend.infra import embedded
from tests.bench.report import Row
from tests.bench.world import BUYERS, World, add_keys, add_variant, buyer_id
from tests.fakes.heard import statements_of

CLIENTS = 8
SECONDS = 5
ROUNDS = 3
SMALL, LARGE = 100, 1_000_000
_SAMPLES = 80
_taps = count()


def _tap() -> str:
    return f"bench-tap-{next(_taps):08}"


async def _buy_for(world: World, variant_id: VariantId, seconds: float) -> float:
    """Purchases per second, eight at a time."""
    ends = time.perf_counter() + seconds
    done = 0

    async def client(number: int) -> None:
        nonlocal done
        while time.perf_counter() < ends:
            buyer = world.buyers[(number + done * CLIENTS) % BUYERS]
            await world.services.orders.checkout.place(buyer, variant_id, 1, _tap())
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return done / (time.perf_counter() - started)


async def _record(world: World, variant_id: VariantId) -> list[tuple[str, Any]]:
    """The statements of one purchase with their values, as they go to the server."""
    await world.services.orders.checkout.place(world.buyers[0], variant_id, 1, _tap())
    with statements_of(world.services.engine) as heard:
        await world.services.orders.checkout.place(world.buyers[0], variant_id, 1, "recorded-purchase")
    # A hint to other processes is no part of the purchase.
    return [(statement, values) for statement, values in heard if "pg_notify" not in statement]


def _literal(value: Any, fresh: dict[UUID, str]) -> str:
    """The value in SQL; what is new in every purchase (ids, keys) becomes an expression of pgbench's variables."""
    match value:
        case None:
            return "NULL"
        case UUID() if value == buyer_id(0):
            return "('00000000-0000-7000-8000-' || lpad(to_hex(:buyer::bigint + 1), 12, '0'))"
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
            quoted = "'" + value.replace("'", "''") + "'"
            for item, expression in fresh.items():
                quoted = quoted.replace(str(item), f"' || {expression} || '")
            return (
                quoted.replace("recorded-purchase", "pgbench-' || :order::text || '")
                .replace("'' || ", "")
                .replace(" || ''", "")
            )
        case _:
            raise TypeError(type(value))


def _uuids(value: Any) -> Iterator[UUID]:
    if isinstance(value, UUID):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _uuids(item)


def _filled(values: Any, fresh: dict[UUID, str], place: re.Match[str]) -> str:
    return _literal(values[int(place[1]) - 1], fresh)


def script(statements: list[tuple[str, Any]], known: set[UUID]) -> str:
    """The purchase as a pgbench script: the same statements in the same order, in one transaction."""
    made = dict.fromkeys(item for _, values in statements for item in _uuids(values) if item not in known)
    fresh = {
        item: f"(lpad(to_hex(:order::bigint), 8, '0') || '-{n:04x}-7000-8000-'"
        " || lpad(to_hex(:client_id::bigint), 12, '0'))"
        for n, item in enumerate(made)
    }
    lines = [r"\set order random(1, 2000000000)", rf"\set buyer random(0, {BUYERS - 1})", "BEGIN;"]
    for statement, values in statements:
        text = re.sub(r"\$(\d+)", functools.partial(_filled, values, fresh), statement)
        lines.append(" ".join(text.split()) + ";")
    return "\n".join([*lines, "COMMIT;"]) + "\n"


def _pgbench(world: World, path: Path, seconds: int) -> float:
    """Transactions per second of pgbench, eight clients on two threads, prepared statements."""
    program = embedded.postgres_bin() / "pgbench"
    command = [str(program), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds), "-f", str(path)]
    run = subprocess.run(
        [*command, world.settings.database_url],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PGUSER": "postgres"},
    )
    found = re.search(r"tps = ([\d.]+)", run.stdout)
    if run.returncode or not found:
        raise RuntimeError(f"pgbench failed: {run.stderr[-2000:]}")
    return float(found[1])


async def wallet_purchase(world: World) -> Row:
    """Purchases per second by the service, 8 at a time, against pgbench on the same statements."""
    variant_id = await add_variant(world.services, 150_000)
    statements = await _record(world, variant_id)
    known = {buyer_id(0), variant_id}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "purchase.sql"
        path.write_text(script(statements, known))
        await _buy_for(world, variant_id, 1)
        await asyncio.to_thread(_pgbench, world, path, 1)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(await _buy_for(world, variant_id, SECONDS))
            theirs.append(await asyncio.to_thread(_pgbench, world, path, SECONDS))
    return Row.of("wallet_purchase", statistics.median(ours), "1/s", statistics.median(theirs), "higher")


async def purchase_large_stock(world: World) -> Row:
    """The median purchase with a million keys in stock against that with a hundred, in milliseconds."""
    small, large = await add_variant(world.services, SMALL), await add_variant(world.services, LARGE)
    times: dict[VariantId, list[float]] = {small: [], large: []}
    for number in range(_SAMPLES * ROUNDS):
        if number % _SAMPLES == 0:
            await add_keys(world.services, small, _SAMPLES)
        for variant_id in (small, large):
            started = time.perf_counter()
            await world.services.orders.checkout.place(world.buyers[number % BUYERS], variant_id, 1, _tap())
            times[variant_id].append((time.perf_counter() - started) * 1000)
    of_small, of_large = statistics.median(times[small]), statistics.median(times[large])
    return Row.of("purchase_large_stock", of_large, "ms", of_small, "lower")
