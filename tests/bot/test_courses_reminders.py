"""A reminder in the chat, and its button that turns reminders off."""

from __future__ import annotations

import asyncio

from tests.bot.conftest import Parts
from tests.bot.telegram import Telegram
from tests.bot.test_assignments import School
from tests.fakes.clock import FakeClock


async def test_its_button_turns_them_off_for_good(running_bot: Parts, telegram: Telegram, clock: FakeClock) -> None:
    school = await School(running_bot, telegram, clock).open()
    courses = school.services.courses
    clock.move(days=3, hours=1)
    await courses.reminders.remind()
    await school.work()
    message = await school.said(school.emma, "Your lesson is waiting for you")
    for _ in range(2):  # pressed twice
        await school.emma.press(message, "Turn off reminders")
    async with asyncio.timeout(20):
        while not (await courses.learning.mine(school.student))[0].reminders_off:
            await asyncio.sleep(0.02)
    clock.move(days=30)
    await courses.reminders.remind()
    await school.work()
    texts = [one["text"] for one in await school.emma.heard()]
    assert sum("is waiting for you" in text for text in texts) == 1
