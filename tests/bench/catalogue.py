"""A large catalogue and a large stock, made inside the database, and what reading them costs.

``python -m tests.bench.catalogue`` prints it for 100,000 products and 1,000,000 keys; takes some minutes.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import SUBSCRIPTIONS
from backend.catalog import domain
from backend.catalog.service import StorefrontService
from backend.catalog.types import Sort, VariantId
from backend.infra import embedded, migrations
from backend.infra.database import make_engine
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.clock import SystemClock
from backend.kernel.ids import OrderLineId
from tests.factories.catalog import buyer

_SEALED = "decode(repeat('ab', 47), 'hex')"  # nonce, 19 characters, tag: what a usual key takes

_CATEGORIES = """
    INSERT INTO categories (id, parent_id, slug, name, icon, hue)
    SELECT uuidv7(), NULL, 'top-' || n, jsonb_build_object('en', 'Top ' || n), 'card', 'blue'
    FROM generate_series(1, 4) n;
    INSERT INTO categories (id, parent_id, slug, name, icon, hue)
    SELECT uuidv7(), c.id, c.slug || '-' || n, jsonb_build_object('en', 'Shelf ' || n), 'card', 'blue'
    FROM categories c, generate_series(1, 10) n
"""
_PRODUCTS = """
    WITH shelf AS (
        SELECT id, row_number() OVER (ORDER BY slug) - 1 AS number FROM categories WHERE parent_id IS NOT NULL
    ), sizes AS (SELECT count(*) AS shelves FROM shelf)
    INSERT INTO products (id, category_id, slug, country, kind, choice, name, summary, description, icon, hue, rank,
                          listed, price_amount, reseller_amount, in_stock, created_at)
    -- whole shelves and countries come one after another, as files bring them: the hard case for lists by time
    SELECT uuidv7(), s.id, 'product-' || n,
           (ARRAY['TR','US','AE','DE','IN','SA','EG','GB','FR','JP',NULL])[1 + n / 997 % 11],
           'unique_keys', 'amount', jsonb_build_object('en', 'Product ' || n, 'ar', 'منتج ' || n, 'ru', 'Товар ' || n),
           jsonb_build_object('en', 'Comes at once'), jsonb_build_object('en', repeat('Words. ', 60)), 'card', 'blue',
           n * 7919 % 1000, true, 100 + n * 31 % 9900, 90 + n * 31 % 9900, n % 4 <> 0, now()
    FROM generate_series(1, $1::int) n CROSS JOIN sizes JOIN shelf s ON s.number = n * sizes.shelves / ($1::int + 1)
"""
_VARIANTS = """
    INSERT INTO variants (id, product_id, code, name, note, price_amount, currency, position)
    SELECT uuidv7(), p.id, 'v' || n, jsonb_build_object('en', 'Variant ' || n), '{}', p.price_amount, 'USD', n
    FROM products p, generate_series(1, 2) n
"""
_BATCH = """
    INSERT INTO stock_batches (id, variant_id, data_key_id, source, currency, imported_at)
    VALUES (uuidv7(), $1, uuidv7(), 'bench', 'USD', now()) RETURNING id
"""
_KEYS = f"""
    INSERT INTO stock_keys (id, variant_id, batch_id, ciphertext, fingerprint)
    SELECT uuidv7(), $1::uuid, $2::uuid, {_SEALED},
           sha256(uuidv7()::text::bytea)
    FROM generate_series(1, $3::int) n
"""
_KEYS_EVERYWHERE = f"""
    INSERT INTO stock_keys (id, variant_id, batch_id, ciphertext, fingerprint)
    SELECT uuidv7(), v.id, $1, {_SEALED},
           sha256(v.id::text::bytea || n::text::bytea)
    FROM variants v JOIN products p ON p.id = v.product_id AND p.in_stock, generate_series(1, $2::int) n
"""


async def fill_products(connection: asyncpg.Connection, count: int, *, keys_each: int = 3) -> None:
    """``count`` products of two variants on 40 shelves in 10 countries; three of four are in stock."""
    await connection.execute(_CATEGORIES)
    await connection.execute(_PRODUCTS, count)
    await connection.execute(_VARIANTS)
    if keys_each:
        batch = await connection.fetchval(_BATCH, await connection.fetchval("SELECT id FROM variants LIMIT 1"))
        await connection.execute(_KEYS_EVERYWHERE, batch, keys_each)
    await connection.execute("INSERT INTO catalogue_version VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET version = 1")
    await connection.execute("VACUUM ANALYZE")


async def fill_stock(connection: asyncpg.Connection, variant_id: VariantId, count: int) -> None:
    """``count`` keys for one variant; they open to nothing."""
    batch = await connection.fetchval(_BATCH, variant_id)
    await connection.execute(_KEYS, variant_id, batch, count)
    await connection.execute(
        "UPDATE products SET in_stock = true WHERE id = (SELECT product_id FROM variants WHERE id = $1)", variant_id
    )
    await connection.execute("VACUUM ANALYZE stock_keys")


async def median_ms(work: Callable[[], Awaitable[object]], times: int) -> float:
    """The median time of ``work`` in milliseconds, after a warm-up."""
    for _ in range(10):
        await work()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1000


def _say(line: str) -> None:
    Console().print(line, highlight=False)


async def _pages(service: StorefrontService) -> None:
    filters: dict[str, dict[str, str]] = {
        "all": {}, "category": {"category": "top-1"}, "leaf": {"category": "top-1-3"}, "country": {"country": "TR"},
        "both": {"category": "top-1", "country": "TR"},
    }  # fmt: skip
    _say(f"{'list':<10}{'sort':<9}{'in stock':<10}{'first ms':>9}{'deep ms':>9}")
    for name, chosen in filters.items():
        for sort in Sort:
            for in_stock in (False, True):
                narrowed = {**chosen, "sort": sort, "in_stock": in_stock}
                cursor = None
                for _ in range(20):
                    page = await service.browse(buyer(), **narrowed, cursor=cursor, limit=100)
                    if page.next_cursor is None:
                        break
                    cursor = page.next_cursor
                first = await median_ms(lambda w=narrowed: service.browse(buyer(), **w), 30)
                deep = await median_ms(lambda w=narrowed, c=cursor: service.browse(buyer(), **w, cursor=c), 30)
                _say(f"{name:<10}{sort:<9}{in_stock!s:<10}{first:>9.2f}{deep:>9.2f}")
    _say(f"product page {await median_ms(lambda: service.product(buyer(), 'product-50002'), 50):.2f} ms")
    _say(f"categories   {await median_ms(lambda: service.categories(buyer()), 50):.2f} ms")


async def takes_in_turn(uow: UnitOfWork, variants: list[VariantId], rounds: int) -> list[float]:
    """The median milliseconds of selling one key of each variant, measured in turn so that all feel the same load."""
    times: list[list[float]] = [[] for _ in variants]
    for _ in range(rounds):
        for number, variant_id in enumerate(variants):
            started = time.perf_counter()
            async with uow() as tx:
                await domain.take_keys(tx, variant_id, 1, OrderLineId(tx.new_id()))
            times[number].append(time.perf_counter() - started)
    return [statistics.median(seconds) * 1000 for seconds in times]


async def _takes(uow: UnitOfWork, connection: asyncpg.Connection) -> None:
    query = "SELECT v.id FROM variants v JOIN products p ON p.id = v.product_id WHERE NOT p.in_stock LIMIT 2"
    small, large = (VariantId(row["id"]) for row in await connection.fetch(query))
    await fill_stock(connection, small, 100)
    await fill_stock(connection, large, 1_000_000)
    few, many = await takes_in_turn(uow, [small, large], 90)
    _say(f"take one of 100 keys {few:.2f} ms, of 1,000,000 keys {many:.2f} ms, ratio {many / few:.2f}")
    await takes_in_turn(uow, [large], 20_000)
    await fill_stock(connection, small, 100)
    few, many = await takes_in_turn(uow, [small, large], 90)
    _say(f"after 20,000 more sales   {few:.2f} ms,                   {many:.2f} ms, ratio {many / few:.2f}")


async def _measure(engine: AsyncEngine, url: str) -> None:
    uow = UnitOfWork(engine, SystemClock(), Signals(engine, url), SUBSCRIPTIONS)
    service = StorefrontService(uow=uow, currency="USD")
    connection = await asyncpg.connect(url, command_timeout=600)
    try:
        await fill_products(connection, 100_000)
        await _pages(service)
        await _takes(uow, connection)
    finally:
        await connection.close()


async def main(folder: Path) -> None:
    """Measure on a database of its own."""
    with embedded.postgres(folder / "pg", throwaway=True) as url:
        await migrations.upgrade(url)
        engine = make_engine(url, pool_size=4)
        try:
            await _measure(engine, url)
        finally:
            await engine.dispose()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder)))
