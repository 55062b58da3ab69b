"""Checkouts of carts: five lines at once against pgbench, and carts that name the same goods in opposite orders."""

from __future__ import annotations

import random
from itertools import count

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.types import VariantId
from backend.identity.types import Actor
from backend.infra.hot import HotStatement
from backend.kernel.errors import AppError
from backend.orders.types import RequestedLine
from tests.bench.pgbench import RECORDED, SECONDS, compare, rate, record
from tests.bench.report import Row
from tests.bench.world import World, add_variant

_LINES = 5
_STOCK = 60_000
_taps = count()
# What people do on the pages before, as one statement: pgbench fills the cart with it too.
_FILL = """
    WITH cart AS (
        INSERT INTO carts (user_id, version) VALUES (:buyer, 1)
        ON CONFLICT (user_id) DO UPDATE SET version = carts.version + 1 RETURNING user_id, version
    ), lines AS (
        INSERT INTO cart_lines (id, user_id, variant_id, quantity, seen_amount, currency, added_at)
        SELECT uuidv7(), user_id, variant_id, 1, 1, 'USD', now() FROM cart, unnest(:variants) AS wanted (variant_id)
        ON CONFLICT DO NOTHING
    ) SELECT version FROM cart
"""
_FILLED = HotStatement(
    text(_FILL).bindparams(bindparam("buyer", type_=Uuid()), bindparam("variants", type_=ARRAY(Uuid())))
)


async def _variants(world: World) -> list[VariantId]:
    return [await add_variant(world.services, _STOCK) for _ in range(_LINES)]


async def _check_out(world: World, buyer: Actor, variants: list[VariantId], key: str) -> None:
    async with world.services.uow.read() as tx:
        (row,) = await tx.fetch(_FILLED, {"buyer": buyer.id, "variants": variants})
    lines = [RequestedLine(variant_id, 1) for variant_id in variants]
    await world.services.orders.checkout.place_all(buyer, lines, key, cart=row["version"])


async def cart_checkout(world: World) -> Row:
    """Carts of five lines bought per second, 8 at a time, against pgbench on the same statements."""
    variants = await _variants(world)

    async def buy(buyer: Actor) -> None:
        await _check_out(world, buyer, variants, f"bench-cart-{next(_taps):08}")

    await buy(world.buyers[0])
    heard = await record(world, lambda: _check_out(world, world.buyers[0], variants, f"{RECORDED}-cart"))
    listed = ", ".join(f"'{variant_id}'::uuid" for variant_id in variants)
    fill = " ".join(_FILL.replace(":variants", f"ARRAY[{listed}]").split()) + ";"
    return await compare(world, "cart_checkout", lambda seconds: rate(world, seconds, buy), heard[1:], variants, fill)


async def carts_opposite_order(world: World) -> Row:
    """Of the carts that name the same five goods, each in an order of its own, the share that could not be bought."""
    variants, chance, tried, failed = await _variants(world), random.Random(8), 0, 0

    async def buy(buyer: Actor) -> None:
        nonlocal tried, failed
        tried += 1
        try:
            await _check_out(world, buyer, chance.sample(variants, _LINES), f"bench-shuffled-{next(_taps):08}")
        except AppError:
            failed += 1

    await rate(world, SECONDS, buy)
    return Row.of("carts_opposite_order", failed / tried, "share", 1, "lower")
