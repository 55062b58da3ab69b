"""A reading room with its built-in spreads, and people with credits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.kernel.money import CREDIT, Money
from backend.readings.types import AnswerId, ReadingId
from tests.factories.wallet import give
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive

SEED = "00112233445566778899aabbccddeeff0011223344556677"


class Guest(msgspec.Struct, frozen=True):
    """Somebody in the reading room."""

    visitor: Visitor
    actor: Actor
    services: Services

    async def ask(self, slug: str = "three", question: str = "What helps now?") -> ReadingId:
        """Draw cards for a question, as the page does."""
        asking = self.services.readings.asking
        committed = await asking.commit(self.actor, slug)
        await asking.ask(self.actor, committed.reading_id, question, SEED, reversed_cards=True, language="en")
        return committed.reading_id

    async def last(self, reading_id: ReadingId) -> AnswerId:
        """The answer that something can be done about."""
        return (await self.services.readings.rooms.get(self.actor, reading_id)).answers[-1].id

    async def read(self, reading_id: ReadingId) -> None:
        """Have the worker write what waits."""
        await self.services.interpretation.interpreting.interpret(await self.last(reading_id))


MakeGuest = Callable[..., Awaitable[Guest]]


@pytest.fixture
async def guest(services: Services, visitor: MakeVisitor) -> MakeGuest:
    """Lets somebody in, with so many credits."""
    await services.readings.upkeep.ensure_spreads()

    async def make(credits: int = 5, telegram_id: int = 4201, **fields: str) -> Guest:
        view = visitor(telegram_id, **fields)
        actor = await arrive(services, view)
        if credits:
            async with services.uow() as tx:
                await give(tx, actor.id, Money(credits, CREDIT))
        return Guest(view, actor, services)

    return make
