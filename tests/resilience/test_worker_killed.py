"""The worker killed with -9 in the middle of telling people: everybody is told, and hardly anybody twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter

from bot.simulator.errors import ConnectionDropped
from tests.bot.telegram import NADIA
from tests.resilience.ground import Ground
from tests.resilience.processes import until

_ORDERS = 10
_SEED = 20261121
_ALL_SETTLED = "SELECT count(*) FROM notifications WHERE status <> 'sent'"


async def test_everybody_is_told_and_only_what_was_in_flight_is_told_twice(ground: Ground) -> None:
    """Three deaths, each at a seeded message: one before Telegram took it, two after.

    A message is claimed, handed to Telegram, and marked as sent. A worker that dies between the second and the third
    step cannot know whether it arrived, so the next one sends it again when the claim has lapsed (30 s). Only what was
    claimed at a death may therefore be told twice, and a message that Telegram took right before one is.
    """
    buyers = await ground.buyers(_ORDERS, 100)
    goods = await ground.goods(keys=_ORDERS, price=100)
    numbers = {}
    for buyer in buyers:
        ref = await ground.sale(buyer, goods)
        numbers[str(ref.id)] = ref.number

    chance = random.Random(_SEED)
    moments = [chance.randint(low, low + 2) for low in (1, 5, 9)]
    deaths = list(zip(moments, ("after", "before", "after"), strict=True))
    died = asyncio.Event()
    surely_twice: list[int] = []

    def kill() -> None:
        del deaths[0]
        os.kill(ground.worker.pid, signal.SIGKILL)
        died.set()

    def due(number: int, when: str) -> bool:
        # What a dead worker had sent still arrives: it kills nobody until the next worker runs.
        alive = ground.worker.runs and not died.is_set()
        return alive and bool(deaths) and number >= deaths[0][0] and when == deaths[0][1]

    def before(number: int) -> None:
        if due(number, "before"):
            kill()
            raise ConnectionDropped

    def after(number: int) -> None:
        if due(number, "after"):
            surely_twice.append(ground.tap.tries[number][1])
            kill()

    ground.tap.before, ground.tap.after = before, after
    at_risk: Counter[tuple[int, str]] = Counter()
    for _ in moments:
        died.clear()
        ground.worker.start()
        await asyncio.wait_for(died.wait(), 60)
        assert await ground.worker.ended() == -signal.SIGKILL
        at_risk += Counter({(chat, numbers[order_id]) for chat, order_id in await ground.in_flight()})
    await ground.long_afterwards()
    ground.worker.start()

    async def all_settled() -> bool:
        return not await ground.count(_ALL_SETTLED)

    await ground.all_done()
    await until(all_settled)
    messages: Counter[tuple[int, str]] = Counter()
    for chat in (NADIA, *(buyer.actor.telegram_id for buyer in buyers)):
        counts = await ground.tellings(chat, numbers.values())
        messages.update({(chat, number): count for number, count in counts.items()})
    assert {number for chat, number in messages if chat == NADIA} == set(numbers.values())
    assert {number for chat, number in messages if chat != NADIA} == set(numbers.values())
    assert len(messages) == 2 * _ORDERS  # nobody hears of another's order
    twice = Counter({message: count - 1 for message, count in messages.items() if count > 1})
    assert twice <= at_risk, (twice, at_risk)
    assert set(surely_twice) <= {chat for chat, _ in twice}
