"""An import of keys by screen, from its staged file to the stock, against COPY of the same rows."""

from __future__ import annotations

import time

import asyncpg

from backend.catalog.types.stock_imports import PIECE_BYTES, ImportDetails, ImportState
from backend.identity.types import Actor
from tests.bench.report import Row
from tests.bench.world import World
from tests.factories.shop import add_goods

_KEYS = 200_000
_ROWS = "SELECT id, variant_id, batch_id, state, ciphertext, fingerprint FROM stock_keys WHERE variant_id = $1"
_COLUMNS = ("id", "variant_id", "batch_id", "state", "ciphertext", "fingerprint")
_COPY = "CREATE TABLE stock_keys_copied (LIKE stock_keys INCLUDING ALL)"


async def stock_import(world: World) -> Row:
    """Keys per second: read, decrypted from the file, hashed, encrypted, looked up, inserted, in chunks that commit."""
    services, admin = world.services, Actor.system()
    imports = services.catalog.stock_imports
    async with services.uow() as tx:
        goods = await add_goods(tx, services.ring, keys=0, price=100)
    data = "".join(f"BENCH-{number:07}-44LQ-7TXC\n" for number in range(_KEYS)).encode()
    stored = await imports.begin(admin, "keys.txt", variant_id=goods.variant_id)
    for at in range(0, len(data), PIECE_BYTES):
        await imports.receive(admin, stored.id, at, data[at : at + PIECE_BYTES])
    await imports.sent(admin, stored.id)
    await imports.check(stored.id)
    await imports.start(admin, stored.id, ImportDetails())
    started = time.perf_counter()
    await imports.add_keys(stored.id)
    value = _KEYS / (time.perf_counter() - started)
    stored = await imports.get(admin, stored.id)
    assert (stored.state, stored.added) == (ImportState.DONE, _KEYS)
    return Row.of("stock_import", value, "keys a second", await _copied(world, goods.variant_id), "higher")


async def _copied(world: World, variant_id: object) -> float:
    """The same rows into a table with the same indexes, keys per second."""
    connection = await asyncpg.connect(world.settings.database_url)
    try:
        rows = [tuple(row) for row in await connection.fetch(_ROWS, variant_id)]
        await connection.execute(_COPY)
        started = time.perf_counter()
        await connection.copy_records_to_table("stock_keys_copied", records=rows, columns=_COLUMNS)
        rate = len(rows) / (time.perf_counter() - started)
        await connection.execute("DROP TABLE stock_keys_copied")
    finally:
        await connection.close()
    return rate
