"""The recycle bin: what is in it comes back as it was, and only what nothing refers to is purged."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from backend.catalog.types import ProductId, VariantId
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, NotFound
from backend.kernel.ids import new_id
from tests.factories.catalog import add_variant, buyer, catalog_services

SYSTEM = Actor.system()


async def archive(uow: UnitOfWork, ring: KeyRing, slug: str, *, keys: int = 0, days: int = 0) -> VariantId:
    """A variant that was archived so many days ago."""
    services = catalog_services(uow, ring)
    variant = await add_variant(services, slug, keys=keys)
    product = ProductId((await services.storefront.product(buyer(), slug)).id)
    await services.variants.archive(SYSTEM, product, variant)
    async with uow() as tx:
        past = {"id": variant, "by": timedelta(days=days)}
        earlier = "UPDATE variants SET archived_at = archived_at - CAST(:by AS interval) WHERE id = :id"
        await tx.execute(text(earlier), past)
    return variant


async def test_what_is_in_the_bin_is_listed_and_comes_back_once(uow: UnitOfWork, ring: KeyRing) -> None:
    services = catalog_services(uow, ring)
    variants = [await archive(uow, ring, f"card-{days}", days=days) for days in (2, 1)]
    listed = await services.bin.list_archived(SYSTEM)
    assert [item.id for item in listed.items] == variants[::-1] and listed.next_cursor is None
    assert listed.items[0].of["en"] == "Card-1" and listed.items[0].kind == "variant"
    for _ in range(2):
        await services.bin.restore(SYSTEM, "variant", variants[0])
    assert (await services.storefront.product(buyer(), "card-2")).variants[0].id == variants[0]
    assert [item.id for item in (await services.bin.list_archived(SYSTEM)).items] == variants[1:]


async def test_pages_of_the_bin_show_each_thing_once(uow: UnitOfWork, ring: KeyRing) -> None:
    services = catalog_services(uow, ring)
    variant = await archive(uow, ring, "card")
    async with uow() as tx:
        for number in range(64):
            columns = "product_id, name, note, price_amount, currency, hidden, archived_at"
            copy = (
                f"INSERT INTO variants (id, code, {columns}) SELECT :new, :code, {columns} FROM variants WHERE id = :id"
            )
            await tx.execute(text(copy), {"new": new_id(), "code": f"copy-{number}", "id": variant})
    seen, cursor, pages = [], None, 0
    while True:
        page = await services.bin.list_archived(SYSTEM, cursor)
        seen += [item.id for item in page.items]
        pages, cursor = pages + 1, page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 65 and pages == 3


async def test_after_thirty_days_only_what_nothing_refers_to_is_purged(uow: UnitOfWork, ring: KeyRing) -> None:
    services = catalog_services(uow, ring)
    old = await archive(uow, ring, "old", days=31)
    stocked = await archive(uow, ring, "stocked", keys=2, days=31)
    young = await archive(uow, ring, "young", days=29)
    assert await services.bin.purge() == 1
    left = {item.id for item in (await services.bin.list_archived(SYSTEM)).items}
    assert left == {stocked, young} and old not in left
    assert await services.bin.purge() == 0


async def test_the_bin_is_for_admins_of_the_catalogue_and_knows_its_kinds(uow: UnitOfWork, ring: KeyRing) -> None:
    services = catalog_services(uow, ring)
    with pytest.raises(Forbidden):
        await services.bin.list_archived(buyer())
    for kind in ("variant", "order"):
        with pytest.raises(NotFound):
            await services.bin.restore(SYSTEM, kind, new_id())


async def product(uow: UnitOfWork, ring: KeyRing, slug: str, *, keys: int = 0, days: int = 0) -> ProductId:
    """A product with a variant, archived so many days ago."""
    services = catalog_services(uow, ring)
    await add_variant(services, slug, keys=keys)
    product_id = ProductId((await services.storefront.product(buyer(), slug)).id)
    await services.products.archive(SYSTEM, product_id)
    async with uow() as tx:
        earlier = "UPDATE products SET archived_at = archived_at - CAST(:by AS interval) WHERE id = :id"
        await tx.execute(text(earlier), {"id": product_id, "by": timedelta(days=days)})
    return product_id


async def test_a_product_comes_back_hidden(uow: UnitOfWork, ring: KeyRing) -> None:
    services = catalog_services(uow, ring)
    one, variant = await product(uow, ring, "vpn", days=1), await archive(uow, ring, "card")
    listed = (await services.bin.list_archived(SYSTEM)).items
    assert [(item.kind, item.id) for item in listed] == [("variant", variant), ("product", one)]
    for _ in range(2):
        await services.bin.restore(SYSTEM, "product", one)
    stored = await services.products.get(SYSTEM, one)
    assert stored.archived_at is None and stored.draft.hidden
    assert [item.kind for item in (await services.bin.list_archived(SYSTEM)).items] == ["variant"]
    async with uow.read() as tx:
        recorded = "SELECT count(*) FROM audit_entries WHERE action = 'catalogue.restore_product'"
        assert (await tx.execute(text(recorded))).scalar_one() == 1


async def test_only_products_that_nothing_refers_to_are_purged(uow: UnitOfWork, ring: KeyRing) -> None:
    services = catalog_services(uow, ring)
    old = await product(uow, ring, "oldest", days=31)
    stocked = await product(uow, ring, "stocked", keys=2, days=31)
    young = await product(uow, ring, "young", days=29)
    assert await services.bin.purge() == 1
    assert {item.id for item in (await services.bin.list_archived(SYSTEM)).items} == {stocked, young}
    with pytest.raises(NotFound):
        await services.products.get(SYSTEM, old)
    assert len((await services.variants.list_of(SYSTEM, stocked)).variants) == 1
    assert await services.bin.purge() == 0
