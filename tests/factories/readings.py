"""Spreads, people with credits and readings, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import text

from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.ids import UserId
from backend.kernel.money import CREDIT, Money
from backend.readings.domain import answers, drawing, privacy
from backend.readings.repository import answers as stored_answers
from backend.readings.repository import readings as stored_readings
from backend.readings.repository import spreads as stored_spreads
from backend.readings.repository.answers import StoredAnswer
from backend.readings.types import (
    AnswerId,
    AnswerStatus,
    Position,
    ReadingId,
    Spread,
    SpreadBody,
    SpreadId,
)
from backend.wallet import domain as wallet
from tests.factories.wallet import add_person, give

SUBSCRIPTIONS: Mapping[str, tuple[str, ...]] = {"ReadingAsked": ("test.ReadingAsked",)}
LEASE = timedelta(seconds=30)
CLIENT_SEED = "a-seed-that-a-phone-made"


def spread_body(cards: int = 3, name: str = "Three cards") -> SpreadBody:
    """A spread of so many places in a row."""
    return SpreadBody(
        name={"en": name, "ar": name, "ru": name},
        summary={"en": "for tests", "ar": "for tests", "ru": "for tests"},
        prompts={"en": ("What helps now?",), "ar": (), "ru": ()},
        positions=tuple(
            Position(
                key=f"place-{number}",
                name={"en": f"Place {number}", "ar": f"Place {number}", "ru": f"Place {number}"},
                meaning={"en": "what is", "ar": "what is", "ru": "what is"},
                x=50 + 115 * number,
                y=50,
            )
            for number in range(cards)
        ),
    )


async def add_spread(tx: Tx, slug: str = "three", *, credits: int = 1, cards: int = 3, hidden: bool = False) -> Spread:
    """A spread that people can choose."""
    spread = Spread(
        id=SpreadId(tx.new_id()), slug=slug, built_in=False, hidden=hidden, position=1, credits=credits, version=1,
        body=spread_body(cards),
    )  # fmt: skip
    assert await stored_spreads.add(tx, spread, None)
    return spread


async def add_reader(tx: Tx, credits: int = 0) -> UserId:
    """A person with credits."""
    user_id = await add_person(tx)
    if credits:
        await give(tx, user_id, Money(credits, CREDIT))
    return user_id


async def credits_of(uow: UnitOfWork, user_id: UserId) -> int:
    """What a person can spend."""
    async with uow.read() as tx:
        return (await wallet.balance(tx, user_id, CREDIT)).amount


async def add_answer(
    tx: Tx, ring: KeyRing, user_id: UserId, spread: Spread, question: str = "What helps now?", language: str = "en"
) -> StoredAnswer:
    """A reading that has been asked and waits for a worker; its credits are on hold."""
    waiting = await drawing.commit(tx, ring, user_id, spread)
    locked = await stored_readings.get(tx, waiting.id, locked=True)
    await drawing.deal(tx, ring, locked, spread.body, CLIENT_SEED, reversed_cards=True, language=language)
    return await ask(tx, ring, user_id, spread, waiting.id, 0, question)


async def ask(
    tx: Tx, ring: KeyRing, user_id: UserId, spread: Spread, reading_id: ReadingId, number: int, question: str
) -> StoredAnswer:
    """An answer of a drawn reading that waits for a worker."""
    answer_id = AnswerId(tx.new_id())
    sealed = await privacy.seal_text(tx, ring, user_id, question, privacy.question_context(answer_id))
    answer = StoredAnswer(
        id=answer_id, reading_id=reading_id, user_id=user_id, spread_id=spread.id, number=number,
        status=AnswerStatus.WAITING, attempt=1, credits=spread.credits, built_in=False, question=sealed,
        asked_at=tx.now, lease_until=tx.now + answers.CLAIMED_WITHIN,
    )  # fmt: skip
    await stored_answers.add(tx, answer)
    await answers.ask(tx, answer, spread.body.name)
    return answer


async def holds_of(uow: UnitOfWork, user_id: UserId) -> list[tuple[str, str]]:
    """The purpose and status of each of a person's holds, the oldest first."""
    async with uow.read() as tx:
        statement = text("SELECT purpose, status FROM wallet_holds WHERE user_id = :user_id ORDER BY id")
        rows = await tx.execute(statement, {"user_id": user_id})
        return [(row.purpose, row.status) for row in rows]
