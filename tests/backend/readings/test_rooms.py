"""What people have of the reading room: deleted without a trace, exported whole, shown though a key is missing."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import text

from backend.infra.crypto import KeyRing
from backend.kernel.errors import NotFound
from backend.readings.domain import answers
from tests.backend.readings.table import TEXT, Table
from tests.factories.readings import LEASE


async def test_deleting_leaves_no_words(table: Table) -> None:
    first, second = await table.ask(), await table.ask("one")
    await table.write(first)
    reading_id = await table.reading_of(first)
    await table.rooms.delete(table.reader, reading_id)
    with pytest.raises(NotFound):
        await table.rooms.get(table.reader, reading_id)
    with pytest.raises(NotFound):
        await table.services.proofs.get(reading_id)
    assert [row.slug for row in (await table.rooms.history(table.reader)).items] == ["one"]
    waiting = await table.asking.commit(table.reader, "three")
    await table.rooms.delete_all(table.reader)
    assert (await table.rooms.history(table.reader)).items == []
    assert await table.credits() == 2, "what was being written was stopped, and cost nothing"
    assert (await table.services.proofs.get(waiting.reading_id)).seed is not None
    async with table.uow.read() as tx:
        left = text("SELECT count(*) FROM reading_answers WHERE question IS NOT NULL OR answer IS NOT NULL")
        assert (await tx.execute(left)).scalar_one() == 0
        assert (await tx.execute(text("SELECT count(*) FROM data_keys WHERE purpose = 'readings'"))).scalar_one() == 0
    assert await table.reading_of(second)
    await table.write(await table.ask())


async def test_an_export_holds_all_of_it(table: Table) -> None:
    for question in ("First?", "Second?"):
        await table.write(await table.ask(question=question))
    exported = msgspec.json.decode(await table.rooms.export(table.reader))["readings"]
    assert [one["answers"][0]["question"] for one in exported] == ["Second?", "First?"]
    assert [one["answers"][0]["text"] for one in exported] == [TEXT, TEXT]


async def test_what_cannot_be_opened_is_named(table: Table) -> None:
    await table.write(await table.ask())
    other = table.with_keys(KeyRing("k2:" + "B" * 43 + "="))
    (row,) = (await other.rooms.history(table.reader)).items
    page = await other.rooms.get(table.reader, row.id)
    assert msgspec.to_builtins(row.question) == {"key": "k1"}
    assert msgspec.to_builtins(page.answers[0].text) == {"key": "k1"}
    assert await other.upkeep.count_missing_keys() == 1
    assert await table.services.upkeep.count_missing_keys() == 0


async def test_pages_of_the_history(table: Table) -> None:
    for _ in range(3):
        await table.write(await table.ask())
    first = await table.rooms.history(table.reader, limit=2)
    second = await table.rooms.history(table.reader, first.next_cursor, limit=2)
    assert (len(first.items), len(second.items), second.next_cursor) == (2, 1, None)
    assert len({row.id for row in (*first.items, *second.items)}) == 3


async def test_the_reaper_ends_what_a_dead_worker_left(table: Table) -> None:
    answer_id = await table.ask()
    async with table.uow() as tx:
        await answers.claim(tx, table.ring, answer_id, "w1", LEASE)
    table.clock.move(seconds=LEASE.total_seconds())
    assert await table.services.upkeep.reap() == 1
    assert await table.services.upkeep.reap() == 0
    assert await table.credits() == 3


async def test_the_spreads_that_came_with_the_shop(table: Table) -> None:
    assert await table.services.upkeep.ensure_spreads() == 3
    assert await table.services.upkeep.ensure_spreads() == 0
    slugs = [spread.slug for spread in (await table.rooms.home(table.reader)).spreads]
    assert set(slugs) == {"one", "three", "celtic-cross", "relationship", "year"}
