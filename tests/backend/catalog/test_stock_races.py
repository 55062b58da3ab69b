"""Many buyers at one moment, on connections of their own."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.catalog.errors import ImportUnderWay, SoldOut
from backend.catalog.repository.writes import lock_imports
from backend.catalog.types import StockKeyId, VariantId
from backend.infra import database
from backend.infra.crypto import KeyRing
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.clock import SystemClock
from backend.kernel.errors import Unavailable
from backend.kernel.ids import OrderLineId
from tests.factories import keys as keys_of_a_line
from tests.factories.catalog import add_variant, buyer, catalog_services, import_keys, line_id


async def states(uow: UnitOfWork) -> dict[str, int]:
    """How many keys are in each state."""
    async with uow() as tx:
        rows = await tx.execute(text("SELECT state, count(*) FROM stock_keys GROUP BY state"))
        return {row[0]: row[1] for row in rows}


async def patient(uow: UnitOfWork, variant_id: VariantId, quantity: int, *, reserve: bool = False) -> list[StockKeyId]:
    """Take keys; wait again where the pool of connections is busy."""
    verb = keys_of_a_line.reserve_keys if reserve else keys_of_a_line.take_keys
    while True:
        try:
            async with uow() as tx:
                return await verb(tx, variant_id, quantity, line_id(tx))
        except SoldOut:
            return []
        except Unavailable:
            continue


async def test_200_buyers_on_50_keys_make_50_sales_of_50_different_keys(real: UnitOfWork, ring: KeyRing) -> None:
    variant_id = await add_variant(catalog_services(real, ring), keys=50)
    results = await asyncio.gather(*(patient(real, variant_id, 1) for _ in range(200)))
    winners = [keys[0] for keys in results if keys]
    assert len(winners) == len(set(winners)) == 50
    assert await states(real) == {"sold": 50}
    async with real() as tx:
        opened = await keys_of_a_line.open_keys(tx, ring, winners)
    assert len(set(opened)) == 50


async def test_mixed_quantities_never_share_a_key_and_never_get_a_part(real: UnitOfWork, ring: KeyRing) -> None:
    variant_id = await add_variant(catalog_services(real, ring), keys=100)
    quantities = [1 + number % 7 for number in range(90)]
    results = await asyncio.gather(
        *(patient(real, variant_id, quantity, reserve=number % 2 == 0) for number, quantity in enumerate(quantities))
    )
    assert all(len(keys) in {0, quantity} for keys, quantity in zip(results, quantities, strict=True))
    taken = Counter(key for keys in results for key in keys)
    assert max(taken.values()) == 1
    counts = await states(real)
    assert counts.get("sold", 0) + counts.get("reserved", 0) == len(taken)
    assert counts.get("available", 0) == 100 - len(taken)
    assert counts.get("available", 0) < 7


async def test_keys_given_back_in_a_rush_are_sold_again_and_stay_in_sight(real: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(real, ring)
    variant_id = await add_variant(service, keys=4)

    async def reserve_and_release(number: int) -> None:
        for _ in range(12):
            try:
                async with real() as tx:
                    line = line_id(tx)
                    await keys_of_a_line.reserve_keys(tx, variant_id, 1 + number % 2, line)
            except (SoldOut, Unavailable):
                continue
            async with real() as tx:
                await keys_of_a_line.release_reserved(tx, OrderLineId(line))

    await asyncio.gather(*(reserve_and_release(number) for number in range(12)))
    assert await states(real) == {"available": 4}
    assert [card.available for card in (await service.storefront.browse(buyer(), in_stock=True)).items] == [4]
    assert len(await patient(real, variant_id, 4)) == 4
    assert (await service.storefront.browse(buyer(), in_stock=True)).items == []


async def test_a_rolled_back_purchase_gives_its_keys_back(real: UnitOfWork, ring: KeyRing) -> None:
    variant_id = await add_variant(catalog_services(real, ring), keys=2)
    with pytest.raises(RuntimeError):
        async with real() as tx:
            await keys_of_a_line.take_keys(tx, variant_id, 2, line_id(tx))
            raise RuntimeError("the power went")
    assert await states(real) == {"available": 2}


async def test_a_held_key_is_passed_over_not_waited_for(real: UnitOfWork, ring: KeyRing) -> None:
    variant_id = await add_variant(catalog_services(real, ring), keys=2)
    async with real() as slow:
        first = await keys_of_a_line.take_keys(slow, variant_id, 1, line_id(slow))
        async with asyncio.timeout(3), real() as quick:
            second = await keys_of_a_line.take_keys(quick, variant_id, 1, line_id(quick))
        assert first != second


async def test_one_low_stock_alert_from_many_buyers(real: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(real, ring)
    variant_id = await add_variant(service, keys=40)
    await asyncio.gather(*(patient(real, variant_id, 1) for _ in range(60)))
    await service.stock.settle_stock()
    async with real() as tx:
        jobs = (await tx.execute(text("SELECT task FROM outbox_jobs"))).scalars().all()
    assert len(jobs) == 1


async def test_two_imports_of_the_same_keys_at_once_add_them_once(real: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(real, ring)
    await add_variant(service)
    keys = [f"K-{number}" for number in range(500)]
    reports = await asyncio.gather(*(import_keys(service, "card/one", keys) for _ in range(3)))
    assert sorted(report.added for report in reports) == [0, 0, 500]
    assert await states(real) == {"available": 500}


async def test_the_version_is_told_to_everyone_who_listens(
    real: UnitOfWork, ring: KeyRing, database_url: str, engine: AsyncEngine
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    signals = Signals(engine, database_url)
    signals.on("catalogue", heard.put_nowait)
    ready = asyncio.Event()
    signals.on_gap(ready.set)
    async with signals.running():
        await asyncio.wait_for(ready.wait(), 20)
        service = catalog_services(real, ring)
        await add_variant(service)
        assert await asyncio.wait_for(heard.get(), 20) == str(await service.storefront.version())


async def test_an_import_does_not_wait_for_ever_for_another(
    real: UnitOfWork, ring: KeyRing, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = catalog_services(real, ring)
    await add_variant(service)
    monkeypatch.setitem(database._LIMITS, "lock_timeout", "100ms")  # 5 s in production
    hurried = database.make_engine(database_url)
    impatient = catalog_services(UnitOfWork(hurried, SystemClock(), Signals(hurried, database_url), {}), ring)
    async with real() as tx:
        await lock_imports(tx, "stock")
        with pytest.raises(ImportUnderWay):
            await import_keys(impatient, "card/one", ["A"])
    await hurried.dispose()
    assert (await import_keys(service, "card/one", ["A"])).added == 1
