"""The web process killed with -9 in the middle of a quiz: it goes on at the same question, with every answer."""

from __future__ import annotations

import asyncio
import re

import asyncpg
import httpx
import pytest

from tests.backend.quizzes.desk import COURSE, LESSON, Desk
from tests.fakes.clock import FakeClock
from tests.resilience.ground import Ground
from tests.resilience.processes import gone, until
from tests.webapp.client import Visitor
from tests.webapp.sale import plain

_QUIZ = f"/learn/{COURSE}/{LESSON}/quiz"
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def _form(html: str) -> dict[str, str]:
    """The hidden fields of a question's form."""
    return dict(re.findall(r'<input type="hidden" name="(attempt|question)" value="([^"]*)"', html))


async def _answer(student: Visitor, page: str, **more: object) -> httpx.Response:
    return await student.post(f"{_QUIZ}/answers", data={**_form(page), **more})


async def test_killed_at_the_third_question_and_resumed(ground: Ground) -> None:
    ground.web.start()
    (buyer,) = await ground.buyers(1, 0)
    desk = await Desk(ground.services.uow, FakeClock()).open()
    await desk.student(buyer.actor)
    student = buyer.visitor
    await ground.web.ready()
    first = (await student.post(f"{_QUIZ}/start", data={"number": "1"})).text
    second = (await _answer(student, first, choice="2", to="2")).text
    third = (await _answer(student, second, choice=["1", "3"], to="3")).text
    assert "Question 3 of 3" in third
    deadline = await ground.rows("SELECT deadline_at FROM quiz_attempts")

    # The answer to the third question is under way: its transaction waits for the attempt's row.
    held = await asyncpg.connect(ground.settings.database_url)
    lock = held.transaction()
    await lock.start()
    await held.execute("SELECT FROM quiz_attempts FOR UPDATE")
    asked = asyncio.create_task(_answer(student, third, text="the sound", to="4"))

    async def waits() -> bool:
        return await ground.count(_WAITING) > 0

    await until(waits)
    await gone(*ground.web.strike())
    with pytest.raises(httpx.TransportError):
        await asked
    await lock.rollback()
    await held.close()

    ground.web.start()
    await ground.web.ready()
    again = (await student.get(_QUIZ)).text
    assert "Question 3 of 3" in again and _form(again) == _form(third)
    assert await ground.rows("SELECT deadline_at FROM quiz_attempts") == deadline
    assert len(await ground.rows("SELECT FROM quiz_answers WHERE answered_at IS NOT NULL")) == 2
    check = (await _answer(student, again, text="the sound", to="4")).text
    result = plain((await student.post(f"{_QUIZ}/submit", data=_form(check))).text)
    assert "4 of 4 points" in result and "Passed" in result
