"""Takes updates in: each is handled once, by polling or webhook, however often it arrives."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from contextlib import nullcontext

import structlog
from aiogram import Bot, Dispatcher
from aiogram.types import Update
from aiogram.types.update import UpdateTypeLookupError
from redis.asyncio import Redis

from backend.infra.metrics import UPDATES
from backend.infra.redis import REDIS_DOWN
from backend.infra.traces import trace
from backend.payments.service import ChatPaymentsService
from bot.money import LostMoney, is_money, is_urgent
from bot.session import is_outage
from bot.updates import Reading

_REMEMBER_SECONDS = 48 * 3600  # Telegram gives up an update after 24 hours
_REMEMBER_HERE = 10_000
_SLOWEST_SECONDS = 30
_AT_ONCE = 8
# After so many outages of Telegram in the middle of one update, the others' turn comes.
_MOST_TRIES = 5
log = structlog.get_logger(__name__)


class Busy(Exception):
    """The same update is being handled at this moment."""


class NotTaken(Exception):
    """The update ``number`` must be sent again: its payment was not stored, or Telegram took no answer."""

    def __init__(self, number: int | None) -> None:
        super().__init__(f"update {number}")
        self.number = number


class Intake:
    """Hands updates to the dispatcher. An update counts as handled once its handler has ended, even with an error.

    A payment counts only once it is in the ledger, and an update whose answer met an outage of Telegram is tried a few
    times. Handled ids are kept in Redis, and in this process while Redis is away: then an update that is repeated after
    a restart may be answered twice. Only answers: payments have idempotency keys of their own.
    """

    def __init__(self, bot: Bot, dispatcher: Dispatcher, redis: Redis, payments: ChatPaymentsService) -> None:
        self._bot = bot
        self._dispatcher = dispatcher
        self._redis = redis
        self._payments = payments
        self._handled: OrderedDict[int, None] = OrderedDict()
        self._tries: OrderedDict[int, int] = OrderedDict()
        self._running: set[int] = set()
        self._limit = asyncio.Semaphore(_AT_ONCE)

    async def take(self, update: Update) -> None:
        """Handle one update, unless it was handled before; payments always, since their keys make repetition harmless.

        Raises Busy when it is being handled now, NotTaken for one that must come again.
        """
        number = update.update_id
        if is_money(update):
            await self._handle(update)
            return
        if number in self._running:
            raise Busy
        self._running.add(number)
        try:
            if await self._known(number):
                UPDATES.labels("repeated").inc()
                return
            await self._handle(update)
        finally:
            self._running.discard(number)

    async def _handle(self, update: Update) -> None:
        number = update.update_id
        try:
            async with nullcontext() if is_urgent(update) else self._limit, asyncio.timeout(_SLOWEST_SECONDS):
                await self._dispatcher.feed_update(self._bot, update)
            UPDATES.labels("handled").inc()
        except Exception as error:
            UPDATES.labels("failed").inc()
            log.error("update.failed", update_id=number, error=trace(error))
            if is_money(update) or (is_outage(error) and self._may_try_again(number)):
                raise NotTaken(number) from None
            # Telegram itself refused the answer, or it took too long: handling it again would not help.
        await self._remember(number)

    async def keep(self, lost: LostMoney) -> None:
        """Store a payment event that cannot be read, for the admins. Raises NotTaken if that fails."""
        try:
            await self._payments.unreadable(lost.key, lost.kind, lost.payload, lost.payer)
        except Exception as error:
            log.error("update.failed", update_id=lost.number, error=trace(error))
            raise NotTaken(lost.number) from None

    async def take_read(self, reading: Reading) -> None:
        """Handle what was read of one update. Raises Busy, NotTaken."""
        if reading.lost is not None:
            await self.keep(reading.lost)
        elif reading.update is not None:
            await self.take(reading.update)

    async def take_all(self, updates: Iterable[Update | Reading]) -> None:
        """Handle a batch: one person's updates in order, those of different people side by side.

        Raises NotTaken, after all the others are handled, for the first update that must come again.
        """
        lines: dict[int, list[Reading]] = defaultdict(list)
        for update in updates:
            reading = Reading(update.update_id, update) if isinstance(update, Update) else update
            lines[_whose(reading.update)].append(reading)
        failed = await asyncio.gather(*(self._take_in_order(line) for line in lines.values()))
        if any(failed):
            numbers = [number for line in failed for number in line if number is not None]
            raise NotTaken(min(numbers, default=None))

    async def _take_in_order(self, readings: list[Reading]) -> list[int | None]:
        failed = []
        for reading in readings:
            try:
                await self.take_read(reading)
            except NotTaken as error:
                failed.append(error.number)
            except Busy:
                log.info("update.twice_at_once", update_id=reading.number)
        return failed

    def _may_try_again(self, number: int) -> bool:
        self._tries[number] = self._tries.get(number, 0) + 1
        if len(self._tries) > _REMEMBER_HERE:
            self._tries.popitem(last=False)
        return self._tries[number] < _MOST_TRIES

    async def _known(self, number: int) -> bool:
        if number in self._handled:
            return True
        try:
            return bool(await self._redis.exists(_key(number)))
        except REDIS_DOWN:
            return False

    async def _remember(self, number: int) -> None:
        self._handled[number] = None
        if len(self._handled) > _REMEMBER_HERE:
            self._handled.popitem(last=False)
        try:
            await self._redis.set(_key(number), 1, ex=_REMEMBER_SECONDS)
        except REDIS_DOWN as error:
            log.debug("update.not_remembered", error=repr(error))


def _key(number: int) -> str:
    return f"update:{number}"


def _whose(update: Update | None) -> int:
    try:
        user = getattr(update.event, "from_user", None) if update is not None else None
    except UpdateTypeLookupError:
        return 0
    return user.id if user is not None else 0
