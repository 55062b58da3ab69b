"""A reading that is asked for, and a worker that writes it with a model's server of the test."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from backend.infra.crypto import KeyRing
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.readings.domain import answers, privacy
from backend.readings.gateways.built_in import BuiltInInterpreter, closing
from backend.readings.models import ReadingModelCall
from backend.readings.repository import answers as stored
from backend.readings.repository import chunks
from backend.readings.repository.answers import StoredAnswer
from backend.readings.rules.retries import Price
from backend.readings.service.authors import Authors
from backend.readings.service.calling import Calling
from backend.readings.service.interpreting import InterpretingService
from backend.readings.types import CreditState
from tests.backend.readings.model.asking import asking
from tests.factories.readings import add_answer, add_reader, add_spread
from tests.fakes.model_server import MODEL, ModelServer

_NUMBERS = itertools.count()
HELP_LINES = "Ring 0800 111 0 111\\nDay and night"
TEXT = (
    "1. The Hermit, place 0\nYou walk alone with a lamp.\n\n2. The Star, place 1\nThere is light ahead of you.\n\n"
    "3. The Sun, place 2\nIt is warm there.\n\nTake one small step today."
)


@dataclass
class Desk:
    """The worker's part with its model, on transactions of the test."""

    uow: UnitOfWork
    ring: KeyRing
    interpreting: InterpretingService
    calling: Calling
    server: ModelServer

    async def asked(self, question: str = "What now?", *, language: str = "en") -> StoredAnswer:
        """An answer that waits; its person had three credits, and it costs two."""
        async with self.uow() as tx:
            spread = await add_spread(tx, f"spread-{next(_NUMBERS)}", credits=2)
            return await add_answer(tx, self.ring, await add_reader(tx, 3), spread, question, language)

    async def written(self, question: str = "What now?", *, language: str = "en") -> Written:
        """An answer, after a worker has done what it could."""
        answer = await self.asked(question, language=language)
        await self.interpreting.interpret(answer.id)
        return await self.now(answer)

    async def now(self, answer: StoredAnswer) -> Written:
        """What became of an answer."""
        async with self.uow.read() as tx:
            stored_now = await stored.find(tx, answer.id)
            assert stored_now is not None
            note = await answers.credit_note(tx, stored_now)
            text = ""
            if stored_now.answer is not None:
                opened = await privacy.open_text(tx, self.ring, stored_now.answer, privacy.answer_context(answer.id))
                assert isinstance(opened, str)
                text = opened
            pieces = await chunks.list_since(tx, answer.id, stored_now.attempt, 0)
            shown = ""
            for piece in pieces:
                context = privacy.chunk_context(answer.id, stored_now.attempt, piece.seq)
                opened = await privacy.open_text(tx, self.ring, piece.sealed, context)
                assert isinstance(opened, str)
                shown = opened if piece.fresh else shown + opened
        return Written(stored_now, text, shown, note.state, [piece.seq for piece in pieces])

    async def calls(self) -> list[Mapping[str, Any]]:
        """The recorded calls, the oldest first."""
        async with self.uow.read() as tx:
            rows = await tx.execute(select(ReadingModelCall.__table__).order_by(ReadingModelCall.id))
            return [row._mapping for row in rows]


@dataclass
class Written:
    """An answer as it is stored: its whole ``text``, what was ``shown``, its credits, the numbers of its pieces."""

    answer: StoredAnswer
    text: str
    shown: str
    credits: CreditState
    numbers: list[int]


@contextlib.asynccontextmanager
async def desk(
    uow: UnitOfWork, ring: KeyRing, signals: Signals, server: ModelServer, *, total: float = 30, **changes: Any
) -> AsyncIterator[Desk]:
    """A worker's part whose model is on this server."""
    async with asking(server, **changes) as model:
        calling = Calling(
            uow=uow, model=model, name=MODEL, server="127.0.0.1", price=Price(150_000, 600_000), total=total
        )
        authors = Authors(
            uow=uow, calling=calling, built_in=BuiltInInterpreter(), closing=closing, pace=0,
            help_lines=lambda _: HELP_LINES,
        )  # fmt: skip
        interpreting = InterpretingService(uow=uow, ring=ring, signals=signals, authors=authors)
        yield Desk(uow, ring, interpreting, calling, server)
