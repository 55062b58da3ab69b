"""The bot's own answers keep to the limits that all processes share."""

from __future__ import annotations

import pytest
from aiogram.exceptions import TelegramRetryAfter

from backend.bootstrap import Services
from backend.infra.telegram.pace import Pace
from bot.app import make_bot
from tests.bot.telegram import EMMA, Telegram


async def test_an_answer_waits_while_telegram_asked_another_process_to(shop: Services, telegram: Telegram) -> None:
    worker = Pace(shop.redis, shop.settings.bot_id)
    bot = make_bot(shop.settings, Pace(shop.redis, shop.settings.bot_id))
    await telegram.person(EMMA).meet()
    await bot.send_message(EMMA, "one")
    await worker.pause(EMMA, 60)
    with pytest.raises(TelegramRetryAfter) as refused:
        await bot.send_message(EMMA, "two")
    assert 50 < refused.value.retry_after <= 60
    await bot.get_me()  # what goes to no chat does not wait
    assert [message["text"] for message in await telegram.person(EMMA).heard()][-1] == "one"
    await bot.session.close()


async def test_what_telegram_refuses_pauses_the_chat_everywhere(shop: Services, telegram: Telegram) -> None:
    bot = make_bot(shop.settings, Pace(shop.redis, shop.settings.bot_id))
    await telegram.person(EMMA).meet()
    await telegram.control("POST", "/faults", method="sendMessage", kind="429", retry_after=30, times=1)
    with pytest.raises(TelegramRetryAfter):
        await bot.send_message(EMMA, "one")
    assert await shop.redis.exists(f"telegram:{shop.settings.bot_id}:pause:{EMMA}")
    await bot.session.close()
