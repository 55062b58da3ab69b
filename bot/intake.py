"""Takes updates in: each is handled once, whichever way and however often it comes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from contextlib import nullcontext

import structlog
from aiogram import Bot, Dispatcher
from aiogram.types import Update
from redis.asyncio import Redis

from backend.infra.metrics import UPDATES
from backend.infra.redis import REDIS_DOWN
from bot.money import is_money, is_urgent

_REMEMBER_SECONDS = 48 * 3600  # Telegram gives up an update after 24 hours
_REMEMBER_HERE = 10_000
_SLOWEST_SECONDS = 30
_AT_ONCE = 8
log = structlog.get_logger(__name__)


class Busy(Exception):
    """The same update is being handled at this moment."""


class NotTaken(Exception):
    """Money's news could not be kept; ``number`` is the update that must come again."""

    def __init__(self, number: int) -> None:
        super().__init__(f"update {number}")
        self.number = number


class Intake:
    """Hands updates to the dispatcher. An update counts as handled once its handler has ended, well or badly.

    One that tells of money counts only once it is in the books. Handled ids are kept in Redis, and in this process for
    when Redis is away: then an update that comes again after a restart may be answered twice. Nothing but an answer
    hangs on it: money has keys of its own.
    """

    def __init__(self, bot: Bot, dispatcher: Dispatcher, redis: Redis) -> None:
        self._bot = bot
        self._dispatcher = dispatcher
        self._redis = redis
        self._handled: OrderedDict[int, None] = OrderedDict()
        self._running: set[int] = set()
        self._limit = asyncio.Semaphore(_AT_ONCE)

    async def take(self, update: Update) -> None:
        """Handle one update, unless it was handled before.

        Raises Busy when it is being handled now, NotTaken for money that could not be kept.
        """
        number = update.update_id
        if number in self._running:
            raise Busy
        self._running.add(number)
        try:
            if await self._known(number):
                UPDATES.labels("repeated").inc()
                return
            async with nullcontext() if is_urgent(update) else self._limit, asyncio.timeout(_SLOWEST_SECONDS):
                await self._dispatcher.feed_update(self._bot, update)
            UPDATES.labels("handled").inc()
            await self._remember(number)
        except Exception as error:
            UPDATES.labels("failed").inc()
            log.error("update.failed", exc_info=error)
            if is_money(update):
                raise NotTaken(number) from error
            # Telegram itself refused the answer, or it took too long: to be handled again would not mend it.
            await self._remember(number)
        finally:
            self._running.discard(number)

    async def take_all(self, updates: Iterable[Update]) -> None:
        """Handle a batch: one person's in their order, different people's side by side.

        Raises NotTaken, after all the others are handled, for the first update that must come again.
        """
        lines: dict[int, list[Update]] = defaultdict(list)
        for update in updates:
            lines[_whose(update)].append(update)
        failed = await asyncio.gather(*(self._take_in_order(line) for line in lines.values()))
        if any(failed):
            raise NotTaken(min(number for numbers in failed for number in numbers))

    async def _take_in_order(self, updates: list[Update]) -> list[int]:
        failed = []
        for update in updates:
            try:
                await self.take(update)
            except NotTaken as error:
                failed.append(error.number)
        return failed

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


def _whose(update: Update) -> int:
    user = getattr(update.event, "from_user", None)
    return user.id if user is not None else 0
