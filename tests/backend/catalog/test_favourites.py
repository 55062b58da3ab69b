"""What people like, and when they are told of it: of a return or a lower price, once, and not of each small change."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import text, update

from backend.catalog.errors import TooManyFavourites
from backend.catalog.models import Product
from backend.catalog.service import CatalogServices
from backend.catalog.types.favourites import MOST_FAVOURITES
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import NotFound
from tests.factories.catalog import add_variant, catalog_services, import_keys, import_rows, product, variant
from tests.factories.wallet import actor_of, add_person
from tests.fakes.clock import FakeClock


@pytest.fixture
def service(uow: UnitOfWork, ring: KeyRing) -> CatalogServices:
    """The catalogue."""
    return catalog_services(uow, ring)


@pytest.fixture
async def nadia(uow: UnitOfWork) -> Actor:
    """Somebody who likes things."""
    async with uow() as tx:
        return actor_of(await add_person(tx))


async def count_messages(uow: UnitOfWork) -> list[int]:
    """The price that people knew, of each message that a job will send."""
    async with uow.read() as tx:
        rows = "SELECT payload->>'known' FROM outbox_jobs WHERE task = 'notifications.favourite_changed' ORDER BY id"
        return [int(known) for known in (await tx.execute(text(rows))).scalars()]


async def reprice(service: CatalogServices, price: str, **changes: str) -> None:
    """Change the price."""
    assert (await import_rows(service, [variant("card", price=price, **changes)])).applied


async def test_what_is_liked_shows_the_price_of_then(service: CatalogServices, nadia: Actor) -> None:
    await add_variant(service, keys=3)
    for _ in range(2):
        await service.favourites.add(nadia, "card")
    await reprice(service, "6.50")
    (liked,) = await service.favourites.list_own(nadia)
    assert (liked.price.amount, liked.seen.amount, liked.available, liked.for_sale) == (650, 500, 3, True)
    assert await service.favourites.list_liked(nadia, ["card", "other"]) == {"card"}
    for _ in range(2):
        await service.favourites.remove(nadia, "card")
    assert await service.favourites.list_own(nadia) == []
    with pytest.raises(NotFound):
        await service.favourites.add(nadia, "nothing")


async def test_a_lower_price_is_told_once_and_small_changes_are_not(
    uow: UnitOfWork, service: CatalogServices, nadia: Actor
) -> None:
    await add_variant(service, keys=3, price="10.00")
    await service.favourites.add(nadia, "card")
    for price, messages in (
        ("9.60", []), ("9.50", [1000]), ("9.10", [1000]), ("10.00", [1000]), ("9.40", [1000]), ("9.02", [1000, 950]),
    ):  # fmt: skip
        await reprice(service, price)
        for _ in range(2):
            await service.favourites.tell_changed()
        assert await count_messages(uow) == messages, price


async def test_a_return_is_told_once_a_day_at_most(
    uow: UnitOfWork, service: CatalogServices, nadia: Actor, clock: FakeClock
) -> None:
    await add_variant(service)
    await service.favourites.add(nadia, "card")
    await service.favourites.tell_changed()
    await import_keys(service, "card/one", ["A"])
    for _ in range(2):
        await service.favourites.tell_changed()
    assert await count_messages(uow) == [500]
    for hours, messages in ((1, 1), (24, 2)):
        await _sell_out(uow)
        await service.favourites.tell_changed()
        clock.move(hours=hours)
        await import_keys(service, "card/one", [f"B{hours}"])
        await service.favourites.tell_changed()
        assert len(await count_messages(uow)) == messages


async def _sell_out(uow: UnitOfWork) -> None:
    async with uow() as tx:
        await tx.execute(text("UPDATE stock_keys SET state = 'removed' WHERE state = 'available'"))
        await tx.execute(update(Product).values(in_stock=False))


async def test_both_at_once_are_one_message(uow: UnitOfWork, service: CatalogServices, nadia: Actor) -> None:
    await add_variant(service, price="10.00")
    await service.favourites.add(nadia, "card")
    await reprice(service, "5.00")
    await service.favourites.tell_changed()
    assert await count_messages(uow) == []  # cheaper, but nobody can buy it
    await import_keys(service, "card/one", ["A"])
    for _ in range(2):
        await service.favourites.tell_changed()
    assert await count_messages(uow) == [1000]


async def test_who_stands_in_line_is_told_by_the_line_alone(
    uow: UnitOfWork, service: CatalogServices, nadia: Actor
) -> None:
    variant_id = await add_variant(service)
    await service.favourites.add(nadia, "card")
    await service.waiting.join(nadia, variant_id)
    await service.favourites.tell_changed()
    await import_keys(service, "card/one", ["A", "B"])
    await service.waiting.serve_all()
    await service.favourites.tell_changed()
    await service.waiting.leave(nadia, variant_id)
    await service.favourites.tell_changed()
    assert await count_messages(uow) == []


async def test_a_product_that_is_gone_stays_in_the_list_and_is_not_told(
    uow: UnitOfWork, service: CatalogServices, nadia: Actor
) -> None:
    await add_variant(service, keys=1, price="10.00")
    await service.favourites.add(nadia, "card")
    await import_rows(service, [product("card", hidden="yes"), variant("card", price="1.00")])
    await service.favourites.tell_changed()
    (liked,) = await service.favourites.list_own(nadia)
    assert (liked.for_sale, await count_messages(uow)) == (False, [])
    await service.favourites.remove(nadia, "card")
    assert await service.favourites.count(nadia) == 0


async def test_a_reseller_is_told_of_their_own_price(uow: UnitOfWork, service: CatalogServices, nadia: Actor) -> None:
    await add_variant(service, keys=1, price="10.00", reseller_price="8.00")
    reseller = msgspec.structs.replace(nadia, is_reseller=True)
    await service.favourites.add(reseller, "card")
    await reprice(service, "9.00", reseller_price="8.00")
    await service.favourites.tell_changed()
    assert await count_messages(uow) == []
    await reprice(service, "9.00", reseller_price="7.00")
    await service.favourites.tell_changed()
    assert await count_messages(uow) == [800]


async def test_there_is_an_end_to_what_one_likes(uow: UnitOfWork, service: CatalogServices, nadia: Actor) -> None:
    await add_variant(service)
    async with uow() as tx:
        copies = """
            INSERT INTO products
                (id, category_id, slug, kind, choice, name, summary, description, icon, hue, created_at)
            SELECT gen_random_uuid(), category_id, 'copy-' || n, kind, choice, name, summary, description, icon, hue,
                   created_at FROM products, generate_series(1, :most) n
        """
        await tx.execute(text(copies), {"most": MOST_FAVOURITES})
        likes = """
            INSERT INTO favourites (id, user_id, product_id, added_at, reseller, seen_amount, lowest_amount, currency,
                                    was_out)
            SELECT gen_random_uuid(), :user_id, id, now(), false, 1, 1, 'USD', false FROM products WHERE slug <> 'card'
        """
        await tx.execute(text(likes), {"user_id": nadia.id})
    with pytest.raises(TooManyFavourites):
        await service.favourites.add(nadia, "card")
