"""Names outlive a process on Redis, and are gone without it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from backend.infra.embedded import free_port
from backend.infra.memory import LocalMemory, RedisMemory
from backend.infra.redis import make_redis


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """The run's Redis, emptied."""
    client = make_redis(redis_url)
    await client.flushdb()
    yield client
    await client.flushdb()
    await client.aclose()


@pytest.mark.parametrize("local", [True, False])
async def test_the_latest_names_of_each_topic_are_remembered(redis: Redis, local: bool) -> None:
    memory: LocalMemory | RedisMemory = LocalMemory() if local else RedisMemory(redis)
    assert await memory.names("a") == frozenset()
    await memory.add("other", "x")
    for number in range(25):
        await memory.add("a", f"name {number}")
        await memory.add("a", "again")
    assert await memory.names("a") == {"again", *(f"name {number}" for number in range(6, 25))}
    assert await memory.names("other") == {"x"}


async def test_another_process_knows_them_and_they_end_some_day(redis: Redis) -> None:
    await RedisMemory(redis).add("a", "x")
    assert await RedisMemory(redis).names("a") == {"x"}
    assert 89 * 86400 < await redis.ttl("memory:a") <= 90 * 86400


async def test_without_redis_there_are_none() -> None:
    client = make_redis(f"redis://127.0.0.1:{free_port()}")
    memory = RedisMemory(client)
    await memory.add("a", "x")
    assert await memory.names("a") == frozenset()
    await client.aclose()
