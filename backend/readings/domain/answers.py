"""How an answer lives: claimed by a worker under a lease, then complete, failed or stopped, once.

Credits of an attempt are on hold from the moment it is asked for. A whole text captures them; every other end returns
them. Each end changes the row only while the attempt is live, so the first one wins and the others do nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.money import CREDIT, Money
from backend.readings.domain import privacy
from backend.readings.errors import NotEnoughCredits
from backend.readings.ports import Exchange, Interpretation
from backend.readings.repository import answers as repository
from backend.readings.repository import handing, readings, spreads
from backend.readings.repository.answers import StoredAnswer
from backend.readings.types import (
    AnswerId,
    AnswerSource,
    AnswerStatus,
    CreditNote,
    CreditState,
    Failure,
    ReadingAsked,
    ReadingId,
    ReadingReady,
    Unopenable,
    Usage,
)
from backend.wallet import domain as wallet
from backend.wallet.errors import InsufficientFunds
from backend.wallet.types import REVENUE, AccountRef, Memo, TransferKind

TOPIC: Final = "readings"
"""Signalled with an answer's id when its status changes."""
CLAIMED_WITHIN: Final = timedelta(minutes=10)
"""How long an answer waits for a worker before its credits go back."""
_LONG: Final = timedelta(seconds=45)
"""Who has waited longer for a text may have left, and is told in the chat."""
_REAPED_AT_ONCE: Final = 100


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is to write: ``attempt`` is its own, and goes with every later call."""

    answer_id: AnswerId
    reading_id: ReadingId
    user_id: UserId
    number: int
    """0 for the reading, from 1 for follow-ups."""
    attempt: int
    built_in: bool
    """Only the built-in interpreter is to write it."""
    interpretation: Interpretation


def purpose(answer_id: AnswerId, attempt: int) -> str:
    """What the credits of an attempt are on hold for."""
    return f"reading:{answer_id}:{attempt}"


async def ask(tx: Tx, answer: StoredAnswer, name: dict[str, str]) -> None:
    """Put the credits of an answer that waits on hold, and call a worker. Raises NotEnoughCredits."""
    if answer.credits:
        amount = Money(answer.credits, CREDIT)
        try:
            await wallet.hold(
                tx, purpose(answer.id, answer.attempt), answer.user_id, amount,
                reference=str(answer.reading_id), memo=Memo(title=name),
            )  # fmt: skip
        except InsufficientFunds as short:
            raise NotEnoughCredits(needed=answer.credits, balance=short.balance.amount) from short
    tx.emit(ReadingAsked(answer_id=answer.id))
    tx.signal(TOPIC, answer.id)


async def claim(tx: Tx, ring: KeyRing, answer_id: AnswerId, worker: str, lease: timedelta) -> Work | None:
    """Give an answer that waits to ``worker`` for as long as ``lease``; None where there is nothing to do.

    One whose question cannot be opened fails.
    """
    answer = await repository.start(tx, answer_id, worker, tx.now + lease)
    if answer is None:
        return None
    tx.signal(TOPIC, answer.id)
    work = await _work(tx, ring, answer)
    if work is None:
        await fail(tx, answer_id, answer.attempt, Failure.DATABASE)
    return work


async def _work(tx: Tx, ring: KeyRing, answer: StoredAnswer) -> Work | None:
    reading = await readings.get(tx, answer.reading_id)
    question = await _opened(tx, ring, answer.question, privacy.question_context(answer.id))
    before = []
    for other in await repository.list_of(tx, answer.reading_id):
        if other.number < answer.number and other.status is AnswerStatus.COMPLETE:
            asked = await _opened(tx, ring, other.question, privacy.question_context(other.id))
            text = await _opened(tx, ring, other.answer, privacy.answer_context(other.id))
            if asked is None or text is None:
                return None
            before.append(Exchange(asked, text))
    if question is None:
        return None
    return Work(
        answer_id=answer.id,
        reading_id=answer.reading_id,
        user_id=answer.user_id,
        number=answer.number,
        attempt=answer.attempt,
        built_in=answer.built_in,
        interpretation=Interpretation(
            language=reading.language or "en",
            question=question,
            spread=await spreads.get_body(tx, reading.spread_id, reading.spread_version),
            cards=reading.cards,
            before=tuple(before),
        ),
    )


async def _opened(tx: Tx, ring: KeyRing, envelope: bytes | None, context: bytes) -> str | None:
    """The text of an envelope, empty without one; None where it cannot be opened."""
    if envelope is None:
        return ""
    text = await privacy.open_text(tx, ring, envelope, context)
    return None if isinstance(text, Unopenable) else text


async def hand_back(tx: Tx, answer_id: AnswerId, attempt: int) -> bool:
    """Let another worker write an attempt from its beginning, because this one ends; False where it has ended."""
    if not await handing.give_back(tx, answer_id, attempt, tx.now + CLAIMED_WITHIN):
        return False
    tx.emit(ReadingAsked(answer_id=answer_id))
    tx.signal(TOPIC, answer_id)
    return True


async def beat(tx: Tx, answer_id: AnswerId, attempt: int, lease: timedelta) -> bool:
    """Show that the worker of an attempt is alive; False when the attempt was stopped or lost, so that it gives up."""
    return await repository.extend(tx, answer_id, attempt, tx.now + lease)


async def complete(
    tx: Tx,
    ring: KeyRing,
    answer_id: AnswerId,
    attempt: int,
    *,
    source: AnswerSource,
    text: str,
    usage: Usage | None = None,
    failure: Failure | None = None,
    free: bool = False,
) -> bool:
    """Store the whole text and take the credits; False where the attempt ended otherwise before, and nothing happens.

    With the ``failure`` of a model in whose place the built-in interpreter wrote, or a ``free`` text, the credits are
    returned. Raises ValueError for an empty text.
    """
    if not text.strip():
        raise ValueError("an answer has a text")
    answer = await repository.find(tx, answer_id, locked=True)
    if answer is None or answer.status is not AnswerStatus.RUNNING or answer.attempt != attempt:
        return False
    sealed = await privacy.seal_text(tx, ring, answer.user_id, text, privacy.answer_context(answer_id))
    await repository.finish(
        tx, answer_id, attempt, AnswerStatus.COMPLETE, only_running=True, source=source.value, answer=sealed,
        failure=failure.value if failure else None, **msgspec.structs.asdict(usage or Usage()),
    )  # fmt: skip
    if failure is None and not free:
        spread = await spreads.get(tx, answer.spread_id)
        captured = await wallet.capture(
            tx, purpose(answer_id, attempt), AccountRef.shop(REVENUE), str(answer.reading_id),
            Memo(title=spread.body.name), kind=TransferKind.READING,
        )  # fmt: skip
        if captured is not None:
            await repository.set_charged(tx, answer_id, captured.amount)
    else:
        if failure is not None:
            await repository.note_failure(tx, answer, failure)
        await _return(tx, answer)
    if tx.now - answer.asked_at >= _LONG:
        tx.emit(
            ReadingReady(
                answer_id=answer_id, attempt=attempt, reading_id=answer.reading_id, user_id=answer.user_id,
                at=tx.now,
            )
        )  # fmt: skip
    tx.signal(TOPIC, answer_id)
    return True


async def fail(tx: Tx, answer_id: AnswerId, attempt: int, failure: Failure) -> bool:
    """End an attempt without a text, and return its credits; False where it ended otherwise before."""
    answer = await repository.finish(tx, answer_id, attempt, AnswerStatus.FAILED, failure=failure.value)
    if answer is None:
        return False
    await repository.note_failure(tx, answer, failure)
    await _return(tx, answer)
    return True


async def stopped(tx: Tx, answer_id: AnswerId, attempt: int) -> bool:
    """End an attempt because the person wants no more of it, and return its credits; False where it had ended."""
    answer = await repository.finish(tx, answer_id, attempt, AnswerStatus.STOPPED)
    if answer is None:
        return False
    await _return(tx, answer)
    return True


async def reap(tx: Tx) -> int:
    """Fail answers whose worker died, or that no worker came for; how many."""
    lapsed = await repository.lock_lapsed(tx, _REAPED_AT_ONCE)
    for answer in lapsed:
        await fail(tx, answer.id, answer.attempt, Failure.WORKER_LOST)
    return len(lapsed)


async def credit_note(tx: Tx, answer: StoredAnswer) -> CreditNote:
    """What became of the credits of an answer's latest attempt, as the ledger has it."""
    hold = await wallet.find_hold(tx, purpose(answer.id, answer.attempt))
    if hold is None:
        return CreditNote(CreditState.FREE, 0)
    if hold.open:
        return CreditNote(CreditState.HELD, hold.amount.amount)
    state = CreditState.USED if hold.captured else CreditState.RETURNED
    return CreditNote(state, hold.amount.amount)


async def _return(tx: Tx, answer: StoredAnswer) -> None:
    await wallet.release(tx, purpose(answer.id, answer.attempt), str(answer.reading_id))
    tx.signal(TOPIC, answer.id)


async def is_unread(tx: Tx, answer_id: AnswerId, attempt: int) -> bool:
    """Whether the text of an attempt is complete, and its person has not had it on their page."""
    answer = await repository.find(tx, answer_id)
    if answer is None or answer.status is not AnswerStatus.COMPLETE or answer.attempt != attempt:
        return False
    return not await repository.is_seen(tx, answer_id)


async def spread_name(tx: Tx, reading_id: ReadingId) -> dict[str, str] | None:
    """The name of a reading's spread by language, as it was; None for a deleted reading."""
    reading = await readings.find(tx, reading_id)
    if reading is None or reading.deleted_at is not None:
        return None
    return (await spreads.get_body(tx, reading.spread_id, reading.spread_version)).name
