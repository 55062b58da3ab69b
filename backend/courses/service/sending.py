"""The worker's part of the school: lessons that are due open, and their messages go to the chats.

One transaction opens lessons, claims their messages for a lease and plans what is next. Telegram is called outside of
any. Another transaction records what became of it. A process that dies in between leaves a claim whose lease runs out:
the message is sent again, since a lesson twice is better than never, and counted as ambiguous. Decision 0077.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from backend.courses import words
from backend.courses.domain import schedule as domain
from backend.courses.ports import Arrived, LessonMessenger
from backend.courses.repository import deliveries, schedule
from backend.courses.repository.deliveries import Facts, Result
from backend.courses.rules import planning
from backend.courses.rules.planning import Next, Opened
from backend.courses.service.chat import ChatTexts
from backend.courses.types import DeliveryState, EnrolmentId, LessonId
from backend.courses.types.lessons import ChatPart
from backend.courses.types.schedule import Claim, DeliveryReason, LessonMessage
from backend.identity import domain as identity
from backend.identity.types import Recipient
from backend.infra.failpoints import failpoint
from backend.infra.metrics import DELIVERIES, DELIVERIES_AMBIGUOUS, LESSON_LAG
from backend.infra.runner import describe
from backend.infra.telegram.errors import Refused, TelegramDown, TooManyRequests, Unreachable
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import Unavailable
from backend.kernel.ids import UserId
from backend.kernel.text import Locale

_BATCH: Final = 100
_AT_ONCE: Final = 25
"""Messages under way at a time: enough for all that Telegram takes."""
_LEASE: Final = timedelta(seconds=120)
"""Longer than a batch takes at Telegram's pace, with its turn and its time-outs."""
_PATIENCE_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 1.0
_FIRST_RETRY: Final = timedelta(seconds=15)
_LONGEST_RETRY: Final = timedelta(hours=1)
_POSTPONED: Final = timedelta(hours=1)
"""When a schedule that cannot be planned is tried again; it must not hold up the others."""
log = structlog.get_logger(__name__)


class _ClaimLostError(Exception):
    """The lease of a claim has run out while its message was being sent."""


class SendingService:
    """Takes lessons that are due, in batches that other workers skip, and sends them."""

    def __init__(
        self, *, uow: UnitOfWork, messenger: LessonMessenger, public_url: str, at_once: int = _AT_ONCE
    ) -> None:
        self._uow = uow
        self._messenger = messenger
        self._texts = ChatTexts()
        self._public_url = public_url
        self._at_once = at_once
        self._results: list[tuple[Result, asyncio.Future[None]]] = []
        self._recording: asyncio.Task[None] | None = None
        self._draining = False
        self._idle = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled; a database that is away is waited for."""
        while True:
            busy = 0
            self._idle.clear()
            try:
                if not self._draining:
                    busy = await self.work()
            except (Unavailable, DBAPIError, OSError, TimeoutError) as error:
                log.warning("lessons.waiting", error=describe(error))
            except ExceptionGroup as error:
                log.warning("lessons.not_recorded", error=describe(error), exc_info=error)
            finally:
                self._idle.set()
            if not busy:
                await asyncio.sleep(_POLL_SECONDS)

    async def drain(self, seconds: float) -> None:
        """Begin no other batch, and wait up to ``seconds`` for the one that runs."""
        self._draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    async def work(self, most: int = _BATCH) -> int:
        """Open what is due, and send what is open: one batch of each; how many students and messages there were."""
        claims = await self._claim_pending(most)
        due, opened = await self._open_due(most)
        claims += opened
        failpoint("lessons.claimed")
        if claims:
            await self._send_all(claims)
        return due + len(claims) - len(opened)

    async def _open_due(self, most: int) -> tuple[int, list[Claim]]:
        async with self._uow() as tx:
            ids = await schedule.lock_due(tx, most)
            if not ids:
                return 0, []
            opened: list[tuple[EnrolmentId, Opened]] = []
            nexts: list[tuple[EnrolmentId, Next]] = []
            for student, lessons in await domain.load(tx, ids, lock=False):
                try:
                    step = planning.due(student, lessons, tx.now)
                except Exception as error:
                    log.exception("lessons.not_planned", enrolment=str(student.id), error=describe(error))
                    later = planning.postponed(student, tx.now + _POSTPONED)
                    nexts.append((student.id, later))
                    continue
                opened += ((student.id, item) for item in step.opened)
                nexts.append((student.id, step.next))
            claims = await deliveries.add(tx, opened, _LEASE)
            await schedule.save(tx, nexts)
            return len(ids), claims

    async def _claim_pending(self, most: int) -> list[Claim]:
        async with self._uow.read() as tx:
            claims, ambiguous = await deliveries.claim_pending(tx, most, _LEASE)
        if ambiguous:
            DELIVERIES_AMBIGUOUS.inc(ambiguous)
            log.warning("lessons.ambiguous", count=ambiguous)
        return claims

    async def _send_all(self, claims: Sequence[Claim]) -> None:
        async with self._uow.read() as tx:
            facts = await deliveries.list_facts(tx, claims)
            people = await identity.list_recipients(tx, {one.user_id for one in facts.values()})
            parts = await self._list_parts(tx, facts.values(), people)
        places = asyncio.Semaphore(self._at_once)

        async def one(claim: Claim) -> None:
            async with places:
                fact = facts.get((claim.enrolment_id, claim.lesson_id))
                if fact is not None and fact.user_id in people:
                    person = people[fact.user_id]
                    content = parts.get((fact.lesson_id, person.language), ())
                    try:
                        await self._record(await self._send(claim, fact, person, content))
                    except _ClaimLostError:
                        log.warning("lessons.claim_lost", lesson=str(claim.lesson_id))

        async with asyncio.TaskGroup() as group:
            for claim in claims:
                group.create_task(one(claim))

    async def _list_parts(
        self, tx: Tx, facts: Iterable[Facts], people: Mapping[UserId, Recipient]
    ) -> dict[tuple[LessonId, Locale], tuple[ChatPart, ...]]:
        """The lessons of a batch as messages, in the languages of those who get them."""
        parts: dict[tuple[LessonId, Locale], tuple[ChatPart, ...]] = {}
        for one in facts:
            if one.user_id in people:
                locale = people[one.user_id].language
                if (one.lesson_id, locale) not in parts:
                    text = await self._texts.get(tx, one.course_id, one.lesson_id, one.version, locale)
                    parts[one.lesson_id, locale] = text
        return parts

    async def _send(self, claim: Claim, facts: Facts, person: Recipient, parts: tuple[ChatPart, ...]) -> Result:
        """Send a lesson, or what is left of it. Raises _ClaimLostError where another worker goes on."""
        if reason := _not_sent(claim, facts, person):
            state = DeliveryState.FAILED if reason is DeliveryReason.BOT_BLOCKED else DeliveryState.SKIPPED
            return Result(claim=claim, state=state, reason=reason)
        chat_id = person.telegram_id
        try:
            await self._messenger.turn(chat_id, _PATIENCE_SECONDS)
            message = self._compose(claim, facts, person, parts)
            # Another version has other parts: it is sent from its beginning.
            skip = min(claim.parts_sent, len(message.parts) - 1) if claim.version == facts.version else 0
            message_id = await self._messenger.send(
                chat_id, message, skip=skip, arrived=self._noting(claim, facts, chat_id)
            )
        except TooManyRequests as error:
            return await self._later(claim, DeliveryReason.RATE_LIMITED, timedelta(seconds=error.seconds))
        except Unreachable:
            async with self._uow() as tx:
                await identity.mark_bot_blocked(tx, person.user_id, tx.now)
            return Result(claim=claim, state=DeliveryState.FAILED, reason=DeliveryReason.BOT_BLOCKED)
        except Refused as error:
            log.error("lessons.refused", lesson=str(claim.lesson_id), error=describe(error))
            return Result(claim=claim, state=DeliveryState.FAILED, reason=DeliveryReason.REFUSED)
        except TelegramDown as error:
            # It may have arrived all the same.
            DELIVERIES_AMBIGUOUS.inc()
            log.warning("lessons.not_sent", error=describe(error))
            return await self._later(claim, DeliveryReason.TELEGRAM_DOWN, None)
        failpoint("lessons.sent")
        return Result(
            claim=claim, state=DeliveryState.SENT, message_id=message_id, chat_id=chat_id, version=facts.version,
            reason=DeliveryReason.DIGEST if claim.digest else None,
        )  # fmt: skip

    def _noting(self, claim: Claim, facts: Facts, chat_id: int) -> Arrived:
        """Stores each part that has arrived, before the next one is sent."""

        async def arrived(count: int, message_id: int) -> None:
            async with self._uow() as tx:
                ours = await deliveries.note_parts(tx, claim, count, facts.version, chat_id, message_id)
            if not ours:
                raise _ClaimLostError
            failpoint("lessons.part")

        return arrived

    async def _later(self, claim: Claim, reason: DeliveryReason, wait: timedelta | None) -> Result:
        async with self._uow.read() as tx:
            now = tx.now
        # The longer it has been due, the longer until it is tried again.
        wait = wait or min(max((now - claim.due_at) / 2, _FIRST_RETRY), _LONGEST_RETRY)
        # A digest stays one when it is tried again.
        stored = DeliveryReason.DIGEST if claim.digest else reason
        return Result(claim=claim, state=DeliveryState.FAILED, reason=stored, retry_at=now + wait)

    def _compose(self, claim: Claim, facts: Facts, person: Recipient, parts: tuple[ChatPart, ...]) -> LessonMessage:
        course = f"{self._public_url}/learn/{facts.course}"
        if claim.digest and facts.together > 1:
            return words.digest_message(facts.together, course, person.language)
        titles = facts.titles or {"en": facts.lesson}
        asks = facts.lesson_id if facts.has_assignment else None
        address = f"{course}/{facts.lesson}"
        return words.lesson_message(parts, titles, address, person.language, asks, quiz=facts.has_quiz)

    async def _record(self, result: Result) -> None:
        """Store a result; results that come together are stored in one transaction."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._results.append((result, done))
        if self._recording is None or self._recording.done():
            self._recording = asyncio.create_task(self._record_all())
        await done

    async def _record_all(self) -> None:
        while self._results:
            batch, self._results = self._results, []
            try:
                async with self._uow() as tx:
                    await deliveries.settle(tx, [result for result, _ in batch])
                    now = tx.now
            except BaseException as error:
                for _, done in batch:
                    if not done.done():
                        done.set_exception(error)
                if not isinstance(error, Exception):
                    raise
                continue
            for result, done in batch:
                if not done.done():
                    done.set_result(None)
                DELIVERIES.labels(result.state, result.reason or "").inc()
                if result.state is DeliveryState.SENT:
                    LESSON_LAG.observe(max((now - result.claim.due_at).total_seconds(), 0.0))


def _not_sent(claim: Claim, facts: Facts, person: Recipient) -> DeliveryReason | None:
    """Why no message is sent; None where one is."""
    if not facts.together if claim.digest else facts.deleted:
        return DeliveryReason.LESSON_DELETED
    if not facts.live:
        return DeliveryReason.ACCESS_ENDED
    if person.blocked:
        return DeliveryReason.BLOCKED
    return DeliveryReason.BOT_BLOCKED if person.blocked_bot else None
