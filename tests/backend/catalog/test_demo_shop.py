"""The demo's own files: complete, and loaded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.bootstrap import Services
from backend.demo.load import load_demo_cart, load_demo_shop
from backend.infra.crypto import KeyRing
from backend.infra.storage import Storage
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.text import Locale
from backend.orders.types.cart import CartState
from tests.factories.catalog import buyer, catalog_services, import_rows, import_shared, variant
from tests.factories.wallet import usd

pytestmark = pytest.mark.long("each loads the whole shop: 5,000 keys are sealed, and its pictures stored")


async def test_the_demo_shop_is_whole_and_a_second_start_changes_nothing(
    uow: UnitOfWork, ring: KeyRing, tmp_path: Path
) -> None:
    service, storage = catalog_services(uow, ring), Storage(tmp_path)
    first = await load_demo_shop(service.imports, storage)
    assert first.created > 200
    assert first.keys > 5000
    version = await service.storefront.version()
    await import_rows(service, [variant("private-vpn", "3-months", "8.88", name_en="A season")])
    edited = await service.storefront.version()
    assert edited == version + 1

    await import_shared(service, "ebook-library/1-year", "THE-OWNER-CHANGED-IT", "3")

    second = await load_demo_shop(service.imports, storage)
    assert (second.created, second.keys) == (0, 0)
    assert await service.storefront.version() == edited
    detail = await service.storefront.product(buyer(), "private-vpn")
    assert [item.name for item in detail.variants] == ["1 month", "A season", "Lifetime"]
    assert [item.available for item in detail.variants] == [100, 12, 45]
    shared = await service.storefront.product(buyer(), "ebook-library")
    assert (shared.available, [item.available for item in shared.variants]) == (None, [None, 3])


async def test_the_demo_s_customer_has_a_cart_once(services: Services) -> None:
    await load_demo_shop(services.catalog.imports, services.storage)
    for _ in range(2):
        await load_demo_cart(services)
    emma = await services.identity.access.actor_by_telegram_id(700_000_001)
    assert emma is not None
    cart = await services.orders.cart.show(emma)
    assert [(line.offer.slug, line.offer.kind, line.state) for line in (*cart.lines, *cart.unavailable)] == [
        ("private-vpn", "unique_keys", CartState.READY),
        ("ebook-library", "shared_key", CartState.READY),
        ("food-card-ae", "unique_keys", CartState.READY),
        ("shopping-card-tr", "unique_keys", CartState.SOLD_OUT),
    ]
    assert cart.total == usd(2 * 299 + 10 * 210 + 1350)
    await services.orders.cart.remove(emma, cart.lines[0].offer.variant_id)
    await load_demo_cart(services)
    assert await services.orders.cart.count(emma) == 3


async def test_the_demo_shop_has_all_that_the_pages_show(uow: UnitOfWork, ring: KeyRing, tmp_path: Path) -> None:
    service, storage = catalog_services(uow, ring), Storage(tmp_path)
    await load_demo_shop(service.imports, storage)
    cards = (await service.storefront.browse(buyer(), limit=100)).items
    assert len(cards) >= 64
    assert len(await service.storefront.countries()) >= 14
    pictures = {card.picture for card in cards if card.picture}
    assert len(pictures) >= 20
    for picture in pictures:
        assert (await storage.get(picture)).content_type == "image/svg+xml"
    available = [card.available for card in cards]
    assert available.count(0) >= 2
    assert any(card.premium_only for card in cards)
    for locale in Locale:
        reader = buyer(language=locale)
        for card in (await service.storefront.browse(reader, limit=100)).items:
            detail = await service.storefront.product(reader, card.slug)
            assert detail.name and detail.summary and detail.description_html.startswith("<h2>")
            assert all(item.name for item in detail.variants)
        assert all(row.name and row.products for row in await service.storefront.categories(reader))
