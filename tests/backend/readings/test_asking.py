"""People ask: one reading a tap, credits once, free cards a day apart, and everything again only where it may be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy import text

from backend.identity.types import Actor
from backend.kernel.errors import AppError, Invalid, NotFound
from backend.readings.domain import answers
from backend.readings.errors import (
    FreeCardTaken,
    NoFollowUpsLeft,
    NotEnoughCredits,
    ReadingChanged,
    ReadingLapsed,
    ReadingLive,
)
from backend.readings.repository import spreads
from backend.readings.types import AnswerId, AnswerSource, AnswerStatus, CreditState, Failure
from tests.backend.readings.table import LIMITS, TEXT, Table
from tests.factories.readings import CLIENT_SEED, LEASE, add_reader, add_spread, spread_body
from tests.factories.wallet import actor_of


async def test_a_reading_from_its_commitment_to_its_text(table: Table) -> None:
    commitment = await table.asking.commit(table.reader, "three")
    assert (commitment.credits, commitment.balance, len(commitment.commitment)) == (1, 3, 64)
    answer_id = await table.tap(commitment.reading_id, "  What\u202e helps\n now? ")
    assert await table.credits() == 2
    work = await table.write(answer_id)
    assert work.interpretation.question == "What helps now?"
    page = await table.rooms.get(table.reader, commitment.reading_id)
    (answer,) = page.answers
    assert (answer.question, answer.text, answer.status) == ("What helps now?", TEXT, AnswerStatus.COMPLETE)
    assert (answer.note.state, answer.again, page.follow_ups_left) == (CreditState.USED, None, 2)
    assert page.cards == work.interpretation.cards
    (row,) = (await table.rooms.history(table.reader)).items
    assert (row.question, row.slug, row.cards) == ("What helps now?", "three", page.cards)
    room = await table.rooms.home(table.reader)
    assert ([spread.slug for spread in room.spreads], room.credits) == (["three", "one"], 2)
    assert room.latest == (row,)


async def test_the_same_tap_again_changes_nothing(table: Table) -> None:
    commitment = await table.asking.commit(table.reader, "three")
    first = await table.tap(commitment.reading_id)
    assert await table.tap(commitment.reading_id) == first
    with pytest.raises(ReadingChanged):
        await table.tap(commitment.reading_id, seed="another-seed-of-a-phone")
    assert await table.credits() == 2


async def test_twenty_taps_with_one_credit_are_one_reading(real_table: Table) -> None:
    table = real_table
    async with table.uow() as tx:
        for number in range(10):
            await add_spread(tx, f"spread-{number}")
    slugs = ["three"] * 10 + [f"spread-{number}" for number in range(10)]
    committed = await asyncio.gather(*(table.asking.commit(table.reader, slug) for slug in slugs))
    assert len({one.reading_id for one in committed}) == 11

    async def tap(number: int) -> AnswerId | AppError:
        try:
            return await table.tap(committed[number].reading_id, seed=f"seed-of-tap-number-{number}")
        except (NotEnoughCredits, ReadingChanged, ReadingLive) as refusal:
            return refusal

    outcomes = await asyncio.gather(*(tap(number) for number in range(20)))
    assert sum(not isinstance(outcome, AppError) for outcome in outcomes) == 1
    assert await table.credits() == 0
    async with table.uow.read() as tx:
        rows = await tx.execute(text("SELECT state, count(*) AS many FROM readings GROUP BY state"))
        assert {row.state: row.many for row in rows} == {"drawn": 1, "committed": 10}


async def test_one_reading_of_a_spread_is_written_at_a_time(table: Table) -> None:
    answer_id = await table.ask()
    with pytest.raises(ReadingLive):
        await table.ask()
    await table.ask("one")
    await table.write(answer_id)
    await table.ask()
    assert await table.credits() == 0


async def test_the_price_is_the_one_that_was_shown(table: Table) -> None:
    commitment = await table.asking.commit(table.reader, "three")
    async with table.uow() as tx:
        spread = await spreads.find(tx, "three")
        assert spread is not None
        await spreads.change(tx, spread, spread_body(5), None)
        await spreads.set_fields(tx, spread.id, credits=3, hidden=True)
    work = await table.write(await table.tap(commitment.reading_id))
    assert (await table.credits(), len(work.interpretation.cards)) == (2, 3)
    with pytest.raises(NotFound):
        await table.asking.commit(table.reader, "three")


@pytest.mark.parametrize(
    ("question", "seed", "language", "field"),
    [
        ("x" * 301, CLIENT_SEED, "en", "question"),
        ("x" * 10_000, CLIENT_SEED, "en", "question"),
        ("", "short", "en", "client_seed"),
        ("", "with spaces and other signs!", "en", "client_seed"),
        ("", "é" * 20, "en", "client_seed"),
        ("", CLIENT_SEED, "tlh", "language"),
    ],
)
async def test_bad_input_is_named(table: Table, question: str, seed: str, language: str, field: str) -> None:
    commitment = await table.asking.commit(table.reader, "three")
    with pytest.raises(Invalid) as refused:
        await table.asking.ask(
            table.reader, commitment.reading_id, question, seed, reversed_cards=True, language=language
        )
    assert set(refused.value.fields) == {field}
    assert await table.credits() == 3


async def test_nobody_asks_or_reads_what_is_another_person_s(table: Table) -> None:
    async with table.uow() as tx:
        other = actor_of(await add_reader(tx, 5))
    commitment = await table.asking.commit(table.reader, "three")
    with pytest.raises(NotFound):
        await table.tap(commitment.reading_id, by=other)
    answer_id = await table.tap(commitment.reading_id)
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: table.rooms.get(other, commitment.reading_id),
        lambda: table.rooms.delete(other, commitment.reading_id),
        lambda: table.asking.stop(other, answer_id),
        lambda: table.asking.try_again(other, answer_id),
        lambda: table.asking.plain_reading(other, answer_id),
        lambda: table.asking.follow_up(other, commitment.reading_id, "And?"),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            await attempt()
    assert (await table.rooms.history(other)).items == []


async def test_after_a_failure_again_or_plainly(table: Table) -> None:
    answer_id = await table.ask()
    reading_id = await table.reading_of(answer_id)
    await table.write(answer_id, Failure.TIMEOUT_FIRST)
    (answer,) = (await table.rooms.get(table.reader, reading_id)).answers
    assert (answer.note.state, answer.again, answer.may_be_plain) == (CreditState.RETURNED, 1, True)
    await table.asking.try_again(table.reader, answer_id)
    assert await table.credits() == 2
    with pytest.raises(ReadingLive):
        await table.asking.try_again(table.reader, answer_id)
    await table.write(answer_id, Failure.QUOTA)
    await table.asking.plain_reading(table.reader, answer_id)
    work = await table.write(answer_id)
    assert (work.built_in, work.attempt) == (True, 3)
    (answer,) = (await table.rooms.get(table.reader, reading_id)).answers
    assert (answer.note.state, answer.source, answer.again) == (CreditState.FREE, AnswerSource.BUILT_IN, None)
    assert await table.credits() == 3
    for attempt in (table.asking.try_again, table.asking.plain_reading):
        with pytest.raises(ReadingChanged):
            await attempt(table.reader, answer_id)


async def test_a_stop_returns_the_credits_and_gives_no_plain_reading(table: Table) -> None:
    answer_id = await table.ask()
    async with table.uow() as tx:
        assert await answers.claim(tx, table.ring, answer_id, "w1", LEASE) is not None
    assert await table.asking.stop(table.reader, answer_id)
    assert not await table.asking.stop(table.reader, answer_id)
    assert await table.credits() == 3
    with pytest.raises(ReadingChanged):
        await table.asking.plain_reading(table.reader, answer_id)
    await table.asking.try_again(table.reader, answer_id)
    assert await table.credits() == 2


async def test_follow_ups_have_a_price_and_a_number(table: Table) -> None:
    answer_id = await table.ask()
    reading_id = await table.reading_of(answer_id)
    with pytest.raises(ReadingChanged):
        await table.asking.follow_up(table.reader, reading_id, "And in spring?")
    await table.write(answer_id)
    with pytest.raises(Invalid):
        await table.asking.follow_up(table.reader, reading_id, " \n")
    work = await table.write(await table.asking.follow_up(table.reader, reading_id, "And in spring?"))
    assert [one.text for one in work.interpretation.before] == [TEXT]
    assert await table.credits() == 1
    page = await table.rooms.get(table.reader, reading_id)
    assert (page.follow_ups_left, page.follow_up_credits) == (1, 1)
    await table.write(await table.asking.follow_up(table.reader, reading_id, "And in summer?"))
    with pytest.raises(NoFollowUpsLeft):
        await table.asking.follow_up(table.reader, reading_id, "And in autumn?")
    assert await table.credits() == 0


async def test_what_has_lapsed_costs_nothing_and_is_shuffled_again(table: Table) -> None:
    commitment = await table.asking.commit(table.reader, "three")
    table.clock.move(hours=24)
    with pytest.raises(ReadingLapsed):
        await table.tap(commitment.reading_id)
    assert await table.services.upkeep.reveal_lapsed() == 1
    with pytest.raises(ReadingLapsed):
        await table.tap(commitment.reading_id)
    assert (await table.asking.commit(table.reader, "three")).reading_id != commitment.reading_id
    assert await table.credits() == 3


async def test_a_free_card_a_day(table: Table) -> None:
    answer_id = await table.turn()
    reading_id = await table.reading_of(answer_id)
    work = await table.write(answer_id)
    assert (work.built_in, work.interpretation.language, work.interpretation.question) == (True, "ar", "")
    assert await table.credits() == 3
    with pytest.raises(FreeCardTaken):
        await table.turn()
    free = (await table.rooms.home(table.reader)).free_card
    assert free is not None
    assert (free.reading_id, free.next_at is not None) == (reading_id, True)
    page = await table.rooms.get(table.reader, reading_id)
    assert (page.free, page.follow_ups_left) == (True, 0)
    with pytest.raises(NoFollowUpsLeft):
        await table.asking.follow_up(table.reader, reading_id, "And?")
    table.limits = msgspec.structs.replace(LIMITS, free_card=False)
    assert (await table.rooms.home(table.reader)).free_card is None
    with pytest.raises(NotFound):
        await table.turn()


async def test_a_moved_zone_gives_no_second_free_card(table: Table) -> None:
    def at(zone: str) -> Actor:
        return actor_of(table.reader.id, timezone=zone)

    start = datetime(2027, 3, 1, 20, 0, tzinfo=UTC)
    table.clock.move(seconds=(start - table.clock.now()).total_seconds())
    await table.write(await table.turn(at("Pacific/Kiritimati")))  # 10:00 on 2 March
    for zone in ("Pacific/Kiritimati", "UTC", "Pacific/Pago_Pago", "Asia/Tokyo"):
        with pytest.raises(FreeCardTaken):
            await table.turn(at(zone))
    table.clock.move(hours=14)  # 00:00 on 3 March in Kiritimati, too soon
    with pytest.raises(FreeCardTaken):
        await table.turn(at("Pacific/Kiritimati"))
    table.clock.move(hours=6)
    with pytest.raises(FreeCardTaken):  # 2 March again
        await table.turn(at("UTC"))
    await table.write(await table.turn(at("Pacific/Kiritimati")))


async def test_parallel_taps_turn_over_one_free_card(real_table: Table) -> None:
    table = real_table
    zones = ["UTC", "Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati"] * 3

    async def turn(zone: str) -> bool:
        try:
            await table.turn(actor_of(table.reader.id, timezone=zone))
        except (FreeCardTaken, ReadingChanged, ReadingLive):
            return False
        return True

    await asyncio.gather(*(turn(zone) for zone in zones))
    async with table.uow.read() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM free_cards"))).scalar_one() == 1
        assert (await tx.execute(text("SELECT count(*) FROM readings WHERE state = 'drawn'"))).scalar_one() == 1


async def test_five_that_nobody_asked_are_counted_and_shown(table: Table) -> None:
    async with table.uow() as tx:
        for number in range(5):
            await add_spread(tx, f"spread-{number}")
    committed = [await table.asking.commit(table.reader, f"spread-{number}") for number in range(5)]
    await table.write(await table.ask())
    proofs = await table.services.proofs.of(table.reader)
    assert (proofs.committed, proofs.drawn, proofs.waiting, proofs.abandoned_count) == (6, 1, 5, 0)
    sealed = await table.services.proofs.get(committed[0].reading_id)
    assert (sealed.seed, sealed.order, sealed.commitment) == (None, (), committed[0].commitment)
    table.clock.move(hours=24)
    assert await table.services.upkeep.reveal_lapsed() == 5
    proofs = await table.services.proofs.of(table.reader)
    assert (proofs.waiting, proofs.abandoned_count, len(proofs.abandoned)) == (0, 5, 5)
    assert all(proof.seed is not None for proof in proofs.abandoned)
