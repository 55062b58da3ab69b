"""Shared pages: age, size, signals, one rendering at a time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from backend.infra.signals import Signals
from webapp.core import page_cache
from webapp.core.page_cache import PageCache, PageKey, SharedPage


def _key(query: str = "") -> PageKey:
    return PageKey("/shop", query.encode(), b"app", "en", "")


def _page(size: int = 10) -> SharedPage:
    return SharedPage((), b"x" * size, b"")


@pytest.fixture
def now() -> list[float]:
    """The time in seconds, to be moved."""
    return [100.0]


@pytest.fixture
def signals(engine: Any, database_url: str) -> Signals:
    """Signals that nobody sends."""
    return Signals(engine, database_url)


@pytest.fixture
def cache(signals: Signals, now: list[float]) -> PageCache:
    """An empty cache."""
    return PageCache(signals, lambda: now[0])


def test_pages_age(cache: PageCache, now: list[float]) -> None:
    cache.put(_key(), _page(), cache.ticket)
    now[0] += page_cache.MAX_AGE_SECONDS - 0.1
    assert cache.get(_key()) is not None
    now[0] += 0.2
    assert cache.get(_key()) is None


def test_a_page_that_a_signal_overtook_is_not_kept(cache: PageCache, signals: Signals) -> None:
    ticket = cache.ticket
    signals._receive(None, 0, "souk", "catalogue:8")
    cache.put(_key(), _page(), ticket)
    assert cache.get(_key()) is None


def test_memory_is_bounded_whatever_is_asked_for(cache: PageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_cache, "_MAX_BYTES", 10_000)
    for number in range(500):
        cache.put(_key(f"x={number}"), _page(1_000), cache.ticket)
        cache.put(_key(f"x={number}"), _page(900), cache.ticket)
    assert cache._bytes == sum(page.size for page, _ in cache._pages.values()) <= 10_000
    assert cache.get(_key("x=499")) is not None
    assert cache.get(_key("x=0")) is None
    cache.put(_key("huge"), _page(page_cache._MAX_PAGE_BYTES + 1), cache.ticket)
    assert cache.get(_key("huge")) is None


async def test_a_rush_of_stock_signals_empties_it_once_a_second(
    signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_cache, "STOCK_PAUSE_SECONDS", 0.05)
    cache = PageCache(signals)
    signals._receive(None, 0, "souk", "stock:1")
    first = cache.ticket
    cache.put(_key(), _page(), first)
    for _ in range(100):
        signals._receive(None, 0, "souk", "stock:1")
    assert cache.get(_key()) is not None
    async with asyncio.timeout(4):  # the last of the rush is not forgotten
        while cache.get(_key()) is not None:
            await asyncio.sleep(0.01)
    assert cache.ticket == first + 1


async def test_a_failed_rendering_lets_the_next_one_try(cache: PageCache) -> None:
    assert await cache.wait(_key()) is None
    waiting = asyncio.create_task(cache.wait(_key()))
    await asyncio.sleep(0)
    cache.done(_key())
    assert await waiting is None
    cache.done(_key())
    assert not cache._rendering
