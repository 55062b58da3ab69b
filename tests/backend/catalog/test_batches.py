"""Batches of keys: their quality, and stopping one."""

from __future__ import annotations

from uuid import UUID

import pytest

from backend.catalog import domain
from backend.catalog.fulfilment.shared_key import SharedKeys
from backend.catalog.fulfilment.unique_keys import UniqueKeys
from backend.catalog.types import StockKind
from backend.catalog.types.batches import BatchId
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, NotFound
from tests.backend.catalog.test_fulfillers import line
from tests.factories.catalog import add_shared, add_variant, buyer, catalog_services
from tests.factories.shop import stock_up

ADMIN = Actor.system()


async def test_stopping_and_resuming_a_batch(uow: UnitOfWork, ring: KeyRing) -> None:
    service, goods = catalog_services(uow, ring), UniqueKeys(ring)
    variant_id = await add_variant(service, "thing", keys=4)
    async with uow() as tx:
        reserved, sold = await line(tx, goods.kind, variant_id), await line(tx, goods.kind, variant_id)
        await goods.reserve(tx, [reserved, sold])
        await goods.deliver(tx, [sold], reserved=True)
    (batch,) = (await service.batches.list_batches(ADMIN)).items
    assert (batch.keys, batch.sold, batch.faulty, batch.unsold) == (4, 1, 0, 2)
    await service.batches.stop(ADMIN, batch.id)
    assert await service.batches.move_keys(batch.id) == 2
    async with uow() as tx:
        assert await domain.count_available(tx, variant_id) == 0
        await goods.release(tx, [reserved])
        assert await domain.count_available(tx, variant_id) == 0, "what comes back to a stopped batch is stopped too"
    assert (await service.storefront.browse(buyer(), in_stock=True)).items == []
    await service.batches.resume(ADMIN, batch.id)
    assert await service.batches.move_keys(batch.id) == 3
    async with uow() as tx:
        assert await domain.count_available(tx, variant_id) == 3
    assert [card.slug for card in (await service.storefront.browse(buyer(), in_stock=True)).items] == ["thing"]


async def test_a_key_that_escaped_the_stop_is_stopped_by_the_timer(uow: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(uow, ring)
    variant_id = await add_variant(service, "thing", keys=2)
    (batch,) = (await service.batches.list_batches(ADMIN)).items
    await service.batches.stop(ADMIN, batch.id)
    await service.batches.settle_stopped()
    async with uow() as tx:
        assert await domain.count_available(tx, variant_id) == 0
    assert (await service.batches.batch(ADMIN, batch.id)).unsold == 2


async def test_a_faulty_key_is_replaced_from_another_batch_and_counted(uow: UnitOfWork, ring: KeyRing) -> None:
    service, goods = catalog_services(uow, ring), UniqueKeys(ring)
    variant_id = await add_variant(service, "thing", keys=2)
    async with uow() as tx:
        await stock_up(tx, ring, variant_id, ["SECOND-BATCH"])
        bought = await line(tx, goods.kind, variant_id)
        (first,) = (await goods.deliver(tx, [bought], reserved=False))[bought.id].items
        second = await goods.replace(tx, bought, first.id)
        assert second is not None
        await goods.discard(tx, bought, first.id)
        assert await goods.open(tx, [second.id]) == ["SECOND-BATCH"]
        assert list(await goods.items(tx, [bought])) == [second]
        assert await goods.replace(tx, bought, second.id) is not None, "the first batch has one left"
        await goods.discard(tx, bought, second.id)
        assert await goods.replace(tx, bought, second.id) is None
    latest, earlier = (await service.batches.list_batches(ADMIN)).items
    assert (latest.sold, latest.faulty, latest.faulty_permille) == (1, 1, 1000)
    assert (earlier.sold, earlier.faulty, earlier.faulty_permille) == (2, 1, 500)


async def test_a_shared_key_is_replaced_by_the_one_that_came_after_it(uow: UnitOfWork, ring: KeyRing) -> None:
    service, goods = catalog_services(uow, ring), SharedKeys(ring)
    variant_id = await add_shared(service, "thing", "9", "FIRST")
    async with uow() as tx:
        bought = await line(tx, StockKind.SHARED_KEY.value, variant_id)
        (item,) = (await goods.deliver(tx, [bought], reserved=False))[bought.id].items
        assert await goods.replace(tx, bought, item.id) is None
    await add_shared(service, "thing", "9", "SECOND")
    async with uow() as tx:
        assert await goods.replace(tx, bought, item.id) == item
        assert await goods.open(tx, [item.id]) == ["SECOND"]


async def test_only_those_with_the_permission_see_and_stop(uow: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(uow, ring)
    await add_variant(service, "thing", keys=1)
    (batch,) = (await service.batches.list_batches(ADMIN)).items
    for act in (
        service.batches.list_batches(buyer()),
        service.batches.batch(buyer(), batch.id),
        service.batches.stop(buyer(), batch.id),
    ):
        with pytest.raises(Forbidden):
            await act
    with pytest.raises(NotFound):
        await service.batches.stop(ADMIN, BatchId(UUID(int=0)))
