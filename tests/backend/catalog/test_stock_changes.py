"""Keys of a batch removed, moved to another variant, brought back, exported; keys that expire."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from backend.catalog import domain
from backend.catalog.fulfilment.unique_keys import UniqueKeys
from backend.catalog.service import CatalogServices, stock_changes
from backend.catalog.types import KeyState, StockKind, VariantId
from backend.catalog.types.batches import BatchId
from backend.catalog.types.stock_changes import ChangeState, ExportFormat
from backend.catalog.types.stock_imports import ImportDetails, ImportState
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid, NotFound
from tests.backend.catalog.test_fulfillers import line
from tests.factories.catalog import add_shared, add_variant, buyer, catalog_services, import_keys

ADMIN = Actor.system()


@pytest.fixture
def service(uow: UnitOfWork, ring: KeyRing, tmp_path: Path) -> CatalogServices:
    """A shop."""
    return catalog_services(uow, ring, tmp_path)


async def newest(service: CatalogServices) -> BatchId:
    """The latest batch."""
    return (await service.batches.list_batches(ADMIN)).items[0].id


async def available(uow: UnitOfWork, variant_id: VariantId) -> int:
    """How many can be bought."""
    async with uow() as tx:
        return await domain.count_available(tx, variant_id)


async def in_stock(service: CatalogServices) -> list[str]:
    """Products that the filter "in stock" finds."""
    return sorted(card.slug for card in (await service.storefront.browse(buyer(), in_stock=True)).items)


async def keys_in(uow: UnitOfWork, ring: KeyRing, service: CatalogServices, batch: BatchId) -> list[str]:
    """What an export of a batch holds."""
    pieces = await service.stock_export.export(ADMIN, batch, ExportFormat.TXT)
    return "".join([piece async for piece in pieces]).splitlines()


async def test_unsold_keys_are_removed_and_brought_back(
    service: CatalogServices, uow: UnitOfWork, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock_changes, "_AT_ONCE", 2)
    variant, goods = await add_variant(service, "thing", keys=6), UniqueKeys(ring)
    batch = await newest(service)
    async with uow() as tx:
        sold, reserved = await line(tx, StockKind.UNIQUE_KEYS, variant), await line(tx, StockKind.UNIQUE_KEYS, variant)
        await goods.deliver(tx, [sold], reserved=False)
        await goods.reserve(tx, [reserved])
    change = await service.stock_changes.remove(ADMIN, batch)
    assert (change.state, change.keys) == (ChangeState.RUNNING, 2)
    await service.stock_changes.run(change.id)
    (change,) = await service.stock_changes.changes(ADMIN, batch)
    assert (change.state, change.keys) == (ChangeState.DONE, 4)
    assert await available(uow, variant) == 0 and await in_stock(service) == []
    details = await service.stock_changes.details(ADMIN, batch)
    assert details.states == {KeyState.SOLD: 1, KeyState.RESERVED: 1, KeyState.REMOVED: 4} and details.unsold == 0
    (removed,) = await service.stock_changes.removed(ADMIN)
    assert (removed.id, removed.keys) == (change.id, 4)
    await service.stock_changes.undo(ADMIN, change.id)
    for _ in range(2):
        await service.stock_changes.run(change.id)
    assert await available(uow, variant) == 4 and await in_stock(service) == ["thing"]
    assert await service.stock_changes.removed(ADMIN) == []
    assert (await service.stock_changes.undo(ADMIN, change.id)).restored == 4


async def test_chosen_keys_are_removed(service: CatalogServices, uow: UnitOfWork) -> None:
    variant = await add_variant(service, "thing", keys=4)
    batch = await newest(service)
    first, second, *_ = await service.stock_changes.keys(ADMIN, batch)
    change = await service.stock_changes.remove(ADMIN, batch, [first.id, second.id])
    assert (change.state, change.keys) == (ChangeState.DONE, 2)
    assert await available(uow, variant) == 2
    left = await service.stock_changes.keys(ADMIN, batch, [KeyState.AVAILABLE], after=first.position, most=1)
    assert [key.position for key in left] == [second.position + 1]


async def test_a_stopped_batch_gets_its_keys_back_stopped(service: CatalogServices, uow: UnitOfWork) -> None:
    variant = await add_variant(service, "thing", keys=3)
    batch = await newest(service)
    change = await service.stock_changes.remove(ADMIN, batch)
    await service.batches.stop(ADMIN, batch)
    await service.stock_changes.undo(ADMIN, change.id)
    assert await available(uow, variant) == 0 and await in_stock(service) == []
    await service.batches.resume(ADMIN, batch)
    await service.batches.move_keys(batch)
    assert await available(uow, variant) == 3


async def test_keys_move_to_another_variant_and_back(
    service: CatalogServices, uow: UnitOfWork, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock_changes, "_AT_ONCE", 2)
    wrong, right = await add_variant(service, "wrong"), await add_variant(service, "right")
    await import_keys(service, "right/one", ["KEY-3"])
    await import_keys(service, "wrong/one", [f"KEY-{number}" for number in range(5)])
    batch = await newest(service)
    change = await service.stock_changes.move(ADMIN, batch, right)
    await service.stock_changes.run(change.id)
    change = (await service.stock_changes.changes(ADMIN, batch))[0]
    assert (change.state, change.keys, change.skipped) == (ChangeState.DONE, 4, 1)
    assert (await available(uow, wrong), await available(uow, right)) == (1, 5)
    assert change.target_batch_id is not None
    assert await keys_in(uow, ring, service, change.target_batch_id) == ["KEY-0", "KEY-1", "KEY-2", "KEY-4"]
    assert await keys_in(uow, ring, service, batch) == ["KEY-3"]
    report = await import_keys(service, "right/one", ["KEY-0"])
    assert report.duplicates == 1, "a moved key is recognised where it is"
    goods = UniqueKeys(ring)
    async with uow() as tx:
        for _ in range(2):
            sold = await line(tx, StockKind.UNIQUE_KEYS, right)
            items = (await goods.deliver(tx, [sold], reserved=False))[sold.id].items
    async with uow() as tx:
        assert await goods.open(tx, [items[0].id]) == ["KEY-0"]
    await service.stock_changes.undo(ADMIN, change.id)
    await service.stock_changes.run(change.id)
    assert (await available(uow, wrong), await available(uow, right)) == (4, 0)
    assert await keys_in(uow, ring, service, batch) == ["KEY-1", "KEY-2", "KEY-3", "KEY-4"]


async def test_where_keys_can_not_move(service: CatalogServices) -> None:
    variant, shared = await add_variant(service, "thing", keys=1), await add_shared(service, "seat")
    batch = (await service.batches.list_batches(ADMIN)).items[-1].id
    for target in (variant, shared):
        with pytest.raises(Invalid):
            await service.stock_changes.move(ADMIN, batch, target)
    with pytest.raises(NotFound):
        await service.stock_changes.remove(ADMIN, BatchId(variant))
    with pytest.raises(Forbidden):
        await service.stock_changes.remove(buyer(), batch)


async def test_a_removed_key_comes_back_by_importing_it(service: CatalogServices, uow: UnitOfWork) -> None:
    variant = await add_variant(service, "thing", keys=2)
    await service.stock_changes.remove(ADMIN, await newest(service))
    imports = service.stock_imports
    stored = await imports.paste(ADMIN, "KEY-thing-000000\n", variant_id=variant)
    await imports.check(stored.id)
    assert (await imports.get(ADMIN, stored.id)).fresh == 1
    await imports.start(ADMIN, stored.id, ImportDetails(unit_cost=300))
    await imports.add_keys(stored.id)
    assert (await imports.get(ADMIN, stored.id)).state is ImportState.DONE
    assert await available(uow, variant) == 1
    (removed,) = await service.stock_changes.removed(ADMIN)
    assert removed.keys == 1, "the other one can still be brought back"
    details = await service.stock_changes.details(ADMIN, await newest(service))
    assert details.unit_cost == 300 and details.states == {KeyState.AVAILABLE: 1}


async def test_expired_keys_are_not_sold_and_leave_the_stock(
    service: CatalogServices, uow: UnitOfWork, ring: KeyRing
) -> None:
    variant = await add_variant(service, "thing", keys=3)
    batch = await newest(service)
    past = "UPDATE stock_keys SET expires_at = least(:now, now()) - interval '1 minute' WHERE position IN ("
    async with uow() as tx:
        chosen = "SELECT position FROM stock_keys ORDER BY position LIMIT 2)"
        await tx.execute(text(past + chosen), {"now": tx.now})
    assert await available(uow, variant) == 1, "before anything has noticed"
    goods = UniqueKeys(ring)
    async with uow() as tx:
        sold = await line(tx, StockKind.UNIQUE_KEYS, variant)
        items = (await goods.deliver(tx, [sold], reserved=False))[sold.id].items
        assert await goods.open(tx, [items[0].id]) == ["KEY-thing-000002"]
    assert await service.stock.expire() == 2
    assert await in_stock(service) == []
    assert (await service.stock_changes.details(ADMIN, batch)).states == {KeyState.SOLD: 1, KeyState.EXPIRED: 2}
    assert await service.stock.expire() == 0


async def test_a_batch_gets_another_expiry(service: CatalogServices, uow: UnitOfWork) -> None:
    variant = await add_variant(service, "thing", keys=2)
    batch = await newest(service)
    async with uow() as tx:
        now = tx.now
    await service.stock_changes.describe(ADMIN, batch, name="A", source="B", unit_cost=5, expires_at=now)
    await service.stock.expire()
    assert (await service.stock_changes.details(ADMIN, batch)).states == {KeyState.EXPIRED: 2}
    await service.stock_changes.describe(
        ADMIN, batch, name="A", source="B", unit_cost=5, expires_at=now + timedelta(days=3650)
    )
    assert await available(uow, variant) == 2
    details = await service.stock_changes.details(ADMIN, batch)
    assert (details.name, details.source, details.unit_cost) == ("A", "B", 5)


@pytest.mark.parametrize(
    ("written", "text_of"),
    [
        (ExportFormat.TXT, "=1+1\nKEY-é\n"),
        (ExportFormat.JSON_LINES, '{"key":"=1+1","state":"available"}\n{"key":"KEY-é","state":"available"}\n'),
        (ExportFormat.CSV, "\ufeffkey,state\r\n'=1+1,available\r\nKEY-é,available\r\n"),
    ],
)
async def test_export_is_exact_or_harmless(
    service: CatalogServices, uow: UnitOfWork, written: ExportFormat, text_of: str
) -> None:
    variant = await add_variant(service, "thing")
    imports = service.stock_imports
    stored = await imports.paste(ADMIN, "=1+1\nKEY-é\n", variant_id=variant, as_is=True)
    await imports.check(stored.id)
    await imports.start(ADMIN, stored.id, ImportDetails())
    await imports.add_keys(stored.id)
    batch = await newest(service)
    pieces = await service.stock_export.export(ADMIN, batch, written)
    assert "".join([piece async for piece in pieces]) == text_of
    async with uow.read() as tx:
        params = "SELECT params FROM audit_entries WHERE action = 'stock.exported' AND subject = :subject"
        facts = (await tx.execute(text(params), {"subject": f"batch:{batch}"})).scalar_one()
    assert facts == {"keys": 2, "format": written.value, "variant": str(variant)}


async def test_exporting_needs_its_own_permission(service: CatalogServices) -> None:
    await add_variant(service, "thing", keys=1)
    batch = await newest(service)
    for permissions in ({Permission.STOCK}, {Permission.STOCK_EXPORT}):
        with pytest.raises(Forbidden):
            await service.stock_export.export(buyer(permissions=frozenset(permissions)), batch, ExportFormat.TXT)
    assert await service.stock_export.export(buyer(permissions=frozenset(Permission)), batch, ExportFormat.TXT)
