"""What the stock promises to one buyer at a time."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from backend.catalog import domain
from backend.catalog.errors import ReservationGone, SoldOut
from backend.catalog.types import AVAILABILITY_CAP, Sort, StockKeyId, StockLow, VariantId
from backend.infra.crypto import DecryptionError, KeyRing
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import NotFound
from backend.kernel.money import Money
from tests.factories import keys as keys_of_a_line
from tests.factories.catalog import (
    add_variant,
    buyer,
    catalog_services,
    category,
    import_keys,
    import_rows,
    line_id,
    product,
    variant,
)


def alerts(tx: Tx) -> list[StockLow]:
    """What this transaction tells about low stock."""
    return [job.payload for job in tx.jobs if isinstance(job.payload, StockLow)]


async def test_keys_are_sold_oldest_first_and_open_to_what_was_put_in(uow: UnitOfWork, ring: KeyRing) -> None:
    variant_id = await add_variant(catalog_services(uow, ring), keys=9)
    async with uow() as tx:
        first, second = line_id(tx), line_id(tx)
        taken = await keys_of_a_line.take_keys(tx, variant_id, 2, first)
        others = await keys_of_a_line.take_keys(tx, variant_id, 1, second)
        assert await keys_of_a_line.open_keys(tx, ring, [*taken, *others]) == [f"KEY-card-{n:06}" for n in range(3)]
        assert await keys_of_a_line.open_keys(tx, ring, taken[::-1]) == ["KEY-card-000001", "KEY-card-000000"]
        expected = [(second, others[0]), (first, taken[0]), (first, taken[1])]
        assert await keys_of_a_line.list_taken(tx, [second, first]) == expected
        assert await domain.count_available(tx, variant_id) == 6
        assert ("stock", str((await domain.get_offer(tx, variant_id, reseller=False)).product_id)) in tx.signals


async def test_too_few_keys_take_none(uow: UnitOfWork, ring: KeyRing) -> None:
    variant_id = await add_variant(catalog_services(uow, ring), keys=3)
    async with uow() as tx:
        with pytest.raises(SoldOut) as refused:
            await keys_of_a_line.take_keys(tx, variant_id, 4, line_id(tx))
        assert refused.value.params == {"available": 3}
        assert await domain.count_available(tx, variant_id) == 3
        assert len(await keys_of_a_line.take_keys(tx, variant_id, 3, line_id(tx))) == 3
        with pytest.raises(SoldOut) as refused:
            await keys_of_a_line.reserve_keys(tx, variant_id, 1, line_id(tx))
        assert refused.value.params == {"available": 0}


async def test_an_unknown_variant_has_no_offer_and_no_keys(uow: UnitOfWork) -> None:
    async with uow() as tx:
        nobody = VariantId(tx.new_id())
        with pytest.raises(SoldOut):
            await keys_of_a_line.take_keys(tx, nobody, 1, line_id(tx))
        with pytest.raises(NotFound):
            await domain.get_offer(tx, nobody, reseller=False)
        with pytest.raises(NotFound):
            await keys_of_a_line.open_keys(tx, KeyRing("k1:" + "A" * 43 + "="), [StockKeyId(tx.new_id())])
        with pytest.raises(ValueError, match="at least 1"):
            await keys_of_a_line.take_keys(tx, nobody, 0, line_id(tx))


async def test_a_reservation_is_sold_once_or_given_back(uow: UnitOfWork, ring: KeyRing) -> None:
    variant_id = await add_variant(catalog_services(uow, ring), keys=5)
    async with uow() as tx:
        sold, dropped = line_id(tx), line_id(tx)
        keys = await keys_of_a_line.reserve_keys(tx, variant_id, 2, sold)
        await keys_of_a_line.reserve_keys(tx, variant_id, 2, dropped)
        assert await domain.count_available(tx, variant_id) == 1
        with pytest.raises(NotFound):
            await keys_of_a_line.open_keys(tx, ring, keys)
        assert await keys_of_a_line.list_taken(tx, [sold]) == []
        with pytest.raises(ReservationGone):
            async with tx.savepoint():
                await keys_of_a_line.sell_reserved(tx, dropped, 3)
        assert await keys_of_a_line.sell_reserved(tx, sold, 2) == keys
        for line in (dropped, dropped, sold):
            await keys_of_a_line.release_reserved(tx, line)
        for line in (dropped, sold):
            with pytest.raises(ReservationGone):
                await keys_of_a_line.sell_reserved(tx, line, 2)
        assert await domain.count_available(tx, variant_id) == 3
        assert [key for _, key in await keys_of_a_line.list_taken(tx, [sold])] == keys


async def test_keys_lie_encrypted_and_only_their_own_place_opens_them(uow: UnitOfWork, ring: KeyRing) -> None:
    variant_id = await add_variant(catalog_services(uow, ring), keys=2)
    async with uow() as tx:
        taken = await keys_of_a_line.take_keys(tx, variant_id, 2, line_id(tx))
        stored = (await tx.execute(text("SELECT ciphertext, fingerprint FROM stock_keys"))).all()
        assert not any(b"KEY-card" in part for row in stored for part in row)
        swap = "UPDATE stock_keys SET ciphertext = (SELECT ciphertext FROM stock_keys WHERE id = :a) WHERE id = :b"
        await tx.execute(text(swap), {"a": taken[0], "b": taken[1]})
        with pytest.raises(DecryptionError):
            await keys_of_a_line.open_keys(tx, ring, [taken[1]])


async def test_low_stock_is_told_once_until_it_is_restocked(uow: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(uow, ring)
    variant_id = await add_variant(service, keys=5, low_stock_at="3")
    async with uow() as tx:
        await keys_of_a_line.take_keys(tx, variant_id, 1, line_id(tx))
        assert alerts(tx) == []
        await keys_of_a_line.take_keys(tx, variant_id, 2, line_id(tx))
        assert [event.left for event in alerts(tx)] == [2]
        await keys_of_a_line.take_keys(tx, variant_id, 1, line_id(tx))
        assert len(alerts(tx)) == 1
        subject = await domain.find_stock_subject(tx, variant_id)
        assert subject is not None
        assert (subject.slug, subject.name, subject.available) == ("card", {"en": "Card"}, 1)
    await import_keys(service, "card/one", [f"NEW-{number}" for number in range(4)])
    async with uow() as tx:
        await keys_of_a_line.take_keys(tx, variant_id, 5, line_id(tx))
        assert [event.left for event in alerts(tx)] == [0]


async def test_a_small_delivery_does_not_alert_about_itself(uow: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(uow, ring)
    variant_id = await add_variant(service, keys=2)
    assert await service.stock.settle_stock() == 0
    async with uow() as tx:
        await keys_of_a_line.take_keys(tx, variant_id, 1, line_id(tx))
        assert alerts(tx) == []


async def test_what_a_rush_left_unseen_is_settled(uow: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(uow, ring)
    await add_variant(service, keys=6)
    async with uow() as tx:
        # As when buyers who don't see each other take all at once: nobody noticed the last key.
        await tx.execute(text("UPDATE stock_keys SET state = 'removed'"))
    assert (await service.storefront.browse(buyer(), in_stock=True)).items == []
    assert await service.stock.settle_stock() == 1
    assert await service.stock.settle_stock() == 0
    async with uow() as tx:
        payloads = (await tx.execute(text("SELECT payload FROM outbox_jobs"))).scalars().all()
    assert [row["left"] for row in payloads] == [0]


async def test_the_mark_in_stock_follows_the_last_key_and_the_first(uow: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(uow, ring)
    variant_id = await add_variant(service, keys=1)

    async def marked() -> bool:
        async with uow() as tx:
            return bool((await tx.execute(text("SELECT in_stock FROM products"))).scalar_one())

    assert await marked()
    async with uow() as tx:
        line = line_id(tx)
        await keys_of_a_line.reserve_keys(tx, variant_id, 1, line)
    assert not await marked()
    assert (await service.storefront.browse(buyer())).items[0].available == 0
    async with uow() as tx:
        await keys_of_a_line.release_reserved(tx, line)
    assert await marked()
    assert [card.available for card in (await service.storefront.browse(buyer(), in_stock=True)).items] == [1]


async def test_availability_is_exact_below_the_cap_and_plenty_at_it(uow: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(uow, ring)
    variant_id = await add_variant(service, keys=AVAILABILITY_CAP + 5)
    for taken, left in ((0, AVAILABILITY_CAP), (5, AVAILABILITY_CAP), (1, AVAILABILITY_CAP - 1)):
        async with uow() as tx:
            if taken:
                await keys_of_a_line.take_keys(tx, variant_id, taken, line_id(tx))
            assert await domain.count_available(tx, variant_id) == left
        detail = await service.storefront.product(buyer(), "card")
        assert (detail.available, detail.variants[0].available) == (left, left)
        assert (await service.storefront.browse(buyer(), sort=Sort.NEW)).items[0].available == left


async def test_an_offer_carries_the_limits_and_the_price_of_its_buyer(uow: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(uow, ring)
    rows = [
        category(),
        product("vpn", country="tr", premium_only=True, name_ar="شبكة"),
        variant(
            "vpn", "month", "2.99", reseller_price="2.10", min_quantity="2", max_quantity="4", per_person_limit="8"
        ),
        variant("vpn", "year", "20"),
    ]
    assert (await import_rows(service, rows)).applied
    detail = await service.storefront.product(buyer(is_reseller=True), "vpn")
    month, year = sorted(detail.variants, key=lambda item: item.code)
    assert (month.price, month.public_price) == (Money(210, "USD"), Money(299, "USD"))
    assert year.price == year.public_price == Money(2000, "USD")
    async with uow() as tx:
        dear = await domain.get_offer(tx, month.id, reseller=False)
        cheap = await domain.get_offer(tx, month.id, reseller=True)
        plain = await domain.get_offer(tx, year.id, reseller=True)
    assert (dear.unit_price.amount, cheap.unit_price.amount, plain.unit_price.amount) == (299, 210, 2000)
    assert (dear.min_quantity, dear.max_quantity, dear.per_person_limit, dear.premium_only) == (2, 4, 8, True)
    assert (dear.name, dear.country, dear.slug) == ({"en": "Vpn", "ar": "شبكة"}, "TR", "vpn")
    card = (await service.storefront.browse(buyer(is_reseller=True))).items[0]
    assert (card.price_from, card.prices_differ, card.premium_only) == (Money(210, "USD"), True, True)
    assert (await service.storefront.browse(buyer())).items[0].price_from == Money(299, "USD")


@pytest.mark.parametrize("what", ["variant", "product", "category", "parent"])
async def test_what_is_hidden_is_not_for_sale(uow: UnitOfWork, ring: KeyRing, what: str) -> None:
    service = catalog_services(uow, ring)
    rows = [category("top"), category("sub", parent="top"), product("thing", "sub"), variant("thing")]
    await import_rows(service, rows)
    variant_id = (await service.storefront.product(buyer(), "thing")).variants[0].id
    hidden = {
        "variant": variant("thing", hidden=True),
        "product": product("thing", "sub", hidden="yes"),
        "category": category("sub", hidden="1"),
        "parent": category("top", hidden=True),
    }[what]
    await import_rows(service, [hidden])
    async with uow() as tx:
        with pytest.raises(NotFound):
            await domain.get_offer(tx, variant_id, reseller=False)
    with pytest.raises(NotFound):
        await service.storefront.product(buyer(), "thing")
    assert (await service.storefront.browse(buyer())).items == []
    await import_rows(service, [{**hidden, "hidden": False}])
    assert len((await service.storefront.browse(buyer(), category="top")).items) == 1
