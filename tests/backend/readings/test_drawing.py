"""A draw: committed to before the question, dealt with the reader's seed, revealed if nobody asks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.readings.domain import drawing, privacy, spreads
from backend.readings.errors import ReadingLapsed
from backend.readings.repository import readings
from backend.readings.repository import spreads as stored_spreads
from backend.readings.rules import drawing as rules
from backend.readings.types import DECK_VERSION, ReadingState
from tests.factories.readings import CLIENT_SEED, add_reader, add_spread, spread_body
from tests.fakes.clock import FakeClock


async def test_a_commitment_waits_for_its_question(room: UnitOfWork, ring: KeyRing, clock: FakeClock) -> None:
    async with room() as tx:
        spread, reader = await add_spread(tx), await add_reader(tx)
        first = await drawing.commit(tx, ring, reader, spread)
    clock.move(seconds=(drawing.LAPSES_AFTER - timedelta(seconds=1)).total_seconds())
    async with room() as tx:
        assert await drawing.commit(tx, ring, reader, spread) == first
        free = await drawing.commit(tx, ring, reader, spread, free=True)
        assert (free.id != first.id, free.credits, first.credits) == (True, 0, 1)


async def test_the_cards_follow_from_the_two_seeds(room: UnitOfWork, ring: KeyRing) -> None:
    async with room() as tx:
        spread, reader = await add_spread(tx, cards=10), await add_reader(tx)
        waiting = await drawing.commit(tx, ring, reader, spread)
        dealt = await drawing.deal(tx, ring, waiting, spread.body, CLIENT_SEED, reversed_cards=True, language="ru")
    assert dealt.seed is not None
    assert dealt.state is ReadingState.DRAWN
    assert dealt.cards == rules.draw(dealt.seed, CLIENT_SEED, 10, reversed_cards=True)
    assert dealt.commitment == rules.commitment(dealt.seed, dealt.id, spread.id, 1, DECK_VERSION)
    assert dealt.revealed_at == dealt.asked_at


async def test_a_spread_that_changes_does_not_change_its_readings(room: UnitOfWork, ring: KeyRing) -> None:
    async with room() as tx:
        spread, reader = await add_spread(tx), await add_reader(tx)
        waiting = await drawing.commit(tx, ring, reader, spread)
        changed = await stored_spreads.change(tx, spread, spread_body(5, "Five cards"), None)
        assert changed.version == 2
        assert await drawing.commit(tx, ring, reader, changed) == waiting
        assert await stored_spreads.get_body(tx, spread.id, waiting.spread_version) == spread.body
        assert (await stored_spreads.get(tx, spread.id)).body == spread_body(5, "Five cards")


async def test_a_version_of_a_spread_is_never_changed(room: UnitOfWork) -> None:
    async with room() as tx:
        await add_spread(tx)
    with pytest.raises(DBAPIError, match="never changed"):
        async with room() as tx:
            await tx.execute(text("UPDATE reading_spread_versions SET body = '{}'"))


async def test_a_commitment_is_never_changed(room: UnitOfWork, ring: KeyRing) -> None:
    async with room() as tx:
        await drawing.commit(tx, ring, await add_reader(tx), await add_spread(tx))
    with pytest.raises(DBAPIError, match="never changed"):
        async with room() as tx:
            await tx.execute(text("UPDATE readings SET commitment = sha256('other'::bytea)"))


async def test_five_that_nobody_asked_are_revealed_after_a_day(
    room: UnitOfWork, ring: KeyRing, clock: FakeClock
) -> None:
    async with room() as tx:
        reader = await add_reader(tx)
        committed = [
            await drawing.commit(tx, ring, reader, await add_spread(tx, f"spread-{number}")) for number in range(5)
        ]
    clock.move(seconds=(drawing.LAPSES_AFTER - timedelta(seconds=1)).total_seconds())
    async with room() as tx:
        assert await drawing.reveal_lapsed(tx, ring) == 0
    clock.move(seconds=1)
    async with room() as tx:
        assert await drawing.reveal_lapsed(tx, ring) == 5
        assert await drawing.reveal_lapsed(tx, ring) == 0
        for one in committed:
            now = await readings.get(tx, one.id)
            assert now.state is ReadingState.ABANDONED
            assert now.seed is not None
            assert now.commitment == rules.commitment(now.seed, now.id, now.spread_id, 1, DECK_VERSION)


async def test_what_has_waited_too_long_is_not_dealt(room: UnitOfWork, ring: KeyRing, clock: FakeClock) -> None:
    async with room() as tx:
        spread, reader = await add_spread(tx), await add_reader(tx)
        waiting = await drawing.commit(tx, ring, reader, spread)
    clock.move(seconds=drawing.LAPSES_AFTER.total_seconds())
    async with room() as tx:
        with pytest.raises(ReadingLapsed):
            await drawing.deal(tx, ring, waiting, spread.body, CLIENT_SEED, reversed_cards=True, language="en")
        again = await drawing.commit(tx, ring, reader, spread)
        assert again.id != waiting.id
        assert (await readings.get(tx, waiting.id)).state is ReadingState.ABANDONED


async def test_a_seal_that_cannot_be_opened_is_shuffled_again(
    room: UnitOfWork, ring: KeyRing, clock: FakeClock
) -> None:
    async with room() as tx:
        spread, reader = await add_spread(tx), await add_reader(tx)
        waiting = await drawing.commit(tx, ring, reader, spread)
        await privacy.destroy_keys(tx, ring, reader)
        with pytest.raises(ReadingLapsed):
            await drawing.deal(tx, ring, waiting, spread.body, CLIENT_SEED, reversed_cards=True, language="en")
        await drawing.abandon(tx, ring, waiting)
        now = await readings.get(tx, waiting.id)
        assert (now.state, now.seed, now.revealed_at) == (ReadingState.ABANDONED, None, None)


async def test_spreads_that_came_with_the_shop_are_stored_once(room: UnitOfWork) -> None:
    ours = [("one", 1, spread_body(1)), ("three", 1, spread_body(3))]
    async with room() as tx:
        assert await spreads.ensure_built_in(tx, ours) == 2
        (one, three) = await stored_spreads.list_spreads(tx, hidden=False)
        assert (one.slug, one.built_in, one.body, three.position) == ("one", True, spread_body(1), 2)
        await stored_spreads.set_fields(tx, one.id, credits=7, hidden=True)
        assert await spreads.ensure_built_in(tx, ours) == 0
        assert [spread.slug for spread in await stored_spreads.list_spreads(tx, hidden=False)] == ["three"]
        assert (await stored_spreads.get(tx, one.id)).credits == 7
