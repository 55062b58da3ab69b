"""Purchases: the service against pgbench on the same statements, and a large stock against a small one."""

from __future__ import annotations

import statistics
import time
from itertools import count

from backend.catalog.types import VariantId
from backend.identity.types import Actor
from tests.bench.pgbench import RECORDED, ROUNDS, compare, rate, record
from tests.bench.report import Row
from tests.bench.world import BUYERS, World, add_keys, add_variant

SMALL, LARGE = 100, 1_000_000
_SAMPLES = 80
_taps = count()


def _tap() -> str:
    return f"bench-tap-{next(_taps):08}"


async def wallet_purchase(world: World) -> Row:
    """Purchases per second by the service, 8 at a time, against pgbench on the same statements."""
    variant_id = await add_variant(world.services, 150_000)
    place = world.services.orders.checkout.place
    await place(world.buyers[0], variant_id, 1, _tap())
    statements = await record(world, lambda: place(world.buyers[0], variant_id, 1, RECORDED))

    async def buy_for(seconds: float) -> float:
        async def buy(buyer: Actor) -> None:
            await place(buyer, variant_id, 1, _tap())

        return await rate(world, seconds, buy)

    return await compare(world, "wallet_purchase", buy_for, statements, {variant_id})


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
