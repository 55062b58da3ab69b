"""The web process killed with -9 in the middle of purchases: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal

import asyncpg
import httpx

from backend.identity.types import Actor
from tests.factories.wallet import usd
from tests.resilience.ground import Buyer, Ground
from tests.resilience.processes import descendants, gone, until

_PRICE = 100
_BUYERS = 8
_EACH = 4
_KEYS = [f"tap-number-{number}" for number in range(_EACH)]
_SEED = 20261121


async def test_killed_while_many_buy(ground: Ground) -> None:
    """Whole tree, granian alone, its worker alone: three deaths at seeded moments, while eight people buy."""
    ground.worker.start()
    ground.web.start()
    buyers = await ground.buyers(_BUYERS, _EACH * _PRICE)
    goods = await ground.goods(keys=_BUYERS * _EACH + 5, price=_PRICE)
    await ground.web.ready()
    for buyer in buyers:
        assert (await buyer.visitor.get("/api/v1/me", html=False)).status_code == 200

    chance = random.Random(_SEED)
    moments = [chance.randint(low, low + 5) for low in (3, 11, 20)]
    deaths = {moments[0]: "tree", moments[1]: "worker", moments[2]: "granian"}
    answered = 0
    revivals: list[asyncio.Task[None]] = []
    one_at_a_time = asyncio.Lock()

    async def revive(killed: list[int]) -> None:
        await gone(*killed)
        if not ground.web.runs:
            ground.web.start()

    def die(what: str) -> None:
        # Nothing is awaited between the choice and the blow: the other buyers' requests are under way.
        family = descendants(ground.web.pid)
        killed = {"tree": family, "worker": family[1:], "granian": family[:1]}[what]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        revivals.append(asyncio.create_task(revive(killed if what == "worker" else family)))

    async def shop(buyer: Buyer) -> dict[str, str]:
        nonlocal answered
        numbers = {}
        for key in _KEYS:
            numbers[key] = await buyer.insist(ground.web, goods, key)
            answered += 1
            if (what := deaths.get(answered)) is not None:
                # The next kill waits until the process serves again.
                async with one_at_a_time:
                    await asyncio.gather(*revivals)
                    await ground.web.ready()
                    die(what)
        return numbers

    bought = await asyncio.gather(*(shop(buyer) for buyer in buyers))
    assert len(revivals) == len(deaths)
    await asyncio.gather(*revivals)
    await ground.web.ready()
    assert sum(buyer.broken for buyer in buyers) >= len(deaths)

    # Every key, asked once more, is answered with the order that it made before.
    for buyer, of_buyer in zip(buyers, bought, strict=True):
        for key, number in of_buyer.items():
            assert await buyer.insist(ground.web, goods, key) == number
    numbers = [number for of_buyer in bought for number in of_buyer.values()]
    assert len(set(numbers)) == _BUYERS * _EACH

    await assert_sold(ground, _BUYERS * _EACH)
    for buyer, of_buyer in zip(buyers, bought, strict=True):
        wallet = await buyer.visitor.get("/api/v1/wallet", html=False)
        assert wallet.json()["balance"]["amount"] == 0
        counts = await ground.received(buyer.actor.telegram_id, of_buyer.values())
        assert set(counts.values()) == {1}
    chats = [text for buyer in buyers for text in await ground.texts(buyer.actor.telegram_id)]
    for key in goods.keys:
        assert sum(key in text for text in chats) <= 1
    assert sum(key in text for text in chats for key in goods.keys) == _BUYERS * _EACH


async def assert_sold(ground: Ground, count: int) -> None:
    """So many orders, one for each idempotency key, with a key of the stock and its price each."""
    orders = await ground.rows("SELECT user_id, idempotency_key, status, total_amount FROM orders")
    assert len(orders) == count
    assert len({(row["user_id"], row["idempotency_key"]) for row in orders}) == count
    assert {(row["status"], row["total_amount"]) for row in orders} == {("delivered", _PRICE)}
    lines = await ground.rows("SELECT order_line_id FROM stock_keys WHERE state = 'sold'")
    assert len({row["order_line_id"] for row in lines}) == len(lines) == count
    accounts = {row.name: row.balance for row in await ground.services.wallet.ledger.shop_accounts(Actor.system())}
    assert accounts["revenue"] == usd(count * _PRICE)
    await ground.books_balance()


async def test_killed_inside_a_purchase_and_right_after_one(ground: Ground) -> None:
    """One purchase stands half-way in its transaction, another is committed and unanswered: each is made once."""
    ground.web.start()
    half, whole = await ground.buyers(2, _PRICE)
    goods = await ground.goods(keys=5, price=_PRICE)
    await ground.web.ready()
    held = await asyncpg.connect(ground.settings.database_url)
    lock = held.transaction()
    await lock.start()
    await held.execute("SELECT 1 FROM ledger_accounts WHERE user_id = $1 FOR UPDATE", half.actor.id)

    async def waits_for_the_lock() -> bool:
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return await ground.count(waiting) > 0

    async def is_committed() -> bool:
        return await ground.count("SELECT count(*) FROM orders WHERE user_id = $1", whole.actor.id) > 0

    asked = [asyncio.create_task(buyer.order(goods, "tap-0000001")) for buyer in (half, whole)]
    await until(waits_for_the_lock)
    await until(is_committed)
    await gone(*ground.web.strike())
    # Whatever was or was not heard: the second buyer's line counts as cut.
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(answers[0], httpx.TransportError)
    await lock.rollback()
    await held.close()

    ground.web.start()
    for buyer in (half, whole):
        number = await buyer.insist(ground.web, goods, "tap-0000001")
        assert await buyer.insist(ground.web, goods, "tap-0000001") == number
    await assert_sold(ground, 2)
