"""One bucket of all processes for what goes to Telegram's chats."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from backend.infra import embedded
from backend.infra.redis import make_redis
from backend.infra.telegram import pace as module
from backend.infra.telegram.client import Telegram
from backend.infra.telegram.errors import TooManyRequests
from backend.infra.telegram.methods import GetMe, SendMessage
from backend.infra.telegram.pace import CHAT, GROUP, LocalPace, Pace, Priority, all_chats, paced_chat
from tests.backend.infra.test_rate_limit import Seconds
from tests.fakes.http_server import Request, Response, serving
from tests.seconds import stretched

BOT = 7000000001


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """The run's Redis, emptied."""
    client = make_redis(redis_url)
    await client.flushdb()
    yield client
    await client.flushdb()
    await client.aclose()


async def wait_of(pace: Pace, chat_id: int, priority: Priority = Priority.ANSWERS, ticket: str = "") -> float:
    """The seconds that a message would have to wait; 0 if it went."""
    try:
        await pace.turn(chat_id, priority, patience=0, ticket=ticket)
    except TooManyRequests as error:
        return error.seconds
    return 0


async def test_a_chat_takes_a_short_burst_and_then_one_a_second(redis: Redis) -> None:
    web, bot = Pace(redis, BOT), Pace(redis, BOT)
    assert [await wait_of(pace, 1) for pace in (web, bot, web, bot)] == [0, 0, 0, 0]
    assert await wait_of(web, 1) == pytest.approx(1, abs=0.3)
    assert await wait_of(bot, 2) == 0  # another chat is not held up
    assert await wait_of(Pace(redis, "another bot"), 1) == 0


async def test_a_group_takes_twenty_a_minute(redis: Redis) -> None:
    pace = Pace(redis, BOT)
    assert [await wait_of(pace, -5) for _ in range(5)] == [0] * 5
    assert await wait_of(pace, -5) == pytest.approx(4, abs=0.3)
    assert GROUP.burst + 60 / GROUP.interval == 20


async def test_who_was_postponed_has_a_turn_reserved(redis: Redis) -> None:
    pace = Pace(redis, BOT)
    for _ in range(4):
        await wait_of(pace, 1)
    first, second = await wait_of(pace, 1, ticket="a"), await wait_of(pace, 1, ticket="b")
    assert (first, second) == (pytest.approx(1, abs=0.3), pytest.approx(2, abs=0.3))
    assert await wait_of(pace, 1, ticket="a") <= first  # the same turn, not a third one
    await pace.turn(1, patience=1.2, ticket="a")
    assert await wait_of(pace, 1, ticket="b") == pytest.approx(1, abs=0.3)


async def test_a_flood_from_another_process_does_not_delay_a_key(redis: Redis, redis_url: str) -> None:
    """Broadcasts take all that there is, in a thread with a client of its own, and each answer goes at once."""
    stop, sent = threading.Event(), [0]

    async def flood() -> None:
        client = make_redis(redis_url)
        pace = Pace(client, BOT, per_second=60)
        while not stop.is_set():
            sent[0] += 1
            await pace.turn(1000 + sent[0], Priority.BROADCASTS, patience=5)
        await client.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(flood()))
    thread.start()
    try:
        pace, waits = Pace(redis, BOT, per_second=60), []
        await asyncio.sleep(0.2)
        for chat in range(1, 11):
            begun = time.monotonic()
            await pace.turn(chat, patience=5)
            waits.append(time.monotonic() - begun)
            await asyncio.sleep(0.05)
    finally:
        stop.set()
        await asyncio.to_thread(thread.join)
    assert sent[0] > 10
    assert statistics.median(waits) < stretched(0.02)
    assert max(waits) < stretched(0.2)


async def test_all_processes_together_stay_within_the_second(redis: Redis, redis_url: str) -> None:
    """Three clients in threads of their own, 90 messages at once, 80 a second: measured on one clock."""
    times: list[float] = []

    async def send(chats: range) -> None:
        client = make_redis(redis_url)
        pace = Pace(client, BOT, per_second=80)

        async def one(chat: int) -> None:
            await pace.turn(chat, Priority(chat % 3), patience=10)
            times.append(time.monotonic())

        await asyncio.gather(*(one(chat) for chat in chats))
        await client.aclose()

    threads = [
        threading.Thread(target=lambda part=part: asyncio.run(send(range(1 + part * 30, 31 + part * 30))))
        for part in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    times.sort()
    assert len(times) == 90
    # The clocks of the threads' answers jitter by some milliseconds.
    assert max(sum(at <= other < at + 0.95 for other in times) for at in times) <= 80
    assert times[-1] - times[0] < stretched(2.5)


async def test_a_lesson_waits_while_answers_need_all_there_is_and_then_goes(redis: Redis) -> None:
    pace = Pace(redis, BOT, per_second=60)
    lesson = asyncio.create_task(pace.turn(1, Priority.LESSONS, patience=10))
    await asyncio.gather(*(pace.turn(chat, patience=10) for chat in range(10, 40)))
    await asyncio.wait_for(lesson, 10)


async def test_what_telegram_asks_for_holds_in_every_process(redis: Redis) -> None:
    worker, bot = Pace(redis, BOT), Pace(redis, BOT)
    await worker.pause(1, 30)
    assert await wait_of(bot, 1) == pytest.approx(30, abs=1)
    assert await wait_of(bot, 2) == 0
    await bot.pause(-7, 60)  # a group's limit is its own
    assert await wait_of(worker, 3) == 0
    await bot.pause(2, 10)  # a second person's chat: all are meant
    assert await wait_of(worker, 4) == pytest.approx(10, abs=1)
    assert await wait_of(worker, 1) == pytest.approx(30, abs=1)


async def test_without_redis_the_process_paces_itself() -> None:
    nobody = make_redis(f"redis://127.0.0.1:{embedded.free_port()}/0")
    pace = Pace(nobody, BOT)
    assert [await wait_of(pace, 1) for _ in range(4)] == [0] * 4
    assert await wait_of(pace, 1) == pytest.approx(1, abs=0.3)
    await pace.pause(2, 20)
    assert await wait_of(pace, 2) == pytest.approx(20, abs=1)
    await nobody.aclose()


async def test_a_redis_that_hangs_is_waited_for_once() -> None:
    async def silence(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3)
        writer.close()

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    client = make_redis(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
    pace = Pace(client, BOT)
    begun = time.monotonic()
    for chat in range(1, 5):
        await pace.turn(chat, patience=5)
    assert time.monotonic() - begun < stretched(0.6)
    await client.aclose()
    server.close()


async def test_a_single_message_is_not_slowed(redis: Redis) -> None:
    pace, times = Pace(redis, BOT), []
    await pace.turn(1, patience=1)
    for chat in range(2, 32):
        await asyncio.sleep(0.04)
        begun = time.perf_counter()
        await pace.turn(chat, patience=1)
        times.append(time.perf_counter() - begun)
    assert statistics.median(times) < stretched(0.005)


@pytest.mark.parametrize(("method", "chat_id", "paced"), [
    ("sendMessage", 5, 5), ("editMessageText", 5, 5), ("copyMessage", -5, -5), ("forwardMessage", 5, 5),
    ("sendChatAction", 5, None), ("getMe", None, None), ("answerCallbackQuery", None, None), ("getChat", 5, None),
    ("answerPreCheckoutQuery", None, None), ("sendMessage", "@channel", None),
])  # fmt: skip
def test_only_what_writes_to_a_chat_is_counted(method: str, chat_id: Any, paced: int | None) -> None:
    assert paced_chat(method, chat_id) == paced


async def test_a_refusal_by_telegram_pauses_the_chat_and_no_other_call(redis: Redis) -> None:
    from backend.payments.gateways.http import HttpClient

    async def limited(_request: Request) -> Response:
        return Response(429, {"ok": False, "error_code": 429, "parameters": {"retry_after": 9}})

    http = HttpClient()
    async with serving(limited) as url:
        telegram = Telegram(url, f"{BOT}:x", http, Pace(redis, BOT))
        with pytest.raises(TooManyRequests):
            await telegram.call(SendMessage(1, "x"))
        with pytest.raises(TooManyRequests):
            await telegram.call(GetMe())
    other = Pace(redis, BOT)
    assert await wait_of(other, 1) == pytest.approx(9, abs=1)
    assert await wait_of(other, 2) == 0
    await http.close()


_STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.01, 0.04, 0.3, 1.0, 5.0]),
        st.sampled_from([1, 2, 3, -4]),
        st.sampled_from(list(Priority)),
        st.sampled_from(["", "", "a", "b"]),
    ),
    max_size=60,
)


@given(_STEPS)
@settings(max_examples=50, deadline=None)
def test_in_no_second_more_than_allowed_and_in_no_chat(steps: list[tuple[float, int, Priority, str]]) -> None:
    clock = Seconds()
    local, everywhere = LocalPace(clock), all_chats(10)
    sent: list[tuple[float, int]] = []
    for passed, chat_id, priority, ticket in steps:
        clock.now += passed
        ask = module._Ask(chat_id, priority, ticket if priority is Priority.ANSWERS else "", everywhere)
        if local.turn(ask).seconds == 0:
            sent.append((clock.now, chat_id))
    for start, _ in sent:
        assert sum(start <= at < start + 0.999 for at, _ in sent) <= 10
        for chat_id, bucket in ((1, CHAT), (2, CHAT), (3, CHAT), (-4, GROUP)):
            in_chat = sum(chat == chat_id and start <= at < start + 3.999 for at, chat in sent)
            assert in_chat <= bucket.burst + 4 / bucket.interval


async def test_the_script_and_its_stand_in_decide_alike(redis: Redis) -> None:
    """The same steps on one clock, which the test moves for both."""
    import random

    source = random.Random(7)
    clock = Seconds()

    def at_the_tests_time(script: str) -> str:
        return script.replace("redis.call('TIME')", "{redis.call('GET', 'seconds'), redis.call('GET', 'micros')}")

    pace = Pace(redis, BOT, per_second=10)
    pace._take = redis.register_script(at_the_tests_time(module._TURN))
    pace._stop = redis.register_script(at_the_tests_time(module._PAUSE))
    local, everywhere = LocalPace(clock), all_chats(10)
    for _ in range(300):
        clock.now = round(clock.now + source.choice([0, 0.02, 0.1, 0.4]), 6)
        whole = int(clock.now)
        await redis.mset({"seconds": whole, "micros": round((clock.now - whole) * 1e6)})
        chat, priority = source.choice([1, 2, 3, -4]), source.choice(list(Priority))
        ticket = source.choice(["", "x", "y"]) if priority is Priority.ANSWERS else ""
        ask = module._Ask(chat, priority, ticket, everywhere)
        here, there = local.turn(ask), await pace._answer(ask)
        assert there.seconds == pytest.approx(here.seconds, abs=0.001), (clock.now, ask)
        assert there.crowded == here.crowded
