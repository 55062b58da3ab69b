"""Many people in line, stock that comes bit by bit, and strangers who would like to have it: fair, and exact."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import SUBSCRIPTIONS
from backend.catalog.errors import SoldOut
from backend.catalog.types import StockKind
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Unavailable
from tests.backend.catalog.line import HOLD, Line
from tests.fakes.clock import FakeClock

LARGE = "SOUK_EXAMPLES" in os.environ
PEOPLE, ARRIVALS = (200, 10) if LARGE else (24, 4)
_SEED = 20261129


@pytest.fixture(params=[StockKind.UNIQUE_KEYS, StockKind.SHARED_KEY])
async def line(
    request: pytest.FixtureRequest, engine: AsyncEngine, database_url: str, committed_db: None, ring: KeyRing
) -> AsyncIterator[Line]:
    """A sold-out variant, in transactions that commit."""
    clock = FakeClock(datetime(2026, 11, 28, 9, tzinfo=UTC))
    uow = UnitOfWork(engine, clock, Signals(engine, database_url), SUBSCRIPTIONS)
    yield await Line(uow, ring, clock, request.param).open()


async def _try(line: Line, person: Actor, quantity: int = 1) -> bool:
    """Whether the person could buy."""
    try:
        await retry_conflicts(line.buy)(person, quantity)
    except SoldOut:
        return False
    except Unavailable:  # the pool of connections is busy
        return await _try(line, person, quantity)
    return True


@pytest.mark.long("two hundred people")
async def test_a_line_is_served_in_its_order_and_nothing_is_lost(line: Line) -> None:
    chance = random.Random(_SEED)
    people = await line.people(PEOPLE)
    strangers = await line.strangers(6)
    place = {person.id: number for number, person in enumerate(people)}
    bought: Counter[object] = Counter()
    came = 0
    for _ in range(ARRIVALS):
        count = chance.randint(1, 4)
        came += count
        # The import, two workers, and strangers who try all the time.
        *_, luck = await asyncio.gather(
            line.arrive(count),
            line.waiting.serve_all(),
            line.waiting.serve(line.variant_id),
            asyncio.gather(*(_try(line, stranger, chance.randint(1, 2)) for stranger in strangers)),
        )
        assert luck == [False] * len(strangers)
        await line.waiting.serve_all()
        holders = [person for person in people if person.id in set(await line.holders())]
        assert [person.id for person in holders] == await line.holders()
        assert len(holders) == count
        # Some buy, beside strangers; one leaves; the rest lets the time run out.
        buyers = [person for person in holders if chance.random() < 0.6]
        left = [person for person in holders if person not in buyers][:1]
        luck = await asyncio.gather(
            *(_try(line, person) for person in buyers),
            *(line.waiting.leave(person, line.variant_id) for person in left),
            *(_try(line, stranger) for stranger in strangers),
        )
        assert luck[: len(buyers)] == [True] * len(buyers)
        assert luck[len(buyers) + len(left) :] == [False] * len(strangers)
        bought.update(person.id for person in buyers)
        line.clock.move(seconds=HOLD.total_seconds())
        await asyncio.gather(line.waiting.serve_all(), line.waiting.serve_all())
        # What lapsed or was left is held for the next already: they buy it before more comes.
        for person in [person for person in people if person.id in set(await line.holders())]:
            assert await _try(line, person)
            bought[person.id] += 1
        assert (await line.available(), await line.holders()) == (0, [])
    notified = await line.notified()
    assert [place[user] for user in notified] == sorted(place[user] for user in notified)
    assert len(notified) == len(set(notified))
    assert [place[user] for user in notified] == list(range(len(notified)))  # nobody was passed over
    assert sum(bought.values()) == came
    assert set(bought) <= set(notified)
    assert max(bought.values()) == 1
    async with line.uow.read() as tx:
        waits = (await tx.execute(text("SELECT count(*), count(kind) FROM stock_waits"))).one()
    assert tuple(waits) == (PEOPLE - len(notified), 0)


async def test_joining_while_stock_comes_waits_for_nothing(line: Line) -> None:
    """Who joins as the last one comes is served by the next look at the lines, not by the next delivery."""
    people = await line.strangers(6)

    async def join(person: Actor) -> None:
        try:
            await line.waiting.join(person, line.variant_id)
        except Exception as refusal:
            assert type(refusal).__name__ == "StillInStock"

    await asyncio.gather(*(join(person) for person in people[:3]), line.arrive(4), *map(join, people[3:]))
    await line.waiting.serve_all()
    async with line.uow.read() as tx:
        waits = (await tx.execute(text("SELECT count(*), count(held_until) FROM stock_waits"))).one()
    assert waits[1] == min(waits[0], 4)
    assert await line.available() == 4 - waits[1]
