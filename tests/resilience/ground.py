"""A whole shop on a database and a Redis of its own, beside a simulated Telegram; and people who buy there."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import redis.asyncio
from arq.constants import in_progress_key_prefix

from backend.bootstrap import Services, build
from backend.identity.types import Actor
from backend.infra.embedded import free_port
from backend.infra.settings import Settings
from backend.orders.types import OrderView
from bot.simulator import bot_api
from bot.simulator.errors import ApiError, ConnectionDropped
from bot.simulator.params import Params
from bot.simulator.state import World
from tests.bot.telegram import NADIA, Telegram
from tests.factories.identity import contact
from tests.factories.shop import Goods, add_goods
from tests.factories.wallet import give, usd
from tests.resilience.processes import Process, Redis, Web, until
from tests.webapp.client import Visitor

_IN_FLIGHT = """
    SELECT u.telegram_id, n.params->>'order_id' AS order_id
    FROM notifications n JOIN users u ON u.id = n.user_id
    WHERE n.claimed_at IS NOT NULL AND n.status = 'pending'
"""
_CLAIMED = ["payments.send_refund", "notifications.send", "notifications.remind"]
"""Jobs that come back later when they meet a claim."""
_numbers = itertools.count(810_000_001)


class Buyer:
    """Somebody with a web view, a chat, and money."""

    def __init__(self, actor: Actor, visitor: Visitor) -> None:
        self.actor = actor
        self.visitor = visitor
        self.broken = 0
        """Requests that got no answer, or a 503."""

    async def order(self, goods: Goods, key: str) -> httpx.Response:
        """One purchase of one piece by the JSON API."""
        body = {"variant_id": str(goods.variant_id), "quantity": 1}
        headers = {"Idempotency-Key": key}
        return await self.visitor.post("/api/v1/orders", html=False, json=body, headers=headers)

    async def insist(self, web: Web, goods: Goods, key: str) -> str:
        """Buy, and ask with the same key again until the shop answers; the order's number."""
        while True:
            try:
                response = await self.order(goods, key)
            except httpx.TransportError:
                response = None
            if response is not None and response.status_code != 503:
                assert response.status_code == 201, (response.status_code, response.text)
                return str(response.json()["number"])
            self.broken += 1
            await web.ready()


class Tap:
    """Sees every message that the shop hands to Telegram; a test may step in before or after Telegram takes it."""

    def __init__(self) -> None:
        self.tries: list[tuple[float, int, str]] = []
        """When, to whom, and what came of it: taken, or the refusal."""
        self.gate = asyncio.Event()
        self.gate.set()
        self.before: Any = None
        self.after: Any = None
        self._call = bot_api.call

    async def call(self, world: World, method: str, params: Params) -> Any:
        """Stands where the simulator's own ``call`` does."""
        if method not in {"sendMessage", "sendDocument"}:
            return await self._call(world, method, params)
        number, chat = len(self.tries), int(params.raw("chat_id"))
        self.tries.append((time.monotonic(), chat, "waiting"))
        await self.gate.wait()
        if self.before is not None:
            self.before(number)
        try:
            answer = await self._call(world, method, params)
        except (ApiError, ConnectionDropped) as refusal:
            self.tries[number] = (self.tries[number][0], chat, type(refusal).__name__)
            raise
        self.tries[number] = (self.tries[number][0], chat, "taken")
        if self.after is not None:
            self.after(number)
        return answer

    def to(self, chat: int) -> list[tuple[float, str]]:
        """The tries to one chat: when, and what came of each."""
        return [(at, outcome) for at, whose, outcome in self.tries if whose == chat]


class Ground:
    """The shop: its data, its processes, its people."""

    def __init__(
        self, settings: Settings, services: Services, redis: Redis, telegram: Telegram, tap: Tap, folder: Path
    ) -> None:
        self.settings = settings
        self.services = services
        self.redis = redis
        self.telegram = telegram
        self.tap = tap
        self.web = Web(settings, folder / "web.log")
        metrics = msgspec.structs.replace(settings, metrics_port=free_port())
        self.worker = Process("backend.worker", metrics, folder / "worker.log")
        self._folder = folder
        self._more: list[Process] = []
        self._clients = contextlib.AsyncExitStack()

    def another_web(self) -> Web:
        """One more web process on the same data."""
        ports = {"port": free_port(), "metrics_port": free_port()}
        web = Web(msgspec.structs.replace(self.settings, **ports), self._folder / "web2.log")
        self._more.append(web)
        return web

    async def close(self) -> None:
        """End every process."""
        for process in (self.web, self.worker, *self._more):
            process.close()
        await self._clients.aclose()

    # People

    async def visitor(self, telegram_id: int, web: Web | None = None, **fields: Any) -> Visitor:
        """A web view with truly signed initData, on a connection of its own."""
        client = await self._clients.enter_async_context(httpx.AsyncClient(base_url=(web or self.web).url, timeout=20))
        return Visitor(client, self.settings.bot_token, time.time(), telegram_id, **fields)

    async def buyer(self, cents: int = 0, language: str = "en") -> Buyer:
        """Somebody new with a chat, who has not opened the web view yet."""
        number = next(_numbers)
        name: dict[str, Any] = {"first_name": f"Buyer {number}", "language_code": language}
        await self.telegram.control("POST", "/personas", id=number, started=True, **name)
        actor = await self.services.identity.access.authenticate(contact(number, **name))
        if cents:
            async with self.services.uow() as tx:
                await give(tx, actor.id, usd(cents))
        return Buyer(actor, await self.visitor(number, **name))

    async def buyers(self, count: int, cents: int) -> list[Buyer]:
        """Several of them."""
        return [await self.buyer(cents) for _ in range(count)]

    async def goods(self, **how: Any) -> Goods:
        """Something to buy."""
        async with self.services.uow() as tx:
            return await add_goods(tx, self.services.ring, **how)

    async def sale(self, buyer: Buyer, goods: Goods, key: str = "tap-0000001") -> OrderView:
        """A purchase without the web process."""
        return await self.services.orders.checkout.place(buyer.actor, goods.variant_id, 1, key)

    # What became of it

    async def texts(self, telegram_id: int) -> list[str]:
        """What the bot has said in somebody's chat."""
        return [message["text"] for message in await self.telegram.person(telegram_id).heard(wait=0)]

    async def tellings(self, telegram_id: int, numbers: Iterable[str]) -> Counter[str]:
        """How often each of these orders was spoken of in somebody's chat."""
        texts, listed = await self.texts(telegram_id), list(numbers)
        return Counter(number for text in texts for number in listed if number in text)

    async def received(self, telegram_id: int, numbers: Iterable[str], seconds: float = 90) -> Counter[str]:
        """The events, each reported once."""
        expected = set(numbers)

        async def all_received() -> Counter[str] | None:
            counts = await self.tellings(telegram_id, expected)
            return counts if len(counts) == len(expected) else None

        return await until(all_received, seconds) if expected else Counter()

    async def in_flight(self) -> set[tuple[int, str]]:
        """The messages that a killed worker may have sent and not marked, by chat and order: they come once more."""
        return {(row["telegram_id"], row["order_id"]) for row in await self.rows(_IN_FLIGHT)}

    async def rows(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """What the database says."""
        connection = await asyncpg.connect(self.settings.database_url)
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    async def count(self, statement: str, *values: Any) -> int:
        """One number of the database."""
        return int((await self.rows(statement, *values))[0][0])

    async def long_afterwards(self) -> None:
        """What the dead had in hand is free again, as it is by itself after half a minute or one."""
        async with redis.asyncio.Redis.from_url(self.redis.url) as queue:
            async for mark in queue.scan_iter(in_progress_key_prefix + "*"):
                await queue.delete(mark)
        await self.rows("UPDATE payment_refunds SET claimed_until = NULL")
        await self.rows("UPDATE notifications SET claimed_at = claimed_at - interval '1 minute'")
        await self.rows("UPDATE outbox_jobs SET run_at = now() WHERE done_at IS NULL AND task = ANY($1)", _CLAIMED)

    async def claims_lapse(self, before: datetime) -> None:
        """Messages claimed before that moment are free again, as they are by themselves after half a minute."""
        lapse = "UPDATE notifications SET claimed_at = claimed_at - interval '1 minute' WHERE claimed_at < $1"
        await self.rows(lapse, before)
        await self.rows("UPDATE outbox_jobs SET run_at = now() WHERE done_at IS NULL AND task = ANY($1)", _CLAIMED)

    async def all_done(self, seconds: float = 90) -> None:
        """Wait until the outbox is empty; nothing in it has failed for good."""

        async def nothing_left() -> bool:
            return not await self.count("SELECT count(*) FROM outbox_jobs WHERE done_at IS NULL AND dead_at IS NULL")

        await until(nothing_left, seconds)
        assert not await self.dead_letters()

    async def dead_letters(self) -> list[asyncpg.Record]:
        """What failed for good."""
        return await self.rows("SELECT task, last_error FROM outbox_jobs WHERE dead_at IS NOT NULL")

    async def books_balance(self) -> None:
        """Prove the ledger, as ``souk ledger verify`` does."""
        report = await self.services.wallet.ledger.verify(Actor.system())
        assert report.balanced, report


@contextlib.asynccontextmanager
async def ground_on(
    settings: Settings, database_url: str, folder: Path, telegram: Telegram, tap: Tap
) -> AsyncIterator[Ground]:
    """A shop on a migrated database; its processes are not started yet."""
    redis = Redis(folder / "redis")
    port = free_port()
    own = msgspec.structs.replace(
        settings,
        database_url=database_url,
        database_pool=8,
        redis_url=redis.url,
        telegram_api_url=telegram.url,
        port=port,
        public_url=f"http://127.0.0.1:{port}",
        metrics_port=free_port(),
        data_dir=str(folder / "data"),
        log_level="INFO",
    )
    redis.start()
    services = build(own)
    try:
        async with services.running(listen=False):
            await services.identity.access.ensure_root()
            await services.identity.access.authenticate(contact(NADIA, first_name="Nadia"))
            ground = Ground(own, services, redis, telegram, tap, folder)
            try:
                yield ground
            finally:
                await ground.close()
    finally:
        redis.stop()
