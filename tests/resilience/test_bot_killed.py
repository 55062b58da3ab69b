"""The bot killed with -9 between the steps of a payment in Stars: Telegram tells it again, and it counts once."""

from __future__ import annotations

import signal
from pathlib import Path

import msgspec
import pytest

from backend.infra.settings import Settings
from backend.payments.types import IntentStatus
from tests.bot.paying import Payer
from tests.factories.wallet import usd
from tests.resilience.ground import Ground
from tests.resilience.processes import Fuse, Process, until

_STEPS = ("payments.stored", "payments.applied", "payments.committed")


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    """The shop takes Stars."""
    return msgspec.structs.replace(settings, star_price="0.013")


async def test_the_bot_dies_between_the_steps_of_a_payment(ground: Ground, folder: Path, fuse: Fuse) -> None:
    """One payment, told again after each death, dies at every step of it."""
    bot = Process("bot", ground.settings, folder / "bot.log")
    buyer = await ground.buyer()
    who = Payer(ground.telegram, ground.services, buyer.actor)
    begun = await who.begin()
    assert begun.action is not None
    try:
        for place in _STEPS:
            fuse.lay(place)
            bot.start()
            if place == _STEPS[0]:
                await _answers(ground)
                assert (await who.pay(begun.action.url))["status"] == "paid"
            assert await bot.ended() == -signal.SIGKILL, place
            await fuse.blown(place)
            assert await who.balance() == (1000 if place == "payments.committed" else 0)
            await ground.books_balance()
        bot.start()
        await _answers(ground)  # the payment is told once more, before this
    finally:
        bot.close()
    settled = await who.intent(begun.id)
    assert (settled.status, settled.credited, await who.balance()) == (IntentStatus.SUCCEEDED, usd(1000), 1000)
    assert await ground.rows("SELECT outcome FROM payment_events") == [("applied",)]
    await ground.books_balance()


async def _answers(ground: Ground) -> None:
    """The bot is up, and past whatever came before."""
    person = ground.telegram.person((await ground.buyer()).actor.telegram_id)
    await person.send("/help")
    await until(lambda: person.heard(wait=1))
