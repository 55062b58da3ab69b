"""A reading room with a reader, for tests of its services."""

from __future__ import annotations

from sqlalchemy import text

from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.readings.domain import answers
from backend.readings.ports import ChatPicture
from backend.readings.service import ReadingsServices
from backend.readings.types import AnswerId, AnswerSource, Failure, ReadingId
from backend.readings.types.limits import ReadingLimits
from tests.factories.readings import CLIENT_SEED, LEASE, add_reader, add_spread, credits_of
from tests.factories.wallet import USD, actor_of, usd
from tests.fakes.clock import FakeClock

LIMITS = ReadingLimits(free_card=True, question_length=300, follow_ups=2, follow_up_credits=1)
TEXT = "The Hermit asks you to wait."


class NoChats:
    """Telegram, which these tests do not speak to."""

    async def prepare(self, telegram_id: int, picture: ChatPicture) -> str | None:
        """Nothing is prepared."""
        return None

    async def send(self, telegram_id: int, picture: ChatPicture, texts: tuple[str, ...]) -> bool:
        """Nothing is sent."""
        return False


class Table:
    """A reading room, and a reader with credits."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing, clock: FakeClock) -> None:
        self.uow, self.ring, self.clock, self.limits = uow, ring, clock, LIMITS
        self.services = self.with_keys(ring)
        self.asking, self.rooms = self.services.asking, self.services.rooms

    def with_keys(self, ring: KeyRing) -> ReadingsServices:
        """The services of a shop whose master keys are these."""
        return ReadingsServices.build(
            uow=self.uow,
            ring=ring,
            limits=lambda: self.limits,
            single_admin_limit=lambda: usd(1000),
            currency=USD,
            chats=NoChats(),
            shop="Souk",
            link="https://souk.example",
        )

    async def open(self, credits: int = 3) -> Table:
        """Offer a spread of three cards and one of one card."""
        async with self.uow() as tx:
            await add_spread(tx, "three")
            await add_spread(tx, "one", cards=1)
            self.reader = actor_of(await add_reader(tx, credits))
        return self

    async def ask(self, slug: str = "three", question: str = "What helps now?", by: Actor | None = None) -> AnswerId:
        """Commit and ask."""
        reader = by or self.reader
        commitment = await self.asking.commit(reader, slug)
        return await self.tap(commitment.reading_id, question, reader)

    async def tap(
        self, reading_id: ReadingId, question: str = "", by: Actor | None = None, seed: str = CLIENT_SEED
    ) -> AnswerId:
        """Ask what is committed to."""
        return await self.asking.ask(by or self.reader, reading_id, question, seed, reversed_cards=True, language="en")

    async def turn(self, by: Actor | None = None) -> AnswerId:
        """Turn over the free card."""
        reader = by or self.reader
        free = await self.asking.commit_free_card(reader)
        return await self.asking.turn_free_card(
            reader, free.reading_id, CLIENT_SEED, reversed_cards=False, language="ar"
        )

    async def write(self, answer_id: AnswerId, failure: Failure | None = None) -> answers.Work:
        """Do what a worker does: a whole text, or a failure."""
        async with self.uow() as tx:
            work = await answers.claim(tx, self.ring, answer_id, "w1", LEASE)
            assert work is not None
            if failure:
                await answers.fail(tx, answer_id, work.attempt, failure)
            else:
                source = AnswerSource.BUILT_IN if work.built_in else AnswerSource.MODEL
                await answers.complete(tx, self.ring, answer_id, work.attempt, source=source, text=TEXT)
        return work

    async def credits(self) -> int:
        """What the reader has."""
        return await credits_of(self.uow, self.reader.id)

    async def reading_of(self, answer_id: AnswerId) -> ReadingId:
        """The reading of an answer."""
        async with self.uow.read() as tx:
            statement = text("SELECT reading_id FROM reading_answers WHERE id = :id")
            return ReadingId((await tx.execute(statement, {"id": answer_id})).scalar_one())
