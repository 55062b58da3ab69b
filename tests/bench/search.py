"""The search as somebody types it: against its own SQL without us, at 10,000 and 100,000 products, after an import."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import SUBSCRIPTIONS
from backend.catalog.service import SearchesService, SearchService, StorefrontService
from backend.infra import embedded, migrations
from backend.infra.database import make_engine
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.clock import SystemClock
from tests.bench.report import Row
from tests.bench.world import World
from tests.factories.catalog import buyer

_FEW, _MANY, _IMPORTED = 10_000, 100_000, 50_000
_ROUNDS = 4
# Each is typed sign by sign. Words in every product, in one of three, in one of a hundred and in one; two words that
# are common but never together; other scripts, a typing error, the wrong keyboard, and what is not there.
_TYPED = (
    "netflix turkey", "card", "gift card japan", "карта steam", "بطاقة xbox", "office 2021", "product 5512", "тюрке",
    "netlfix", "ыеуфь", "нетфликс", "spotify vpn", "premium", "a", "1 month", "zanzibar hotel",
)  # fmt: skip
_BRANDS = (
    "Steam Xbox Netflix Spotify Office Windows Roblox Fortnite Amazon Google Apple Discord Twitch Nintendo Playstation "
    "Adobe Canva Zoom Tinder Uber Airbnb Ebay Valorant Minecraft Hulu Disney Paramount Crunchyroll Deezer Tidal Nord "
    "Surfshark Proton Express Kaspersky Avast Norton Bitdefender Duolingo Coursera Udemy Skillshare Headspace Calm "
    "Strava Audible Kindle Kobo Scribd Medium Notion Slack Figma Miro Trello Asana Dropbox Mega Icloud Onedrive"
)
_PRODUCTS = """
    WITH shelf AS (SELECT id, row_number() OVER (ORDER BY slug) - 1 AS number FROM categories),
    brands AS (SELECT string_to_array($3, ' ') AS names)
    INSERT INTO products (id, category_id, slug, country, kind, choice, name, summary, description, icon, hue, rank,
                          listed, price_amount, reseller_amount, in_stock, created_at)
    SELECT uuidv7(), s.id, 'product-' || n,
           (ARRAY['TR','US','AE','DE','IN','SA','EG','GB','FR','JP',NULL])[1 + n % 11], 'unique_keys', 'amount',
           jsonb_build_object('en', b.brand || ' ' || (ARRAY['card','key','wallet'])[1 + n % 3] || ' ' || n,
                              'ru', (ARRAY['Карта','Ключ','Кошелёк'])[1 + n % 3] || ' ' || b.brand || ' ' || n,
                              'ar', (ARRAY['بطاقة','مفتاح','محفظة'])[1 + n % 3] || ' ' || b.brand || ' ' || n),
           jsonb_build_object('en', (ARRAY['1 month premium','3 months','Gift, instant','Office 2021'])[1 + n / 7 % 4]),
           jsonb_build_object('en', 'Comes at once. Works on phone, tablet and computer.'),
           'card', 'blue', abs(hashint4(n)) % 1000, true, 100 + n * 31 % 9900, 90 + n * 31 % 9900, n % 4 <> 0, now()
    FROM generate_series($1::int, $2::int) n CROSS JOIN brands
    CROSS JOIN LATERAL (SELECT names[1 + abs(hashint4(n + 1)) % cardinality(names)] AS brand) b
    JOIN shelf s ON s.number = n % 40
"""
_SHELVES = """
    INSERT INTO categories (id, slug, name, icon, hue)
    SELECT uuidv7(), 'shelf-' || n, jsonb_build_object('en', (ARRAY['Games','VPN','Films','Work'])[1 + n % 4]), 'card', 'blue'
    FROM generate_series(1, 40) n
"""  # noqa: E501
_VARIANTS = """
    INSERT INTO variants (id, product_id, code, name, note, price_amount, currency)
    SELECT uuidv7(), p.id, 'one', '{"en": "One"}', '{}', p.price_amount, 'USD'
    FROM products p WHERE NOT EXISTS (SELECT FROM variants v WHERE v.product_id = p.id)
"""
_BUMP = (
    "INSERT INTO catalogue_version VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET version = catalogue_version.version + 1"
)


_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class _Shop:
    """A database of its own, and the search on it."""

    def __init__(self, engine: AsyncEngine, url: str, connection: asyncpg.Connection) -> None:
        self.engine = engine
        self.connection = connection
        self._uow = UnitOfWork(engine, SystemClock(), Signals(engine, url), SUBSCRIPTIONS)
        self._storefront = StorefrontService(uow=self._uow, currency="USD")
        self.search = self.fresh()

    def fresh(self) -> SearchService:
        """The search as a process that has just started has it."""
        return SearchService(uow=self._uow, storefront=self._storefront, currency="USD")

    async def add(self, first: int, last: int) -> None:
        """Put products into the catalogue, and index them as the worker does."""
        await self.connection.execute(_PRODUCTS, first, last, _BRANDS)
        await self.connection.execute(_VARIANTS)
        await SearchesService(uow=self._uow, search=self.search).refresh_index()
        await self.connection.execute(_BUMP)

    async def statements(self, typed: list[str]) -> list[list[tuple[str, tuple[Any, ...]]]]:
        """What each search asks the database, statement by statement."""
        asked: list[tuple[str, tuple[Any, ...]]] = []

        def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
            asked.append((statement, tuple(parameters)))

        event.listen(self.engine.sync_engine, "before_cursor_execute", note)
        statements = []
        for one in typed:
            await self.search.search(buyer(), one)
            statements.append(asked.copy())
            asked.clear()
        event.remove(self.engine.sync_engine, "before_cursor_execute", note)
        return statements


@asynccontextmanager
async def _shop(url: str) -> AsyncIterator[_Shop]:
    await migrations.upgrade(url)
    engine = make_engine(url, pool_size=2)
    connection = await asyncpg.connect(url, command_timeout=600)
    try:
        yield _Shop(engine, url, connection)
    finally:
        await connection.close()
        await engine.dispose()


def _keystrokes() -> list[str]:
    return [word[: end + 1] for word in _TYPED for end in range(len(word))]


async def _p95(work: list[Callable[[], Awaitable[object]]]) -> float:
    """The 95th percentile of the best of some rounds, in milliseconds."""
    best = [float("inf")] * len(work)
    for _ in range(_ROUNDS):
        for at, one in enumerate(work):
            started = time.perf_counter()
            await one()
            best[at] = min(best[at], time.perf_counter() - started)
    return statistics.quantiles(best, n=20)[-1] * 1000


async def _ours(shop: _Shop) -> float:
    return await _p95([lambda t=typed: shop.search.search(buyer(), t) for typed in _keystrokes()])  # type: ignore[misc]


async def _bare(shop: _Shop) -> float:
    statements = await shop.statements(_keystrokes())

    async def run(statements: list[tuple[str, tuple[Any, ...]]]) -> None:
        for statement, parameters in statements:
            await shop.connection.fetch(statement, *parameters)

    return await _p95([lambda s=statements: run(s) for statements in statements])  # type: ignore[misc]


def _processor_ms(backends: list[int]) -> float:
    """The processor time that this process and these backends have taken, in milliseconds."""
    theirs = sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in backends)
    return time.process_time() * 1000 + theirs / 1e6


async def _growth(shops: list[_Shop]) -> list[float]:
    """The p95 of every keystroke in each shop in processor time, in turn: what else the machine does is left out."""
    best = [[float("inf")] * len(_keystrokes()) for _ in shops]
    backends = [[row["pid"] for row in await shop.connection.fetch(_BACKENDS)] for shop in shops]
    for _ in range(_ROUNDS * 2):
        for at, typed in enumerate(_keystrokes()):
            for number, shop in enumerate(shops):
                started = _processor_ms(backends[number])
                await shop.search.search(buyer(), typed)
                best[number][at] = min(best[number][at], _processor_ms(backends[number]) - started)
    return [statistics.quantiles(each, n=20)[-1] for each in best]


async def _measure(shop: _Shop, small: _Shop) -> list[Row]:
    for one in (small, shop):
        await one.connection.execute(_SHELVES)
        await one.add(1, _FEW)
        await one.connection.execute("VACUUM ANALYZE")
    await shop.add(_FEW + 1, _MANY - _IMPORTED)
    await shop.connection.execute("VACUUM ANALYZE")
    usual = await _ours(shop)
    await shop.add(_MANY - _IMPORTED + 1, _MANY)
    started = time.perf_counter()
    await shop.fresh().search(buyer(), "netflix turkey")
    first = (time.perf_counter() - started) * 1000
    await shop.connection.execute("VACUUM ANALYZE")
    bare, many = await _bare(shop), await _ours(shop)
    few, grown = await _growth([small, shop])
    return [
        Row.of("search", many, "ms", bare, "lower"),
        Row.of("search_growth", grown, "cpu ms", few, "lower"),
        Row.of("search_after_import", first, "ms", usual, "lower"),
    ]


async def search(_world: World) -> list[Row]:
    """The p95 of every keystroke; the first search of a new process after 50,000 products more."""
    with tempfile.TemporaryDirectory() as folder, embedded.postgres(Path(folder) / "pg", throwaway=True) as url:
        async with _shop(url) as shop:
            await shop.connection.execute("CREATE DATABASE small TEMPLATE template0")
            async with _shop(embedded.database_address(url, "small")) as small:
                return await _measure(shop, small)
