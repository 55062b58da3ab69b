"""Pictures of products: given, removed, put back, by whom, and what is written down."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from backend.catalog.errors import PictureChanged
from backend.catalog.types import ProductId
from backend.catalog.types.pictures import PictureChange
from backend.identity.types import Actor
from backend.infra import audit
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, NotFound
from backend.kernel.ids import new_id
from tests.factories.catalog import add_variant, buyer, catalog_services
from tests.factories.images import encoded, halves

ADMIN = Actor.system()
ONE, OTHER = encoded(halves(80, 80)), encoded(halves(90, 80))


async def test_a_picture_is_shown_removed_and_put_back(uow: UnitOfWork, ring: KeyRing, tmp_path: Path) -> None:
    service = catalog_services(uow, ring, tmp_path)
    await add_variant(service, "thing", keys=1)
    card = (await service.storefront.browse(buyer())).items[0]
    given = await service.pictures.set_picture(ADMIN, card.id, ONE)
    assert given.before is None
    assert (await service.storefront.browse(buyer())).items[0].picture == given.after
    assert await service.pictures.set_picture(ADMIN, card.id, ONE) == PictureChange(given.after, given.after)
    removed = await service.pictures.remove(ADMIN, card.id)
    assert removed == PictureChange(given.after, None)
    for _ in range(2):  # a double tap
        await service.pictures.undo(ADMIN, card.id, removed)
    assert (await service.pictures.look_of(ADMIN, card.id)).picture == given.after
    async with uow.read() as tx:
        entries = await audit.list_entries(tx, "catalogue.set_picture", subject=f"product:{card.id}", limit=9)
    assert [(entry.params["before"], entry.params["after"]) for entry in reversed(entries)] == [
        (None, given.after), (given.after, None), (None, given.after),
    ]  # fmt: skip


async def test_a_change_is_not_undone_over_somebody_elses(uow: UnitOfWork, ring: KeyRing, tmp_path: Path) -> None:
    service = catalog_services(uow, ring, tmp_path)
    await add_variant(service, "thing", keys=1)
    product = (await service.storefront.browse(buyer())).items[0].id
    first = await service.pictures.set_picture(ADMIN, product, ONE)
    second = await service.pictures.set_picture(ADMIN, product, OTHER)
    with pytest.raises(PictureChanged):
        await service.pictures.undo(ADMIN, product, first)
    with pytest.raises(NotFound):  # a name that nothing was stored under
        await service.pictures.undo(ADMIN, product, PictureChange("a" * 40 + ".png", second.after))
    assert (await service.pictures.look_of(ADMIN, product)).picture == second.after


async def test_who_may_not_edit_the_catalogue_changes_no_picture(
    uow: UnitOfWork, ring: KeyRing, tmp_path: Path
) -> None:
    service, product = catalog_services(uow, ring, tmp_path), ProductId(new_id())
    for call in (
        service.pictures.set_picture(buyer(), product, ONE),
        service.pictures.remove(buyer(), product),
        service.pictures.undo(buyer(), product, PictureChange(None, None)),
    ):
        with pytest.raises(Forbidden):
            await call
    with pytest.raises(NotFound):
        await service.pictures.set_picture(ADMIN, product, ONE)
    assert list(tmp_path.iterdir()) == []


async def test_two_admins_at_once_leave_a_whole_picture_and_two_entries(
    real: UnitOfWork, ring: KeyRing, tmp_path: Path
) -> None:
    service = catalog_services(real, ring, tmp_path)
    await add_variant(service, "thing", keys=1)
    product = (await service.storefront.browse(buyer())).items[0].id
    changes = await asyncio.gather(*(service.pictures.set_picture(ADMIN, product, data) for data in (ONE, OTHER)))
    last = (await service.pictures.look_of(ADMIN, product)).picture
    assert {change.before for change in changes} == {None, next(c.after for c in changes if c.after != last)}
