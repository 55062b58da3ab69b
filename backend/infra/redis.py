"""Redis: a client that fails fast, since everything that uses it can go on without it."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.exceptions import RedisError

_TIMEOUT_SECONDS = 1.0

REDIS_DOWN: tuple[type[Exception], ...] = (RedisError, OSError, TimeoutError)
"""What a call raises when Redis cannot be reached."""


def make_redis(url: str) -> Redis:
    """A client with short time-outs; connects on first use."""
    client: Redis = Redis.from_url(
        url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS, health_check_interval=15
    )
    return client
