"""Blocks with an end, by the clock; notes about people, by the key."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity import domain
from backend.identity.errors import Blocked
from backend.identity.types import Actor, Permission
from backend.infra import audit_reading, personal
from backend.infra.audit_reading import Chosen
from backend.infra.settings import Settings
from backend.kernel.errors import Forbidden, Invalid, NotFound
from tests.factories.identity import admin, contact, person
from tests.fakes.clock import FakeClock

_DAY = timedelta(days=1)


@pytest.fixture
async def root(services: Services, settings: Settings) -> Actor:
    """The root admin."""
    return await person(services.identity, settings.root_admin_id)


async def _is_blocked(services: Services, actor: Actor) -> bool:
    """What SQL says of a person, in each of the ways in which it is asked."""
    async with services.uow() as tx:
        recipient = await domain.get_recipient(tx, actor.id)
        accounts = (await tx.execute(domain.accounts(tx.now))).all()
        said = {recipient.blocked, await domain.is_blocked(tx, actor.id)}
        said |= {row.blocked for row in accounts if row.id == actor.id}
    assert len(said) == 1
    return said.pop()


async def test_a_block_ends_by_itself(services: Services, root: Actor, clock: FakeClock) -> None:
    omar = await person(services.identity, 4711)
    await services.identity.people.block(root, omar.id, "spam", clock.now() + _DAY)
    clock.move(days=1, seconds=-1)
    assert await _is_blocked(services, omar)
    with pytest.raises(Blocked):
        await person(services.identity, 4711)
    with pytest.raises(Blocked):
        await services.identity.access.actor_by_id(omar.id, omar.role_version)
    clock.move(seconds=1)
    assert not await _is_blocked(services, omar)
    again = await person(services.identity, 4711)
    assert (await services.identity.access.actor_by_id(omar.id, again.role_version)).id == omar.id
    detail = await services.identity.people.user_detail(root, omar.id)
    assert (detail.blocked, detail.blocked_at, detail.block_reason, detail.blocked_until) == (False, None, None, None)


async def test_a_blocked_admin_is_told_of_things_again_after_the_end(
    services: Services, root: Actor, settings: Settings, clock: FakeClock
) -> None:
    helper = await admin(services.identity, settings.root_admin_id, Permission.MONEY)
    await services.identity.people.block(root, helper.id, "on leave", clock.now() + _DAY)
    for blocked in (True, False):
        async with services.uow.read() as tx:
            assert await domain.holds(tx, helper.id, Permission.MONEY) is not blocked
        clock.move(days=1)


async def test_a_block_is_changed_and_its_history_says_both(services: Services, root: Actor, clock: FakeClock) -> None:
    omar = await person(services.identity)
    until = clock.now() + _DAY
    await services.identity.people.block(root, omar.id, "spam", until)
    await services.identity.people.block(root, omar.id, "fraud")
    clock.move(days=2)
    assert await _is_blocked(services, omar)
    async with services.uow.read() as tx:
        second, first = await audit_reading.find(tx, Chosen(subject=f"user:{omar.id}"), None, 9)
    assert first.content is not None
    assert second.content is not None
    assert first.content.params == second.content.before == {"reason": "spam", "until": until.isoformat()}
    assert second.content.params == {"reason": "fraud"}
    with pytest.raises(Invalid):
        await services.identity.people.block(root, omar.id, "late", clock.now())


async def test_a_block_that_has_ended_is_not_unblocked_once_more(
    services: Services, root: Actor, clock: FakeClock
) -> None:
    omar = await person(services.identity)
    await services.identity.people.block(root, omar.id, "spam", clock.now() + _DAY)
    clock.move(days=1)
    await services.identity.people.unblock(root, omar.id)
    async with services.uow.read() as tx:
        actions = (await tx.execute(text("SELECT action FROM audit_entries"))).scalars().all()
    assert actions == ["users.blacklist"]


async def test_notes_are_sealed_and_their_authors_own(services: Services, root: Actor, settings: Settings) -> None:
    omar = await person(services.identity)
    notes = services.identity.notes
    await notes.add(root, omar.id, "likes gold cards", "first-key")
    await notes.add(root, omar.id, "likes gold cards", "first-key")
    async with services.uow.read() as tx:
        rows = (await tx.execute(text("SELECT id, sealed FROM person_notes"))).all()
        said = (await tx.execute(text("SELECT params::text FROM audit_entries"))).scalars().all()
    (note,) = rows
    assert b"gold" not in note.sealed
    assert not any("gold" in params for params in said)
    assert await notes.text_of(root, note.id) == (omar.id, "likes gold cards")
    helper = await admin(services.identity, settings.root_admin_id, Permission.USERS)
    for verb in (notes.text_of(helper, note.id), notes.change(helper, note.id, "x"), notes.remove(helper, note.id)):
        with pytest.raises(Forbidden):
            await verb
    await notes.change(root, note.id, "likes silver")
    (entry,) = [one for one in (await services.audience.timeline.of(root, omar.id)).entries if one.text]
    assert (entry.text, entry.edited, entry.by) == ("likes silver", True, root.id)
    await notes.remove(root, note.id)
    with pytest.raises(NotFound):
        await notes.text_of(root, note.id)


@pytest.mark.parametrize("text_", ["", "  ", "\0", "x" * 2001])
async def test_a_note_says_something_and_not_too_much(services: Services, root: Actor, text_: str) -> None:
    with pytest.raises(Invalid):
        await services.identity.notes.add(root, root.id, text_, "some-key")


async def test_with_the_key_go_all_notes(services: Services, root: Actor) -> None:
    omar = await person(services.identity)
    await services.identity.notes.add(root, omar.id, "secret", "first-key")
    async with services.uow() as tx:
        await personal.erase(tx, services.ring, omar.id)
    page = await services.audience.timeline.of(root, omar.id)
    assert [entry.text for entry in page.entries if entry.kind == "note"] == [""]
    await services.identity.notes.add(root, omar.id, "after", "second-key")
    page = await services.audience.timeline.of(root, omar.id)
    assert sorted(entry.text for entry in page.entries if entry.kind == "note") == ["", "after"]


async def test_two_admins_note_at_once_under_one_key(
    services: Services, settings: Settings, committed_db: None
) -> None:
    root = await person(services.identity, settings.root_admin_id)
    omar = await services.identity.access.authenticate(contact(4712))
    notes = services.identity.notes
    await asyncio.gather(*(notes.add(root, omar.id, f"note {number}", f"key-number-{number}") for number in range(8)))
    async with services.uow.read() as tx:
        keys = (await tx.execute(text("SELECT count(DISTINCT substr(sealed, 1, 16)) FROM person_notes"))).scalar_one()
    assert keys == 1
