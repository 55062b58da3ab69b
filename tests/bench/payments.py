"""Webhooks: how soon one becomes a fulfilled order, and how many are taken in a second."""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import httpx
import msgspec
from rich.console import Console
from sqlalchemy import text

from backend.catalog.types import VariantId
from backend.infra.settings import Settings
from backend.kernel.clock import SystemClock
from backend.kernel.ids import OrderId
from backend.payments.gateways.demo import SIGNATURE, DemoNotice, DemoProvider
from backend.payments.types import IntentId, ProviderState
from tests.bench.load import burst
from tests.bench.pages import CONNECTIONS, ROUNDS, SECONDS, server
from tests.bench.report import Row
from tests.bench.telegram import answering_telegram
from tests.bench.world import BUYERS, World, buyer_id
from tests.factories.shop import add_goods
from tests.factories.wallet import usd
from tests.processes import start

PATH = "/hooks/demo"
_SAMPLES = 60
_WARM = 10
_PRICE = 1
_INTENTS = 40_000
"""More than the bursts below can use up on any machine that this runs on."""
_TOPIC = "order"


class Provider:
    """Signs as the demo provider does."""

    def __init__(self, settings: Settings) -> None:
        self._demo = DemoProvider(clock=SystemClock(), production=False, secret=settings.secret_key)

    def call(self, intent_id: IntentId, cents: int) -> tuple[dict[str, str], bytes]:
        """Headers and body of one paid payment."""
        notice = DemoNotice(f"{intent_id}:paid", intent_id, ProviderState.PAID, cents, "USD")
        body = msgspec.json.encode(notice)
        return {SIGNATURE: self._demo.sign(body), "content-type": "application/json"}, body


@contextlib.asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[int]:
    """The worker as production runs it, and its process id; Telegram takes every message."""
    async with answering_telegram() as telegram:
        changed = msgspec.structs.replace(settings, telegram_api_url=telegram, log_level="ERROR", metrics_port=9199)
        with tempfile.TemporaryDirectory() as folder:
            process = start("backend.worker", changed, Path(folder) / "worker.log")
            try:
                yield process.pid
            finally:
                process.terminate()
                await asyncio.to_thread(process.wait)


class Watch:
    """Hears, as any process of the shop does, which orders have changed."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._changed: dict[str, asyncio.Event] = {}

    def heard(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        """One signal."""
        topic, _, key = payload.partition(":")
        if topic == _TOPIC and key in self._changed:
            self._changed[key].set()

    def expect(self, order_id: OrderId) -> None:
        """Listen for this one from now on."""
        self._changed[str(order_id)] = asyncio.Event()

    async def delivered(self, order_id: OrderId) -> None:
        """Wait for it, and fetch what it has become."""
        while True:
            event = self._changed[str(order_id)]
            await asyncio.wait_for(event.wait(), 30)
            event.clear()
            if await self._connection.fetchval("SELECT status FROM orders WHERE id = $1", order_id) == "delivered":
                del self._changed[str(order_id)]
                return


async def _round_trips(dsn: str) -> list[float]:
    """The floor: a row inserted and announced by one connection, heard and fetched by another; milliseconds."""
    writer, reader = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    try:
        await writer.execute("CREATE TABLE IF NOT EXISTS bench_floor (id bigint PRIMARY KEY, body text)")
        came = asyncio.Event()
        await reader.add_listener("bench_floor", lambda *_: came.set())
        times = []
        for number in range(_SAMPLES + _WARM):
            came.clear()
            begun = time.perf_counter()
            async with writer.transaction():
                await writer.execute("INSERT INTO bench_floor VALUES ($1, $2)", number, "x" * 200)
                await writer.execute("SELECT pg_notify('bench_floor', '')")
            await came.wait()
            await reader.fetchrow("SELECT body FROM bench_floor WHERE id = $1", number)
            times.append((time.perf_counter() - begun) * 1000)
        await writer.execute("DROP TABLE bench_floor")
        return times[_WARM:]
    finally:
        await writer.close()
        await reader.close()


async def _forget_backlog(world: World) -> None:
    # What other rows have left for a worker is no part of this.
    async with world.services.uow() as tx:
        await tx.execute(text("UPDATE outbox_jobs SET done_at = now() WHERE done_at IS NULL"))


async def _sealed_goods(world: World) -> VariantId:
    """A variant whose keys the worker can open: a message that cannot be composed is tried again, which is no sale."""
    async with world.services.uow() as tx:
        goods = await add_goods(tx, world.services.ring, keys=_SAMPLES + _WARM + 5, price=_PRICE)
    return goods.variant_id


async def _sale_times(world: World, port: int, worker: int) -> tuple[list[float], list[float], float]:
    """For each sample, how long the webhook's answer took, and how long until the order was fulfilled.

    And the seconds of processor time that the worker needed for all samples, their messages included.
    """
    provider, variant_id = Provider(world.settings), await _sealed_goods(world)
    listening = await asyncpg.connect(world.settings.database_url)
    answered, fulfilled, busy = [], [], 0.0
    try:
        watch = Watch(listening)
        await listening.add_listener("souk", watch.heard)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            for number in range(_SAMPLES + _WARM):
                if number == _WARM:
                    await _all_done(world)
                    busy = _processor_seconds(worker)
                buyer = world.buyers[number % BUYERS]
                order = await world.services.orders.checkout.reserve(buyer, variant_id, 1, f"bench-hook-{number:06}")
                intent = await world.services.payments.intents.start_top_up(
                    buyer, "demo", usd(100), order.id, idempotency_key=f"bench-hook-{number:06}"
                )
                headers, body = provider.call(intent.id, 100)
                watch.expect(order.id)
                # The worker's own rhythm must not fall in step with ours.
                await asyncio.sleep(0.013 * (number % 11))
                begun = time.perf_counter()
                answer = await client.post(PATH, content=body, headers=headers)
                answered.append((time.perf_counter() - begun) * 1000)
                answer.raise_for_status()
                await watch.delivered(order.id)
                fulfilled.append((time.perf_counter() - begun) * 1000)
        await _all_done(world)
    finally:
        await listening.close()
    return answered[_WARM:], fulfilled[_WARM:], _processor_seconds(worker) - busy


async def _worker_times(world: World) -> tuple[float, float]:
    """Medians in milliseconds: from the webhook's transaction to the queue, and from there to the end of the job."""
    between = text("""
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM dispatched_at - created_at)) AS waited,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - dispatched_at)) AS ran
        FROM outbox_jobs WHERE task = 'orders.settle_payment' AND dispatched_at IS NOT NULL AND done_at IS NOT NULL
    """)
    async with world.services.uow.read() as tx:
        row = (await tx.execute(between)).one()
    return float(row.waited) * 1000, float(row.ran) * 1000


def _processor_seconds(pid: int) -> float:
    """How long a process has kept a processor busy. Source: proc_pid_stat(5), utime and stime."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _all_done(world: World) -> None:
    """Wait until the worker has nothing left to do."""
    left = text("SELECT count(*) FROM outbox_jobs WHERE done_at IS NULL AND dead_at IS NULL AND run_at <= now()")
    while True:
        async with world.services.uow.read() as tx:
            if not (await tx.execute(left)).scalar_one():
                return
        await asyncio.sleep(0.05)


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[18]


async def webhook_to_order(world: World) -> list[Row]:
    """From a webhook's first byte to the fulfilled order: HTTP, inbox, outbox, relay, worker; p50 and p95.

    And the sales, with all their messages, that a second of the worker's processor time is enough for. Held against a
    bare insert, NOTIFY and fetch between two connections to the same server.
    """
    await _forget_backlog(world)
    async with server(world.settings) as port, working(world.settings) as worker:
        before = await _round_trips(world.settings.database_url)
        answered, fulfilled, busy = await _sale_times(world, port, worker)
        floor = before + await _round_trips(world.settings.database_url)
        waited, ran = await _worker_times(world)
    Console(stderr=True, soft_wrap=True).print(
        f"webhook_to_order, where the time goes: {statistics.median(answered):.1f} ms until the answer,"
        f" {waited:.1f} ms until the relay has handed the job to the queue, {ran:.1f} ms until the worker has done it"
    )
    return [
        Row.of("webhook_to_order", statistics.median(fulfilled), "ms", statistics.median(floor), "lower"),
        Row.of("webhook_to_order_p95", _p95(fulfilled), "ms", _p95(floor), "lower"),
        # The ceiling: a worker that needs no more than the bare insert, NOTIFY and fetch.
        Row.of("sales_per_worker_second", _SAMPLES / busy, "1/s", 1000 / statistics.median(floor), "higher"),
    ]


async def _begun(world: World) -> list[IntentId]:
    """Payments that wait for money, all at once and by SQL: how they begin is not what is measured."""
    begin = text("""
        INSERT INTO payment_intents (id, user_id, provider, currency, amount, asset, payable, status, idempotency_key,
            external_id, created_at, updated_at, expires_at, leased_until)
        SELECT uuidv7(), buyer, 'demo', 'USD', 1, 'USD', 1, 'pending', 'bench-burst-' || number,
            'bench-burst-' || number, now(), now(), now() + interval '1 hour', now()
        FROM generate_series(1, :count) AS number,
             LATERAL (SELECT (CAST(:buyers AS uuid[]))[number % :people + 1] AS buyer) AS chosen
        RETURNING id
    """)
    buyers = [buyer_id(number) for number in range(BUYERS)]
    async with world.services.uow() as tx:
        rows = await tx.execute(begin, {"count": _INTENTS, "buyers": buyers, "people": BUYERS})
        return [IntentId(row.id) for row in rows]


def _requests(provider: Provider, intents: list[IntentId], port: int) -> Iterator[bytes]:
    for intent_id in intents:
        headers, body = provider.call(intent_id, 1)
        lines = [f"POST {PATH} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        yield ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def webhooks_accepted(world: World) -> Row:
    """Webhooks per second, each a payment of its own that is credited, against the constant page of the same server."""
    intents = await _begun(world)
    async with server(world.settings) as port:
        # Signed beforehand: the provider's work is not ours.
        calls = iter(list(_requests(Provider(world.settings), intents, port)))
        await burst(port, PATH, {}, connections=CONNECTIONS, seconds=1, requests=calls)
        ours, theirs, asked = [], [], 0
        for _ in range(ROUNDS):
            result = await burst(port, PATH, {}, connections=CONNECTIONS, seconds=SECONDS, requests=calls)
            if result.failures:
                raise RuntimeError(f"{result.failures} of {result.requests} webhooks were refused")
            ours.append(result.rate)
            asked += result.requests
            theirs.append((await burst(port, "/constant/2", {}, connections=CONNECTIONS, seconds=SECONDS)).rate)
    async with world.services.uow.read() as tx:
        credited = text(
            "SELECT count(*) FROM payment_intents WHERE idempotency_key LIKE 'bench-burst-%' AND credited = 1"
        )
        if int((await tx.execute(credited)).scalar_one()) < asked:
            raise RuntimeError("some webhooks were answered and not credited")
    return Row.of("webhooks_accepted", statistics.median(ours), "1/s", statistics.median(theirs), "higher")
