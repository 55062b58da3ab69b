"""People ask the cards: a commitment, the question with the tap, follow-ups, another attempt, a stop."""

from __future__ import annotations

from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.money import CREDIT
from backend.kernel.text import Locale
from backend.readings.domain import answers, drawing, free_cards, privacy
from backend.readings.errors import NoFollowUpsLeft, ReadingChanged, ReadingLapsed, ReadingLive
from backend.readings.repository import answers as stored_answers
from backend.readings.repository import keys, readings, spreads
from backend.readings.repository.answers import StoredAnswer
from backend.readings.repository.readings import Stored
from backend.readings.rules import drawing as rules
from backend.readings.rules.questions import clean
from backend.readings.types import AnswerId, AnswerStatus, ReadingId, ReadingState
from backend.readings.types.limits import ReadingLimits
from backend.readings.types.rooms import Commitment
from backend.wallet import domain as wallet

FREE_SPREAD = "one"
"""The slug of the spread that the free card of a day is."""


class AskingService:
    """Readings from the commitment to the end of each answer; ``limits`` are the settings in force."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, limits: Live[ReadingLimits]) -> None:
        self._uow = uow
        self._ring = ring
        self._limits = limits

    @retry_conflicts
    async def commit(self, actor: Actor, slug: str) -> Commitment:
        """Shuffle and seal a deck for a spread; the same one until its question is asked, for a day at most.

        Raises NotFound for an unknown or hidden spread.
        """
        return await self._commit(actor, slug, free=False)

    @retry_conflicts
    async def commit_free_card(self, actor: Actor) -> Commitment:
        """Shuffle and seal the deck of a free card. Raises NotFound where the shop gives none."""
        if not self._limits().free_card:
            raise NotFound("no free cards")
        return await self._commit(actor, FREE_SPREAD, free=True)

    async def _commit(self, actor: Actor, slug: str, *, free: bool) -> Commitment:
        async with self._uow() as tx:
            spread = await spreads.find(tx, slug)
            if spread is None or (spread.hidden and not free):
                raise NotFound("no such spread")
            waiting = await drawing.commit(tx, self._ring, actor.id, spread, free=free)
            return Commitment(
                reading_id=waiting.id,
                slug=slug,
                body=await spreads.get_body(tx, spread.id, waiting.spread_version),
                credits=waiting.credits,
                balance=(await wallet.balance(tx, actor.id, CREDIT)).amount,
                commitment=waiting.commitment.hex(),
                committed_at=waiting.committed_at,
                free=free,
                question_length=self._limits().question_length,
            )

    @retry_conflicts
    async def ask(
        self,
        actor: Actor,
        reading_id: ReadingId,
        question: str,
        client_seed: str,
        *,
        reversed_cards: bool,
        language: str,
    ) -> AnswerId:
        """Deal the cards, put the credits on hold and call a worker; the same tap again changes nothing.

        The question may be empty. Raises Invalid for it, the seed or the language, NotFound, ReadingLapsed,
        ReadingLive, ReadingChanged when it was asked by another tap, NotEnoughCredits.
        """
        text = self._question(question)
        async with self._uow() as tx:
            waiting = await self._lock(tx, actor, reading_id, client_seed, language)
            if waiting.state is ReadingState.DRAWN:
                return await self._replayed(tx, waiting, client_seed)
            if waiting.free:
                raise ReadingChanged("a free card has no question")
            if await stored_answers.is_live(tx, actor.id, waiting.spread_id):
                raise ReadingLive()
            return await self._deal(tx, waiting, text, client_seed, reversed_cards=reversed_cards, language=language)

    @retry_conflicts
    async def turn_free_card(
        self, actor: Actor, reading_id: ReadingId, client_seed: str, *, reversed_cards: bool, language: str
    ) -> AnswerId:
        """Turn over the free card of today; the built-in interpreter reads it. The same tap again changes nothing.

        Raises Invalid, NotFound, ReadingLapsed, ReadingLive, ReadingChanged, FreeCardTaken.
        """
        if not self._limits().free_card:
            raise NotFound("no free cards")
        async with self._uow() as tx:
            waiting = await self._lock(tx, actor, reading_id, client_seed, language)
            if waiting.state is ReadingState.DRAWN:
                return await self._replayed(tx, waiting, client_seed)
            if not waiting.free:
                raise ReadingChanged("not a free card")
            await free_cards.turn(tx, actor.id, actor.timezone, reading_id)
            if await stored_answers.is_live(tx, actor.id, waiting.spread_id):
                raise ReadingLive()
            return await self._deal(tx, waiting, "", client_seed, reversed_cards=reversed_cards, language=language)

    @retry_conflicts
    async def follow_up(self, actor: Actor, reading_id: ReadingId, question: str) -> AnswerId:
        """Ask another question about the cards of a reading. Raises Invalid, NotFound, NoFollowUpsLeft.

        ReadingChanged while its last answer is not complete, ReadingLive, NotEnoughCredits.
        """
        text = self._question(question)
        if not text:
            raise Invalid("a follow-up has a question", fields={"question": "required"})
        limits = self._limits()
        async with self._uow() as tx:
            await keys.lock_person(tx, actor.id)
            reading = await self._own(tx, actor, reading_id)
            before = await stored_answers.list_of(tx, reading_id)
            if not before or before[-1].status is not AnswerStatus.COMPLETE:
                raise ReadingChanged("its last answer is not complete")
            if reading.free or len(before) > limits.follow_ups:
                raise NoFollowUpsLeft()
            if await stored_answers.is_live(tx, actor.id, reading.spread_id):
                raise ReadingLive()
            return await self._add(tx, reading, len(before), text, limits.follow_up_credits)

    @retry_conflicts
    async def try_again(self, actor: Actor, answer_id: AnswerId) -> None:
        """Have an answer that failed or was stopped written again, for its price. Raises NotFound, ReadingChanged.

        ReadingLive, NotEnoughCredits.
        """
        async with self._uow() as tx:
            reading, answer = await self._lock_answer(tx, actor, answer_id)
            credits = price_again(reading, answer, self._limits())
            await self._renew(tx, reading, answer, credits, built_in=reading.free)

    @retry_conflicts
    async def plain_reading(self, actor: Actor, answer_id: AnswerId) -> None:
        """Have the built-in interpreter write an answer that failed, for nothing. Raises NotFound, ReadingChanged.

        ReadingLive.
        """
        async with self._uow() as tx:
            reading, answer = await self._lock_answer(tx, actor, answer_id)
            if not may_be_plain(answer):
                raise ReadingChanged("it has not failed")
            await self._renew(tx, reading, answer, 0, built_in=True)

    @retry_conflicts
    async def stop(self, actor: Actor, answer_id: AnswerId) -> bool:
        """End an answer that is being written, and return its credits; False where it had ended. Raises NotFound."""
        async with self._uow() as tx:
            _, answer = await self._lock_answer(tx, actor, answer_id)
            return await answers.stopped(tx, answer.id, answer.attempt)

    def _question(self, question: str) -> str:
        longest = self._limits().question_length
        text = clean(question)
        if len(text) > longest:
            raise Invalid("a question that is too long", fields={"question": "too_long"})
        return text

    async def _lock(self, tx: Tx, actor: Actor, reading_id: ReadingId, client_seed: str, language: str) -> Stored:
        """A draw of the actor's, which nobody else changes. Raises Invalid, NotFound, ReadingLapsed."""
        if not rules.is_client_seed(client_seed):
            raise Invalid("not a seed", fields={"client_seed": "invalid"})
        if language not in list(Locale):
            raise Invalid("no such language", fields={"language": "invalid"})
        await keys.lock_person(tx, actor.id)
        reading = await readings.get(tx, reading_id, locked=True)
        if reading.user_id != actor.id or reading.deleted_at is not None:
            raise NotFound("no reading of theirs")
        if reading.state is ReadingState.ABANDONED:
            raise ReadingLapsed()
        return reading

    @staticmethod
    async def _replayed(tx: Tx, drawn: Stored, client_seed: str) -> AnswerId:
        if drawn.client_seed != client_seed:
            raise ReadingChanged("asked by another tap")
        return (await stored_answers.list_of(tx, drawn.id))[0].id

    async def _deal(
        self, tx: Tx, waiting: Stored, text: str, client_seed: str, *, reversed_cards: bool, language: str
    ) -> AnswerId:
        body = await spreads.get_body(tx, waiting.spread_id, waiting.spread_version)
        drawn = await drawing.deal(
            tx, self._ring, waiting, body, client_seed, reversed_cards=reversed_cards, language=language
        )
        return await self._add(tx, drawn, 0, text, drawn.credits)

    async def _add(self, tx: Tx, reading: Stored, number: int, text: str, credits: int) -> AnswerId:
        answer_id = AnswerId(tx.new_id())
        context = privacy.question_context(answer_id)
        question = await privacy.seal_text(tx, self._ring, reading.user_id, text, context) if text else None
        answer = StoredAnswer(
            id=answer_id,
            reading_id=reading.id,
            user_id=reading.user_id,
            spread_id=reading.spread_id,
            number=number,
            status=AnswerStatus.WAITING,
            attempt=1,
            credits=credits,
            built_in=reading.free,
            question=question,
            asked_at=tx.now,
            lease_until=tx.now + answers.CLAIMED_WITHIN,
        )
        await stored_answers.add(tx, answer)
        await answers.ask(tx, answer, await _name(tx, reading))
        return answer_id

    async def _renew(self, tx: Tx, reading: Stored, answer: StoredAnswer, credits: int, *, built_in: bool) -> None:
        if answer.is_live or await stored_answers.is_live(tx, answer.user_id, answer.spread_id):
            raise ReadingLive()
        renewed = await stored_answers.renew(
            tx, answer.id, answer.attempt, credits=credits, built_in=built_in,
            lease_until=tx.now + answers.CLAIMED_WITHIN,
        )  # fmt: skip
        if renewed is None:
            raise ReadingChanged("it is complete")
        await answers.ask(tx, renewed, await _name(tx, reading))

    async def _lock_answer(self, tx: Tx, actor: Actor, answer_id: AnswerId) -> tuple[Stored, StoredAnswer]:
        await keys.lock_person(tx, actor.id)
        answer = await stored_answers.find(tx, answer_id, locked=True)
        if answer is None:
            raise NotFound("no such answer")
        return await self._own(tx, actor, answer.reading_id), answer

    @staticmethod
    async def _own(tx: Tx, actor: Actor, reading_id: ReadingId) -> Stored:
        reading = await readings.get(tx, reading_id)
        if reading.user_id != actor.id or reading.deleted_at is not None or reading.state is not ReadingState.DRAWN:
            raise NotFound("no reading of theirs")
        return reading


def price_again(reading: Stored, answer: StoredAnswer, limits: ReadingLimits) -> int:
    """What another attempt at an answer costs."""
    return limits.follow_up_credits if answer.number else reading.credits


def may_be_plain(answer: StoredAnswer) -> bool:
    """Whether the built-in interpreter may write an answer for nothing: it failed."""
    return answer.status is AnswerStatus.FAILED


async def _name(tx: Tx, reading: Stored) -> dict[str, str]:
    return (await spreads.get_body(tx, reading.spread_id, reading.spread_version)).name
