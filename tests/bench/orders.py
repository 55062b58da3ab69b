"""An admin's search and list of a million orders against their own SQL without us; a file of all of them.

``BENCH_ORDERS=50000`` makes it smaller.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import SUBSCRIPTIONS, make_fulfillers
from backend.catalog.service import SearchesService, SearchService, StorefrontService
from backend.identity.types import Actor
from backend.infra import embedded, migrations
from backend.infra.connections import LentConnection
from backend.infra.crypto import KeyRing
from backend.infra.database import make_engine
from backend.infra.hot import HotStatement
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.clock import SystemClock
from backend.kernel.money import Money
from backend.orders.rules import order_number
from backend.orders.service import OrdersServices
from backend.orders.types import OrderStatus
from backend.orders.types.criteria import OrderCriteria
from tests.bench.report import Row
from tests.bench.world import World
from tests.factories.shop import stock_up

ORDERS = int(os.environ.get("BENCH_ORDERS", "1000000"))
_ROUNDS = 5
_ADMIN = Actor.system()
_SEED = (
    """
    INSERT INTO users (id, telegram_id, first_name, last_name, username, language, created_at)
    SELECT uuidv7(), 700000000 + n, (ARRAY['Layla','Omar','Emma','Dmitri','Mei'])[1 + n % 5], 'Buyer' || n,
           CASE WHEN n % 2 = 0 THEN 'buyer_' || n END, 'en', now()
    FROM generate_series(1, $1::int / 20 + 5) n
    """,
    """
    INSERT INTO categories (id, slug, name, icon, hue)
    SELECT uuidv7(), 'shelf-' || n, jsonb_build_object('en', 'Shelf ' || n), 'card', 'blue'
    FROM generate_series(1, 20) n
    """,
    """
    INSERT INTO products (id, category_id, slug, kind, choice, name, summary, description, icon, hue, listed,
                          created_at)
    SELECT uuidv7(), (SELECT id FROM categories ORDER BY slug OFFSET n % 20 LIMIT 1), 'thing-' || n, 'unique_keys',
           'amount',
           jsonb_build_object('en', (ARRAY['Travel eSIM','Private VPN','Play credit'])[1 + n % 3] || ' ' || n),
           '{}', '{}', 'card', 'blue', true, now() FROM generate_series(1, 2000) n
    """,
    """
    INSERT INTO variants (id, product_id, code, name, note, price_amount, currency)
    SELECT uuidv7(), id, 'one', '{"en": "One"}', '{}', 500, 'USD' FROM products
    """,
    """
    WITH people AS (SELECT id, row_number() OVER () - 1 AS number FROM users)
    INSERT INTO orders (id, user_id, idempotency_key, status, total_amount, refunded_amount, currency, created_at,
                        paid_at, method)
    SELECT uuidv7(CAST((n - $1::int - 1) || ' seconds' AS interval)), people.id,
           'seed-' || n, CASE WHEN n % 997 = 0 THEN 'refunded' WHEN n % 50 = 0 THEN 'expired' ELSE 'delivered' END,
           100 + abs(hashint4(n * 7)) % 40000, CASE WHEN n % 997 = 0 THEN 100 ELSE 0 END, 'USD',
           now() + CAST((n - $1::int - 1) || ' seconds' AS interval),
           CASE WHEN n % 50 <> 0 THEN now() + CAST((n - $1::int - 1) || ' seconds' AS interval) END,
           CASE WHEN n % 50 <> 0 THEN (ARRAY['balance','stars','crypto_pay'])[1 + n % 3] END
    FROM generate_series(1, $1::int) n JOIN people ON people.number = abs(hashint4(n)) % ($1::int / 20 + 5) ORDER BY n
    """,
    """
    WITH shelf AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS number FROM variants)
    INSERT INTO order_lines (id, order_id, user_id, variant_id, position, quantity, unit_amount, base_part,
                             total_amount, status, slug, name, variant_name, hue, icon)
    SELECT uuidv7(), o.id, o.user_id, shelf.id, 0, 1, o.total_amount, o.total_amount,
           o.total_amount, 'delivered', 'thing', '{"en": "Travel eSIM"}', '{"en": "One"}', 'blue', 'card'
    FROM orders o JOIN shelf ON shelf.number = abs(hashint8(o.sequence)) % 2000 ORDER BY o.id
    """,
    "INSERT INTO order_events (id, order_id, step, at) SELECT uuidv7(), id, 'placed', created_at FROM orders",
    """
    INSERT INTO payment_intents (id, user_id, provider, currency, amount, credited, asset, payable, received, status,
                                 idempotency_key, external_id, order_id, created_at, updated_at, expires_at,
                                 leased_until)
    SELECT uuidv7(), user_id, method, currency, total_amount, total_amount, currency, total_amount, total_amount,
           'succeeded', 'p' || sequence, 'ext-' || sequence, id, created_at, created_at, created_at, created_at
    FROM orders WHERE method IN ('stars', 'crypto_pay')
    """,
)  # fmt: skip
_INDEXES = """
    SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i
    WHERE i.indrelid IN ('users'::regclass, 'orders'::regclass, 'order_lines'::regclass, 'order_events'::regclass,
                         'payment_intents'::regclass)
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""
Asked = list[tuple[str, tuple[Any, ...]]]


@asynccontextmanager
async def _unindexed(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Fill tables without triggers, foreign keys and the indexes that hold no constraint: these are built at the end.

    Entering each row into each of some thirty indexes takes three times as long.
    """
    indexes = await connection.fetch(_INDEXES)
    await connection.execute("SET session_replication_role = replica; SET maintenance_work_mem = '256MB'")
    for row in indexes:
        await connection.execute(f"DROP INDEX {row['name']}")
    yield
    for row in indexes:
        await connection.execute(row["definition"])
    await connection.execute("RESET session_replication_role; RESET maintenance_work_mem")


class _Shop:
    """A database of its own with so many orders."""

    def __init__(self, engine: AsyncEngine, url: str, connection: asyncpg.Connection, ring: KeyRing) -> None:
        self.engine, self.connection, self.ring = engine, connection, ring
        self.uow = UnitOfWork(engine, SystemClock(), Signals(engine, url), SUBSCRIPTIONS)
        self.orders = OrdersServices.build(
            uow=self.uow,
            ring=ring,
            fulfillers=make_fulfillers(ring),
            single_admin_limit=lambda: Money(10**12, "USD"),
            reservation=lambda: timedelta(minutes=15),
        )

    async def fill(self) -> None:
        """Orders, each with a line, a step and most with a payment; one key that was sold."""
        async with _unindexed(self.connection):
            for statement in _SEED:
                await self.connection.execute(statement, *([ORDERS] if "$1" in statement else []))
        search = SearchService(uow=self.uow, storefront=StorefrontService(uow=self.uow, currency="USD"), currency="USD")
        await SearchesService(uow=self.uow, search=search).refresh_index()
        async with self.uow() as tx:
            variant = await self.connection.fetchval("SELECT id FROM variants ORDER BY id LIMIT 1")
            await stock_up(tx, self.ring, variant, ["KEY-OF-THE-BENCH-1"])
        await self.connection.execute("""
            UPDATE stock_keys SET state = 'sold',
                order_line_id = (SELECT id FROM order_lines ORDER BY id OFFSET 1000 LIMIT 1)
        """)
        await self.connection.execute("VACUUM ANALYZE")

    async def search(self, query: str) -> None:
        """What the page of a search asks for."""
        rows = await self.orders.search.find(_ADMIN, query)
        await self.orders.managing.list_by_id(_ADMIN, [row.id for row in rows])

    async def list_chosen(self, chosen: OrderCriteria) -> None:
        """What a page of the list asks for, with its count."""
        await self.orders.managing.list_orders(_ADMIN, chosen)
        await self.orders.managing.count(_ADMIN, chosen)

    @contextmanager
    def noting(self, asked: Asked) -> Iterator[None]:
        """Note every statement that goes to the database meanwhile, by either way."""
        fetch = LentConnection.fetch

        async def noted(connection: LentConnection, statement: HotStatement, values: Any) -> Any:
            asked.append((statement.sql, tuple(statement.arguments(values))))
            return await fetch(connection, statement, values)

        def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
            asked.append((statement, tuple(parameters)))

        event.listen(self.engine.sync_engine, "before_cursor_execute", note)
        with patch.object(LentConnection, "fetch", noted):
            yield
        event.remove(self.engine.sync_engine, "before_cursor_execute", note)


async def _p95(work: list[Callable[[], Awaitable[object]]]) -> float:
    """The 95th percentile of the best of some rounds, in milliseconds."""
    best = [float("inf")] * len(work)
    for _ in range(_ROUNDS):
        for at, one in enumerate(work):
            started = time.perf_counter()
            await one()
            best[at] = min(best[at], time.perf_counter() - started)
    return statistics.quantiles(best, n=20)[-1] * 1000


async def _against(shop: _Shop, work: list[Callable[[], Awaitable[object]]]) -> tuple[float, float]:
    """Ours and the bare statements of the same, in milliseconds."""
    bare: list[Callable[[], Awaitable[object]]] = []
    for one in work:
        asked: Asked = []
        with shop.noting(asked):
            await one()

        async def replay(statements: Asked = asked) -> None:
            for statement, parameters in statements:
                await shop.connection.fetch(statement, *parameters)

        bare.append(replay)
    return await _p95(work), await _p95(bare)


def _queries() -> list[str]:
    middle = order_number(ORDERS // 2)
    return [
        middle, middle[:5], middle[2:6], middle[4:], "Layla", "Buyer77", "buyer_44", "esim", "vpn 12", "12.34",
        "KEY-OF-THE-BENCH-1", f"ext-{ORDERS // 2 - 1}", "700000077", "nothing like it",
    ]  # fmt: skip


async def _criteria(shop: _Shop) -> list[OrderCriteria]:
    product = await shop.connection.fetchval("SELECT id FROM products ORDER BY id LIMIT 1")
    category = await shop.connection.fetchval("SELECT id FROM categories ORDER BY id LIMIT 1")
    buyer = await shop.connection.fetchval("SELECT user_id FROM orders ORDER BY id LIMIT 1")
    since = SystemClock().now() - timedelta(seconds=ORDERS)
    return [
        OrderCriteria(), OrderCriteria(status=OrderStatus.REFUNDED), OrderCriteria(method="stars"),
        OrderCriteria(product=product), OrderCriteria(category=category), OrderCriteria(goods="esim 3"),
        OrderCriteria(buyer=buyer), OrderCriteria(refunded=True), OrderCriteria(by_hand=True),
        OrderCriteria(least=Money(40_050, "USD")), OrderCriteria(since=since, until=since + timedelta(hours=2)),
        OrderCriteria(since=since, until=since + timedelta(hours=2), method="stars", product=product),
    ]  # fmt: skip


def _resident() -> float:
    """The memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


async def _export(shop: _Shop) -> list[Row]:
    """Rows a second of a file of all orders against COPY, and by how much the process grew meanwhile."""
    before = most = _resident()
    started, pieces = time.perf_counter(), 0
    async for _ in await shop.orders.managing.export(_ADMIN, OrderCriteria()):
        pieces += 1
        if pieces % 20 == 0:
            most = max(most, _resident())
    ours = ORDERS / (time.perf_counter() - started)
    started = time.perf_counter()

    async def nowhere(_: bytes) -> None: ...

    await shop.connection.copy_from_query("SELECT * FROM orders ORDER BY id DESC", output=nowhere, format="csv")
    copied = ORDERS / (time.perf_counter() - started)
    return [
        Row.of("orders_export", ours, "rows/s", copied, "higher"),
        Row.of("orders_export_memory", most - before, "MB", 32, "lower"),
    ]


async def _measure(shop: _Shop) -> list[Row]:
    await shop.fill()
    searched = await _against(shop, [lambda q=one: shop.search(q) for one in _queries()])  # type: ignore[misc]
    listed = await _against(
        shop,
        [lambda c=one: shop.list_chosen(c) for one in await _criteria(shop)],  # type: ignore[misc]
    )
    return [
        Row.of("order_search", searched[0], "ms", searched[1], "lower"),
        Row.of("order_lists", listed[0], "ms", listed[1], "lower"),
        *await _export(shop),
    ]


async def orders(world: World) -> list[Row]:
    """The p95 of each kind of search and of filter at ORDERS orders; a file of all."""
    with tempfile.TemporaryDirectory() as folder, embedded.postgres(Path(folder) / "pg", throwaway=True) as url:
        await migrations.upgrade(url)
        engine = make_engine(url, pool_size=2)
        connection = await asyncpg.connect(url, command_timeout=1800)
        try:
            return await _measure(_Shop(engine, url, connection, world.services.ring))
        finally:
            await connection.close()
            await engine.dispose()
