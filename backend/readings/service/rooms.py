"""What a person has of the reading room: its spreads, their readings, their data."""

from __future__ import annotations

from typing import Final

import msgspec

from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import CREDIT
from backend.kernel.paging import Page, decode_cursor, encode_cursor
from backend.readings.domain import answers, deleting, free_cards, privacy
from backend.readings.repository import answers as stored_answers
from backend.readings.repository import history, readings, spreads
from backend.readings.repository.answers import StoredAnswer
from backend.readings.repository.readings import Stored
from backend.readings.service.asking import may_be_plain, price_again
from backend.readings.types import AnswerStatus, ReadingId, ReadingState, Unopenable
from backend.readings.types.limits import ReadingLimits
from backend.readings.types.rooms import ReadingPage, ReadingRow, Room, ShownAnswer
from backend.wallet import domain as wallet

_LATEST: Final = 5
_PAGE: Final = 20
_EXPORTED_AT_ONCE: Final = 200


class RoomsService:
    """Readings as their person sees them."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, limits: Live[ReadingLimits]) -> None:
        self._uow = uow
        self._ring = ring
        self._limits = limits

    async def home(self, actor: Actor) -> Room:
        """The spreads that are offered, the actor's credits, their free card, their latest readings."""
        async with self._uow.read() as tx:
            free = await free_cards.find(tx, actor.id, actor.timezone) if self._limits().free_card else None
            return Room(
                spreads=tuple(await spreads.list_spreads(tx, hidden=False)),
                credits=(await wallet.balance(tx, actor.id, CREDIT)).amount,
                free_card=free,
                latest=tuple(await self._rows(tx, actor.id, None, _LATEST)),
            )

    async def history(self, actor: Actor, cursor: str | None = None, limit: int = _PAGE) -> Page[ReadingRow]:
        """The actor's readings, the latest first. Raises Invalid for a cursor that is none."""
        after = decode_cursor(cursor, ReadingId) if cursor else None
        async with self._uow.read() as tx:
            rows = await self._rows(tx, actor.id, after, limit + 1)
        shown = rows[:limit]
        return Page(shown, encode_cursor(shown[-1].id) if len(rows) > limit else None)

    async def get(self, actor: Actor, reading_id: ReadingId) -> ReadingPage:
        """A reading of the actor's. Raises NotFound, also for another person's, a deleted one, one not asked yet."""
        async with self._uow.read() as tx:
            reading = await readings.get(tx, reading_id)
            if reading.user_id != actor.id:
                raise NotFound("another person's reading")
            return await self._page(tx, reading)

    @retry_conflicts
    async def mark_seen(self, actor: Actor, reading_id: ReadingId) -> None:
        """Note that the actor has the texts of a reading on their page, so that no message says they are ready."""
        async with self._uow() as tx:
            reading = await readings.get(tx, reading_id)
            if reading.user_id == actor.id:
                await stored_answers.mark_seen(tx, reading_id)

    @retry_conflicts
    async def delete(self, actor: Actor, reading_id: ReadingId) -> None:
        """Delete a reading's question and texts; what is being written is stopped. Raises NotFound."""
        async with self._uow() as tx:
            await deleting.delete(tx, actor.id, reading_id)

    @retry_conflicts
    async def delete_all(self, actor: Actor) -> None:
        """Delete the questions and texts of all the actor's readings, and destroy the keys that sealed them."""
        async with self._uow() as tx:
            await deleting.delete_all(tx, self._ring, actor.id)

    async def export(self, actor: Actor) -> bytes:
        """All the actor's readings, with their questions and texts, as a JSON file; the latest first."""
        pages: list[ReadingPage] = []
        after: ReadingId | None = None
        while True:
            async with self._uow.read() as tx:
                rows = await history.list_readings(tx, actor.id, after, _EXPORTED_AT_ONCE)
                pages += [await self._page(tx, await readings.get(tx, row.id)) for row in rows]
            if len(rows) < _EXPORTED_AT_ONCE:
                break
            after = rows[-1].id
        return msgspec.json.format(msgspec.json.encode({"readings": pages}), indent=2)

    async def _rows(self, tx: Tx, user_id: UserId, after: ReadingId | None, limit: int) -> list[ReadingRow]:
        rows = await history.list_readings(tx, user_id, after, limit)
        bodies = await spreads.list_bodies(tx, {(row.spread_id, row.spread_version) for row in rows})
        return [
            ReadingRow(
                id=row.id,
                slug=row.slug,
                name=bodies[row.spread_id, row.spread_version].name,
                question=await self._open(tx, row.question, privacy.question_context(row.answer_id)),
                cards=row.cards,
                asked_at=row.asked_at,
                status=row.status,
                free=row.free,
            )
            for row in rows
        ]

    async def _page(self, tx: Tx, reading: Stored) -> ReadingPage:
        if reading.state is not ReadingState.DRAWN or reading.deleted_at is not None or reading.asked_at is None:
            raise NotFound("no reading that could be shown")
        limits, stored = self._limits(), await stored_answers.list_of(tx, reading.id)
        complete = bool(stored) and stored[-1].status is AnswerStatus.COMPLETE
        left = limits.follow_ups + 1 - len(stored) if complete and not reading.free else 0
        return ReadingPage(
            id=reading.id,
            slug=(await spreads.get(tx, reading.spread_id)).slug,
            body=await spreads.get_body(tx, reading.spread_id, reading.spread_version),
            cards=reading.cards,
            reversed_cards=reading.reversed_cards,
            language=reading.language or "en",
            free=reading.free,
            asked_at=reading.asked_at,
            answers=tuple([await self._answer(tx, reading, answer, limits) for answer in stored]),
            follow_ups_left=max(0, left),
            follow_up_credits=limits.follow_up_credits,
            question_length=limits.question_length,
        )

    async def _answer(self, tx: Tx, reading: Stored, answer: StoredAnswer, limits: ReadingLimits) -> ShownAnswer:
        over = answer.status in {AnswerStatus.FAILED, AnswerStatus.STOPPED}
        return ShownAnswer(
            id=answer.id,
            number=answer.number,
            attempt=answer.attempt,
            question=await self._open(tx, answer.question, privacy.question_context(answer.id)),
            text=await self._open(tx, answer.answer, privacy.answer_context(answer.id)),
            status=answer.status,
            source=answer.source,
            failure=answer.failure,
            note=await answers.credit_note(tx, answer),
            asked_at=answer.asked_at,
            again=price_again(reading, answer, limits) if over else None,
            may_be_plain=may_be_plain(answer),
        )

    async def _open(self, tx: Tx, envelope: bytes | None, context: bytes) -> str | Unopenable:
        return "" if envelope is None else await privacy.open_text(tx, self._ring, envelope, context)
