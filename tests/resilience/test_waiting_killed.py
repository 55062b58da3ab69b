"""The worker killed with -9 while it serves a line: the first in it have what came, each once, and are told."""

from __future__ import annotations

import os
import signal

import pytest

from tests.factories.catalog import import_keys
from tests.resilience.ground import Ground
from tests.resilience.processes import Fuse, until

_PEOPLE, _CAME = 6, 4


@pytest.mark.parametrize("place", ["waiting.held", "message"])
async def test_a_worker_that_dies_loses_nobody_in_line(ground: Ground, fuse: Fuse, place: str) -> None:
    """It dies with the holds made and not committed, or with half of the messages sent."""
    buyers = await ground.buyers(_PEOPLE, 0)
    goods = await ground.goods(keys=0)
    for buyer in buyers:
        await ground.services.catalog.waiting.join(buyer.actor, goods.variant_id)

    def kill(number: int) -> None:
        if number == 1:
            os.kill(ground.worker.pid, signal.SIGKILL)

    if place == "message":
        ground.tap.after = kill
    else:
        fuse.lay(place)
    ground.worker.start()
    await import_keys(ground.services.catalog, f"{goods.slug}/3m", [f"BACK-{number}" for number in range(_CAME)])
    assert await ground.worker.ended() == -signal.SIGKILL
    ground.tap.after = None
    if place != "message":
        await fuse.blown(place)
    in_flight = {chat for chat, _ in await ground.in_flight()}
    await ground.long_afterwards()
    ground.worker.start()

    async def served() -> bool:
        # The admins may be told besides that everything is taken.
        sent = "SELECT FROM notifications WHERE status = 'sent' AND kind = 'stock_held'"
        return len(await ground.rows(sent)) == _CAME

    await until(served)
    await ground.all_done()
    held = "SELECT user_id FROM stock_waits WHERE held_until IS NOT NULL ORDER BY place"
    assert [row["user_id"] for row in await ground.rows(held)] == [buyer.actor.id for buyer in buyers[:_CAME]]
    keys = "SELECT held_for FROM stock_keys WHERE state = 'held'"
    assert {row["held_for"] for row in await ground.rows(keys)} == {buyer.actor.id for buyer in buyers[:_CAME]}
    for number, buyer in enumerate(buyers):
        chat = buyer.actor.telegram_id
        # Only what was under way at the death may be told twice.
        allowed = {0} if number >= _CAME else {1, 2} if chat in in_flight else {1}
        assert len(await ground.texts(chat)) in allowed
