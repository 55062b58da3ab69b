"""Bot and worker killed with -9 between the steps of a renewal and of a cancellation: one order, one wish, once."""

from __future__ import annotations

import signal
from pathlib import Path

import msgspec
import pytest

from backend.infra.settings import Settings
from backend.orders.types.subscriptions import SubscriptionStatus, SubscriptionView
from tests.bot.paying import Payer
from tests.resilience.ground import Ground
from tests.resilience.processes import Fuse, Process, until

_IN_THE_BOT = ("payments.stored", "payments.applied", "payments.committed")
_IN_THE_WORKER = ("subscriptions.settle_before", "subscriptions.settled")
_OF_A_WISH = ("renewals.before_sending", "renewals.sent")


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    """The shop takes Stars."""
    return msgspec.structs.replace(settings, star_price="0.013")


async def test_bot_and_worker_die_between_the_steps_of_a_renewal(ground: Ground, folder: Path, fuse: Fuse) -> None:
    """One renewal, told again after each death; then a cancellation, tried again after each."""
    goods = await ground.goods(keys=5, price=1000, subscription_days=30)
    bot = Process("bot", ground.settings, folder / "bot.log")
    who = Payer(ground.telegram, ground.services, (await ground.buyer()).actor)
    service = ground.services.orders.subscriptions
    new = await service.begin(who.actor, goods.variant_id)
    intent = await ground.services.payments.intents.start_top_up(
        who.actor, new.method, new.amount, idempotency_key=new.idempotency_key, title="VPN", subscription_id=new.id
    )

    async def view() -> SubscriptionView:
        return await service.detail(who.actor, new.id)

    async def has_orders(count: int) -> bool:
        return len([one for one in (await view()).charges if one.number]) == count

    try:
        bot.start()
        ground.worker.start()
        assert intent.action is not None
        charge = (await who.pay(intent.action.url))["charge_id"]
        await until(lambda: has_orders(1))
        bot.close()
        ground.worker.strike()
        await ground.worker.ended()
        for place in _IN_THE_BOT:
            fuse.lay(place)
            bot.start()
            if place == _IN_THE_BOT[0]:
                await ground.telegram.control("POST", "/renew", charge_id=charge)
            assert await bot.ended() == -signal.SIGKILL, place
            await fuse.blown(place)
            await ground.books_balance()
        bot.start()
        for place in _IN_THE_WORKER:
            await _worker_dies(ground, fuse, place)
        ground.worker.start()
        await until(lambda: has_orders(2), 90)
        ground.worker.strike()
        await ground.worker.ended()
        await service.cancel(who.actor, new.id)
        for place in _OF_A_WISH:
            await _worker_dies(ground, fuse, place)
        ground.worker.start()
        await until(lambda: _stopped(ground), 90)
    finally:
        bot.close()
    assert (await view()).subscription.status is SubscriptionStatus.CANCELLED
    assert (await who.balance(), len((await view()).charges)) == (0, 2)
    assert await ground.count("SELECT count(*) FROM orders") == 2
    assert await ground.count("SELECT count(*) FROM stock_keys WHERE state = 'sold'") == 2
    await ground.books_balance()


async def _worker_dies(ground: Ground, fuse: Fuse, place: str) -> None:
    fuse.lay(place)
    ground.worker.start()
    await fuse.blown(place)
    assert await ground.worker.ended() == -signal.SIGKILL, place
    await ground.books_balance()
    await ground.long_afterwards()


async def _stopped(ground: Ground) -> bool:
    calls = await ground.telegram.calls("editUserStarSubscription")
    waiting = "SELECT count(*) FROM outbox_jobs WHERE task = 'payments.send_renewal' AND done_at IS NULL"
    return bool(calls) and not await ground.count(waiting)
