"""Places of goods by hand, as a catalogue file sets them."""

from __future__ import annotations

from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from tests.factories.catalog import buyer, catalog_services, category, import_rows, product, variant


async def test_places_of_goods_by_hand_mark_their_product(uow: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(uow, ring)
    await import_rows(service, [category(), product("logo", kind="by_hand")])
    await import_rows(service, [variant("logo", promised_hours="72", open_places="2")])
    (card,) = (await service.storefront.browse(buyer(), in_stock=True)).items
    assert card.available == 2
    assert [item.promised_hours for item in (await service.storefront.product(buyer(), "logo")).variants] == [72]
    for wrong in ({"promised_hours": "0"}, {"promised_hours": "2161"}, {"open_places": "0"}, {"open_places": "many"}):
        report = await import_rows(service, [variant("logo", **wrong)])
        assert [problem.column for problem in report.problems] == list(wrong)
    await import_rows(service, [variant("logo", open_places="")])
    assert (await service.storefront.product(buyer(), "logo")).available is None
    await import_rows(service, [product("logo", kind="unique_keys")])
    assert (await service.storefront.browse(buyer(), in_stock=True)).items == []
    detail = await service.storefront.product(buyer(), "logo")
    assert (detail.available, detail.variants[0].promised_hours) == (0, None)
