"""A shop for measuring: its own durable PostgreSQL, Redis, buyers with money, keys in any number."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import msgspec
from sqlalchemy import text

from backend.bootstrap import Services, build
from backend.catalog.rules.files import RawRow
from backend.catalog.rules.rows import read_stock
from backend.catalog.types import VariantId
from backend.identity.types import Actor
from backend.infra import embedded, migrations
from backend.infra.settings import Environment, Settings
from backend.kernel.ids import UserId
from tests.factories.catalog import category, import_rows, product, variant
from tests.factories.shop import add_goods
from tests.factories.wallet import actor_of, give, usd

BUYERS = 64
_RICH = 1_000_000_000
_SHELVES = 40


class World(msgspec.Struct, frozen=True):
    """The shop and how to reach it."""

    services: Services
    settings: Settings
    buyers: list[Actor]
    category: str
    product: str


def buyer_id(number: int) -> UserId:
    """The id of a buyer, computable in SQL too: the number in the last digits."""
    return UserId(UUID(int=(0x7 << 76) + (0x8 << 60) + number + 1))


@contextlib.asynccontextmanager
async def world(products: int) -> AsyncIterator[World]:
    """Servers as a small shop has them (durable), migrated, with products and buyers; all gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="souk-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        server = stack.enter_context(embedded.postgres(folder / "pg"))
        redis_url = stack.enter_context(embedded.redis(folder / "redis"))
        settings = Settings(
            database_url=server,
            redis_url=redis_url,
            bot_token="7000000001:bench-token-of-nobody-AAAAAAAAAAAAA",
            root_admin_id=900_000_001,
            public_url="http://127.0.0.1:8080",
            master_keys="k1:" + "A" * 43 + "=",
            secret_key="the-bench-signs-with-this-and-nobody-else",
            souk_env=Environment.TEST,
            demo_payments=True,
            data_dir=str(folder / "data"),
        )
        await migrations.upgrade(settings.database_url)
        services = build(settings)
        async with services.running(listen=False):
            await services.identity.access.ensure_root()
            buyers = await _make_buyers(services)
            yield World(services, settings, buyers, *(await fill_catalogue(services, products)))


async def _make_buyers(services: Services) -> list[Actor]:
    people = text("""
        INSERT INTO users (id, telegram_id, first_name, language, created_at)
        VALUES (:id, :telegram, 'B', 'en', now())
    """)
    async with services.uow() as tx:
        rows = [{"id": buyer_id(n), "telegram": 600_000_000 + n} for n in range(BUYERS)]
        await tx.execute(people, rows)
        for number in range(BUYERS):
            await give(tx, buyer_id(number), usd(_RICH))
    return [actor_of(buyer_id(number)) for number in range(BUYERS)]


async def add_variant(services: Services, keys: int) -> VariantId:
    """A variant with so many keys in stock; they are no real secrets, since nobody opens them here."""
    async with services.uow() as tx:
        goods = await add_goods(tx, services.ring, keys=1, price=1, low_stock_at=0)
    await add_keys(services, goods.variant_id, keys)
    return goods.variant_id


async def add_keys(services: Services, variant_id: VariantId, keys: int) -> None:
    """More keys for a variant."""
    more = text("""
        INSERT INTO stock_keys (id, variant_id, batch_id, ciphertext, fingerprint)
        SELECT uuidv7(), :variant, (SELECT id FROM stock_batches WHERE variant_id = :variant LIMIT 1),
               decode(repeat('ab', 60), 'hex'), uuid_send(gen_random_uuid()) FROM generate_series(1, :keys)
    """)
    async with services.engine.connect() as connection:
        auto = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await auto.execute(text("SET statement_timeout = 0"))
        await auto.execute(more, {"variant": variant_id, "keys": keys})
        await auto.execute(text("VACUUM ANALYZE stock_keys"))


async def fill_catalogue(services: Services, products: int) -> tuple[str, str]:
    """So many products on 40 shelves in 14 countries, three variants and a few keys each; one category, one product."""
    countries = ["US", "TR", "IN", "SA", "AE", "EG", "DE", "FR", "GB", "JP", "BR", "RU", "KZ", "UZ"]
    rows = [category(f"shelf-{number}") for number in range(_SHELVES)]
    keys = []
    for number in range(products):
        slug = f"thing-{number:05}"
        names = {"name_ar": f"سلعة {number}", "name_ru": f"Товар {number}", "summary_en": "Instant, five devices"}
        rows.append(product(slug, f"shelf-{number % _SHELVES}", country=countries[number % 14], **names))
        rows += [variant(slug, code, price=f"{number % 90 + 1}.90") for code in ("one", "two", "ten")]
        keys += [{"variant": f"{slug}/one", "key": f"K{number:05}-{copy}"} for copy in range(3)]
    report = await import_rows(services.catalog, rows)
    if not report.applied:
        raise RuntimeError(f"the bench's catalogue has bad rows: {report.problems[:3]}")
    raws = [RawRow(line, row) for line, row in enumerate(keys, start=1)]
    await services.catalog.imports.import_stock(Actor.system(), read_stock(raws), apply=True, source="bench")
    return "shelf-7", "thing-00047"
