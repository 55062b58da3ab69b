"""Groups in a simulated Telegram: the bot added, people who ask, are let in, leave and are removed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from backend.community.types import GroupId, MemberState, Problem
from backend.courses.types import GrantId
from bot.simulator import membership
from tests.bot.conftest import Parts
from tests.bot.telegram import DMITRI, EMMA, LAYLA, NADIA, Telegram, button
from tests.bot.test_support import Desk
from tests.factories.courses import add_course, enrolments_of, tariffs_of
from tests.fakes.clock import FakeClock


class Circle(Desk):
    """The root admin teaches a course whose dearest plan opens a group; Emma has met the bot."""

    async def open(self, **group: Any) -> Circle:
        self.emma, self.nadia = await self.person(EMMA, "Emma"), await self.person(NADIA, "Nadia")
        self.root, self.student = await self.actor(NADIA), await self.actor(EMMA)
        self.course_id = await add_course(self.services.uow, self.root)
        self.tariffs = await tariffs_of(self.services.uow, self.root, self.course_id)
        await self.add_group(**group)
        await self.link()
        return self

    async def add_group(self, **group: Any) -> None:
        """Nadia adds the bot to her group; once the shop knows it."""
        self.chat = (await self.telegram.control("POST", "/groups", title="Circle", owner=NADIA, **group))["id"]
        await self.until(self._known)

    async def _known(self) -> bool:
        rows = await self.services.community.groups.list_all(self.root)
        self.group_id = next((row.group.id for row in rows if row.group.chat_id == self.chat), GroupId(self.root.id))
        return any(row.group.id == self.group_id for row in rows)

    async def link(self) -> None:
        await self.services.community.groups.link(self.root, self.group_id, self.tariffs["premium"].id)
        await self.work()

    async def until(self, condition: Any) -> None:
        """Once it is so; the jobs run meanwhile."""
        async with asyncio.timeout(20):
            while not await condition():
                await self.work()
                await asyncio.sleep(0.02)

    async def group(self) -> Any:
        (group,) = [one for one in await self.telegram.control("GET", "/groups") if one["title"] == "Circle"]
        return group

    async def give(self) -> GrantId:
        """Emma gets the plan."""
        tariff = self.tariffs["premium"].id
        enrolment = await self.services.courses.students.gift(self.root, self.student.id, tariff, "for the test")
        return (await self.services.courses.students.get(self.root, enrolment)).grants[-1].id

    async def end(self, grant_id: GrantId) -> None:
        await self.services.courses.students.revoke(self.root, grant_id, "for the test")

    async def ask(self, who: int = EMMA) -> str:
        """Somebody follows the group's link."""
        link = (await self.group())["invite_links"][-1]["invite_link"]
        return str((await self.telegram.control("POST", f"/personas/{who}/join", invite_link=link))["result"])

    async def is_in(self, who: int = EMMA) -> bool:
        return (await self.group())["members"].get(str(who)) == "member"

    async def is_out(self, who: int = EMMA) -> bool:
        return not await self.is_in(who)

    async def state(self) -> MemberState:
        (mine,) = await self.services.community.groups.mine(self.student, self.course_id)
        return mine.state

    async def said(self, number: int, words: str) -> Any:
        """What the bot says to somebody, once it has."""
        person, rows = self.telegram.person(number), []

        async def heard() -> bool:
            rows[:] = [one for one in await person.heard(wait=0) if words in one["text"]]
            return bool(rows)

        await self.until(heard)
        return rows[-1]


@pytest.fixture
def circle(running_bot: Parts, telegram: Telegram, clock: FakeClock) -> Circle:
    return Circle(running_bot, telegram, clock)


async def test_asked_before_payment_paid_after_access_ends_and_returns(circle: Circle) -> None:
    await circle.open()
    added = await circle.said(NADIA, "The bot was added to")
    assert button(added, "View details")["value"].endswith(f"/admin/groups/{circle.group_id}")
    assert await circle.ask() == "requested"
    message = await circle.said(EMMA, "You asked to join")
    assert "Premium" in message["text"]
    assert button(message, "View plans")["value"].endswith("/learn/calm")
    grant = await circle.give()
    await circle.until(circle.is_in)
    await circle.end(grant)
    await circle.until(circle.is_out)
    await circle.give()
    welcome = await circle.said(EMMA, "You have access to")
    link = (await circle.group())["invite_links"][-1]["invite_link"]
    assert button(welcome, "Join group: Circle")["value"] == link
    assert await circle.ask() == "requested"
    await circle.until(circle.is_in)
    await circle.telegram.control("POST", f"/personas/{EMMA}/leave", chat_id=circle.chat)

    async def seen() -> bool:
        return await circle.state() is MemberState.OUT

    await circle.until(seen)


async def test_a_guard_s_query_is_answered_by_the_bot_itself(circle: Circle) -> None:
    """No job runs after the purchase: the worker is stopped."""
    await circle.open(guard=True)
    await circle.give()
    assert await circle.ask() == "requested"
    async with asyncio.timeout(membership.QUERY_SECONDS):
        while not await circle.is_in():
            await asyncio.sleep(0.02)
    (call,) = await circle.telegram.calls("answerChatJoinRequestQuery")
    assert call["params"]["result"] == "approve"
    assert await circle.telegram.calls("approveChatJoinRequest") == []


async def test_a_guard_s_query_before_payment_waits_and_is_approved_later(circle: Circle) -> None:
    await circle.open(guard=True)
    assert await circle.ask() == "requested"
    await circle.said(EMMA, "You asked to join")
    assert [one["params"]["result"] for one in await circle.telegram.calls("answerChatJoinRequestQuery")] == ["queue"]
    await circle.give()
    await circle.until(circle.is_in)


async def test_a_busy_bot_answers_a_guard_s_query_all_the_same(circle: Circle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of updates hangs; the query that came after it does not wait for it."""
    await circle.open(guard=True)
    await circle.give()
    hanging = asyncio.Event()
    receive = circle.services.support.chat.receive

    async def hang(*args: Any, **more: Any) -> Any:
        await hanging.wait()
        return await receive(*args, **more)

    monkeypatch.setattr(circle.services.support.chat, "receive", hang)
    await circle.telegram.person(EMMA).send("Is anybody there?")
    await circle.ask()
    try:
        async with asyncio.timeout(membership.QUERY_SECONDS):
            while not await circle.is_in():
                await asyncio.sleep(0.05)
    finally:
        hanging.set()


async def test_rights_are_asked_for_by_name_and_the_bot_s_removal_is_told(circle: Circle) -> None:
    await circle.open(rights=["can_restrict_members"])
    message = await circle.said(NADIA, "lacks rights")
    assert "No right to invite users via link" in message["text"]
    await circle.give()
    await circle.telegram.control("POST", f"/groups/{circle.chat}/bot", rights=["can_invite_users"])
    message = await circle.said(NADIA, "No right to ban users")
    await circle.telegram.control("POST", f"/groups/{circle.chat}/bot", status="kicked")
    await circle.said(NADIA, "The bot was removed from")
    (row,) = await circle.services.community.groups.list_all(circle.root)
    assert row.problems == (Problem.GONE,)


async def test_a_bot_that_is_added_after_the_sale_invites(circle: Circle) -> None:
    await circle.open(bot="member")
    await circle.give()
    await circle.said(EMMA, "You have joined")
    await circle.telegram.control("POST", f"/groups/{circle.chat}/bot", status="administrator")

    async def has_link() -> bool:
        return bool((await circle.group())["invite_links"])

    await circle.until(has_link)
    await circle.services.community.settling.sweep()
    invited = await circle.said(EMMA, "You can join")
    assert button(invited, "Join group: Circle")["value"].startswith("https://t.me/+")


async def test_a_small_group_becomes_a_supergroup(circle: Circle) -> None:
    await circle.open(kind="group")
    await circle.said(NADIA, "make it a supergroup")
    await circle.telegram.control("POST", f"/groups/{circle.chat}/upgrade")

    async def followed() -> bool:
        (row,) = await circle.services.community.groups.list_all(circle.root)
        return not row.problems and row.plans == 1 and row.group.link is not None

    await circle.until(followed)
    await circle.give()
    await circle.ask()
    await circle.until(circle.is_in)


async def test_the_bot_is_silent_in_groups(circle: Circle) -> None:
    """It hears all that is said there, since it is an administrator: nothing of it is answered or reaches support."""
    await circle.open()
    await circle.telegram.control("POST", f"/groups/{circle.chat}/members", user_id=LAYLA, status="member", by=NADIA)
    for text in ("Hello everybody", "/start", "/help", "/orders"):
        await circle.telegram.control("POST", f"/personas/{LAYLA}/send", text=text, chat_id=circle.chat)
    # What was said before it in the queue is handled by the time that this is answered.
    await circle.emma.say("/help")
    await circle.work()
    query = f"/personas/{NADIA}/messages?chat_id={circle.chat}"
    assert [one for one in await circle.telegram.control("GET", query) if one["from_bot"]] == []
    assert not [one for one in await circle.nadia.heard(wait=0) if "Hello everybody" in one["text"]]
    assert await circle.services.identity.access.actor_by_telegram_id(LAYLA) is None


async def test_admins_of_the_group_and_those_whom_they_let_in_stay(circle: Circle) -> None:
    await circle.open()
    grant = await circle.give()
    await circle.ask()
    await circle.until(circle.is_in)
    for who, status in ((EMMA, "administrator"), (DMITRI, "member")):
        body = {"user_id": who, "status": status, "by": NADIA}
        await circle.telegram.control("POST", f"/groups/{circle.chat}/members", **body)
    await circle.end(grant)
    await circle.work()
    circle.clock.move(hours=7)
    await circle.services.community.settling.sweep()
    await circle.work()
    members = (await circle.group())["members"]
    assert (members[str(EMMA)], members[str(DMITRI)], members[str(NADIA)]) == ("administrator", "member", "creator")
    assert await circle.telegram.calls("unbanChatMember") == []
    assert len(await enrolments_of(circle.services.uow, circle.student)) == 1


async def test_the_kinds_of_updates_that_groups_need_are_asked_for(parts: Parts) -> None:
    assert {"chat_join_request", "chat_member", "my_chat_member", "message"} <= set(parts.kinds)
