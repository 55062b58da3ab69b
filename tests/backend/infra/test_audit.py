"""The audit trail: sealed where it says something of a person, erased with the person's key, append-only."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import Services
from backend.infra import audit, audit_reading, personal
from backend.infra.audit_reading import Chosen, Cursor, Line, Search
from backend.infra.crypto import KeyRing
from backend.infra.origin import Origin, Via, acting_from, network_of
from backend.infra.settings import Settings
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import UserId, new_id

SECRET = "Asked-for-three-refunds-of-Zelda"


async def _lines(uow: UnitOfWork, **chosen: object) -> list[Line]:
    async with uow.read() as tx:
        return await audit_reading.find(tx, Chosen(**chosen), None, 50)  # type: ignore[arg-type]


async def _record_of(uow: UnitOfWork, person: UserId, reason: str = SECRET) -> None:
    async with uow() as tx:
        before, after = {"name": reason}, {"name": reason + "!"}
        facts = {"reason": reason}
        await audit.record(
            tx, None, "users.blacklist", f"user:{person}", facts, person=person, before=before, after=after
        )


async def test_what_is_said_of_a_person_is_not_in_the_clear(uow: UnitOfWork) -> None:
    person = UserId(new_id())
    await _record_of(uow, person)
    async with uow.read() as tx:
        dump = (await tx.execute(text("SELECT audit_entries::text FROM audit_entries"))).scalars().all()
        sealed = (await tx.execute(text("SELECT sealed FROM audit_entries"))).scalars().all()
    assert len(dump) == 1 and SECRET not in dump[0] and SECRET.encode() not in sealed[0]
    (line,) = await _lines(uow)
    assert line.content is not None
    assert line.content.params == {"reason": SECRET}
    assert (line.content.before, line.content.after) == ({"name": SECRET}, {"name": SECRET + "!"})


async def test_erasing_a_person_leaves_the_row_and_destroys_its_content(uow: UnitOfWork, ring: KeyRing) -> None:
    person, other = UserId(new_id()), UserId(new_id())
    await _record_of(uow, person)
    await _record_of(uow, other, "stays")
    async with uow() as tx:
        await personal.erase(tx, ring, person)
    stays, erased = await _lines(uow)
    assert (erased.action, erased.subject, erased.content) == ("users.blacklist", f"user:{person}", None)
    assert stays.content is not None and stays.content.params == {"reason": "stays"}
    # What is recorded of them afterwards has a key of its own.
    await _record_of(uow, person, "came back")
    lines = await _lines(uow, person_id=person)
    assert [line.content and line.content.params["reason"] for line in lines] == ["came back", None]


async def test_another_process_that_remembers_the_key_reads_nothing_either(uow: UnitOfWork, settings: Settings) -> None:
    person = UserId(new_id())
    await _record_of(uow, person)
    await _lines(uow)  # this process's ring remembers the key
    async with uow() as tx:
        await personal.erase(tx, KeyRing(settings.master_keys), person)  # another process's ring
    (line,) = await _lines(uow)
    assert line.content is None
    await _record_of(uow, person, "later")
    assert (await _lines(uow))[0].content is not None


async def test_two_first_entries_at_once_make_one_key(services: Services) -> None:
    person = UserId(new_id())
    await asyncio.gather(*(_record_of(services.uow, person) for _ in range(6)))
    async with services.uow.read() as tx:
        keys = (await tx.execute(text("SELECT count(*) FROM person_keys WHERE user_id = :id"), {"id": person})).scalar()
    assert keys == 1
    assert all(line.content for line in await _lines(services.uow))


async def test_the_place_of_the_act_is_recorded_and_ends_with_it(uow: UnitOfWork) -> None:
    session = new_id()
    async with uow() as tx:
        with acting_from(Origin(Via.PAGE, network_of("203.0.113.77"), session)):
            await audit.record(tx, None, "a.first", "thing:1", {"key": UUID(int=1)})
        await audit.record(tx, None, "a.second", "thing:1")
    second, first = await _lines(uow)
    assert (first.via, first.network, first.session_id) == ("page", "203.0.113.0/24", session)
    assert first.content is not None and first.content.params == {"key": str(UUID(int=1))}
    assert (second.via, second.network, second.session_id) == (None, None, None)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("local", None),
        ("", None),
    ],
)
def test_addresses_are_kept_too_wide_to_name_a_line(address: str, network: str | None) -> None:
    assert network_of(address) == network


async def test_entries_of_before_are_read_as_they_are(uow: UnitOfWork) -> None:
    async with uow() as tx:
        await tx.execute(
            text(
                "INSERT INTO audit_entries (id, at, actor_id, action, subject, params) "
                "VALUES (gen_random_uuid(), now(), NULL, 'users.blacklist', 'user:1', '{\"reason\": \"old\"}')"
            )
        )
    (line,) = await _lines(uow, subject="user:1")
    assert line.content is not None and line.content.params == {"reason": "old"}


async def test_filters_and_pages(uow: UnitOfWork) -> None:
    person, actor = UserId(new_id()), UserId(new_id())
    async with uow() as tx:
        for number in range(5):
            await audit.record(tx, actor, f"things.verb_{number % 2}", f"thing:{number}")
        await audit.record(tx, None, "users.blacklist", f"user:{person}")
        await audit.record(tx, None, "orders.refund", "order:1", person=person)
        now = tx.now
    assert len(await _lines(uow, actor_id=actor)) == 5
    assert [
        line.subject for line in await _lines(uow, areas=("things",), search=Search(actions=("things.verb_1",)))
    ] == [
        "thing:3",
        "thing:1",
    ]
    assert {line.action for line in await _lines(uow, person_id=person)} == {"users.blacklist", "orders.refund"}
    assert await _lines(uow, until=now) == []
    assert await _lines(uow, search=Search()) == []
    both = Search(people=(actor,), subjects=("order:1", "thing:1"))
    assert len(await _lines(uow, search=both)) == 6
    assert len(await _lines(uow, areas=("users", "orders"))) == 2
    about = await _lines(uow, areas=("users", "things"), person_id=person)
    assert [line.action for line in about] == ["users.blacklist"]
    assert len(await _lines(uow, since=now)) == 7
    seen: list[Line] = []
    cursor: Cursor | None = None
    while True:
        async with uow.read() as tx:
            page = await audit_reading.find(tx, Chosen(), cursor, 2)
        if not page:
            break
        seen += page
        cursor = Cursor(page[-1].at, page[-1].id)
    assert [line.id for line in seen] == [line.id for line in await _lines(uow)]


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET action = 'x'", "DELETE FROM audit_entries"])
@pytest.mark.parametrize("trigger", ["audit_entries_append_only", "audit_entries_rows_append_only"])
async def test_each_trigger_alone_refuses(uow: UnitOfWork, engine: AsyncEngine, statement: str, trigger: str) -> None:
    """The one of rows is what PostgreSQL copies to the partitions of a table, the other one covers TRUNCATE."""
    async with uow() as tx:
        await audit.record(tx, None, "a.first", "thing:1")
        await tx.execute(text(f"ALTER TABLE audit_entries DISABLE TRIGGER {trigger}"))
        with pytest.raises(Exception, match="append-only") as caught:
            async with tx.savepoint():
                await tx.execute(text(statement))
        assert isinstance(caught.value.orig.__cause__, asyncpg.CheckViolationError)  # type: ignore[attr-defined]
    assert len(await _lines(uow)) == 1


async def test_truncate_is_refused(uow: UnitOfWork) -> None:
    async with uow() as tx:
        with pytest.raises(Exception, match="append-only"):
            async with tx.savepoint():
                await tx.execute(text("TRUNCATE audit_entries"))
