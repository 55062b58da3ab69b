"""Many people at once: the plan, its run, what fails inside, double taps, two admins, a right that ends, the undo."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text

from backend.audience.errors import TooManyPeople
from backend.audience.types import (
    PeopleAction,
    PeopleBulk,
    PeopleBulkId,
    PeopleBulkStatus,
    PeopleFilter,
    PeopleTerms,
)
from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from backend.infra.settings import Settings
from backend.kernel.errors import Forbidden, Invalid
from tests.factories.identity import admin, contact, person
from tests.fakes.clock import FakeClock

BLOCK = PeopleTerms(action=PeopleAction.BLOCK, reason="Stolen cards")
UNBLOCK = PeopleTerms(action=PeopleAction.UNBLOCK)
RESELLER = PeopleTerms(action=PeopleAction.RESELLER_ON)
NO_RESELLER = PeopleTerms(action=PeopleAction.RESELLER_OFF)


class Crowd:
    """Three customers, two admins who may act on people, the root admin."""

    def __init__(self, services: Services, settings: Settings) -> None:
        self.services, self.settings, self.taps = services, settings, 0

    async def open(self) -> None:
        identity, root_id = self.services.identity, self.settings.root_admin_id
        self.nadia = await admin(identity, root_id, Permission.USERS)
        self.rami = await admin(identity, root_id, Permission.USERS)
        self.root = await identity.access.authenticate(contact(root_id))
        self.three = [await person(identity) for _ in range(3)]

    async def plan(self, terms: PeopleTerms, *people: Actor, by: Actor | None = None, key: str = "") -> PeopleBulkId:
        self.taps += 1
        ids = [one.id for one in people or self.three]
        key = key or f"plan-{self.taps:06}"
        return await self.services.audience.bulk.plan(by or self.nadia, ids, terms, idempotency_key=key)

    async def start(self, terms: PeopleTerms, *people: Actor, by: Actor | None = None) -> PeopleBulkId:
        bulk_id = await self.plan(terms, *people, by=by)
        await self.services.audience.bulk.start(by or self.nadia, bulk_id)
        return bulk_id

    async def run(self, terms: PeopleTerms, *people: Actor, by: Actor | None = None) -> PeopleBulk:
        bulk_id = await self.start(terms, *people, by=by)
        await self.services.audience.bulk.run(bulk_id)
        return await self.get(bulk_id)

    async def undo(self, bulk: PeopleBulk, by: Actor | None = None) -> PeopleBulk:
        await self.services.audience.bulk.undo(by or self.nadia, bulk.id)
        await self.services.audience.bulk.run(bulk.id)
        return await self.get(bulk.id)

    async def get(self, bulk_id: PeopleBulkId) -> PeopleBulk:
        bulk = await self.services.audience.bulk.get(Actor.system(), bulk_id)
        assert bulk.able + bulk.refused == bulk.people == bulk.able + sum(one.people for one in bulk.refusals)
        assert bulk.done + bulk.failed + bulk.left + bulk.stopped == bulk.able
        assert bulk.failed == sum(one.people for one in bulk.failures)
        assert bulk.untouched == sum(one.people for one in bulk.keeps)
        if bulk.status is PeopleBulkStatus.UNDONE:
            assert bulk.undone + bulk.untouched == bulk.done
        return bulk

    async def blocked(self, *people: Actor) -> list[bool]:
        detail = self.services.identity.people.user_detail
        return [(await detail(self.root, one.id)).blocked for one in people or self.three]

    async def audited(self, action: str) -> int:
        async with self.services.uow.read() as tx:
            rows = await tx.execute(
                text("SELECT count(*) FROM audit_entries WHERE action = :action"), {"action": action}
            )
            return int(rows.scalar_one())

    async def unright(self, actor: Actor) -> None:
        await self.services.identity.admins.set_permissions(self.root, actor.id, [])


@pytest.fixture
async def crowd(services: Services, settings: Settings) -> Crowd:
    crowd = Crowd(services, settings)
    await crowd.open()
    return crowd


async def test_a_plan_counts_who_is_protected_and_does_nothing(crowd: Crowd) -> None:
    omar, layla, sami = crowd.three
    await crowd.services.identity.people.block(crowd.rami, layla.id, "Before")
    bulk = await crowd.get(await crowd.plan(BLOCK, omar, layla, sami, crowd.root, crowd.nadia, crowd.rami))
    assert (bulk.status, bulk.people, bulk.able) == (PeopleBulkStatus.DRAFT, 6, 2)
    assert {one.code: one.first for one in bulk.refusals} == {
        "already": (layla.id,),
        "root_protected": (crowd.root.id,),
        "not_yourself": (crowd.nadia.id,),
        "other_admin": (crowd.rami.id,),
    }
    await crowd.services.audience.bulk.run(bulk.id)  # not confirmed: nothing runs
    assert await crowd.blocked(omar, sami, crowd.rami) == [False, False, False]
    able = await crowd.get(await crowd.plan(BLOCK, crowd.rami, by=crowd.root))
    assert able.able == 1


async def test_it_is_done_once_and_audited_once_however_often_it_is_tapped(crowd: Crowd) -> None:
    first, second = await crowd.plan(BLOCK, key="same-tap"), await crowd.plan(BLOCK, key="same-tap")
    assert first == second
    bulks = crowd.services.audience.bulk
    await asyncio.gather(*(bulks.start(crowd.nadia, first) for _ in range(2)))
    await asyncio.gather(*(bulks.run(first) for _ in range(2)))
    await bulks.run(first)
    bulk = await crowd.get(first)
    assert (bulk.status, bulk.done, bulk.failed) == (PeopleBulkStatus.DONE, 3, 0)
    assert await crowd.blocked() == [True, True, True]
    assert (await crowd.audited("users.blacklist"), await crowd.audited("users.bulk")) == (3, 1)


async def test_one_that_fails_inside_leaves_the_rest_done(crowd: Crowd) -> None:
    omar, layla, sami = crowd.three
    bulk_id = await crowd.start(BLOCK, omar, layla, sami)
    await crowd.services.identity.people.block(crowd.rami, layla.id, "Meanwhile")
    await crowd.services.identity.admins.set_permissions(crowd.root, sami.id, [Permission.STOCK])
    await crowd.services.audience.bulk.run(bulk_id)
    bulk = await crowd.get(bulk_id)
    assert (bulk.status, bulk.done, bulk.failed) == (PeopleBulkStatus.DONE, 1, 2)
    assert {one.code: one.first for one in bulk.failures} == {"already": (layla.id,), "other_admin": (sami.id,)}
    assert await crowd.blocked() == [True, True, False]
    detail = await crowd.services.identity.people.user_detail(crowd.root, layla.id)
    assert detail.block_reason == "Meanwhile"


async def test_a_right_that_ends_in_the_middle_stops_the_rest(crowd: Crowd) -> None:
    bulk_id = await crowd.start(BLOCK)
    bulks = crowd.services.audience.bulk
    assert await bulks._run_one(bulk_id)
    await crowd.unright(crowd.nadia)
    await bulks.run(bulk_id)
    bulk = await crowd.get(bulk_id)
    assert (bulk.status, bulk.done, bulk.stopped) == (PeopleBulkStatus.STOPPED, 1, 2)
    assert sorted(await crowd.blocked()) == [False, False, True]
    undone = await crowd.undo(bulk, by=crowd.rami)
    assert (undone.undone, await crowd.blocked()) == (1, [False, False, False])


async def test_an_undo_gives_back_only_what_nobody_has_changed_since(crowd: Crowd) -> None:
    omar, layla, sami = crowd.three
    people = crowd.services.identity.people
    bulk = await crowd.run(BLOCK)
    await people.unblock(crowd.rami, omar.id)
    await people.block(crowd.rami, layla.id, "Another reason")
    undone = await crowd.undo(bulk, by=crowd.rami)
    again = await crowd.undo(bulk)
    assert undone == again
    assert (undone.status, undone.undone, undone.untouched) == (PeopleBulkStatus.UNDONE, 1, 2)
    assert {one.code: set(one.first) for one in undone.keeps} == {"changed": {omar.id, layla.id}}
    assert await crowd.blocked(omar, layla, sami) == [False, True, False]
    assert await crowd.audited("users.undo_bulk") == 1


async def test_an_undone_unblock_gives_back_the_reason_and_the_end(crowd: Crowd, clock: FakeClock) -> None:
    omar, layla, _ = crowd.three
    people = crowd.services.identity.people
    until = clock.now() + timedelta(days=3)
    await people.block(crowd.rami, omar.id, "Rude", until)
    await people.block(crowd.rami, layla.id, "Late", clock.now() + timedelta(hours=1))
    bulk = await crowd.run(UNBLOCK, omar, layla)
    assert await crowd.blocked(omar, layla) == [False, False]
    clock.move(hours=2)
    undone = await crowd.undo(bulk)
    assert (undone.undone, [one.code for one in undone.keeps]) == (1, ["block_over"])
    detail = await people.user_detail(crowd.root, omar.id)
    assert (detail.block_reason, detail.blocked_until) == ("Rude", until)


async def test_resellers_are_switched_and_back_until_a_day_has_passed(crowd: Crowd, clock: FakeClock) -> None:
    omar, layla, sami = crowd.three
    people = crowd.services.identity.people
    await people.set_reseller(crowd.rami, layla.id, True)
    on = await crowd.run(RESELLER, omar, layla, sami, crowd.nadia)
    assert (on.done, {one.code for one in on.refusals}) == (2, {"already", "not_yourself"})
    assert (await crowd.undo(on)).undone == 2
    off = await crowd.run(NO_RESELLER)
    assert (off.able, off.done, off.undoable) == (1, 1, True)
    clock.move(hours=24)
    assert not (await crowd.get(off.id)).undoable
    with pytest.raises(Invalid):
        await crowd.services.audience.bulk.undo(crowd.nadia, off.id)
    assert not (await people.user_detail(crowd.root, layla.id)).is_reseller


async def test_two_admins_and_two_workers_at_once_block_each_person_once(crowd: Crowd) -> None:
    first, second = await crowd.start(BLOCK), await crowd.start(BLOCK, by=crowd.rami)
    await asyncio.gather(*(crowd.services.audience.bulk.run(one) for one in (first, second, first, second)))
    bulks = [await crowd.get(one) for one in (first, second)]
    assert all(bulk.status is PeopleBulkStatus.DONE and not bulk.left for bulk in bulks)
    assert sum(bulk.done for bulk in bulks) == sum(bulk.failed for bulk in bulks) == 3
    assert await crowd.audited("users.blacklist") == 3


async def test_what_cannot_be_planned_is_refused(
    crowd: Crowd, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulks = crowd.services.audience.bulk
    with pytest.raises(Forbidden):
        await crowd.plan(BLOCK, by=crowd.three[0])
    past = msgspec.structs.replace(BLOCK, until=clock.now())
    for terms, field in ((msgspec.structs.replace(BLOCK, reason=" "), "reason"), (past, "until")):
        with pytest.raises(Invalid) as refused:
            await crowd.plan(terms)
        assert field in refused.value.fields
    with pytest.raises(Invalid):
        await bulks.plan(crowd.nadia, [], BLOCK, idempotency_key="nobody-at-all")
    draft = await crowd.plan(BLOCK)
    with pytest.raises(Invalid):  # another admin's draft is not confirmed
        await bulks.start(crowd.rami, draft)
    with pytest.raises(Invalid):  # what has not run is not undone
        await bulks.undo(crowd.nadia, draft)
    everybody = await bulks.plan(crowd.nadia, PeopleFilter(), RESELLER, idempotency_key="everybody")
    assert (await crowd.get(everybody)).people == 6
    monkeypatch.setattr("backend.audience.service.bulk.MOST_PEOPLE", 2)
    with pytest.raises(TooManyPeople):
        await crowd.plan(BLOCK)


async def test_an_action_is_stopped_and_its_rest_left_alone(crowd: Crowd) -> None:
    bulk_id = await crowd.start(BLOCK)
    bulks = crowd.services.audience.bulk
    assert await bulks._run_one(bulk_id)
    await bulks.stop(crowd.rami, bulk_id)
    await bulks.run(bulk_id)
    bulk = await crowd.get(bulk_id)
    assert (bulk.status, bulk.done, bulk.stopped) == (PeopleBulkStatus.STOPPED, 1, 2)
