"""The line for what is sold out: who is served, when, and what others can buy meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text, update

from backend.catalog.errors import SoldOut, StillInStock, TooManyWaits
from backend.catalog.models import Product
from backend.catalog.types import StockKind, VariantId
from backend.catalog.types.waiting import MOST_WAITS, HoldUndelivered, WaitId
from backend.identity.models import User
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, NotFound
from tests.backend.catalog.line import HOLD, Line
from tests.factories.catalog import add_variant, buyer, import_rows, variant
from tests.fakes.clock import FakeClock

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
NIGHT = datetime(2026, 11, 28, 23, tzinfo=UTC)


@pytest.fixture
def clock() -> FakeClock:
    """Noon, when everybody is awake."""
    return FakeClock(NOON)


@pytest.fixture(params=[StockKind.UNIQUE_KEYS, StockKind.SHARED_KEY])
async def line(request: pytest.FixtureRequest, uow: UnitOfWork, ring: KeyRing, clock: FakeClock) -> Line:
    """A sold-out variant of each kind."""
    return await Line(uow, ring, clock, request.param).open()


async def change_person(line: Line, person: Actor, **values: Any) -> None:
    """Change what the shop knows of somebody."""
    async with line.uow() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(**values))


async def test_what_comes_is_held_for_the_first_then_for_the_next(line: Line, clock: FakeClock) -> None:
    first, second, third = await line.people(3)
    assert [((await line.place(one)).number, (await line.place(one)).waiting) for one in (first, third)] == [
        (1, 3), (3, 3),
    ]  # fmt: skip
    await line.arrive(1)
    await line.waiting.serve_all()
    assert await line.holders() == await line.notified() == [first.id]
    place = await line.place(first)
    assert (place.held_until, place.in_line, place.available) == (NOON + HOLD, False, 1)
    assert (await line.place(third)).number == 2
    clock.move(minutes=29)
    await line.waiting.serve_all()
    assert await line.holders() == [first.id]
    clock.move(minutes=1)
    await line.waiting.serve_all()
    assert await line.holders() == [second.id]
    assert await line.notified() == [first.id, second.id]
    assert not (await line.place(first)).in_line
    async with line.uow() as tx:
        ended = (await tx.execute(text("SELECT count(*) FROM outbox_jobs WHERE task LIKE '%hold_ended'"))).scalar_one()
    assert ended == 1


async def test_what_is_assigned_or_held_is_for_nobody_else(line: Line) -> None:
    first, second = await line.people(2)
    (stranger,) = await line.strangers(1)
    await line.arrive(1)
    for _ in range(2):  # at once, before any job runs; then held
        for other in (second, stranger):
            with pytest.raises(SoldOut) as refused:
                await line.buy(other)
            assert refused.value.params == {"available": 0}
        assert (await line.available(), await line.available(second), await line.available(first)) == (0, 0, 1)
        assert (await line.catalog.storefront.browse(buyer(), in_stock=True)).items == []
        await line.waiting.serve_all()
    await line.buy(first)
    assert await line.holders() == []
    assert (await line.place(first)).held_until is None
    assert (await line.place(second)).number == 1


async def test_more_than_people_wait_for_is_for_everybody(line: Line) -> None:
    people = await line.people(2)
    (stranger,) = await line.strangers(1)
    await line.arrive(5)
    assert (await line.available(), await line.available(people[0])) == (3, 4)
    await line.buy(stranger, 3)
    await line.waiting.serve_all()
    assert await line.holders() == [one.id for one in people]
    with pytest.raises(SoldOut):
        await line.buy(people[0], 2)
    assert await line.holders() == [one.id for one in people]  # the refused purchase has ended nothing


@pytest.mark.parametrize("reserve", [False, True])
async def test_a_holder_buys_with_what_is_free_and_nothing_stays_held(line: Line, *, reserve: bool) -> None:
    first, second = await line.people(2)
    await line.arrive(4)
    await line.waiting.serve_all()
    await line.buy(first, 3, reserve=reserve)
    assert (await line.available(), await line.available(second)) == (0, 1)
    await line.buy(second)
    assert await line.available() == 0
    async with line.uow() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM stock_waits"))).scalar_one() == 0
        assert (await tx.execute(text("SELECT count(*) FROM stock_keys WHERE held_for IS NOT NULL"))).scalar_one() == 0


async def test_a_reservation_that_returns_goes_to_the_line(line: Line) -> None:
    (stranger,) = await line.strangers(1)
    await line.arrive(1)
    reserved = await line.buy(stranger, reserve=True)
    (first,) = await line.people(1)
    await line.release(reserved, stranger)
    assert (await line.available(), await line.available(first)) == (0, 1)
    await line.waiting.serve_all()
    assert await line.holders() == [first.id]


async def test_leaving_hands_on_and_joining_again_is_at_the_end(line: Line) -> None:
    first, second = await line.people(2)
    await line.arrive(1)
    await line.waiting.serve_all()
    await line.waiting.leave(first, line.variant_id)
    await line.waiting.leave(first, line.variant_id)
    await line.waiting.serve_all()
    assert await line.holders() == [second.id]
    assert (await line.waiting.join(first, line.variant_id)).number == 1
    assert (await line.waiting.join(first, line.variant_id)).waiting == 1
    assert (await line.waiting.join(second, line.variant_id)).held_until == NOON + HOLD


@pytest.mark.parametrize("why", ["blocked", "blocked_bot"])
async def test_who_cannot_be_told_is_passed_over_and_keeps_their_place(line: Line, clock: FakeClock, why: str) -> None:
    gone, second = await line.people(2)
    values = {
        "blocked": {"blacklisted_at": NOON, "blacklist_reason": "fraud"}, "blocked_bot": {"bot_blocked_at": NOON},
    }[why]  # fmt: skip
    await change_person(line, gone, **values)
    await line.arrive(1)
    await line.waiting.serve_all()
    assert await line.holders() == [second.id]
    assert (await line.place(gone)).number == 1
    await change_person(line, gone, **dict.fromkeys(values))
    await line.waiting.leave(second, line.variant_id)
    await line.waiting.serve_all()
    assert (await line.holders(), await line.available()) == ([], 1)  # an hour has not passed
    clock.move(hours=1)
    await line.waiting.serve_all()
    assert await line.holders() == [gone.id]


async def test_a_hold_that_could_not_be_told_goes_to_the_next(line: Line) -> None:
    gone, second = await line.people(2)
    await line.arrive(1)
    await line.waiting.serve_all()
    async with line.uow.read() as tx:
        wait = (await tx.execute(text("SELECT id FROM stock_waits WHERE held_until IS NOT NULL"))).scalar_one()
    for wait_id in (wait, wait, UUID(int=7)):
        await line.waiting.pass_on(HoldUndelivered(wait_id=WaitId(wait_id)))
        await line.waiting.serve_all()
        assert await line.holders() == [second.id]
    assert (await line.place(gone)).number == 1


async def test_quiet_hours_pass_it_to_who_is_awake(line: Line, clock: FakeClock) -> None:
    sleeps, awake = await line.people(2)
    await change_person(line, awake, timezone="America/New_York")
    clock.move(seconds=(NIGHT - NOON).total_seconds())
    await line.arrive(2)
    await line.waiting.serve_all()
    assert (await line.holders(), await line.available()) == ([awake.id], 1)  # it does not lie there all night
    assert (await line.place(sleeps)).number == 1
    await line.waiting.serve_all()
    clock.move(hours=9)
    await line.waiting.serve_all()
    assert await line.holders() == [sleeps.id]  # the other had their half hour


async def test_nothing_is_offered_shortly_before_quiet_hours(line: Line, clock: FakeClock) -> None:
    await line.people(1)
    clock.move(hours=9, minutes=56)
    await line.arrive(1)
    await line.waiting.serve_all()
    assert (await line.holders(), await line.available()) == ([], 1)


async def test_a_hidden_product_keeps_its_line_and_holds_nothing(line: Line) -> None:
    (first,) = await line.people(1)
    await line.arrive(1)
    await _list(line, listed=False)
    await line.waiting.serve_all()
    assert await line.holders() == []
    (own,) = await line.waiting.list_own(first)
    assert (own.goods.for_sale, own.place.number) == (False, 1)
    with pytest.raises(NotFound):
        await line.waiting.place(first, line.variant_id)
    await _list(line, listed=True)
    line.clock.move(hours=1)
    await line.waiting.serve_all()
    assert await line.holders() == [first.id]


async def _list(line: Line, *, listed: bool) -> None:
    async with line.uow() as tx:
        await tx.execute(update(Product).where(Product.slug == line.slug).values(listed=listed))


async def test_the_smallest_order_is_held_and_less_is_not(uow: UnitOfWork, ring: KeyRing, clock: FakeClock) -> None:
    for kind in (StockKind.UNIQUE_KEYS, StockKind.SHARED_KEY):
        line = await Line(uow, ring, clock, kind).open(min_quantity="3")
        first, second = await line.people(2)
        await line.arrive(5)
        assert (await line.available(), await line.available(first), await line.available(second)) == (2, 5, 2)
        await line.arrive(1)
        assert await line.available(second) == 3
        await line.waiting.serve_all()
        await line.buy(first, 3)
        await line.buy(second, 3)
        assert await line.available() == 0


async def test_who_may_join(line: Line) -> None:
    (person,) = await line.strangers(1)
    await line.arrive(1)
    with pytest.raises(StillInStock):
        await line.waiting.join(person, line.variant_id)
    with pytest.raises(NotFound):
        await line.waiting.join(person, VariantId(UUID(int=3)))
    with pytest.raises(Forbidden):
        await line.waiting.join(Actor.system(), line.variant_id)
    await line.buy(person)
    async with line.uow() as tx:
        await tx.execute(update(Product).where(Product.slug == line.slug).values(premium_only=True))
    with pytest.raises(Forbidden):
        await line.waiting.join(person, line.variant_id)


async def test_one_person_waits_for_so_many_things(uow: UnitOfWork, ring: KeyRing, clock: FakeClock) -> None:
    line = await Line(uow, ring, clock, StockKind.UNIQUE_KEYS).open()
    (person,) = await line.people(1)
    for number in range(MOST_WAITS):
        other = await add_variant(line.catalog, f"other-{number}")
        if number < MOST_WAITS - 1:
            await line.waiting.join(person, other)
            continue
        with pytest.raises(TooManyWaits):
            await line.waiting.join(person, other)
    assert len(await line.waiting.list_own(person)) == MOST_WAITS


async def test_a_number_that_is_set_keeps_what_is_held(uow: UnitOfWork, ring: KeyRing, clock: FakeClock) -> None:
    line = await Line(uow, ring, clock, StockKind.SHARED_KEY).open()
    first, _second = await line.people(2)
    await line.arrive(1)
    await line.waiting.serve_all()
    await line.arrive(0)
    assert (await line.available(), await line.available(first)) == (0, 1)
    await line.arrive(3)
    assert await line.available() == 2


async def test_admins_see_the_longest_lines(line: Line) -> None:
    await line.people(3)
    await line.arrive(1)
    (row,) = await line.waiting.count_waiting(buyer(permissions=frozenset({Permission.STOCK})))
    assert (row.slug, row.waiting, row.held, row.available) == (line.slug, 2, 1, 0)
    with pytest.raises(Forbidden):
        await line.waiting.count_waiting(buyer())


async def test_a_renamed_variant_keeps_its_line(line: Line) -> None:
    (first,) = await line.people(1)
    renamed = await import_rows(line.catalog, [variant(line.slug, name_en="Other", price="9.00")])
    assert renamed.applied
    (own,) = await line.waiting.list_own(first)
    assert (own.goods.offer.variant_name["en"], own.goods.offer.unit_price.amount) == ("Other", 900)


async def test_holding_the_last_one_takes_its_mark(line: Line) -> None:
    await line.people(1)
    await line.arrive(1)
    async with line.uow() as tx:
        marks = (await tx.execute(text("SELECT in_stock FROM products"))).scalars().all()
    assert marks == [False]
    line.clock.move(seconds=timedelta(hours=1).total_seconds())
    await line.waiting.serve_all()
    line.clock.move(seconds=timedelta(hours=1).total_seconds())
    await line.waiting.serve_all()
    assert [card.available for card in (await line.catalog.storefront.browse(buyer(), in_stock=True)).items] == [1]
