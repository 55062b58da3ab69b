"""What every kind of goods must do, played by each registered fulfiller."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import FULFILLERS
from backend.catalog import domain
from backend.catalog.domain import hand_work
from backend.catalog.errors import ReservationGone, SoldOut
from backend.catalog.service import CatalogServices
from backend.catalog.types import StockKind, VariantId
from backend.catalog.types.fulfilment import DeliveryStatus, Fulfiller, FulfilmentLine, ItemId
from backend.courses.errors import OnePlaceOnly
from backend.courses.fulfilment import CoursePlaces
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import NotFound, Unavailable
from backend.kernel.ids import OrderLineId, UserId
from tests.factories.catalog import add_by_hand, add_file, add_shared, add_variant, buyer, catalog_services
from tests.factories.courses import add_places
from tests.factories.wallet import add_person

Stocked = Callable[[UnitOfWork, CatalogServices, str, int], Awaitable[VariantId]]


async def _keys(_uow: UnitOfWork, service: CatalogServices, slug: str, count: int) -> VariantId:
    return await add_variant(service, slug, keys=count)


async def _shared(_uow: UnitOfWork, service: CatalogServices, slug: str, count: int) -> VariantId:
    return await add_shared(service, slug, str(count), f"SHARED-{slug}")


async def _by_hand(_uow: UnitOfWork, service: CatalogServices, slug: str, count: int) -> VariantId:
    return await add_by_hand(service, slug, count)


async def _course(uow: UnitOfWork, _service: CatalogServices, slug: str, count: int) -> VariantId:
    return (await add_places(uow, slug, count)).variant_id


async def _file(_uow: UnitOfWork, service: CatalogServices, slug: str, count: int) -> VariantId:
    return await add_file(service, slug, copies=count)


STOCKED: dict[str, Stocked] = {
    StockKind.UNIQUE_KEYS.value: _keys,
    StockKind.SHARED_KEY.value: _shared,
    StockKind.BY_HAND.value: _by_hand,
    StockKind.FILE.value: _file,
    StockKind.COURSE.value: _course,
}
"""How each kind gets a stock of so many."""
PERSONAL = {StockKind.COURSE.value}
"""Kinds of which a line is one for one person, with nothing to open, and comes back with a refund."""


FILES = {StockKind.FILE.value}
"""Kinds that have files and no texts, and whose access a refund ends."""


async def _prepare(tx: Tx, ring: KeyRing, line: FulfilmentLine) -> None:
    offer = await domain.get_offer(tx, line.variant_id, reseller=False)
    item = await hand_work.lock_open(tx, line.id)
    await hand_work.deliver_text(tx, ring, line.id, item, None, f"made by hand: {offer.slug}")


Finish = Callable[[Tx, KeyRing, FulfilmentLine], Awaitable[None]]
FINISHED: dict[str, Finish] = {StockKind.BY_HAND.value: _prepare}
"""How a kind that is not instant delivers a pending line; its place is free again then."""
MAKERS: tuple[Callable[[KeyRing], Fulfiller], ...] = (*FULFILLERS, lambda _ring: CoursePlaces())
"""All that have a stock: months of premium have none."""
KINDS = [make(KeyRing("k1:" + "A" * 43 + "=")).kind for make in MAKERS]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each registered kind."""
    return str(request.param)


@pytest.fixture
def goods(kind: str, ring: KeyRing) -> Fulfiller:
    """The fulfiller of the kind."""
    return next(one for one in (make(ring) for make in MAKERS) if one.kind == kind)


Finishes = Callable[[Tx, FulfilmentLine], Awaitable[int]]


@pytest.fixture
def finish(kind: str, ring: KeyRing) -> Finishes:
    """Delivers a line that is PENDING, if the kind has such; how many of it can be bought again then."""

    async def run(tx: Tx, one: FulfilmentLine) -> int:
        if kind not in FINISHED:
            return 0
        await FINISHED[kind](tx, ring, one)
        return one.quantity

    return run


@pytest.fixture
def stocked(kind: str) -> Stocked:
    """How the kind gets its stock."""
    return STOCKED[kind]


@pytest.fixture
def opens(kind: str, goods: Fulfiller) -> bool:
    """Whether a line that is delivered at once has something that can be opened."""
    return goods.instant and kind not in PERSONAL


async def line(tx: Tx, kind: str, variant_id: VariantId, quantity: int = 1) -> FulfilmentLine:
    """A line that no order has; of a personal kind somebody's."""
    offer = await domain.get_offer(tx, variant_id, reseller=False)
    person = await add_person(tx) if kind in PERSONAL else UserId(UUID(int=0))
    return FulfilmentLine(
        id=OrderLineId(tx.new_id()), kind=kind, product_id=offer.product_id, variant_id=variant_id,
        quantity=quantity, buyer=person, recipient=person, paid=offer.unit_price,
    )  # fmt: skip


async def lines_of(tx: Tx, kind: str, variant_id: VariantId, quantity: int) -> list[FulfilmentLine]:
    """One line of so many; of a personal kind so many lines of one."""
    if kind in PERSONAL:
        return [await line(tx, kind, variant_id) for _ in range(quantity)]
    return [await line(tx, kind, variant_id, quantity)]


async def test_what_is_reserved_is_delivered_and_opens(
    uow: UnitOfWork, ring: KeyRing, kind: str, goods: Fulfiller, stocked: Stocked, finish: Finishes, opens: bool
) -> None:
    service = catalog_services(uow, ring)
    first, second = await stocked(uow, service, "first", 5), await stocked(uow, service, "second", 5)
    async with uow() as tx:
        of_first, of_second = await lines_of(tx, kind, first, 2), await lines_of(tx, kind, second, 1)
        lines = [*of_first, *of_second]
        await goods.reserve(tx, lines)
        assert await domain.count_available(tx, first) == 3
        assert await domain.count_available(tx, second) == 4
        assert list(await goods.items(tx, lines)) == []
        deliveries = await goods.deliver(tx, lines, reserved=True)
        assert {one.id for one in lines} == set(deliveries)
        expected = DeliveryStatus.DELIVERED if goods.instant else DeliveryStatus.PENDING
        assert all(delivery.status is expected for delivery in deliveries.values())
        assert await domain.count_available(tx, first) == 3
        delivered_items = [item for one in lines for item in deliveries[one.id].items]
        assert list(await goods.items(tx, lines)) == delivered_items
        assert bool(delivered_items) is opens
        returned = sum([await finish(tx, one) for one in of_first])
        for one in of_second:
            await finish(tx, one)
        for order in (lines, lines[::-1]):
            items = list(await goods.items(tx, order))
            if goods.instant:
                assert items == [item for one in order for item in deliveries[one.id].items]
            if kind in FILES:
                assert all(item.file for item in items)
                continue
            texts = list(await goods.open(tx, [item.id for item in items]))
            assert all(
                ("first" in text) == (item.line_id == of_first[0].id) for item, text in zip(items, texts, strict=True)
            )
            backwards = list(await goods.open(tx, [item.id for item in items][::-1]))
            assert backwards == texts[::-1]
        assert await domain.count_available(tx, first) == 3 + returned
    assert [one.available for one in (await service.storefront.product(buyer(), "first")).variants] == [3 + returned]


async def test_more_than_there_is_names_the_line_and_takes_nothing(
    uow: UnitOfWork, ring: KeyRing, kind: str, goods: Fulfiller, stocked: Stocked
) -> None:
    service = catalog_services(uow, ring)
    plenty, few = await stocked(uow, service, "plenty", 9), await stocked(uow, service, "few", 2)
    async with uow() as tx:
        lines = [*await lines_of(tx, kind, plenty, 3), *await lines_of(tx, kind, few, 3)]
        seen = 0 if kind in PERSONAL else 2
        for attempt in (lambda: goods.reserve(tx, lines), lambda: goods.deliver(tx, lines, reserved=False)):
            with pytest.raises(SoldOut) as refused:
                async with tx.savepoint():
                    await attempt()
            assert (refused.value.line_id, refused.value.params) == (lines[-1].id, {"available": seen})
        assert [await domain.count_available(tx, one) for one in (plenty, few)] == [9, 2]
        assert list(await goods.items(tx, lines)) == []
        await goods.deliver(tx, await lines_of(tx, kind, few, 2), reserved=False)
        with pytest.raises(SoldOut) as refused:
            await goods.reserve(tx, [await line(tx, kind, few)])
        assert refused.value.params == {"available": 0}
        with pytest.raises((ValueError, OnePlaceOnly)):
            await goods.reserve(tx, [await line(tx, kind, plenty, 0)])
    assert [card.slug for card in (await service.storefront.browse(buyer(), in_stock=True)).items] == ["plenty"]


async def test_a_reservation_returns_once_and_a_sale_never(
    uow: UnitOfWork, ring: KeyRing, kind: str, goods: Fulfiller, stocked: Stocked, finish: Finishes, opens: bool
) -> None:
    service = catalog_services(uow, ring)
    variant_id = await stocked(uow, service, "thing", 3)
    async with uow() as tx:
        sold, dropped = await line(tx, kind, variant_id, 1), await lines_of(tx, kind, variant_id, 2)
        await goods.reserve(tx, [sold, *dropped])
        await goods.deliver(tx, [sold], reserved=True)
    assert (await service.storefront.browse(buyer(), in_stock=True)).items == []
    async with uow() as tx:
        for lines in ([*dropped, sold], dropped, [sold]):
            await goods.release(tx, lines)
        assert await domain.count_available(tx, variant_id) == 2
        for gone in (sold, *dropped):
            with pytest.raises(ReservationGone):
                await goods.deliver(tx, [gone], reserved=True)
        free = 2 + await finish(tx, sold)
        await goods.revoke(tx, sold, 1)
        free += kind in PERSONAL
        assert await domain.count_available(tx, variant_id) == free
        left_items = await goods.items(tx, [sold])
        assert len(await goods.open(tx, [item.id for item in left_items])) == (kind not in PERSONAL | FILES)
        late = await goods.deliver(tx, dropped, reserved=False)  # a payment after the reservation has expired
        assert all(bool(late[one.id].items) is opens for one in dropped)
        rest = [await line(tx, kind, variant_id) for _ in range(free - 2)]
        await goods.reserve(tx, rest)
    assert (await service.storefront.browse(buyer(), in_stock=True)).items == []


async def test_an_unknown_thing_does_not_open(uow: UnitOfWork, goods: Fulfiller) -> None:
    async with uow() as tx:
        with pytest.raises(NotFound):
            await goods.open(tx, [ItemId(tx.new_id())])


@pytest.mark.parametrize("seed", range(3))
async def test_any_sequence_keeps_the_count(
    uow: UnitOfWork, ring: KeyRing, kind: str, goods: Fulfiller, stocked: Stocked, finish: Finishes, seed: int
) -> None:
    chance = random.Random(seed)
    variant_id = await stocked(uow, catalog_services(uow, ring), "thing", 12)
    free = 12
    reserved: list[FulfilmentLine] = []
    sold: list[FulfilmentLine] = []
    returned: list[OrderLineId] = []
    async with uow() as tx:
        for _ in range(60):
            act = chance.choice(("reserve", "sell", "deliver", "release", "again", "revoke"))
            quantity = chance.randint(1, 3)
            new = await lines_of(tx, kind, variant_id, quantity) if act in {"reserve", "sell"} else []
            if new and quantity > free:
                with pytest.raises(SoldOut):
                    async with tx.savepoint():
                        await (goods.reserve(tx, new) if act == "reserve" else goods.deliver(tx, new, reserved=False))
            elif act == "reserve":
                await goods.reserve(tx, new)
                reserved += new
                free -= quantity
            elif act == "sell":
                await goods.deliver(tx, new, reserved=False)
                sold += new
                free += sum([await finish(tx, one) for one in new]) - quantity
            elif act in {"deliver", "release"} and reserved:
                one = reserved.pop(chance.randrange(len(reserved)))
                if act == "deliver":
                    await goods.deliver(tx, [one], reserved=True)
                    sold.append(one)
                    free += await finish(tx, one)
                else:
                    await goods.release(tx, [one])
                    free += one.quantity
            elif act == "again" and sold:
                await goods.release(tx, [chance.choice(sold)])
            elif act == "revoke" and sold:
                one = chance.choice(sold)
                await goods.revoke(tx, one, 1)
                free += kind in PERSONAL and one.id not in returned
                returned.append(one.id)
            assert await domain.count_available(tx, variant_id) == free
            with_items = {item.line_id for item in await goods.items(tx, sold + reserved)}
            left_items = [one.id for one in sold if kind not in FILES or returned.count(one.id) < one.quantity]
            assert with_items == (set() if kind in PERSONAL else set(left_items))
        assert sold


async def test_50_buyers_of_20_make_20_sales(
    real: UnitOfWork, ring: KeyRing, kind: str, goods: Fulfiller, stocked: Stocked, finish: Finishes
) -> None:
    service = catalog_services(real, ring)
    variant_id = await stocked(real, service, "thing", 20)

    async def patiently(step: Callable[[Tx], Awaitable[FulfilmentLine]]) -> FulfilmentLine:
        """Each step alone: a line that is reserved must not be reserved again because its delivery had to wait."""
        while True:
            try:
                async with real() as tx:
                    return await step(tx)
            except Unavailable:  # the pool of connections is busy
                continue

    async def take(tx: Tx, *, now: bool) -> FulfilmentLine:
        one = await line(tx, kind, variant_id)
        if now:
            await goods.deliver(tx, [one], reserved=False)
        else:
            await goods.reserve(tx, [one])
        return one

    async def hand_over(tx: Tx, one: FulfilmentLine) -> FulfilmentLine:
        await goods.deliver(tx, [one], reserved=True)
        return one

    async def buy(number: int) -> FulfilmentLine | None:
        now = bool(number % 2)
        try:
            one = await patiently(partial(take, now=now))
        except SoldOut:
            return None
        return one if now else await patiently(partial(hand_over, one=one))

    bought = [one for one in await asyncio.gather(*map(buy, range(50))) if one is not None]
    assert len(bought) == 20
    async with real() as tx:
        assert await domain.count_available(tx, variant_id) == 0
    assert (await service.storefront.browse(buyer(), in_stock=True)).items == []
    async with real() as tx:
        for one in bought:
            await finish(tx, one)
        items = await goods.items(tx, bought)
        assert len({item.id for item in items}) == (0 if kind in PERSONAL else 20)
        if kind not in FILES:
            assert len(await goods.open(tx, [item.id for item in items])) == len(items)
    await service.stock.settle_stock()
    assert bool((await service.storefront.browse(buyer(), in_stock=True)).items) is not goods.instant


async def test_a_rush_of_reservations_and_releases_loses_nothing(
    real: UnitOfWork, ring: KeyRing, kind: str, goods: Fulfiller, stocked: Stocked
) -> None:
    service = catalog_services(real, ring)
    variant_id = await stocked(real, service, "thing", 4)

    async def come_and_go(number: int) -> None:
        for _ in range(8):
            try:
                async with real() as tx:
                    lines = await lines_of(tx, kind, variant_id, 1 + number % 2)
                    await goods.reserve(tx, lines)
            except (SoldOut, Unavailable):
                continue
            for _ in range(2):  # the expiry and the cancellation of one order
                async with real() as tx:
                    await goods.release(tx, lines)

    await asyncio.gather(*map(come_and_go, range(8)))
    async with real() as tx:
        assert await domain.count_available(tx, variant_id) == 4
    assert [card.available for card in (await service.storefront.browse(buyer(), in_stock=True)).items] == [4]


async def test_a_killed_sale_takes_nothing(
    real: UnitOfWork, ring: KeyRing, kind: str, goods: Fulfiller, stocked: Stocked, engine: AsyncEngine
) -> None:
    variant_id = await stocked(real, catalog_services(real, ring), "thing", 3)
    with pytest.raises(Exception, match=r"terminat|closed"):
        async with real() as tx:
            lines = await lines_of(tx, kind, variant_id, 2)
            await goods.deliver(tx, lines, reserved=False)
            process = (await tx.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            async with engine.connect() as other:
                await other.execute(text("SELECT pg_terminate_backend(:id, 5000)"), {"id": process})
    async with real() as tx:
        assert await domain.count_available(tx, variant_id) == 3
        assert list(await goods.items(tx, lines)) == []
