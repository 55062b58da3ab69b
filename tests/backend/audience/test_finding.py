"""Filters of people mean in SQL what they mean in words; segments are their owners'."""

from __future__ import annotations

import asyncio
import itertools
from datetime import datetime, timedelta

import msgspec
import pytest
from sqlalchemy import text

from backend.audience.errors import SegmentNameTaken
from backend.audience.types import Bought, PeopleFilter
from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from backend.infra.settings import Settings
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.text import Locale
from tests.factories.identity import admin, person
from tests.factories.wallet import give, usd
from tests.fakes.clock import FakeClock

_FILTERS = [
    PeopleFilter(blocked=blocked, premium=premium, reseller=reseller, bought=bought, over=over, language=language)
    for blocked, premium, reseller, bought, over, language in itertools.product(
        (False, True), (False, True), (False, True), (None, *Bought), (None, 0, 500), (None, Locale.AR)
    )
]
_ORDER = """
INSERT INTO orders (id, user_id, idempotency_key, status, total_amount, currency, created_at, paid_at)
VALUES (uuidv7(), :id, 'key', :status, 100, 'USD', :at, :paid)
"""


class Known(msgspec.Struct):
    """What the naive filter knows of a person."""

    actor: Actor
    blocked: bool
    premium: bool
    reseller: bool
    paid: datetime | None
    cents: int


def _fits(one: Known, chosen: PeopleFilter, now: datetime) -> bool:
    since = {Bought.DAYS_30: 30, Bought.DAYS_90: 90}
    if chosen.bought is Bought.NEVER and one.paid:
        return False
    if chosen.bought is Bought.EVER and not one.paid:
        return False
    if chosen.bought in since and not (one.paid and one.paid >= now - timedelta(days=since[chosen.bought])):
        return False
    return (
        (not chosen.blocked or one.blocked)
        and (not chosen.premium or one.premium)
        and (not chosen.reseller or one.reseller)
        and (chosen.over is None or one.cents > chosen.over)
        and (chosen.language is None or one.actor.language is chosen.language)
    )


@pytest.fixture
async def root(services: Services, settings: Settings) -> Actor:
    """The root admin."""
    return await person(services.identity, settings.root_admin_id)


async def _crowd(services: Services, root: Actor, now: datetime) -> list[Known]:
    """People of many kinds; some of their blocks have ended, some of their orders were never paid."""
    crowd = [Known(root, False, False, False, None, 0)]
    buyers = [(None, "cancelled"), (5, "paid"), (60, "delivered"), (400, "refunded")]
    for number, ((days, status), cents, block) in enumerate(
        itertools.product(buyers, (0, 500, 501), ("", "on", "over"))
    ):
        actor = await person(services.identity, 7000 + number, language_code="ar" if number % 2 else "en")
        paid = now - timedelta(days=days) if days else None
        premium, reseller = number % 3 == 0, number % 5 == 0
        async with services.uow() as tx:
            values = {"id": actor.id, "status": status, "at": now - timedelta(days=days or 1), "paid": paid}
            await tx.execute(text(_ORDER), values)
            if cents:
                await give(tx, actor.id, usd(cents))
            if block:
                await tx.execute(
                    text(
                        "UPDATE users SET blacklisted_at = :began, blacklist_reason = 'x', blocked_until = :until"
                        " WHERE id = :id"
                    ),
                    {"id": actor.id, "began": now - timedelta(days=9), "until": now if block == "over" else None},
                )
            await tx.execute(
                text("UPDATE users SET is_premium = :premium, is_reseller = :reseller WHERE id = :id"),
                {"id": actor.id, "premium": premium and number % 2 == 0, "reseller": reseller},
            )
            if premium and number % 2:
                await tx.execute(
                    text(
                        "INSERT INTO premium_periods (user_id, started_at, months, until, stage)"
                        " VALUES (:id, :began, 1, :until, 0)"
                    ),
                    {"id": actor.id, "began": now - timedelta(days=31), "until": now - timedelta(hours=number)},
                )
        member = premium and (number % 2 == 0 or timedelta(hours=number) < timedelta(days=3))
        crowd.append(Known(actor, block == "on", member, reseller, paid, cents))
    return crowd


@pytest.mark.long("asks 240 filters of a real database")
async def test_every_filter_means_the_same_in_sql_and_in_python(
    services: Services, root: Actor, clock: FakeClock
) -> None:
    now = clock.now()
    crowd = await _crowd(services, root, now)
    seen = 0
    for chosen in _FILTERS:
        expected = {one.actor.id for one in crowd if _fits(one, chosen, now)}
        people, cursor = [], None
        while True:
            page = await services.audience.people.find(root, chosen, cursor)
            people += [row.id for row in page.items]
            if (cursor := page.next_cursor) is None:
                break
        assert set(people) == expected, chosen
        assert len(people) == len(expected) == await services.audience.people.count(root, chosen)
        assert people == sorted(people, reverse=True)
        assert msgspec.json.decode(msgspec.json.encode(chosen), type=PeopleFilter) == chosen
        seen += bool(expected)
    assert seen > 50


async def test_filters_need_the_permission_for_users(services: Services, settings: Settings, root: Actor) -> None:
    seller = await admin(services.identity, settings.root_admin_id, Permission.ORDERS)
    audience = services.audience
    for verb in (
        audience.people.find(seller, PeopleFilter()),
        audience.people.count(seller, PeopleFilter()),
        audience.people.export(seller, PeopleFilter(), header=["x"]),
        audience.segments.list_all(seller),
        audience.segments.save(seller, "x", PeopleFilter(blocked=True), shared=True),
    ):
        with pytest.raises(Forbidden):
            await verb


async def test_a_segment_is_its_owners_and_may_be_seen_by_all(
    services: Services, settings: Settings, root: Actor
) -> None:
    segments, helper = services.audience.segments, await admin(services.identity, settings.root_admin_id, *Permission)
    chosen = PeopleFilter(reseller=True, bought=Bought.DAYS_30)
    mine = await segments.save(root, " Good  resellers ", chosen, shared=False)
    assert await segments.list_all(helper) == []
    with pytest.raises(NotFound):
        await segments.remove(helper, mine)
    await segments.change(root, mine, "Resellers", shared=True)
    (seen,) = await segments.list_all(helper, counted=True)
    assert (seen.name, seen.filter, seen.people) == ("Resellers", chosen, 0)
    for verb in (segments.change(helper, mine, "Mine", shared=False), segments.remove(helper, mine)):
        with pytest.raises(Forbidden):
            await verb
    with pytest.raises(SegmentNameTaken):
        await segments.save(root, "RESELLERS", PeopleFilter(premium=True), shared=False)
    await segments.save(helper, "Resellers", PeopleFilter(premium=True), shared=False)
    await segments.remove(root, mine)
    assert len(await segments.list_all(root)) == 0
    for name, wrong in (("", chosen), ("x" * 61, chosen), ("all", PeopleFilter())):
        with pytest.raises(Invalid):
            await segments.save(root, name, wrong, shared=False)


async def test_two_taps_at_once_make_one_segment(services: Services, root: Actor) -> None:
    save, chosen = services.audience.segments.save, PeopleFilter(bought=Bought.EVER)
    taps = (save(root, "Buyers", chosen, shared=False) for _ in range(2))
    results = await asyncio.gather(*taps, return_exceptions=True)
    assert sum(isinstance(one, SegmentNameTaken) for one in results) == 1
    assert len(await services.audience.segments.list_all(root)) == 1


async def test_the_file_is_recorded_and_harmless(services: Services, root: Actor) -> None:
    await person(services.identity, 7001, first_name="=HYPERLINK()")
    pieces = await services.audience.people.export(root, PeopleFilter(text="hyper"), header=["ID", "Name"])
    content = "".join([piece async for piece in pieces])
    assert "7001,'=HYPERLINK()" in content
    async with services.uow.read() as tx:
        action = (await tx.execute(text("SELECT action, params FROM audit_entries"))).one()
    assert tuple(action) == ("users.export", {})
