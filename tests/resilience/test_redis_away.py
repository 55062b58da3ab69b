"""Redis hangs, goes away, or comes back with nothing: the shop sells on, and what waited is told afterwards."""

from __future__ import annotations

import time
from functools import partial

import pytest

from backend.infra.queue import QUEUE, enqueue, make_queue
from backend.infra.relay import Relay
from tests.bot.telegram import NADIA
from tests.resilience.ground import Ground
from tests.resilience.processes import suspended, until
from tests.resilience.sale import top_up
from tests.seconds import stretched
from tests.webapp.sale import buy, number_of

_LIMIT = 20
"""Purchases that one person may ask for in a minute."""
AT_ONCE = 5
"""Messages that a worker sends at a time."""


async def health(ground: Ground) -> tuple[int, dict[str, str]]:
    answer = await ground.web.look("/readyz")
    return answer.status_code, answer.json()


async def test_a_whole_sale_without_redis(ground: Ground) -> None:
    ground.worker.start()
    ground.web.start()
    goods = await ground.goods(keys=3, price=700)
    await ground.web.ready()
    buyer, other = await ground.buyer(), await ground.buyer()
    me = buyer.actor.telegram_id
    ground.redis.stop()

    assert (await buyer.visitor.get("/me")).status_code == 200
    status, said = await health(ground)
    assert (status, said["status"], said["redis"]) == (200, "ready", "degraded")
    await top_up(buyer.visitor, 10)
    number = number_of(await buy(buyer.visitor, goods))
    key = await buyer.visitor.post(f"/orders/{number}/keys/1/reveal")
    assert [text for text in goods.keys if text in key.text] == [goods.keys[0]]
    assert (await buyer.visitor.get("/api/v1/wallet", html=False)).json()["balance"]["amount"] == 300

    # Limits are counted in the process.
    answers = [(await other.order(goods, "tap-0000001")).status_code for _ in range(_LIMIT + 2)]
    assert answers == [402] * _LIMIT + [429] * 2

    assert await ground.texts(me) == []
    ground.redis.start()
    assert (await ground.received(me, [number]))[number] == 1
    assert (await ground.received(NADIA, [number]))[number] == 1
    await ground.all_done()
    texts = await ground.texts(me)
    assert len(texts) == 2  # the order with its key, and the top-up
    assert sum(goods.keys[0] in text for text in texts) == 1

    async def recovered() -> bool:
        return (await health(ground))[1]["redis"] == "ok"

    await until(recovered)
    await ground.books_balance()


async def test_a_redis_that_hangs_costs_a_second_now_and_then(ground: Ground) -> None:
    ground.web.start()
    goods = await ground.goods(keys=3, price=700)
    await ground.web.ready()
    buyer = await ground.buyer(2_100)
    with ground.redis.hung():
        begun = time.monotonic()
        assert (await buyer.visitor.get("/me")).status_code == 200
        number_of(await buy(buyer.visitor, goods))
        assert time.monotonic() - begun < stretched(6)
        status, said = await health(ground)
        assert (status, said["redis"]) == (200, "degraded")


@pytest.mark.parametrize("how", ["emptied", "started anew"])
async def test_jobs_that_redis_lost_are_handed_over_again(ground: Ground, how: str) -> None:
    """Five messages stand before Telegram and four sales wait in Redis, when that loses all that it knows."""
    goods = await ground.goods(keys=9, price=100)
    buyers = await ground.buyers(9, 100)
    ground.tap.gate.clear()
    ground.worker.start()
    numbers = {buyer.actor.telegram_id: (await ground.sale(buyer, goods)).number for buyer in buyers[:AT_ONCE]}

    async def all_stand_there() -> bool:
        return len(ground.tap.tries) == AT_ONCE

    await until(all_stand_there)
    begun = time.monotonic()
    queue = make_queue(ground.redis.url)
    with suspended(ground.worker.pid):
        numbers |= {buyer.actor.telegram_id: (await ground.sale(buyer, goods)).number for buyer in buyers[AT_ONCE:]}
        await Relay(ground.services.uow, partial(enqueue, queue)).hand_over()
        assert await queue.zcard(QUEUE) >= len(numbers)
        if how == "emptied":
            await queue.flushall()
        else:
            ground.redis.stop()
            ground.redis.forget()
            ground.redis.start()
    await queue.aclose(close_connection_pool=True)
    ground.tap.gate.set()
    for chat, number in numbers.items():
        assert await ground.received(chat, [number]) == {number: 1}
    # Long before the relay would look again at what it has handed over.
    assert time.monotonic() - begun < 30
    assert not await ground.dead_letters()
