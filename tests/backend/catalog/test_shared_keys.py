"""What is particular to a shared key: its number, its replacement, its import, its availability."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from backend.catalog import domain
from backend.catalog.errors import SoldOut
from backend.catalog.fulfilment.shared_key import SharedKeys
from backend.catalog.rules.files import RawRow
from backend.catalog.rules.rows import read_stock
from backend.catalog.service import CatalogServices
from backend.catalog.types import AVAILABILITY_CAP, Sort, StockKind, StockLow, VariantId
from backend.catalog.types.fulfilment import FulfilmentLine
from backend.catalog.types.imports import Action, Problem, ProblemCode, SharedChange, StockReport
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import Unavailable
from tests.backend.catalog.test_fulfillers import line as line_of
from tests.factories.catalog import (
    add_shared,
    add_variant,
    buyer,
    catalog_services,
    category,
    import_keys,
    import_rows,
    import_shared,
    product,
    variant,
)


@pytest.fixture
def goods(ring: KeyRing) -> SharedKeys:
    """The fulfiller."""
    return SharedKeys(ring)


async def line(tx: Tx, variant_id: VariantId, quantity: int = 1) -> FulfilmentLine:
    """A line of a shared key."""
    return await line_of(tx, SharedKeys.kind, variant_id, quantity)


async def opened(tx: Tx, goods: SharedKeys, one: FulfilmentLine) -> list[str]:
    """What the line's buyer sees."""
    return list(await goods.open(tx, [item.id for item in await goods.items(tx, [one])]))


async def stock_file(service: CatalogServices, *rows: dict[str, Any], apply: bool = True) -> StockReport:
    """Import a stock file of these rows."""
    raws = [RawRow(number, row) for number, row in enumerate(rows, start=2)]
    return await service.imports.import_stock(Actor.system(), read_stock(raws), apply=apply, source="test")


async def test_a_key_without_a_limit_is_never_sold_out(uow: UnitOfWork, ring: KeyRing, goods: SharedKeys) -> None:
    service = catalog_services(uow, ring)
    variant_id = await add_shared(service, count="unlimited")
    async with uow() as tx:
        lines = [await line(tx, variant_id, 1000) for _ in range(3)]
        await goods.deliver(tx, lines, reserved=False)
        await goods.reserve(tx, [dropped := await line(tx, variant_id, 7)])
        await goods.release(tx, [dropped])
        assert await domain.count_available(tx, variant_id, 5000) == 5000
        assert not [job for job in tx.jobs if isinstance(job.payload, StockLow)]
        assert [await opened(tx, goods, one) for one in lines] == [["SHARED-SECRET-1"]] * 3
    for in_stock in (False, True):
        for sort in Sort:
            cards = (await service.storefront.browse(buyer(), in_stock=in_stock, sort=sort)).items
            assert [card.available for card in cards] == [None]
    detail = await service.storefront.product(buyer(), "seat")
    assert (detail.available, detail.variants[0].available, detail.variants[0].in_stock) == (None, None, True)
    assert service.storefront.buy_box(buyer(), detail).maximum == 1000
    assert await service.stock.settle_stock() == 0
    assert [card.available for card in await service.storefront.similar(buyer(), (await _other(service)))] == [None]


async def _other(service: CatalogServices) -> str:
    await add_variant(service, "other", keys=1)
    return "other"


async def test_a_number_is_exact_below_the_cap_and_variants_add_up(
    uow: UnitOfWork, ring: KeyRing, goods: SharedKeys
) -> None:
    service = catalog_services(uow, ring)
    rows = [category(), product("seat", kind="shared_key"), *(variant("seat", code) for code in ("one", "two", "off"))]
    await import_rows(service, [*rows[:-1], variant("seat", "off", hidden=True)])
    empty = await service.storefront.product(buyer(), "seat")
    assert (empty.available, [item.available for item in empty.variants]) == (0, [0, 0])
    await import_shared(service, "seat/one", "A", "30")
    await import_shared(service, "seat/two", "B", str(AVAILABILITY_CAP + 7))
    await import_shared(service, "seat/off", "C", "unlimited")
    detail = await service.storefront.product(buyer(), "seat")
    assert [item.available for item in detail.variants] == [30, AVAILABILITY_CAP]
    assert detail.available == AVAILABILITY_CAP
    await import_shared(service, "seat/two", "B", "12")
    detail = await service.storefront.product(buyer(), "seat")
    card = (await service.storefront.browse(buyer(), in_stock=True)).items[0]
    assert (detail.available, card.available) == (42, 42)
    await import_shared(service, "seat/two", "B", "unlimited")
    detail = await service.storefront.product(buyer(), "seat")
    card = (await service.storefront.browse(buyer(), in_stock=True)).items[0]
    assert (detail.available, card.available, [item.available for item in detail.variants]) == (None, None, [30, None])


async def test_low_stock_is_told_once_until_the_number_is_raised(
    uow: UnitOfWork, ring: KeyRing, goods: SharedKeys
) -> None:
    service = catalog_services(uow, ring)
    variant_id = await add_shared(service, count="5", low_stock_at="3")

    async def sell(quantity: int) -> list[int]:
        async with uow() as tx:
            await goods.deliver(tx, [await line(tx, variant_id, quantity)], reserved=False)
            return [job.payload.left for job in tx.jobs if isinstance(job.payload, StockLow)]

    assert [await sell(1), await sell(2), await sell(1)] == [[], [2], []]
    await import_shared(service, "seat/one", "SHARED-SECRET-1", "9")
    assert await sell(6) == [3]
    assert await service.stock.count_low(Actor.system()) == 1
    await import_shared(service, "seat/one", "SHARED-SECRET-1", "unlimited")
    assert await service.stock.count_low(Actor.system()) == 0


async def test_who_bought_keeps_the_key_and_who_pays_later_gets_the_new_one(
    uow: UnitOfWork, ring: KeyRing, goods: SharedKeys
) -> None:
    service = catalog_services(uow, ring)
    variant_id = await add_shared(service, count="10")
    async with uow() as tx:
        before, unpaid, dropped = await line(tx, variant_id), await line(tx, variant_id, 2), await line(tx, variant_id)
        await goods.deliver(tx, [before], reserved=False)
        await goods.reserve(tx, [unpaid, dropped])
    report = await import_shared(service, "seat/one", "NEW-SECRET-2", "4")
    assert report.shared == [SharedChange("seat/one", Action.UPDATE, True, before=9, after=4)]
    async with uow() as tx:
        assert await domain.count_available(tx, variant_id) == 1  # of 4, 3 are reserved
        await goods.release(tx, [dropped])
        assert await domain.count_available(tx, variant_id) == 2
        await goods.deliver(tx, [unpaid], reserved=True)
        assert await opened(tx, goods, before) == ["SHARED-SECRET-1"]
        assert await opened(tx, goods, unpaid) == ["NEW-SECRET-2"]
        stored = (await tx.execute(text("SELECT ciphertext, fingerprint, state FROM stock_keys"))).all()
        assert [row.state for row in stored] == ["shared", "shared"]
        assert not any(b"SECRET" in part for row in stored for part in row[:2])
    # The first key again: the stored one, no second copy.
    report = await import_shared(service, "seat/one", "SHARED-SECRET-1", "2")
    assert report.shared == [SharedChange("seat/one", Action.UPDATE, True, before=2, after=2)]
    async with uow() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM stock_keys"))).scalar_one() == 2
        lines = await domain.list_lines_with_key(tx, ring, b"SHARED-SECRET-1")
        assert lines == [before.id]


async def test_a_dry_run_says_what_would_change_and_changes_nothing(uow: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(uow, ring)
    variant_id = await add_shared(service, count="10")
    for key, count, change in (
        ("SHARED-SECRET-1", "10", SharedChange("seat/one", Action.UNCHANGED, False, 10, 10)),
        ("SHARED-SECRET-1", "11", SharedChange("seat/one", Action.UPDATE, False, 10, 11)),
        ("OTHER", "Unlimited", SharedChange("seat/one", Action.UPDATE, True, 10, None)),
        ("OTHER", "٠", SharedChange("seat/one", Action.UPDATE, True, 10, 0)),
    ):
        report = await import_shared(service, "seat/one", key, count, apply=False)
        assert (report.applied, report.shared, report.problems, report.added) == (False, [change], [], 0)
    async with uow() as tx:
        assert await domain.count_available(tx, variant_id) == 10
        assert (await tx.execute(text("SELECT count(*) FROM stock_keys"))).scalar_one() == 1


async def test_none_left_by_import_hides_it_from_what_is_in_stock(uow: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(uow, ring)
    await add_shared(service, count="10")
    await import_shared(service, "seat/one", "SHARED-SECRET-1", "0")
    assert (await service.storefront.browse(buyer(), in_stock=True)).items == []
    assert (await service.storefront.browse(buyer())).items[0].available == 0
    async with uow() as tx:
        assert not (await tx.execute(text("SELECT in_stock FROM products"))).scalar_one()


async def test_every_bad_row_is_named_and_nothing_is_written(uow: UnitOfWork, ring: KeyRing, goods: SharedKeys) -> None:
    service = catalog_services(uow, ring)
    variant_id = await add_shared(service, count="10")
    await add_variant(service, "card", keys=1)
    async with uow() as tx:
        await goods.reserve(tx, [await line(tx, variant_id, 3)])
    report = await stock_file(
        service,
        {"variant": "seat/one", "key": "A"},
        {"variant": "card/one", "key": "B", "count": "5"},
        {"variant": "seat/one", "key": "C", "count": "2"},
        {"variant": "seat/one", "key": "D", "count": "9"},
        {"variant": "seat/one", "key": "E", "count": "-1"},
        {"variant": "seat/one", "key": "F", "count": "1.5"},
        {"variant": "seat/one", "key": "G", "count": str(2**63)},
        {"variant": "seat/one", "key": "", "count": "5"},
        {"variant": "seat/none", "key": "H", "count": "5"},
        {"variant": "card/one", "key": "FINE"},
    )
    assert not report.applied
    assert report.problems == [
        Problem(2, ProblemCode.REQUIRED, "count"),
        Problem(3, ProblemCode.NOT_SHARED, "count", "card/one"),
        Problem(4, ProblemCode.BELOW_RESERVED, "count", "2 < 3"),
        Problem(5, ProblemCode.DUPLICATE, "variant", "seat/one (line 4)"),
        Problem(6, ProblemCode.OUT_OF_RANGE, "count", "-1"),
        Problem(7, ProblemCode.NOT_A_NUMBER, "count", "1.5"),
        Problem(8, ProblemCode.OUT_OF_RANGE, "count", str(2**63)),
        Problem(9, ProblemCode.REQUIRED, "key"),
        Problem(10, ProblemCode.UNKNOWN_VARIANT, "variant", "seat/none"),
    ]
    async with uow() as tx:
        assert await domain.count_available(tx, variant_id) == 7
        assert (await tx.execute(text("SELECT count(*) FROM stock_keys"))).scalar_one() == 2


async def test_a_product_that_changes_its_kind_shows_the_stock_of_that_kind(
    uow: UnitOfWork, ring: KeyRing, goods: SharedKeys
) -> None:
    service = catalog_services(uow, ring)
    variant_id = await add_variant(service, "card", keys=3)

    async def seen() -> tuple[int | None, int]:
        listed = (await service.storefront.browse(buyer(), in_stock=True)).items
        return (await service.storefront.product(buyer(), "card")).available, len(listed)

    await import_rows(service, [product("card", kind="shared_key")])
    assert await seen() == (0, 0)
    async with uow() as tx:
        assert not (await tx.execute(text("SELECT in_stock FROM products"))).scalar_one()
        with pytest.raises(SoldOut):
            await goods.reserve(tx, [await line(tx, variant_id)])
    # A free key may become the shared one; a sold one belongs to its buyer.
    async with uow() as tx:
        second = "SELECT id FROM stock_keys ORDER BY position OFFSET 1 LIMIT 1"
        sold = f"UPDATE stock_keys SET state = 'sold', order_line_id = :line WHERE id = ({second})"
        await tx.execute(text(sold), {"line": tx.new_id()})
    assert (await import_shared(service, "card/one", "KEY-card-000001", "5")).problems == [
        Problem(1, ProblemCode.KEY_TAKEN, "key")
    ]
    assert (await import_shared(service, "card/one", "KEY-card-000000", "5")).applied
    assert await seen() == (5, 1)
    await import_rows(service, [product("card", kind="unique_keys")])
    assert await seen() == (1, 1)
    assert (await import_keys(service, "card/one", ["KEY-card-000000"])).duplicates == 1
    async with uow() as tx:
        assert (await domain.get_offer(tx, variant_id, reseller=False)).kind == StockKind.UNIQUE_KEYS


async def test_popularity_counts_what_was_sold_of_a_shared_key(
    uow: UnitOfWork, ring: KeyRing, goods: SharedKeys
) -> None:
    service = catalog_services(uow, ring)
    await add_variant(service, "quiet", keys=1)
    variant_id = await add_shared(service)
    async with uow() as tx:
        await goods.deliver(tx, [await line(tx, variant_id, 3)], reserved=False)
        await goods.reserve(tx, [await line(tx, variant_id, 5)])
    assert await service.storefront.refresh_popularity() == 1
    async with uow() as tx:
        sold = (await tx.execute(text("SELECT slug, recent_sales FROM products ORDER BY slug"))).all()
    assert [tuple(row) for row in sold] == [("quiet", 0), ("seat", 3)]
    assert [card.slug for card in (await service.storefront.browse(buyer())).items] == ["seat", "quiet"]


async def test_an_import_in_a_rush_leaves_its_number_exact(real: UnitOfWork, ring: KeyRing, goods: SharedKeys) -> None:
    service = catalog_services(real, ring)
    variant_id = await add_shared(service, count="unlimited")
    sold: list[UUID] = []

    async def buy(number: int) -> None:
        while True:
            try:
                async with real() as tx:
                    one = await line(tx, variant_id)
                    await goods.reserve(tx, [one])
                async with real() as tx:
                    if number % 3:
                        await goods.deliver(tx, [one], reserved=True)
                    else:
                        await goods.release(tx, [one])
            except SoldOut:
                return
            except Unavailable:
                continue
            if number % 3:
                sold.append(one.id)
            return

    async def limit() -> StockReport:
        return await import_shared(service, "seat/one", "SHARED-SECRET-2", "15")

    *_, report = await asyncio.gather(*map(buy, range(20)), limit())
    if not report.applied:  # more were reserved at that moment than could be sold
        assert [problem.code for problem in report.problems] == [ProblemCode.BELOW_RESERVED]
        report = await limit()
    await asyncio.gather(*map(buy, range(20, 60)))
    async with real() as tx:
        lines = "SELECT count(*) FROM shared_key_lines l JOIN stock_keys k ON k.id = l.key_id WHERE k.id = s.key_id"
        row = (await tx.execute(text(f"SELECT s.remaining, ({lines}) AS sold FROM shared_keys s"))).one()
        reserved = (
            await tx.execute(text("SELECT count(*) FROM shared_key_lines WHERE state = 'reserved'"))
        ).scalar_one()
    assert reserved == 0
    assert row.remaining >= 0
    assert row.remaining + row.sold <= 15  # a delivery at the moment of the import may still give the old key
    assert len(set(sold)) == len(sold)


async def test_purchases_and_imports_of_several_never_wait_in_a_circle(
    real: UnitOfWork, ring: KeyRing, goods: SharedKeys
) -> None:
    service = catalog_services(real, ring)
    slugs = ("first", "second", "third")
    variants = [await add_shared(service, slug, "30", low_stock_at="20") for slug in slugs]

    async def buy(number: int) -> int:
        for _ in range(50):
            try:
                async with real() as tx:
                    lines = [await line(tx, variants[(number + place) % 3]) for place in range(2)]
                    lines.sort(key=lambda one: (one.product_id, one.variant_id))  # as orders do
                    await goods.reserve(tx, lines)
                async with real() as tx:
                    await (goods.release(tx, lines) if number % 2 else goods.deliver(tx, lines, reserved=True))
            except Unavailable:
                continue
            except SoldOut:
                return 0
            return 0 if number % 2 else 2
        raise AssertionError("no connection for too long")

    async def refill(number: int) -> int:
        rows = [{"variant": f"{slug}/one", "key": f"K-{number}", "count": "60"} for slug in slugs]
        assert (await stock_file(service, *rows[number % 3 :], *rows[: number % 3])).applied
        return 0

    sold = sum(await asyncio.gather(*map(buy, range(24)), *map(refill, range(3))))
    assert sold == 24
    async with real() as tx:
        reserved = text("SELECT count(*) FROM shared_key_lines WHERE state = 'reserved'")
        assert (await tx.execute(reserved)).scalar_one() == 0
        left = (await tx.execute(text("SELECT sum(remaining) FROM shared_keys"))).scalar_one()
    assert 180 - sold <= left <= 180


async def test_buyers_of_a_key_without_a_limit_do_not_wait_for_each_other(
    real: UnitOfWork, ring: KeyRing, goods: SharedKeys
) -> None:
    variant_id = await add_shared(catalog_services(real, ring), count="unlimited")
    async with real() as slow:
        await goods.deliver(slow, [await line(slow, variant_id)], reserved=False)
        async with asyncio.timeout(3), real() as quick:
            await goods.deliver(quick, [await line(quick, variant_id)], reserved=False)
