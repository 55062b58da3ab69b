"""An answer is claimed once and ends once, and its credits follow exactly one of its ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.readings.domain import answers, privacy
from backend.readings.errors import NotEnoughCredits
from backend.readings.repository import answers as repository
from backend.readings.repository import spreads
from backend.readings.repository.answers import StoredAnswer
from backend.readings.types import AnswerSource, AnswerStatus, CreditNote, CreditState, Failure, Unopenable, Usage
from tests.factories.readings import LEASE, add_answer, add_reader, add_spread, ask, credits_of, holds_of
from tests.fakes.clock import FakeClock

QUESTION = "Shall I take the night shift?"
TEXT = "The Hermit asks you to wait."
End = Callable[[Tx, KeyRing, StoredAnswer], Awaitable[bool]]


async def _asked(uow: UnitOfWork, ring: KeyRing, *, credits: int = 3, price: int = 1) -> StoredAnswer:
    async with uow() as tx:
        spread = await add_spread(tx, credits=price)
        return await add_answer(tx, ring, await add_reader(tx, credits), spread, QUESTION)


async def _claimed(uow: UnitOfWork, ring: KeyRing) -> StoredAnswer:
    answer = await _asked(uow, ring)
    async with uow() as tx:
        assert await answers.claim(tx, ring, answer.id, "w1", LEASE) is not None
    return answer


async def _now(uow: UnitOfWork, answer: StoredAnswer) -> StoredAnswer:
    async with uow.read() as tx:
        now = await repository.find(tx, answer.id)
    assert now is not None
    return now


async def _note(uow: UnitOfWork, answer: StoredAnswer) -> CreditNote:
    now = await _now(uow, answer)
    async with uow.read() as tx:
        return await answers.credit_note(tx, now)


async def _complete(tx: Tx, ring: KeyRing, answer: StoredAnswer) -> bool:
    return await answers.complete(tx, ring, answer.id, answer.attempt, source=AnswerSource.MODEL, text=TEXT)


async def _fail(tx: Tx, ring: KeyRing, answer: StoredAnswer) -> bool:
    return await answers.fail(tx, answer.id, answer.attempt, Failure.TIMEOUT_GAP)


async def _stop(tx: Tx, ring: KeyRing, answer: StoredAnswer) -> bool:
    return await answers.stopped(tx, answer.id, answer.attempt)


async def _reap(tx: Tx, ring: KeyRing, answer: StoredAnswer) -> bool:
    return await answers.reap(tx) == 1


async def test_a_worker_gets_everything_that_it_writes_from(room: UnitOfWork, ring: KeyRing) -> None:
    answer = await _asked(room, ring)
    async with room() as tx:
        work = await answers.claim(tx, ring, answer.id, "w1", LEASE)
    assert work is not None
    assert (work.attempt, work.number, work.built_in) == (1, 0, False)
    assert (work.interpretation.question, work.interpretation.language, len(work.interpretation.cards)) == (
        QUESTION,
        "en",
        3,
    )
    assert len(work.interpretation.spread.positions) == 3


async def test_an_answer_is_claimed_by_one_worker(real_room: UnitOfWork, ring: KeyRing) -> None:
    answer = await _asked(real_room, ring)

    async def claim(worker: str) -> bool:
        async with real_room() as tx:
            return await answers.claim(tx, ring, answer.id, worker, LEASE) is not None

    assert sum(await asyncio.gather(*(claim(f"w{number}") for number in range(8)))) == 1


async def test_credits_are_held_until_the_text_is_whole(room: UnitOfWork, ring: KeyRing) -> None:
    answer = await _claimed(room, ring)
    assert await credits_of(room, answer.user_id) == 2
    assert await _note(room, answer) == CreditNote(CreditState.HELD, 1)
    usage = Usage(model="m-1", prompt_version=2, input_tokens=10, output_tokens=20, cost_micros=30, first_word_ms=400)
    async with room() as tx:
        assert await answers.complete(tx, ring, answer.id, 1, source=AnswerSource.MODEL, text=TEXT, usage=usage)
    now = await _now(room, answer)
    assert (now.status, now.source, now.failure, now.model) == (AnswerStatus.COMPLETE, AnswerSource.MODEL, None, "m-1")
    assert await credits_of(room, answer.user_id) == 2
    assert await _note(room, answer) == CreditNote(CreditState.USED, 1)
    async with room.read() as tx:
        assert now.answer is not None
        assert await privacy.open_text(tx, ring, now.answer, privacy.answer_context(answer.id)) == TEXT


@pytest.mark.parametrize(
    ("end", "status", "failure"),
    [(_fail, AnswerStatus.FAILED, Failure.TIMEOUT_GAP), (_stop, AnswerStatus.STOPPED, None)],
)
async def test_without_a_whole_text_no_credit_is_used(
    room: UnitOfWork, ring: KeyRing, end: End, status: AnswerStatus, failure: Failure | None
) -> None:
    answer = await _claimed(room, ring)
    async with room() as tx:
        assert await end(tx, ring, answer)
    now = await _now(room, answer)
    assert (now.status, now.failure) == (status, failure)
    assert await credits_of(room, answer.user_id) == 3
    assert await _note(room, answer) == CreditNote(CreditState.RETURNED, 1)


async def test_what_the_built_in_interpreter_writes_for_a_model_is_free(room: UnitOfWork, ring: KeyRing) -> None:
    answer = await _claimed(room, ring)
    async with room() as tx:
        assert await answers.complete(
            tx, ring, answer.id, 1, source=AnswerSource.BUILT_IN, text=TEXT, failure=Failure.REFUSED
        )
    assert (await _now(room, answer)).failure is Failure.REFUSED
    assert await credits_of(room, answer.user_id) == 3
    async with room.read() as tx:
        failures = (await tx.execute(text("SELECT failure FROM reading_failures"))).scalars().all()
    assert list(failures) == ["api.refused"]


async def test_what_the_built_in_interpreter_writes_alone_has_its_price(room: UnitOfWork, ring: KeyRing) -> None:
    answer = await _claimed(room, ring)
    async with room() as tx:
        assert await answers.complete(tx, ring, answer.id, 1, source=AnswerSource.BUILT_IN, text=TEXT)
    assert await credits_of(room, answer.user_id) == 2


async def test_an_empty_text_is_no_answer(room: UnitOfWork, ring: KeyRing) -> None:
    answer = await _claimed(room, ring)
    async with room() as tx:
        with pytest.raises(ValueError, match="text"):
            await answers.complete(tx, ring, answer.id, 1, source=AnswerSource.MODEL, text=" \n")


@pytest.mark.parametrize("first", [_complete, _fail, _stop])
@pytest.mark.parametrize("second", [_complete, _fail, _stop])
async def test_the_first_end_is_the_only_one(room: UnitOfWork, ring: KeyRing, first: End, second: End) -> None:
    answer = await _claimed(room, ring)
    async with room() as tx:
        assert await first(tx, ring, answer)
    ended, credits = await _now(room, answer), await credits_of(room, answer.user_id)
    async with room() as tx:
        assert not await second(tx, ring, answer)
        assert await answers.reap(tx) == 0
        assert not await answers.beat(tx, answer.id, 1, LEASE)
    assert await _now(room, answer) == ended
    assert await credits_of(room, answer.user_id) == credits


async def test_ends_that_race_leave_one(real_room: UnitOfWork, ring: KeyRing, clock: FakeClock) -> None:
    answer = await _claimed(real_room, ring)
    clock.move(seconds=LEASE.total_seconds())

    async def end(ended_by: End) -> bool:
        async with real_room() as tx:
            return await ended_by(tx, ring, answer)

    won = await asyncio.gather(*(end(ended_by) for ended_by in (_complete, _fail, _stop, _reap) * 3))
    assert sum(won) == 1
    status = (await _now(real_room, answer)).status
    assert await credits_of(real_room, answer.user_id) == (2 if status is AnswerStatus.COMPLETE else 3)
    assert len(await holds_of(real_room, answer.user_id)) == 1


async def test_a_worker_that_shows_no_life_loses_its_answer(room: UnitOfWork, ring: KeyRing, clock: FakeClock) -> None:
    answer = await _claimed(room, ring)
    clock.move(seconds=(LEASE - timedelta(seconds=1)).total_seconds())
    async with room() as tx:
        assert await answers.beat(tx, answer.id, 1, LEASE)
    clock.move(seconds=(LEASE - timedelta(seconds=1)).total_seconds())
    async with room() as tx:
        assert await answers.reap(tx) == 0
    clock.move(seconds=1)
    async with room() as tx:
        assert await answers.reap(tx) == 1
        assert not await answers.beat(tx, answer.id, 1, LEASE)
    assert (await _now(room, answer)).failure is Failure.WORKER_LOST
    assert await credits_of(room, answer.user_id) == 3


async def test_an_answer_that_no_worker_comes_for_costs_nothing(
    room: UnitOfWork, ring: KeyRing, clock: FakeClock
) -> None:
    answer = await _asked(room, ring)
    clock.move(seconds=answers.CLAIMED_WITHIN.total_seconds())
    async with room() as tx:
        assert await answers.reap(tx) == 1
        assert await answers.claim(tx, ring, answer.id, "w1", LEASE) is None
    assert await credits_of(room, answer.user_id) == 3


async def test_a_late_worker_cannot_end_the_next_attempt(room: UnitOfWork, ring: KeyRing) -> None:
    answer = await _claimed(room, ring)
    async with room() as tx:
        await _fail(tx, ring, answer)
        again = await repository.renew(
            tx, answer.id, 1, credits=1, built_in=False, lease_until=tx.now + answers.CLAIMED_WITHIN
        )
        assert again is not None
        await answers.ask(tx, again, {})
        work = await answers.claim(tx, ring, answer.id, "w2", LEASE)
        assert work is not None
        assert work.attempt == 2
        assert not await _complete(tx, ring, answer)
        assert not await answers.beat(tx, answer.id, 1, LEASE)
    assert await credits_of(room, answer.user_id) == 2
    assert [status for _, status in await holds_of(room, answer.user_id)] == ["released", "held"]


async def test_a_follow_up_remembers_what_was_said(room: UnitOfWork, ring: KeyRing) -> None:
    answer = await _claimed(room, ring)
    async with room() as tx:
        await _complete(tx, ring, answer)
        (spread,) = await spreads.list_spreads(tx, hidden=True)
        follow_up = await ask(tx, ring, answer.user_id, spread, answer.reading_id, 1, "And in spring?")
        work = await answers.claim(tx, ring, follow_up.id, "w1", LEASE)
    assert work is not None
    assert (work.number, work.interpretation.question) == (1, "And in spring?")
    assert [(one.question, one.text) for one in work.interpretation.before] == [(QUESTION, TEXT)]


async def test_too_few_credits_ask_nothing(room: UnitOfWork, ring: KeyRing) -> None:
    async with room() as tx:
        spread, reader = await add_spread(tx, credits=3), await add_reader(tx, 2)
    with pytest.raises(NotEnoughCredits) as refused:
        async with room() as tx:
            await add_answer(tx, ring, reader, spread)
    assert refused.value.params == {"needed": 3, "balance": 2}
    assert await credits_of(room, reader) == 2
    assert await holds_of(room, reader) == []


async def test_a_question_whose_key_is_gone_fails_and_costs_nothing(room: UnitOfWork, ring: KeyRing) -> None:
    answer = await _asked(room, ring)
    async with room() as tx:
        await privacy.destroy_keys(tx, ring, answer.user_id)
        assert await answers.claim(tx, ring, answer.id, "w1", LEASE) is None
    assert (await _now(room, answer)).failure is Failure.DATABASE
    assert await credits_of(room, answer.user_id) == 3


async def test_a_lost_key_is_named_and_what_is_written_next_is_sealed_by_another(
    room: UnitOfWork, ring: KeyRing
) -> None:
    other = KeyRing("k2:" + "B" * 43 + "=")
    async with room() as tx:
        reader = await add_reader(tx)
        sealed = await privacy.seal_text(tx, ring, reader, QUESTION, b"here")
        assert await privacy.open_text(tx, ring, sealed, b"here") == QUESTION
        assert isinstance(await privacy.open_text(tx, ring, sealed, b"elsewhere"), Unopenable)
        assert await privacy.open_text(tx, other, sealed, b"here") == Unopenable("k1")
        assert (await privacy.count_missing(tx, ring), await privacy.count_missing(tx, other)) == (0, 1)
        again = await privacy.seal_text(tx, other, reader, QUESTION, b"here")
        assert await privacy.open_text(tx, other, again, b"here") == QUESTION
        await privacy.destroy_keys(tx, ring, reader)
        gone = await privacy.open_text(tx, KeyRing("k1:" + "A" * 43 + "="), sealed, b"here")
        assert gone == Unopenable(str(privacy.key_of(sealed)))
