"""PostgreSQL stopped and started again under the shop: clean refusals meanwhile, and everything heals by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import msgspec
import pytest

from backend.infra import embedded, migrations
from backend.infra.settings import Settings
from tests.bot.telegram import NADIA, Telegram
from tests.factories.shop import Goods
from tests.resilience.ground import Buyer, Ground, Tap, ground_on
from tests.resilience.processes import Postgres, descendants, until
from webapp.core.session import SignedAddresses

_LONGEST_ANSWER = 6.0
"""Seconds; a request waits at most five for a connection."""
_BUYERS = 3
_EACH = 3
_PACE = 0.05


class Answer(msgspec.Struct, frozen=True):
    """One answer of the shop under load."""

    status: int
    seconds: float
    body: bytes
    retry_after: str | None


class Load:
    """People who look at their wallets, and buy now and then; each wish is repeated until the shop grants it."""

    def __init__(self, ground: Ground, goods: Goods) -> None:
        self._ground = ground
        self._goods = goods
        self.answers: list[Answer] = []
        self.numbers: dict[int, dict[str, str]] = {}
        self._over = False

    def end(self) -> None:
        """A buyer asks only for what they have not received yet."""
        self._over = True

    def count(self, *statuses: int, since: int = 0) -> int:
        """How many answers had one of these statuses, of those after the first ``since``."""
        return sum(answer.status in statuses for answer in self.answers[since:])

    async def run(self, buyer: Buyer) -> None:
        """One person."""
        bought = self.numbers.setdefault(buyer.actor.telegram_id, {})
        while not self._over or len(bought) < _EACH:
            self._note(*await _timed(buyer.visitor.get("/api/v1/wallet", html=False)))
            if len(bought) < _EACH:
                key = f"tap-number-{len(bought)}"
                response, seconds = await _timed(buyer.order(self._goods, key))
                self._note(response, seconds)
                if response.status_code == 201:
                    bought[key] = response.json()["number"]
            await asyncio.sleep(_PACE)

    def _note(self, response: httpx.Response, seconds: float) -> None:
        retry = response.headers.get("retry-after")
        self.answers.append(Answer(response.status_code, seconds, response.content, retry))


async def _timed(asked: object) -> tuple[httpx.Response, float]:
    begun = time.monotonic()
    response = await asked  # type: ignore[misc]
    return response, time.monotonic() - begun


@pytest.fixture
async def postgres(folder: Path) -> AsyncIterator[Postgres]:
    """A PostgreSQL that no other test uses."""
    postgres = Postgres(folder)
    try:
        yield postgres
    finally:
        postgres.close()


@pytest.fixture
async def ground(
    settings: Settings, postgres: Postgres, folder: Path, telegram: Telegram, tap: Tap
) -> AsyncIterator[Ground]:
    """The shop on it."""
    connection = await asyncpg.connect(postgres.url)
    await connection.execute("CREATE DATABASE souk")
    await connection.close()
    url = embedded.database_address(postgres.url, "souk")
    await migrations.upgrade(url)
    async with ground_on(settings, url, folder, telegram, tap) as ground:
        yield ground


async def test_the_shop_outlives_a_restart_of_its_database(ground: Ground, postgres: Postgres) -> None:
    ground.worker.start()
    ground.web.start()
    goods = await ground.goods(keys=_BUYERS * _EACH + 2, price=100)
    buyers = await ground.buyers(_BUYERS, _EACH * 100)
    await ground.web.ready()
    processes = {pid for process in (ground.web, ground.worker) for pid in descendants(process.pid)}

    load = Load(ground, goods)
    people = [asyncio.create_task(load.run(buyer)) for buyer in buyers]

    async def many(count: int, *statuses: int, since: int = 0) -> None:
        async def enough() -> bool:
            for person in people:
                if person.done():
                    person.result()
            return load.count(*statuses, since=since) >= count

        await until(enough)

    await many(12, 200, 201)
    await asyncio.to_thread(postgres.stop)
    await many(9, 503)
    assert (await ground.web.look("/healthz")).status_code == 200
    away = await ground.web.look("/readyz")
    assert (away.status_code, away.json()["database"]) == (503, "down")
    away_until = datetime.now(UTC)
    await asyncio.to_thread(postgres.start)
    back = len(load.answers)
    await many(30, 200, 201, since=back)
    load.end()
    await asyncio.gather(*people)

    assert {answer.status for answer in load.answers} == {200, 201, 503}
    assert max(answer.seconds for answer in load.answers) < _LONGEST_ANSWER
    for answer in load.answers:
        if answer.status == 503:
            error = msgspec.json.decode(answer.body)["error"]
            assert set(error) == {"code", "message", "params"}
            assert error["code"] == "unavailable"
            assert answer.retry_after
    await ground.web.ready()
    assert {pid for process in (ground.web, ground.worker) for pid in descendants(process.pid)} == processes

    # One order for each key, and every buyer is notified, by a worker that nobody restarted.
    numbers = [number for of_chat in load.numbers.values() for number in of_chat.values()]
    assert len(set(numbers)) == len(numbers) == _BUYERS * _EACH == await ground.count("SELECT count(*) FROM orders")
    await ground.books_balance()
    await ground.claims_lapse(away_until)
    for chat, of_chat in load.numbers.items():
        assert set(await ground.received(chat, of_chat.values())) == set(of_chat.values())
    await signals_are_heard(ground, buyers)
    assert (await ground.received(NADIA, numbers)).keys() == set(numbers)
    await ground.all_done()


async def signals_are_heard(ground: Ground, buyers: list[Buyer]) -> None:
    """The web process listens again: an open page hears of a change, and a blacklisted person is out at once."""
    buyer, services = buyers[0], ground.services
    addresses = SignedAddresses(ground.settings.secret_key, services.clock)
    url = addresses.sign("/live?on=order:7&since=99999999999999", buyer.actor)
    connection = await asyncpg.connect(ground.settings.database_url)
    async with (
        httpx.AsyncClient(base_url=ground.web.url) as client,
        client.stream("GET", url, timeout=20) as stream,
        asyncio.timeout(10),  # the stream's own first look comes after 15 s
    ):
        lines = stream.aiter_lines()
        assert (await anext(lines)).startswith("retry:")
        await connection.execute("SELECT pg_notify('souk', 'order:7')")
        await anext(lines)
        assert await anext(lines) == "event: changed"
    await connection.close()
    root = await services.identity.access.actor_by_telegram_id(NADIA)
    assert root is not None
    assert (await buyer.visitor.get("/api/v1/me", html=False)).status_code == 200
    await services.identity.people.block(root, buyer.actor.id, "fraud")

    async def out() -> bool:
        answer = await buyer.visitor.get("/api/v1/me", html=False)
        return bool(answer.headers.get("x-error-code") == "blacklisted")

    await until(out, 1)
