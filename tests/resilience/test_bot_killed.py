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
    bot = Process("bot", ground.settings, folder / "bot.log")
    payers: list[Payer] = []
    try:
        for place in _STEPS:
            buyer = await ground.buyer()
            who = Payer(ground.telegram, ground.services, buyer.actor)
            payers.append(who)
            begun = await who.begin()
            assert begun.action is not None
            fuse.lay(place)
            bot.start()
            await _answers(ground)
            assert (await who.pay(begun.action.url))["status"] == "paid"
            assert await bot.ended() == -signal.SIGKILL, place
            await fuse.blown(place)
            assert await who.balance() == (1000 if place == "payments.committed" else 0)
            await ground.books_balance()
            bot.start()

            async def credited(who: Payer = who) -> bool:
                (intent,) = await ground.services.payments.list_mine(who.actor)
                return (intent.status, intent.credited) == (IntentStatus.SUCCEEDED, usd(1000))

            await until(credited)
            await _answers(ground)
            bot.strike()
            await bot.ended()
    finally:
        bot.close()
    assert [await who.balance() for who in payers] == [1000] * len(_STEPS)
    assert await ground.count("SELECT count(*) FROM payment_events WHERE outcome = 'applied'") == len(_STEPS)
    assert await ground.count("SELECT count(*) FROM payment_events") == len(_STEPS)
    await ground.books_balance()


async def _answers(ground: Ground) -> None:
    """The bot is up, and past whatever came before."""
    person = ground.telegram.person((await ground.buyer()).actor.telegram_id)
    await person.send("/help")
    await until(lambda: person.heard(wait=1))
