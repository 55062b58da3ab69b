"""One token bucket of all processes for what goes to Telegram's chats, on Redis; decision 0078.

Telegram takes about 30 messages a second in all, one a second in a chat (short bursts may exceed that), and 20 a minute
in a group. Each of these is a GCRA bucket. A lower priority may empty it only down to what is reserved for the higher
ones, so that a broadcast never delays a key.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from enum import IntEnum
from typing import Final, TypeVar

import msgspec
import structlog
from redis.asyncio import Redis

from backend.infra.metrics import TELEGRAM_LIMITED, TELEGRAM_WAIT
from backend.infra.redis import REDIS_DOWN
from backend.infra.telegram.errors import TooManyRequests

_REST_SECONDS: Final = 5.0
# A Redis that hangs must not hold a message up longer than it takes to notice.
_REDIS_SECONDS: Final = 0.25
_TIDY_ABOVE: Final = 5000
_TICKET_SECONDS: Final = 120.0
K = TypeVar("K")
log = structlog.get_logger(__name__)


class Priority(IntEnum):
    """Which messages go first."""

    ANSWERS = 0
    """What somebody waits for: answers, keys, receipts."""
    LESSONS = 1
    """What is due: lessons, reminders."""
    BROADCASTS = 2


class Bucket(msgspec.Struct, frozen=True):
    """``burst`` messages at once, then one in ``interval`` seconds: at most ``burst + t / interval`` in t seconds."""

    interval: float
    burst: int

    def tolerance(self, priority: Priority) -> float:
        """How many seconds before its turn in an even flow a message may go; the rest is left to higher priorities."""
        spare = self.burst - 1
        return self.interval * (spare - spare * priority // 2)


CHAT: Final = Bucket(1.0, 4)
GROUP: Final = Bucket(4.0, 5)
"""At most 20 in any minute."""


def all_chats(per_second: int) -> Bucket:
    """The bucket that lets at most ``per_second`` (10 or more) messages go in any second."""
    burst = max(3, per_second // 6)
    return Bucket(1 / (per_second - burst), burst)


def paced_chat(method: str, chat_id: object) -> int | None:
    """The chat that a call of the Bot API writes to; None for a call that writes to none, which no limit counts."""
    writes = method.startswith(("send", "edit", "copy", "forward")) and method != "sendChatAction"
    return chat_id if writes and isinstance(chat_id, int) else None


class _Ask(msgspec.Struct, frozen=True):
    chat_id: int
    priority: Priority
    ticket: str
    everywhere: Bucket

    @property
    def chat(self) -> Bucket:
        return CHAT if self.chat_id > 0 else GROUP


class _Answer(msgspec.Struct, frozen=True):
    """``seconds`` to wait, 0 for go; ``crowded``: for the bucket of all chats, not for this one's or a pause."""

    seconds: float
    crowded: bool = False


# All times in microseconds of Redis's clock, which all processes share. A script is atomic.
_TURN: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local function get(key) return tonumber(redis.call('GET', key) or 0) end
local function put(key, at, keep)
  redis.call('SET', key, string.format('%.0f', at), 'PX', math.ceil((at - now) / 1000) + keep)
end
local paused = math.max(get(KEYS[3]), get(KEYS[4]))
if paused > now then return {paused - now, 0} end
local interval, tolerance = tonumber(ARGV[3]), tonumber(ARGV[4])
local ticket = #KEYS == 5 and redis.call('GET', KEYS[5])
local chat = get(KEYS[2])
local at = ticket and tonumber(ticket) or chat - tolerance
if at > now then
  if #KEYS == 5 and not ticket then
    put(KEYS[5], at, tonumber(ARGV[5]))
    put(KEYS[2], math.max(now, chat) + interval, 1000)
  end
  return {at - now, 0}
end
local all = get(KEYS[1])
at = all - tonumber(ARGV[2])
if at > now then return {at - now, 1} end
put(KEYS[1], math.max(now, all) + tonumber(ARGV[1]), 1000)
if ticket then redis.call('DEL', KEYS[5]) else put(KEYS[2], math.max(now, chat) + interval, 1000) end
return {0, 0}
"""
# A second chat that is told to wait shows that all are meant. Groups have a limit of their own.
_PAUSE: Final = """
local clock = redis.call('TIME')
local until_ = clock[1] * 1000000 + clock[2] + ARGV[1] * 1000
local text, length = string.format('%.0f', until_), tonumber(ARGV[1])
redis.call('SET', KEYS[2], text, 'PX', length)
if ARGV[2] == '' then return 0 end
local other = redis.call('GET', KEYS[3])
redis.call('SET', KEYS[3], ARGV[2], 'PX', length)
if other and other ~= ARGV[2] then redis.call('SET', KEYS[1], text, 'PX', length) return 1 end
return 0
"""


class LocalPace:
    """The same buckets in this process alone, for while Redis is away."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._all = 0.0
        self._chats: dict[int, float] = {}
        self._tickets: dict[str, float] = {}
        self._paused_all = 0.0
        self._paused: dict[int, float] = {}
        self._limited: tuple[int, float] = (0, 0.0)

    def turn(self, ask: _Ask) -> _Answer:
        """Take a message's turn, or say how long to wait."""
        now = self._monotonic()
        paused = max(self._paused_all, self._paused.get(ask.chat_id, 0.0))
        if paused > now:
            return _Answer(paused - now)
        bucket, chat = ask.chat, self._chats.get(ask.chat_id, 0.0)
        ticket = self._tickets.get(ask.ticket)
        at = chat - bucket.tolerance(ask.priority) if ticket is None else ticket
        if at > now:
            if ask.ticket and ticket is None:
                self._tickets[ask.ticket] = at
                self._chats[ask.chat_id] = max(now, chat) + bucket.interval
            return _Answer(at - now)
        at = self._all - ask.everywhere.tolerance(ask.priority)
        if at > now:
            return _Answer(at - now, crowded=True)
        self._all = max(now, self._all) + ask.everywhere.interval
        if ticket is None:
            self._chats[ask.chat_id] = max(now, chat) + bucket.interval
        self._tickets.pop(ask.ticket, None)
        self._tidy(now)
        return _Answer(0.0)

    def pause(self, chat_id: int, seconds: float) -> None:
        """Send nothing to the chat for so long; to no chat, where a second one was told to wait."""
        now = self._monotonic()
        self._paused[chat_id] = now + seconds
        if chat_id > 0:
            other, until = self._limited
            if until > now and other != chat_id:
                self._paused_all = now + seconds
            self._limited = (chat_id, now + seconds)

    def _tidy(self, now: float) -> None:
        _drop(self._chats, now)
        _drop(self._paused, now)
        _drop(self._tickets, now - _TICKET_SECONDS)


def _drop(times: dict[K, float], before: float) -> None:
    if len(times) > _TIDY_ABOVE:
        for key in [key for key, at in times.items() if at < before]:
            del times[key]


class Pace:
    """Gives each message to a chat its turn. ``name`` tells bots on one Redis apart, ``per_second`` for all chats."""

    def __init__(
        self,
        redis: Redis,
        name: object,
        *,
        per_second: int = 30,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._name = f"telegram:{name}"
        self._everywhere = all_chats(per_second)
        self._monotonic = monotonic
        self._local = LocalPace(monotonic)
        self._resting_until = 0.0
        self._take, self._stop = redis.register_script(_TURN), redis.register_script(_PAUSE)
        # One message of each priority asks for this process; the others wait behind it, in order.
        self._lines = {priority: asyncio.Lock() for priority in Priority}

    async def turn(
        self, chat_id: int, priority: Priority = Priority.ANSWERS, *, patience: float, ticket: str = ""
    ) -> None:
        """Wait until a message to the chat may go, for ``patience`` seconds at most.

        Raises TooManyRequests when that takes longer. Of ANSWERS a ``ticket`` then has its turn reserved in the chat:
        who asks again with it comes after those who asked before, and before those who asked later.
        """
        ask = _Ask(chat_id, priority, ticket if priority is Priority.ANSWERS else "", self._everywhere)
        begun = self._monotonic()
        until = begun + patience
        while (wait := await self._in_line(ask, until)) > 0:
            if self._monotonic() + wait > until:
                TELEGRAM_LIMITED.labels(priority.name.lower(), "postponed").inc()
                raise TooManyRequests(f"the limits of Telegram, chat {chat_id}", wait)
            await asyncio.sleep(wait)
        TELEGRAM_WAIT.labels(priority.name.lower()).observe(self._monotonic() - begun)

    async def pause(self, chat_id: int, seconds: float) -> None:
        """Have all processes send nothing to the chat for ``seconds``, as Telegram has asked."""
        TELEGRAM_LIMITED.labels("any", "refused").inc()
        self._local.pause(chat_id, seconds)
        keys = [f"{self._name}:pause", f"{self._name}:pause:{chat_id}", f"{self._name}:limited"]
        with_others = chat_id if chat_id > 0 else ""
        if not self._resting():
            try:
                async with asyncio.timeout(_REDIS_SECONDS):
                    await self._stop(keys, [max(1, int(seconds * 1000)), with_others])
            except REDIS_DOWN as error:
                self._rest(error)

    async def _in_line(self, ask: _Ask, until: float) -> float:
        """The seconds until the chat takes the message; 0 for now. Waits for its turn among all chats itself."""
        line = self._lines[ask.priority]
        try:
            async with asyncio.timeout(max(until - self._monotonic(), 0.001) if line.locked() else None):
                await line.acquire()
        except TimeoutError:
            return max(1.0, self._everywhere.interval)
        try:
            while (answer := await self._answer(ask)).crowded:
                if self._monotonic() + answer.seconds > until:
                    break
                await asyncio.sleep(answer.seconds)
            return answer.seconds
        finally:
            line.release()

    async def _answer(self, ask: _Ask) -> _Answer:
        if not self._resting():
            try:
                async with asyncio.timeout(_REDIS_SECONDS):
                    wait, crowded = await self._take(self._keys(ask), self._arguments(ask))
                return _Answer(wait / 1_000_000, bool(crowded))
            except REDIS_DOWN as error:
                self._rest(error)
        return self._local.turn(ask)

    def _keys(self, ask: _Ask) -> list[str]:
        name, chat = self._name, ask.chat_id
        keys = [f"{name}:all", f"{name}:chat:{chat}", f"{name}:pause", f"{name}:pause:{chat}"]
        return [*keys, f"{name}:ticket:{ask.ticket}"] if ask.ticket else keys

    @staticmethod
    def _arguments(ask: _Ask) -> list[int]:
        buckets = (ask.everywhere, ask.chat)
        times = [time for bucket in buckets for time in (bucket.interval, bucket.tolerance(ask.priority))]
        return [*(round(seconds * 1_000_000) for seconds in times), int(_TICKET_SECONDS * 1000)]

    def _resting(self) -> bool:
        # After a failure Redis is left alone for a moment: one time-out for all messages, not one for each.
        return self._monotonic() < self._resting_until

    def _rest(self, error: Exception) -> None:
        self._resting_until = self._monotonic() + _REST_SECONDS
        log.warning("telegram.pace_alone", error=repr(error))
