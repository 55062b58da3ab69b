"""A person's timeline: sources of their own, merged without a gap, and who may see what of it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from backend.audience.service import NEEDS
from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from backend.infra import timeline
from backend.infra.settings import Settings
from backend.infra.timeline import Before, Cursor, Entry, EntryKind, Source
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import Forbidden, Invalid
from backend.kernel.ids import UserId, new_id
from backend.kernel.paging import decode_cursor, encode_cursor
from tests.factories.identity import admin, person
from tests.factories.wallet import give, usd
from tests.seconds import stretched

_NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
_SOMEBODY = UserId(new_id())
_ENTRIES = st.lists(
    st.builds(
        lambda kind, minute, number: Entry(kind=kind, at=_NOON + timedelta(minutes=minute), id=UUID(int=number)),
        st.sampled_from(list(EntryKind)),
        st.integers(0, 3),
        st.integers(0, 2**128 - 2) | st.integers(0, 3),
    ),
    max_size=40,
    unique_by=lambda entry: (entry.kind, entry.id),
)


def _source(kind: EntryKind, entries: list[Entry]) -> Source:
    """A table of entries, read as SQL reads one."""

    async def read(tx: Tx, user_id: UserId, before: Before, limit: int) -> list[Entry]:
        below = [entry for entry in entries if entry.kind is kind and (entry.at, entry.id) < (before.at, before.id)]
        return sorted(below, key=lambda entry: (entry.at, entry.id), reverse=True)[:limit]

    return Source(kind, read)


@given(_ENTRIES, st.integers(1, 7))
def test_pages_of_many_sources_are_one_list_without_gaps(entries: list[Entry], size: int) -> None:
    sources = [_source(kind, entries) for kind in EntryKind]
    seen: list[Entry] = []
    cursor: Cursor | None = None
    while True:
        page, cursor = asyncio.run(timeline.list_entries(cast(Tx, None), sources, _SOMEBODY, cursor, size))
        assert len(page) <= size
        seen += page
        if cursor is None:
            break
        assert len(page) == size
        cursor = decode_cursor(encode_cursor(cursor), Cursor)
    ranks = list(EntryKind)
    everything = sorted(entries, key=lambda one: (one.at, ranks.index(one.kind), one.id), reverse=True)
    assert [(one.kind, one.id) for one in seen] == [(one.kind, one.id) for one in everything]


@pytest.fixture
async def root(services: Services, settings: Settings) -> Actor:
    """The root admin."""
    return await person(services.identity, settings.root_admin_id)


async def _kinds(services: Services, actor: Actor, user_id: UserId) -> set[EntryKind]:
    return {entry.kind for entry in (await services.audience.timeline.of(actor, user_id)).entries}


async def test_an_admin_sees_the_kinds_of_their_permissions(
    services: Services, root: Actor, settings: Settings
) -> None:
    omar = await person(services.identity)
    async with services.uow() as tx:
        await give(tx, omar.id, usd(500))
    await services.identity.notes.add(root, omar.id, "asks for invoices", "key-of-a-note")
    await services.identity.people.set_reseller(root, omar.id, True)
    everything = {EntryKind.VISIT, EntryKind.TRANSFER, EntryKind.NOTE, EntryKind.ACTION}
    assert await _kinds(services, root, omar.id) == everything
    helper = await admin(services.identity, settings.root_admin_id, Permission.USERS)
    assert await _kinds(services, helper, omar.id) == everything - {EntryKind.TRANSFER}
    asked = await services.audience.timeline.of(helper, omar.id, [EntryKind.TRANSFER])
    assert asked.entries == ()
    seller = await admin(services.identity, settings.root_admin_id, Permission.ORDERS)
    with pytest.raises(Forbidden):
        await services.audience.timeline.of(seller, omar.id)


async def test_every_kind_has_a_source_and_a_permission(services: Services, root: Actor) -> None:
    assert set(services.audience.timeline.kinds(root)) == set(EntryKind) == set(NEEDS)


async def test_a_cursor_of_somebody_else_is_refused(services: Services, root: Actor) -> None:
    for cursor in ("x", encode_cursor(("2026-11-30T12:00:00Z", "spell", str(new_id())))):
        with pytest.raises(Invalid):
            await services.audience.timeline.of(root, root.id, cursor=cursor)


_MANY = """
INSERT INTO notifications (id, user_id, kind, params, dedupe_key, status, created_at)
SELECT uuidv7(), :id, 'order_paid', '{}', 'many:' || n, 'sent', CAST(:at AS timestamptz) - n * interval '1 minute'
FROM generate_series(1, 50000) n
"""
_ORDERS = """
INSERT INTO orders (id, user_id, idempotency_key, status, total_amount, currency, created_at)
SELECT uuidv7(), :id, 'many:' || n, 'cancelled', 100, 'USD', CAST(:at AS timestamptz) - n * interval '90 seconds'
FROM generate_series(1, 50000) n
"""


@pytest.mark.long("writes a hundred thousand rows")
async def test_a_person_with_a_hundred_thousand_events_is_as_fast(services: Services, root: Actor) -> None:
    omar = await person(services.identity)
    async with services.uow() as tx:
        for statement in (_MANY, _ORDERS):
            await tx.execute(text(statement), {"id": omar.id, "at": _NOON})
        await tx.execute(text("ANALYZE orders, notifications"))
    cursor, seen = None, []
    for _ in range(5):
        began = time.perf_counter()
        page = await services.audience.timeline.of(root, omar.id, cursor=cursor)
        took = time.perf_counter() - began
        cursor, seen = page.next_cursor, [*seen, *page.entries]
    moments = [entry.at for entry in seen]
    assert len({(entry.kind, entry.id) for entry in seen}) == 150
    assert moments == sorted(moments, reverse=True)
    assert took < stretched(0.3)
