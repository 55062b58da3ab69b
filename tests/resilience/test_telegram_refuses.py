"""Telegram says later, fails, breaks the line, or is forbidden to write: nothing is lost and nothing said twice."""

from __future__ import annotations

from itertools import pairwise

from tests.bot.telegram import NADIA
from tests.resilience.ground import Buyer, Ground
from tests.resilience.processes import until

_WAIT = 2


async def struck(ground: Ground) -> bool:
    """Whether every fault that was ordered has met its call."""
    return not (await ground.telegram.http.get("/control/faults")).json()


async def test_what_telegram_refused_arrives_later_and_once(ground: Ground) -> None:
    goods = await ground.goods(keys=4, price=100)
    ground.worker.start()
    number_of: dict[int, str] = {}
    faults = [
        {"kind": "429", "retry_after": _WAIT, "times": 2},
        {"kind": "error", "status": 502, "description": "Bad Gateway", "times": 2},
        {"kind": "drop", "times": 2},
    ]
    for fault in faults:
        buyer = await ground.buyer(100)
        await ground.telegram.fault("sendMessage", **fault)
        number_of[buyer.actor.telegram_id] = (await ground.sale(buyer, goods)).number
        await until(lambda: struck(ground))
    for chat, number in number_of.items():
        assert await ground.received(chat, [number]) == {number: 1}
    assert set((await ground.received(NADIA, number_of.values())).values()) == {1}
    await ground.all_done()

    outcomes = [outcome for _, _, outcome in ground.tap.tries]
    assert outcomes.count("taken") == 2 * len(faults)
    assert outcomes.count("ApiError") == 4
    assert outcomes.count("ConnectionDropped") == 2
    # Telegram asked for two seconds: the same chat was left alone for so long.
    first = next(iter(number_of))
    tries = ground.tap.to(first) + ground.tap.to(NADIA)
    waits = [later[0] - sooner[0] for sooner, later in pairwise(ground.tap.to(first)) if sooner[1] == "ApiError"]
    assert all(wait >= _WAIT - 0.1 for wait in waits)
    assert any(outcome == "ApiError" for _, outcome in tries)


async def blocked(ground: Ground, buyer: Buyer) -> bool:
    """Whether the shop knows that this person has blocked the bot."""
    rows = await ground.rows("SELECT bot_blocked_at FROM users WHERE id = $1", buyer.actor.id)
    return rows[0]["bot_blocked_at"] is not None


async def statuses(ground: Ground, buyer: Buyer) -> list[str]:
    """What became of this person's notifications, the oldest first."""
    rows = await ground.rows("SELECT status FROM notifications WHERE user_id = $1 ORDER BY id", buyer.actor.id)
    return [row["status"] for row in rows]


async def test_somebody_who_blocked_the_bot_is_left_alone_until_he_is_back(ground: Ground) -> None:
    goods = await ground.goods(keys=4, price=100)
    buyer, other = await ground.buyers(2, 400)
    chat = buyer.actor.telegram_id
    person = ground.telegram.person(chat)
    await person.block()
    ground.worker.start()
    withheld = [(await ground.sale(buyer, goods, f"tap-000000{number}")).number for number in range(2)]

    async def both_settled() -> bool:
        return await statuses(ground, buyer) == ["blocked", "blocked"]

    await until(both_settled)
    assert await blocked(ground, buyer)
    assert await ground.texts(chat) == []
    # Nobody else is held up, and nothing counts as failed.
    number = (await ground.sale(other, goods)).number
    assert await ground.received(other.actor.telegram_id, [number]) == {number: 1}
    assert (await ground.received(NADIA, withheld)).keys() == set(withheld)

    await person.unblock()
    number = (await ground.sale(buyer, goods, "tap-0000002")).number
    assert await ground.received(chat, [number]) == {number: 1}
    await ground.all_done()
    assert await statuses(ground, buyer) == ["blocked", "blocked", "sent"]
    assert not await blocked(ground, buyer)
    assert len(await ground.texts(chat)) == 1
