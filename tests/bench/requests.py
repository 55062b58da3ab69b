"""Processor time of one request in one process: what our own code costs, without a server and without waiting."""

from __future__ import annotations

import dataclasses
import gc
import itertools
import logging
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import httpx
import structlog

from backend.catalog.types import VariantId
from backend.identity.types import Actor
from backend.infra.rate_limit import Limit, RateLimiter
from tests.bench.app import both
from tests.bench.report import Row
from tests.bench.world import World, add_variant
from tests.factories.init_data import init_data
from tests.factories.wallet import give, usd

ROUNDS = 5
REQUESTS = 100
_WARM = 30
_ORDERS = 40
_RICH = 1_000_000_000
_people = itertools.count(610_000_001)
_taps = itertools.count()


class _Unlimited(RateLimiter):
    """One person may buy as often as the bench wants."""

    async def hit(self, limit: Limit, subject: str) -> None:
        """Count nothing."""


Once = Callable[[], Awaitable[object]]


def _tap() -> str:
    return f"bench-post-{next(_taps):08}"


@asynccontextmanager
async def _buyer(world: World) -> AsyncIterator[tuple[httpx.AsyncClient, Actor]]:
    """A rich person with forty orders, and their signed-in client of the app in this process."""
    telegram_id = next(_people)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    services = dataclasses.replace(world.services, limiter=_Unlimited(world.services.redis))
    transport = httpx.ASGITransport(both(services, world.settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://bench") as client:
        login = init_data(world.settings.bot_token, time.time(), telegram_id)
        answer = await client.get("/shop", headers={"Authorization": f"tma {login}"})
        answer.raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.headers['x-session-token']}"
        client.headers["HX-Request"] = "true"
        buyer = await world.services.identity.access.actor_by_telegram_id(telegram_id)
        if buyer is None:
            raise RuntimeError("the bench's buyer did not sign in")
        async with world.services.uow() as tx:
            await give(tx, buyer.id, usd(_RICH))
        variant_id = await add_variant(world.services, _ORDERS)
        for _ in range(_ORDERS):
            await world.services.orders.checkout.place(buyer, variant_id, 1, _tap())
        yield client, buyer


async def _measured(ours: Once, theirs: Once) -> list[tuple[float, float]]:
    """For each of the two: milliseconds of processor time, and the median of the whole time. They run in turn."""
    cpu: dict[Once, list[float]] = {ours: [], theirs: []}
    walls: dict[Once, list[float]] = {ours: [], theirs: []}
    for once in cpu:
        for _ in range(_WARM):
            await once()
    for _ in range(ROUNDS):
        for once, spent in cpu.items():
            gc.collect()
            started = time.process_time()
            for _ in range(REQUESTS):
                began = time.perf_counter()
                await once()
                walls[once].append((time.perf_counter() - began) * 1000)
            spent.append((time.process_time() - started) * 1000 / REQUESTS)
    return [(statistics.median(spent), statistics.median(walls[once])) for once, spent in cpu.items()]


async def _get(client: httpx.AsyncClient, path: str) -> bytes:
    answer = await client.get(path)
    if answer.status_code != HTTPStatus.OK:
        raise RuntimeError(f"{path} answered {answer.status_code}")
    return answer.content


async def _page(world: World, name: str, path: str) -> Row:
    async with _buyer(world) as (client, _):
        constant = f"/constant/{len(await _get(client, path))}"
        (ours, _wall), (theirs, _) = await _measured(lambda: _get(client, path), lambda: _get(client, constant))
    return Row.of(name, ours, "ms cpu", theirs, "lower")


async def orders_page(world: World) -> Row:
    """A buyer's orders, thirty of forty, against a constant page of the same size."""
    return await _page(world, "orders_page", "/orders")


async def wallet_page(world: World) -> Row:
    """The wallet with its history, against a constant page of the same size."""
    return await _page(world, "wallet_page", "/wallet")


async def purchase_post(world: World) -> list[Row]:
    """A purchase as the page posts it, against the service alone: processor time, and the median of the whole time."""
    async with _buyer(world) as (client, buyer):
        variant_id: VariantId = await add_variant(world.services, 2 * (ROUNDS * REQUESTS + _WARM))

        async def post() -> None:
            form = {"variant": str(variant_id), "quantity": "1", "intent": _tap(), "total": "1"}
            answer = await client.post("/orders", data=form)
            if answer.status_code != HTTPStatus.OK or "/orders/" not in answer.headers.get("hx-push-url", ""):
                raise RuntimeError(f"the purchase answered {answer.status_code}")

        async def place() -> None:
            await world.services.orders.checkout.place(buyer, variant_id, 1, _tap())

        (ours, wall), (theirs, service_wall) = await _measured(post, place)
    return [
        Row.of("purchase_post", ours, "ms cpu", theirs, "lower"),
        Row.of("purchase_post_p50", wall, "ms", service_wall, "lower"),
    ]
