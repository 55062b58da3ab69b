"""Memory: what each process of an idle shop takes, held against its budget; and, printed beside it, under load.

A process's share is its PSS with its children's: pages that several processes use count in parts, so shares add up.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import psutil
from redis.asyncio import Redis
from rich.console import Console

from backend.infra.embedded import free_port
from backend.infra.settings import Settings
from tests.bench.load import burst
from tests.bench.pages import CONNECTIONS, server, sign_in
from tests.bench.report import Row
from tests.bench.telegram import answering_telegram
from tests.bench.world import World, add_variant
from tests.processes import start

BUDGETS = {"web": 130, "worker": 100, "bot": 210}
"""MB of each process of an idle shop, one web worker."""
SHOP_BUDGET = 450
"""MB of the whole idle shop, PostgreSQL and Redis too."""
_MODULES = {"web": "webapp", "worker": "backend.worker", "bot": "bot"}
_LOAD_SECONDS = 20.0
_UPDATES_PER_SECOND = 50
_PURCHASES_PER_SECOND = 20
_READY_SECONDS = 120.0
_QUIET_SECONDS = 75.0
_STILL = 4
"""MB by which a process that does nothing may come and go."""
_MB = 1024
_numbers = count(1)

Shares = dict[str, float]


def share(process: psutil.Process) -> float:
    """The PSS of a process and its children, in MB."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(OSError, psutil.NoSuchProcess):
            lines = Path(f"/proc/{one.pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / _MB


async def _servers(settings: Settings) -> dict[str, psutil.Process]:
    connection = await asyncpg.connect(settings.database_url)
    redis = Redis.from_url(settings.redis_url)
    try:
        postgres = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()")).parent()
        assert postgres is not None
        return {"postgres": postgres, "redis": psutil.Process((await redis.info("server"))["process_id"])}
    finally:
        await connection.close()
        await redis.aclose()


@contextlib.asynccontextmanager
async def _shop(settings: Settings) -> AsyncIterator[dict[str, psutil.Process]]:
    """The three processes as production runs them, and the two servers."""
    with tempfile.TemporaryDirectory() as folder:
        started = {}
        for name, module in _MODULES.items():
            own = msgspec.structs.replace(settings, metrics_port=free_port())
            started[name] = start(module, own, Path(folder) / f"{name}.log")
        try:
            urls = [f"http://127.0.0.1:{settings.port}/readyz", f"http://127.0.0.1:{settings.bot_port}/healthz"]
            await _until(lambda: _answer(urls))
            await _until(lambda: _says(Path(folder) / "worker.log", "worker.started"))
            yield {name: psutil.Process(one.pid) for name, one in started.items()} | await _servers(settings)
        finally:
            for one in started.values():
                one.terminate()
            for one in started.values():
                await asyncio.to_thread(one.wait)


async def _until(done: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not await done():
        if time.monotonic() > deadline:
            raise RuntimeError("the bench's shop did not start")
        await asyncio.sleep(0.2)


async def _answer(urls: list[str]) -> bool:
    async with httpx.AsyncClient() as client:
        with contextlib.suppress(httpx.HTTPError):
            return all([(await client.get(url)).status_code == httpx.codes.OK for url in urls])
    return False


async def _says(log: Path, words: str) -> bool:
    return words in log.read_text()


async def _settled(processes: dict[str, psutil.Process]) -> Shares:
    """The shares once they have held still for longer than PostgreSQL waits to close connections that nobody uses."""
    start: Shares = {}
    since = time.monotonic()
    while True:
        now = {name: await asyncio.to_thread(share, process) for name, process in processes.items()}
        if not start or any(abs(now[name] - start[name]) > _STILL for name in now):
            start, since = now, time.monotonic()
        elif time.monotonic() - since > _QUIET_SECONDS:
            return now
        await asyncio.sleep(2)


async def _peaks(processes: dict[str, psutil.Process], load: asyncio.Future[Any]) -> Shares:
    """The largest shares seen until the load ends."""
    most: Shares = dict.fromkeys(processes, 0.0)
    while not load.done():
        for name, process in processes.items():
            most[name] = max(most[name], await asyncio.to_thread(share, process))
        await asyncio.wait([load], timeout=0.3)
    load.result()
    return most


async def _at_rate(per_second: int, act: Callable[[], Coroutine[None, None, None]]) -> None:
    """Begin ``act`` so often a second, whether or not the last has ended."""
    begun = []
    for _ in range(int(per_second * _LOAD_SECONDS)):
        begun.append(asyncio.create_task(act()))
        await asyncio.sleep(1 / per_second)
    await asyncio.gather(*begun)


async def _updates(settings: Settings) -> None:
    url = f"http://127.0.0.1:{settings.bot_port}/hooks/telegram"
    headers = {"X-Telegram-Bot-Api-Secret-Token": settings.bot_webhook_secret}

    async with httpx.AsyncClient(timeout=60) as client:

        async def update() -> None:
            number = next(_numbers)
            person = {"id": 800_000_000 + number, "is_bot": False, "first_name": "P", "language_code": "ar"}
            chat = {"id": person["id"], "type": "private"}
            message = {"message_id": number, "date": int(time.time()), "chat": chat, "from": person, "text": "/start"}
            answer = await client.post(url, json={"update_id": number, "message": message}, headers=headers)
            answer.raise_for_status()

        await _at_rate(_UPDATES_PER_SECOND, update)


async def _purchases(world: World) -> None:
    variant_id = await add_variant(world.services, int(_PURCHASES_PER_SECOND * _LOAD_SECONDS) + 1)

    async def purchase() -> None:
        number = next(_numbers)
        buyer = world.buyers[number % len(world.buyers)]
        await world.services.orders.checkout.place(buyer, variant_id, 1, f"bench-memory-{number:08}")

    await _at_rate(_PURCHASES_PER_SECOND, purchase)


async def _pages(world: World, port: int) -> None:
    headers = await sign_in(port, world.settings.bot_token)
    for path in (f"/shop?category={world.category}", f"/shop/{world.product}"):
        await burst(port, path, headers, connections=CONNECTIONS, seconds=_LOAD_SECONDS / 2)


async def memory(world: World) -> list[Row]:
    """PSS in MB of web, worker, bot, and of the whole shop, when nobody comes."""
    async with answering_telegram() as telegram:
        settings = msgspec.structs.replace(
            world.settings, telegram_api_url=telegram, bot_webhook=True, bot_webhook_secret=secrets.token_hex(16),
            port=free_port(), bot_port=free_port(),
        )  # fmt: skip
        await world.services.engine.dispose()  # the bench's own connections are none of the shop's
        async with _shop(settings) as processes:
            idle = await _settled(processes)
            # The bench's own web process, which has no limits of requests.
            async with server(world.settings) as port:
                web = next(one for one in psutil.Process().children() if "tests.bench.app:app" in one.cmdline())
                busy = {**processes, "web": web}
                load = asyncio.gather(_updates(settings), _purchases(world), _pages(world, port))
                peaks = await _peaks(busy, load)
    console = Console(stderr=True, soft_wrap=True)
    for name in idle:
        console.print(f"memory of {name}: {idle[name]:.0f} MB idle, {peaks[name]:.0f} MB at most under load")
    rows = [Row.of(f"memory_{name}", idle[name], "MB", budget, "lower") for name, budget in BUDGETS.items()]
    return [*rows, Row.of("memory_shop", sum(idle.values()), "MB", SHOP_BUDGET, "lower")]
