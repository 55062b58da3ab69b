"""Texts as their readers follow them while they are written: from pieces that any worker stores."""

from __future__ import annotations

from itertools import takewhile
from typing import Final

import msgspec

from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import NotFound
from backend.readings.domain import answers, privacy
from backend.readings.repository import answers as stored
from backend.readings.repository import chunks, readings
from backend.readings.repository.answers import StoredAnswer
from backend.readings.rules.layout import paragraphs
from backend.readings.service.writing import TEXT_TOPIC
from backend.readings.types import AnswerId, AnswerStatus, Failure, Unopenable
from backend.readings.types.models import Place, TextPart, TextStep

TOPICS: Final = (answers.TOPIC, TEXT_TOPIC)
"""Signals with an answer's id after which there may be more to read."""


class _Read(msgspec.Struct, frozen=True, kw_only=True):
    """What was read: more text, or with ``whole`` all of it so far."""

    status: AnswerStatus
    failure: Failure | None
    place: Place
    whole: bool
    text: str
    missing_key: str
    positions: int
    """Of the spread; 0 for follow-ups, whose text has no heads."""
    done: bool


class WatchingService:
    """Reads texts while they are written; nothing is started or changed by reading."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing) -> None:
        self._uow = uow
        self._ring = ring

    def follow(self, actor: Actor, answer_id: AnswerId) -> Following:
        """A reader of an answer's text, at its beginning."""
        return Following(self, actor, answer_id)

    async def read(self, actor: Actor, answer_id: AnswerId, place: Place | None) -> _Read:
        """What has been written after ``place``, or the text so far where that does not go on from there.

        Raises NotFound, also for the answers of others.
        """
        async with self._uow.read() as tx:
            answer = await stored.find(tx, answer_id)
            if answer is None or answer.user_id != actor.id:
                raise NotFound("reading")
            return await self._read(tx, answer, place)

    async def _read(self, tx: Tx, answer: StoredAnswer, place: Place | None) -> _Read:
        known = place.seq if place is not None and place.attempt == answer.attempt else 0
        pieces = await chunks.list_since(tx, answer.id, answer.attempt, known)
        begins = max((number for number, piece in enumerate(pieces) if piece.fresh), default=None)
        opened = [
            await self._opened(tx, piece.sealed, privacy.chunk_context(answer.id, answer.attempt, piece.seq))
            for piece in pieces[begins or 0 :]
        ]
        if not known and answer.answer is not None:
            # The whole text; its pieces are deleted some time after it was stored.
            opened = [await self._opened(tx, answer.answer, privacy.answer_context(answer.id))]
        return _Read(
            status=answer.status,
            failure=answer.failure,
            place=Place(answer.attempt, pieces[-1].seq if pieces else known),
            whole=not known or begins is not None,
            text="".join(part for part in opened if isinstance(part, str)),
            missing_key=next((part.key for part in opened if isinstance(part, Unopenable)), ""),
            positions=0 if known or answer.number else len((await readings.get(tx, answer.reading_id)).cards),
            done=not answer.is_live,
        )

    async def _opened(self, tx: Tx, envelope: bytes, context: bytes) -> str | Unopenable:
        return await privacy.open_text(tx, self._ring, envelope, context)


class Following:
    """One reader of one text, who remembers how far they have come."""

    def __init__(self, watching: WatchingService, actor: Actor, answer_id: AnswerId) -> None:
        self._watching = watching
        self._actor = actor
        self._answer_id = answer_id
        self._place: Place | None = None
        self._positions = 0
        self._text = ""
        self._parts: tuple[TextPart, ...] = ()

    async def advance(self) -> TextStep:
        """What is new: all of the text at first. Raises NotFound, also for the answers of others."""
        read = await self._watching.read(self._actor, self._answer_id, self._place)
        self._positions = self._positions if self._place else read.positions
        self._place = read.place
        self._text = read.text if read.whole else self._text + read.text
        before, self._parts = self._parts, parts_of(self._text, self._positions)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, self._parts, strict=False)))
        at = 0 if read.whole else same
        return TextStep(
            status=read.status, failure=read.failure, place=read.place, at=at, parts=self._parts[at:], whole=read.whole,
            missing_key=read.missing_key, done=read.done,
        )  # fmt: skip


def parts_of(text: str, positions: int) -> tuple[TextPart, ...]:
    """The paragraphs of a text about a spread of so many ``positions``."""
    return tuple(TextPart(part.position or 0, part.head, part.body) for part in paragraphs(text, positions))
