"""Rate limits count on Redis, and in the process while Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from backend.infra import embedded
from backend.infra.rate_limit import Limit, RateLimiter
from backend.infra.redis import make_redis
from backend.kernel.errors import Kind, RateLimited

LIMIT = Limit("test", 3, 30)


class Seconds:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """The run's Redis, emptied."""
    client = make_redis(redis_url)
    await client.flushdb()
    yield client
    await client.flushdb()
    await client.aclose()


@pytest.fixture
async def nobody() -> AsyncIterator[Redis]:
    """A Redis that is not there."""
    client = make_redis(f"redis://127.0.0.1:{embedded.free_port()}/0")
    yield client
    await client.aclose()


async def hits(limiter: RateLimiter, times: int, subject: str = "anna", limit: Limit = LIMIT) -> None:
    for _ in range(times):
        await limiter.hit(limit, subject)


async def test_the_limit_holds_and_tells_the_wait(redis: Redis) -> None:
    limiter = RateLimiter(redis)
    await hits(limiter, 3)

    with pytest.raises(RateLimited) as caught:
        await limiter.hit(LIMIT, "anna")

    assert 28 <= caught.value.retry_after <= 30
    assert caught.value.params == {"retry_after": caught.value.retry_after}
    assert caught.value.kind is Kind.RATE_LIMITED
    assert caught.value.retryable


async def test_subjects_and_names_are_counted_apart(redis: Redis) -> None:
    limiter = RateLimiter(redis)
    await hits(limiter, 3)

    await hits(limiter, 3, "boris")
    await hits(limiter, 3, "anna", Limit("other", 3, 30))


async def test_processes_share_one_count(redis: Redis, redis_url: str) -> None:
    other = make_redis(redis_url)
    await hits(RateLimiter(redis), 2)

    with pytest.raises(RateLimited):
        await hits(RateLimiter(other), 2)

    await other.aclose()


async def test_exactly_the_limit_passes_at_once(redis: Redis) -> None:
    limiter = RateLimiter(redis)

    results = await asyncio.gather(*(limiter.hit(LIMIT, "anna") for _ in range(20)), return_exceptions=True)

    assert sum(result is None for result in results) == 3
    assert sum(isinstance(result, RateLimited) for result in results) == 17


async def test_tries_beyond_the_limit_do_not_prolong_the_wait(redis: Redis) -> None:
    limiter = RateLimiter(redis)
    await hits(limiter, 3)
    await redis.pexpire("limit:test:anna", 1500)

    with pytest.raises(RateLimited) as caught:
        await limiter.hit(LIMIT, "anna")

    assert caught.value.retry_after <= 2


async def test_the_window_ends(redis: Redis) -> None:
    limiter = RateLimiter(redis)
    await hits(limiter, 3)
    # Redis counts the time: what is asked here is that the key has an end, and that its end opens a new window.
    assert 0 < await redis.pttl("limit:test:anna") <= 30_000
    await redis.pexpire("limit:test:anna", 1)
    async with asyncio.timeout(20):
        while await redis.exists("limit:test:anna"):
            await asyncio.sleep(0.001)

    await hits(limiter, 3)


async def test_without_redis_the_process_counts(nobody: Redis) -> None:
    seconds = Seconds()
    limiter = RateLimiter(nobody, seconds)
    await hits(limiter, 3)

    seconds.now += 12.4
    with pytest.raises(RateLimited) as caught:
        await limiter.hit(LIMIT, "anna")
    assert caught.value.retry_after == 18  # 17.6 s, rounded up

    seconds.now += 17.6
    await hits(limiter, 3)


async def test_redis_is_left_alone_for_a_moment_after_a_failure(nobody: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    pipeline = nobody.pipeline

    def counted(*args: object, **kwargs: object) -> object:
        nonlocal asked
        asked += 1
        return pipeline(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(nobody, "pipeline", counted)
    seconds = Seconds()
    limiter = RateLimiter(nobody, seconds)

    await hits(limiter, 3)
    assert asked == 1
    seconds.now += 6
    await hits(limiter, 1, "boris")
    assert asked == 2


async def test_redis_goes_and_comes_back(tmp_path: Path) -> None:
    port = embedded.free_port()
    client = make_redis(f"redis://127.0.0.1:{port}/0")
    seconds = Seconds()
    limiter = RateLimiter(client, seconds)

    with embedded.redis(tmp_path / "redis", port):
        await hits(limiter, 2)
    # This process counts again from zero: a limit that is too loose for a moment is better than a closed shop.
    await hits(limiter, 3)
    with pytest.raises(RateLimited):
        await limiter.hit(LIMIT, "anna")
    seconds.now += 6
    with embedded.redis(tmp_path / "redis", port):
        # The append-only file has kept the two.
        await hits(limiter, 1)
        with pytest.raises(RateLimited):
            await limiter.hit(LIMIT, "anna")
    await client.aclose()


async def test_counting_here_asks_nobody(nobody: Redis) -> None:
    seconds = Seconds()
    limiter = RateLimiter(nobody, seconds)
    for _ in range(3):
        limiter.hit_here(LIMIT, "anna")

    with pytest.raises(RateLimited) as caught:
        limiter.hit_here(LIMIT, "anna")

    assert caught.value.retry_after == 30
    seconds.now += 30
    limiter.hit_here(LIMIT, "anna")


def test_the_process_does_not_remember_everybody_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.infra.rate_limit._MAX_LOCAL", 100)
    seconds = Seconds()
    limiter = RateLimiter(None, seconds)  # type: ignore[arg-type]

    for number in range(1000):
        limiter.hit_here(LIMIT, f"visitor-{number}")
        seconds.now += 1

    assert len(limiter._local) <= 100
    # A key inside its window is still counted.
    for _ in range(2):
        limiter.hit_here(LIMIT, "visitor-999")
    with pytest.raises(RateLimited):
        limiter.hit_here(LIMIT, "visitor-999")
