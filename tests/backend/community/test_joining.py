"""Requests to join, by the guard bot's query and the classic way: answered in time, whatever is away."""

from __future__ import annotations

import asyncio
from typing import NoReturn

import pytest
from sqlalchemy import text

from backend.community.service import joining
from backend.community.types import MemberState, Verdict
from backend.infra.telegram.errors import TelegramDown
from backend.kernel.errors import Unavailable
from backend.kernel.text import Locale
from tests.backend.community.circle import CHAT, Circle


async def test_a_student_s_query_is_approved_without_the_queue(circle: Circle) -> None:
    await circle.school.buy("premium")
    assert (await circle.ask(query=True)).approved
    assert circle.telegram.answers == {"query-1": Verdict.APPROVE}
    assert (await circle.member()).state is MemberState.IN


async def test_a_query_before_payment_is_queued_and_approved_by_the_purchase(circle: Circle) -> None:
    asked = await circle.ask(query=True)
    assert (asked.approved, len(asked.plans)) == (False, 1)
    assert circle.telegram.answers == {"query-1": Verdict.QUEUE}
    await circle.school.buy("premium")
    await circle.work()
    assert circle.group.inside == {circle.who}


async def test_who_was_queued_and_forgotten_by_telegram_is_invited(circle: Circle) -> None:
    await circle.ask(query=True)
    circle.group.requests.clear()
    await circle.school.buy("premium")
    await circle.work()
    assert circle.group.inside == set()
    assert [one["user_id"] for one in await circle.messages_of("group_invited")] == [str(circle.student.id)]


async def test_somebody_who_never_came_to_the_shop_is_told_in_their_telegram_s_language(circle: Circle) -> None:
    asked = await circle.ask(999_999)
    assert asked.language is Locale.EN
    assert [one.slug for one in asked.plans] == ["calm"]


async def test_the_same_person_is_not_told_again_and_again(circle: Circle) -> None:
    assert (await circle.ask()).plans
    assert (await circle.ask()).plans == ()
    circle.clock.move(hours=13)
    assert (await circle.ask()).plans


async def test_a_group_without_plans_says_nothing(circle: Circle) -> None:
    await circle.services.groups.unlink(circle.teacher, circle.group_id, circle.school.tariffs["premium"].id)
    assert await circle.ask() == joining.Asked(approved=False, title="Circle")


async def test_a_database_that_is_away_refuses_nobody(circle: Circle, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_self: object, _asking: object) -> NoReturn:
        raise Unavailable("no database")

    monkeypatch.setattr(joining.JoiningService, "_receive", away)
    with pytest.raises(Unavailable):
        await circle.ask(query=True)
    assert circle.telegram.answers == {"query-1": Verdict.QUEUE}


async def test_a_database_that_hangs_does_not_cost_the_ten_seconds(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_self: object, _asking: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(joining.JoiningService, "_receive", hang)
    monkeypatch.setattr(joining, "_DECIDE_SECONDS", 0.05)
    with pytest.raises(TimeoutError):
        await circle.ask(query=True)
    assert circle.telegram.answers == {"query-1": Verdict.QUEUE}
    assert joining._ANSWER_SECONDS < 10 - 4, "with the time to decide, less than ten seconds"


async def test_a_telegram_that_is_away_for_a_moment_is_asked_again(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([TelegramDown("502"), TelegramDown("502")])

    async def fail(_call: str) -> None:
        if (error := next(failures, None)) is not None:
            raise error

    monkeypatch.setattr(joining, "_PAUSE_SECONDS", 0.001)
    await circle.school.buy("premium")
    circle.telegram.before = fail
    assert (await circle.ask(query=True)).approved


async def test_an_answer_that_never_arrives_is_made_up_for_by_the_job(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_call: str) -> None:
        raise TelegramDown("502")

    monkeypatch.setattr(joining, "_ANSWER_SECONDS", 0.01)
    await circle.school.buy("premium")
    await circle.work()
    circle.telegram.before = fail
    assert not (await circle.ask(query=True)).approved
    # Telegram has given up waiting: the request is an ordinary one.
    circle.telegram.before = _nothing
    circle.clock.move(seconds=30)
    await circle.work()
    assert circle.group.inside == {circle.who}


async def _nothing(_call: str) -> None:
    """For when nothing happens."""


async def test_a_request_in_a_group_of_which_nothing_was_heard(circle: Circle) -> None:
    chat = circle.telegram.add(-77, "Other")
    asked = await circle.ask(circle.who, chat=chat.chat)
    assert not asked.approved
    await circle.work()
    titles = {row.group.title for row in await circle.services.groups.list_all(circle.teacher)}
    assert titles == {"Circle", "Other"}
    assert chat.chat.id != CHAT


async def test_blocked_people_are_told_nothing(circle: Circle) -> None:
    await circle.school.buy("premium")
    async with circle.uow() as tx:
        await tx.execute(
            text("UPDATE users SET blacklisted_at = :now, blacklist_reason = 'x' WHERE id = :id"),
            {"now": tx.now, "id": circle.student.id},
        )
    asked = await circle.ask()
    assert (asked.approved, asked.plans) == (False, ())
