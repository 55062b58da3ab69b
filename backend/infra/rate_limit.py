"""Rate limits: one fixed window per name and subject, on Redis, with a window in this process when Redis is down."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import msgspec
import structlog
from redis.asyncio import Redis

from backend.infra.redis import REDIS_DOWN
from backend.kernel.errors import RateLimited

_REST_SECONDS = 5.0
_MAX_LOCAL = 50_000
log = structlog.get_logger(__name__)


class Limit(msgspec.Struct, frozen=True):
    """At most ``times`` calls in ``seconds``, counted under ``name``."""

    name: str
    times: int
    seconds: int


class RateLimiter:
    """Counts calls. ``monotonic`` gives seconds that never run back."""

    def __init__(self, redis: Redis, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._monotonic = monotonic
        self._local: dict[str, tuple[int, float]] = {}
        self._resting_until = 0.0

    async def hit(self, limit: Limit, subject: str) -> None:
        """Count one call of ``subject``. Raises RateLimited, with the wait, past the limit."""
        key = f"limit:{limit.name}:{subject}"
        self._judge(limit, subject, *await self._count(key, limit.seconds))

    async def take_back(self, limit: Limit, subject: str) -> None:
        """Uncount a call of ``subject`` that hit has counted: it turned out to be none of those that are limited."""
        key = f"limit:{limit.name}:{subject}"
        if self._monotonic() >= self._resting_until:
            try:
                async with self._redis.pipeline(transaction=True) as pipe:
                    pipe.set(key, 0, ex=limit.seconds, nx=True)
                    pipe.decr(key)
                    await pipe.execute()
                return
            except REDIS_DOWN as error:
                self._resting_until = self._monotonic() + _REST_SECONDS
                log.warning("rate_limit.redis_down", error=repr(error))
        count, ends = self._local.get(key, (0, 0.0))
        if count:
            self._local[key] = (count - 1, ends)

    def hit_here(self, limit: Limit, subject: str) -> None:
        """As hit, but counted in this process only: for what is too frequent for a round trip. Raises RateLimited."""
        key = f"limit:{limit.name}:{subject}"
        self._judge(limit, subject, *self._count_here(key, limit.seconds))

    @staticmethod
    def _judge(limit: Limit, subject: str, count: int, wait: float) -> None:
        if count > limit.times:
            raise RateLimited(max(1, math.ceil(wait)), f"{limit.name} by {subject}")

    async def _count(self, key: str, seconds: int) -> tuple[int, float]:
        # After a failure Redis is left alone for a moment: one time-out for a request, not one for each.
        if self._monotonic() >= self._resting_until:
            try:
                async with self._redis.pipeline(transaction=True) as pipe:
                    # EXPIRE NX would need Redis 7; SET NX EX opens the window on every version.
                    pipe.set(key, 0, ex=seconds, nx=True)
                    pipe.incr(key)
                    pipe.pttl(key)
                    _, count, left = await pipe.execute()
                return int(count), max(0, int(left)) / 1000
            except REDIS_DOWN as error:
                self._resting_until = self._monotonic() + _REST_SECONDS
                log.warning("rate_limit.redis_down", error=repr(error))
        return self._count_here(key, seconds)

    def _count_here(self, key: str, seconds: int) -> tuple[int, float]:
        now = self._monotonic()
        count, ends = self._local.get(key, (0, 0.0))
        if ends <= now:
            count, ends = 0, now + seconds
        if len(self._local) >= _MAX_LOCAL:
            self._local = {name: item for name, item in self._local.items() if item[1] > now}
            if len(self._local) >= _MAX_LOCAL:
                self._local.clear()
        self._local[key] = (count + 1, ends)
        return count + 1, ends - now
