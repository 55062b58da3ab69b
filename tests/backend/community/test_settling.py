"""People in groups become what their plans say: asked before payment, access that ends and returns, races."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from backend.community.types import BotRights, BotState, ChatKind, MemberState, People, Problem
from backend.identity.types import Actor
from backend.infra.telegram.errors import TelegramDown, TooManyRequests
from tests.backend.community.circle import ALL, BOT, CHAT, OWNER, Circle
from tests.factories.courses import enrolments_of

IN, OUT = MemberState.IN, MemberState.OUT


async def test_who_asks_before_paying_waits_and_is_let_in_by_the_purchase(circle: Circle) -> None:
    asked = await circle.ask()
    assert not asked.approved
    assert [one.plan["en"] for one in asked.plans] == ["Premium"]
    await circle.sweep()
    assert circle.group.requests == {circle.who}
    await circle.school.buy("premium")
    await circle.work()
    assert circle.group.inside == {circle.who}
    assert (await circle.member()).state is IN
    assert [one.state for one in await circle.mine()] == [IN]


async def test_a_plan_without_the_group_lets_nobody_in(circle: Circle) -> None:
    await circle.ask()
    await circle.school.buy("basic")
    await circle.sweep()
    assert circle.group.inside == set()
    assert await circle.mine() == []


async def test_access_ends_and_returns(circle: Circle) -> None:
    order = await circle.school.buy("premium")
    await circle.work()
    await circle.ask()
    assert circle.group.inside == {circle.who}
    await circle.school.refund(order)
    await circle.work()
    assert circle.group.inside == set()
    assert (await circle.member()).state is OUT
    await circle.school.buy("premium")
    await circle.work()
    assert (await circle.ask()).approved
    assert circle.group.inside == {circle.who}


async def test_an_admin_s_end_of_a_grant_removes_and_one_of_two_plans_does_not(circle: Circle) -> None:
    await circle.link("feedback")
    await circle.school.buy("feedback")
    await circle.school.buy("premium")
    await circle.work()
    await circle.ask()
    first, second = await circle.school.grants()
    await circle.school.services.students.revoke(circle.teacher, second.id, "a mistake")
    await circle.work()
    assert circle.group.inside == {circle.who}
    await circle.school.services.students.revoke(circle.teacher, first.id, "a mistake")
    await circle.work()
    assert circle.group.inside == set()


async def test_the_end_of_the_lower_plan_alone_is_noticed(circle: Circle) -> None:
    """The course goes on with the higher plan, which does not open this group."""
    await circle.services.groups.unlink(circle.teacher, circle.group_id, circle.school.tariffs["premium"].id)
    await circle.link("basic")
    await circle.school.buy("basic")
    await circle.school.buy("premium")
    await circle.work()
    await circle.ask()
    basic, _ = await circle.school.grants()
    await circle.school.services.students.revoke(circle.teacher, basic.id, "a mistake")
    await circle.work()
    assert circle.group.inside == set()


async def test_the_purchase_s_message_has_the_link_and_no_second_one_follows(circle: Circle) -> None:
    await circle.school.buy("premium")
    await circle.sweep()
    assert (await circle.mine())[0].link in circle.group.links
    assert await circle.messages_of("group_invited") == []


async def test_students_are_invited_once_to_a_group_that_is_linked_later(circle: Circle) -> None:
    await circle.services.groups.unlink(circle.teacher, circle.group_id, circle.school.tariffs["premium"].id)
    await circle.school.buy("premium")
    await circle.sweep()
    await circle.link()
    for _ in range(3):
        await circle.sweep()
    assert [one["user_id"] for one in await circle.messages_of("group_invited")] == [str(circle.student.id)]


async def test_a_bot_that_comes_later_lets_in_who_had_asked_and_invites_the_others(circle: Circle) -> None:
    await circle.bot(BotRights(BotState.GONE))
    other = await circle.buyer()
    await circle.school.buy("premium")
    await circle.school.buy("premium", by=other)
    circle.telegram.ask(CHAT, other.telegram_id)  # nobody hears of it
    await circle.sweep()
    assert (circle.group.inside, await circle.messages_of("group_invited")) == (set(), [])
    await circle.bot(ALL)
    await circle.sweep()
    assert circle.group.inside == {other.telegram_id}
    assert [one["user_id"] for one in await circle.messages_of("group_invited")] == [str(circle.student.id)]


async def test_who_was_never_a_student_admins_and_the_banned_are_left_alone(circle: Circle) -> None:
    stranger, helper, banned = 900, circle.who, await circle.buyer()
    await circle.moves(IN, stranger, by=OWNER)
    order, other = await circle.school.buy("premium"), await circle.school.buy("premium", by=banned)
    await circle.work()
    await circle.ask()
    await circle.moves(MemberState.ADMIN, helper, by=OWNER)
    await circle.moves(MemberState.BANNED, banned.telegram_id, by=OWNER)
    await circle.school.refund(order)
    await circle.school.refund(other)
    for _ in range(3):
        await circle.sweep(hours=7)
    assert circle.group.inside == {stranger, helper}
    assert circle.group.people[banned.telegram_id] is MemberState.BANNED


async def test_an_admin_of_whom_nothing_was_heard_is_not_removed(circle: Circle) -> None:
    order = await circle.school.buy("premium")
    await circle.work()
    await circle.ask()
    circle.group.people[circle.who] = MemberState.ADMIN
    await circle.school.refund(order)
    await circle.sweep()
    assert (await circle.member()).state is MemberState.ADMIN


async def test_somebody_let_in_by_hand_stays_until_they_have_had_a_plan(circle: Circle) -> None:
    order = await circle.school.buy("premium")
    await circle.school.refund(order)
    await circle.work()
    await circle.moves(IN, by=OWNER)
    await circle.sweep(hours=7)
    assert circle.group.inside == {circle.who}
    listed = await circle.services.groups.people(circle.teacher, circle.group_id, People.INSIDE)
    assert [(one.by_hand, one.live) for one in listed] == [(True, False)]
    order = await circle.school.buy("premium")
    await circle.work()
    await circle.school.refund(order)
    await circle.work()
    assert circle.group.inside == set()


async def test_a_former_student_who_comes_by_themselves_is_removed(circle: Circle) -> None:
    order = await circle.school.buy("premium")
    await circle.school.refund(order)
    await circle.work()
    await circle.moves(IN)
    await circle.work()
    assert circle.group.inside == set()


async def test_blocked_people_lose_their_place(circle: Circle) -> None:
    await circle.school.buy("premium")
    await circle.work()
    await circle.ask()
    async with circle.uow() as tx:
        await tx.execute(
            text("UPDATE users SET blacklisted_at = :now, blacklist_reason = 'x' WHERE id = :id"),
            {"now": tx.now, "id": circle.student.id},
        )
    await circle.sweep()
    assert circle.group.inside == set()


async def test_lost_updates_are_found_out(circle: Circle) -> None:
    """A request, a departure and a removal of which the bot never heard."""
    await circle.school.buy("premium")
    await circle.work()
    circle.telegram.ask(CHAT, circle.who)
    await circle.sweep(hours=7)
    assert circle.group.inside == {circle.who}
    circle.group.people.pop(circle.who)
    await circle.sweep(hours=7)
    assert [one.state for one in await circle.mine()] == [OUT]


async def test_a_crash_between_call_and_record_converges(circle: Circle) -> None:
    order = await circle.school.buy("premium")
    await circle.work()

    async def die(_call: str) -> None:
        circle.telegram.after = nothing
        raise TelegramDown("the answer was lost")

    circle.telegram.after = die
    assert not (await circle.ask()).approved
    assert (await circle.member()).state is MemberState.REQUESTED
    await circle.sweep()
    assert (await circle.member()).state is IN
    circle.telegram.after = die
    await circle.school.refund(order)
    await circle.work()
    await circle.sweep()
    assert (circle.group.inside, (await circle.member()).state) == (set(), OUT)


async def nothing(_call: str) -> None:
    """For when nothing happens."""


async def test_a_refund_while_a_request_is_approved(circle: Circle) -> None:
    order = await circle.school.buy("premium")
    await circle.work()

    async def refund(_call: str) -> None:
        circle.telegram.after = nothing
        await circle.school.refund(order)

    circle.telegram.after = refund
    assert (await circle.ask()).approved
    await circle.work()
    assert circle.group.inside == set()


async def test_a_purchase_while_somebody_is_removed(circle: Circle) -> None:
    order = await circle.school.buy("premium")
    await circle.work()
    await circle.ask()
    await circle.school.refund(order)

    async def buy(call: str) -> None:
        if call == "remove":
            circle.telegram.after = nothing
            await circle.school.buy("premium")
            circle.telegram.ask(CHAT, circle.who)  # of which the bot does not hear

    circle.telegram.after = buy
    await circle.work()
    await circle.sweep(hours=7)
    assert circle.group.inside == {circle.who}


async def test_two_workers_at_once_make_one_call_of_each_sort(committed_circle: Circle) -> None:
    circle = committed_circle
    order = await circle.school.buy("premium")
    await circle.work()
    await circle.ask()
    await circle.school.refund(order)
    circle.telegram.calls.clear()
    await asyncio.gather(*(circle.settle() for _ in range(4)), return_exceptions=True)
    await circle.work()
    assert circle.group.inside == set()
    assert circle.telegram.calls.count("remove") == 1


async def test_the_same_request_twice_at_once(committed_circle: Circle) -> None:
    circle = committed_circle
    await circle.school.buy("premium")
    await circle.work()
    both = await asyncio.gather(circle.ask(), circle.ask())
    assert any(one.approved for one in both)
    await circle.work()
    assert (circle.group.inside, (await circle.member()).state) == ({circle.who}, IN)


async def test_a_429_is_waited_out(circle: Circle) -> None:
    order = await circle.school.buy("premium")
    await circle.work()
    await circle.ask()

    async def busy(_call: str) -> None:
        circle.telegram.before = nothing
        raise TooManyRequests("wait", 90)

    await circle.sweep()
    circle.telegram.before = busy
    await circle.school.refund(order)
    await circle.work()
    assert circle.group.inside == {circle.who}
    circle.clock.move(seconds=80)
    await circle.work()
    assert circle.group.inside == {circle.who}
    circle.clock.move(seconds=20)
    await circle.work()
    assert circle.group.inside == set()


async def test_missing_rights_are_told_once_by_name_and_made_up_for(circle: Circle) -> None:
    order = await circle.school.buy("premium")
    await circle.work()
    await circle.ask()
    await circle.bot(BotRights(BotState.ADMIN, can_invite=True), heard=False)
    await circle.school.refund(order)
    for _ in range(3):
        await circle.sweep(minutes=20)
    (row,) = await circle.services.groups.list_all(circle.teacher)
    assert row.problems == (Problem.NO_BAN,)
    assert [one["problems"] for one in await circle.messages_of("group_troubled")] == [["no_ban"]]
    await circle.bot(BotRights(BotState.MEMBER))
    assert [one["problems"] for one in await circle.messages_of("group_troubled")] == [["no_ban"], ["not_admin"]]
    await circle.bot(ALL)
    await circle.work()
    await circle.sweep()
    assert circle.group.inside == set()
    assert len(await circle.messages_of("group_troubled")) == 2


async def test_without_the_right_to_invite_the_request_waits_for_it(circle: Circle) -> None:
    await circle.bot(BotRights(BotState.ADMIN, can_remove=True))
    await circle.school.buy("premium")
    circle.telegram.ask(CHAT, circle.who)
    await circle.sweep()
    assert [one.link for one in await circle.mine()] == [None]
    await circle.bot(ALL)
    await circle.sweep()
    assert circle.group.inside == {circle.who}


async def test_a_group_that_becomes_a_supergroup_is_followed(circle: Circle) -> None:
    old, new = CHAT, -1002
    await circle.school.buy("premium")
    await circle.work()
    group = circle.telegram.add(new)
    circle.telegram.groups[old].moved_to = new
    await circle.services.updates.bot_changed(group.chat, ALL, circle.clock.now())
    await circle.services.updates.moved(old, new)
    await circle.work()
    (row,) = await circle.services.groups.list_all(circle.teacher)
    assert (row.group.id, row.group.chat_id, row.plans) == (circle.group_id, new, 1)
    assert row.group.link in group.links
    circle.telegram.ask(new, circle.who)
    await circle.sweep(hours=7)
    assert group.inside == {circle.who}


async def test_a_move_of_which_nothing_was_heard_is_followed(circle: Circle) -> None:
    new = circle.telegram.add(-1002)
    circle.group.moved_to = -1002
    await circle.school.buy("premium")
    await circle.sweep(minutes=20)
    await circle.sweep()
    (row,) = await circle.services.groups.list_all(circle.teacher)
    assert (row.group.chat_id, row.group.link in new.links) == (-1002, True)


async def test_nobody_can_be_removed_from_a_small_group_and_that_is_said(circle: Circle) -> None:
    circle.group.chat = type(circle.group.chat)(CHAT, ChatKind.GROUP, "Circle")
    await circle.sweep(minutes=20)
    assert [one["problems"] for one in await circle.messages_of("group_troubled")] == [["small_group"]]


async def test_a_revoked_link_is_replaced(circle: Circle) -> None:
    await circle.school.buy("premium")
    (before,) = await circle.mine()
    assert before.link is not None
    circle.group.links[before.link] = False
    await circle.sweep(hours=25)
    (after,) = await circle.mine()
    assert after.link != before.link
    assert circle.group.links[str(after.link)]
    await circle.services.groups.refresh(circle.teacher, circle.group_id, new_link=True)
    await circle.work()
    assert (await circle.mine())[0].link != after.link


async def test_a_removed_bot_is_told_and_an_older_update_changes_nothing(circle: Circle) -> None:
    before = circle.clock.now()
    circle.clock.move(minutes=1)
    await circle.bot(BotRights(BotState.GONE))
    assert [one["problems"] for one in await circle.messages_of("group_troubled")] == [["gone"]]
    await circle.services.updates.bot_changed(circle.group.chat, ALL, before)
    (row,) = await circle.services.groups.list_all(circle.teacher)
    assert row.problems == (Problem.GONE,)


@pytest.mark.parametrize("by", [BOT, OWNER])
async def test_people_who_leave_are_not_begged(circle: Circle, by: int) -> None:
    await circle.school.buy("premium")
    await circle.work()
    await circle.ask()
    await circle.moves(OUT, by=by)
    await circle.sweep(hours=7)
    assert (circle.group.inside, await circle.messages_of("group_invited")) == (set(), [])
    assert (await circle.ask()).approved


async def test_a_gift_opens_the_group_too(circle: Circle) -> None:
    person: Actor = await circle.buyer()
    await circle.ask(person.telegram_id)
    tariff = circle.school.tariffs["premium"]
    await circle.school.services.students.gift(circle.teacher, person.id, tariff.id, "a prize")
    await circle.work()
    assert circle.group.inside == {person.telegram_id}
    assert len(await enrolments_of(circle.uow, person)) == 1
