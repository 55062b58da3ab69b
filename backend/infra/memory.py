"""A few names that should outlive a process. They may be lost at any time, and nothing is proved by them."""

from __future__ import annotations

import time
from typing import Final

import structlog
from redis.asyncio import Redis

from backend.infra.redis import REDIS_DOWN

_MOST: Final = 20
_LIFETIME_SECONDS: Final = 90 * 24 * 3600
log = structlog.get_logger(__name__)


class LocalMemory:
    """Names in this process alone."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, None]] = {}

    async def names(self, topic: str) -> frozenset[str]:
        """The latest names of a topic."""
        return frozenset(self._names.get(topic, ()))

    async def add(self, topic: str, name: str) -> None:
        """Remember a name; of each topic the latest 20."""
        known = self._names.setdefault(topic, {})
        known.pop(name, None)
        known[name] = None
        while len(known) > _MOST:
            del known[next(iter(known))]


class RedisMemory:
    """Names that all processes share and a restart keeps; while Redis is away there are none."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def names(self, topic: str) -> frozenset[str]:
        """The latest names of a topic."""
        try:
            names = await self._redis.zrange(f"memory:{topic}", 0, -1)
        except REDIS_DOWN as error:
            log.warning("memory.redis_down", error=repr(error))
            return frozenset()
        return frozenset(name.decode() for name in names)

    async def add(self, topic: str, name: str) -> None:
        """Remember a name; of each topic the latest 20, for 90 days."""
        key = f"memory:{topic}"
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.zadd(key, {name: time.time()})
                pipe.zremrangebyrank(key, 0, -_MOST - 1)
                pipe.expire(key, _LIFETIME_SECONDS)
                await pipe.execute()
        except REDIS_DOWN as error:
            log.warning("memory.redis_down", error=repr(error))
