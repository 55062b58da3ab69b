"""Signals reach other processes, wait together, and never pretend that none was missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.infra import signals as module
from backend.infra.settings import Settings
from backend.infra.signals import CHANNEL, Signals

Heard = list[str]


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
async def sender(engine: AsyncEngine, settings: Settings) -> AsyncIterator[Signals]:
    """One process, which only sends."""
    sender = Signals(engine, settings.database_url)
    async with sender.running(listen=False):
        yield sender


@pytest.fixture
async def receiver(engine: AsyncEngine, settings: Settings) -> AsyncIterator[Signals]:
    """Another process, which listens."""
    receiver = Signals(engine, settings.database_url)
    async with receiver.running():
        await until(lambda: receiver.connected)
        yield receiver


def hear(signals: Signals, *topics: str) -> Heard:
    heard: Heard = []
    for topic in topics:
        signals.on(topic, lambda key, topic=topic: heard.append(f"{topic}:{key}"))  # type: ignore[misc]
    return heard


async def test_a_signal_reaches_another_process(sender: Signals, receiver: Signals) -> None:
    heard = hear(receiver, "order", "stock")

    sender.send([("order", "1"), ("stock", "p:2"), ("nobody", "listens")])

    await until(lambda: len(heard) == 2)
    assert heard == ["order:1", "stock:p:2"]


async def test_a_process_hears_itself(receiver: Signals) -> None:
    heard = hear(receiver, "order")

    receiver.send([("order", "")])

    await until(lambda: heard == ["order:"])


async def test_equal_signals_that_wait_are_sent_once(sender: Signals, receiver: Signals) -> None:
    heard = hear(receiver, "stock", "end")

    for _ in range(500):
        sender.send([("stock", "same")])
    sender.send([("stock", "other")])
    await until(lambda: len(heard) == 2)

    assert sorted(heard) == ["stock:other", "stock:same"]
    sender.send([("stock", "same"), ("end", "")])
    await until(lambda: heard[-1:] == ["stock:same"] or "end:" in heard)
    await until(lambda: len(heard) == 4)


async def test_what_waits_at_the_end_is_still_sent(engine: AsyncEngine, settings: Settings, receiver: Signals) -> None:
    heard = hear(receiver, "order")
    short = Signals(engine, settings.database_url)

    async with short.running(listen=False):
        short.send([("order", "last words")])

    await until(lambda: heard == ["order:last words"])


async def test_a_handler_that_was_taken_off_hears_nothing(sender: Signals, receiver: Signals) -> None:
    heard, still_heard = [], hear(receiver, "order")
    receiver.on("order", heard.append)
    receiver.off("order", heard.append)  # another bound method object, equal to the first
    receiver.off("order", print)

    sender.send([("order", "1")])

    await until(lambda: still_heard == ["order:1"])
    assert not heard


async def test_one_bad_handler_does_not_deafen_the_others(sender: Signals, receiver: Signals) -> None:
    def bad(_: str) -> None:
        raise ValueError("a bug in a page")

    receiver.on("order", bad)
    heard = hear(receiver, "order")

    sender.send([("order", "1")])
    await until(lambda: heard == ["order:1"])

    sender.send([("order", "2")])
    await until(lambda: heard == ["order:1", "order:2"])


async def test_a_cut_connection_is_a_gap_and_comes_back(
    engine: AsyncEngine, sender: Signals, receiver: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RECONNECT_SECONDS", 0.05)
    gaps: list[bool] = []
    receiver.on_gap(lambda: gaps.append(receiver.connected))
    heard = hear(receiver, "order")

    async with engine.connect() as connection:
        killed = await connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
                " WHERE query ILIKE 'LISTEN%' AND datname = current_database()"
            )
        )
        assert killed.scalar_one() == 1

    # Once when it is lost (what comes now may be missed), once when it listens again (what came may have been missed).
    await until(lambda: len(gaps) == 2)
    assert gaps == [False, True]
    sender.send([("order", "after")])
    await until(lambda: heard == ["order:after"])


async def test_the_start_is_a_gap_too(engine: AsyncEngine, settings: Settings) -> None:
    gaps: list[bool] = []
    signals = Signals(engine, settings.database_url)
    signals.on_gap(lambda: gaps.append(signals.connected))

    async with signals.running():
        await until(lambda: bool(gaps))
        assert gaps == [True]
    assert not signals.connected


async def test_a_database_that_is_away_stops_nobody(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RECONNECT_SECONDS", 0.01)
    gaps: list[int] = []
    signals = Signals(engine, "postgresql://nobody@127.0.0.1:1/nothing")
    signals.on_gap(lambda: gaps.append(1))

    async with signals.running():
        await until(lambda: len(gaps) >= 3)
        assert not signals.connected


async def test_a_signal_that_cannot_be_sent_is_lost_quietly(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        tries = 0

        def connect(self) -> object:
            self.tries += 1
            raise OSError("no route")

    broken = Broken()
    signals = Signals(broken, settings.database_url)  # type: ignore[arg-type]

    async with signals.running(listen=False):
        signals.send([("order", "1")])
        await until(lambda: broken.tries == 1)
        signals.send([("order", "2")])
        await until(lambda: broken.tries == 2)


async def test_a_signal_of_the_database_itself_is_heard(engine: AsyncEngine, receiver: Signals) -> None:
    heard = hear(receiver, "identity")

    async with engine.begin() as connection:
        await connection.execute(text("SELECT pg_notify(:channel, 'identity:42')"), {"channel": CHANNEL})
        await connection.execute(text("SELECT pg_sleep(0.05)"))
        assert not heard  # not before the commit

    await until(lambda: heard == ["identity:42"])
