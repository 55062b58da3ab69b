"""Groups in the back office: what is linked, who gains and loses by it, who is in and who waits."""

from __future__ import annotations

import pytest

from backend.community.types import BotRights, BotState, MemberState, People
from backend.courses.types import TariffId
from backend.identity.types import Permission
from backend.kernel.errors import Forbidden, NotFound
from backend.kernel.ids import new_id
from tests.backend.community.circle import ALL, CHAT, OWNER, Circle
from tests.factories.courses import add_teacher


async def test_a_group_is_known_once_the_bot_is_added_and_admins_are_told(circle: Circle) -> None:
    (row,) = await circle.services.groups.list_all(circle.teacher)
    assert (row.group.title, row.group.chat_id, row.problems, row.plans) == ("Circle", CHAT, (), 1)
    assert row.group.members == 1
    assert [one["link_plans"] for one in await circle.messages_of("group_added")] == [True]


async def test_a_chat_that_the_bot_only_left_is_not_known(circle: Circle) -> None:
    gone = circle.telegram.add(-5, "Elsewhere")
    await circle.services.updates.bot_changed(gone.chat, BotRights(BotState.GONE), circle.clock.now())
    assert len(await circle.services.groups.list_all(circle.teacher)) == 1


async def test_linking_promises_groups_and_the_preview_says_who_gains(circle: Circle) -> None:
    basic = circle.school.tariffs["basic"]
    assert not basic.fields.groups
    await circle.school.buy("basic")
    other = await circle.buyer()
    await circle.school.buy("premium", by=other)
    preview = await circle.services.groups.preview(circle.teacher, circle.group_id, basic.id)
    assert (preview.linked, len(preview.gain), preview.lose, preview.removed) == (False, 1, (), 0)
    await circle.link("basic")
    assert (await circle.school.tariff("basic")).fields.groups
    linked = (await circle.services.groups.get(circle.teacher, circle.group_id)).plans
    assert {one.plan["en"] for one in linked} == {"Basic", "Premium"}
    assert (await circle.ask()).approved


async def test_unlinking_removes_those_who_have_no_other_plan_with_it(circle: Circle) -> None:
    await circle.link("basic")
    both, one = circle.student, await circle.buyer()
    await circle.school.buy("basic")
    await circle.school.buy("premium")
    await circle.school.buy("premium", by=one)
    await circle.work()
    for who in (both, one):
        await circle.ask(who.telegram_id)
    premium = circle.school.tariffs["premium"].id
    preview = await circle.services.groups.preview(circle.teacher, circle.group_id, premium)
    assert (preview.linked, preview.gain, len(preview.lose), preview.removed) == (True, (), 1, 1)
    await circle.services.groups.unlink(circle.teacher, circle.group_id, premium)
    await circle.work()
    await circle.sweep()
    assert circle.group.inside == {both.telegram_id}
    rows = await circle.rows("SELECT action FROM audit_entries WHERE action LIKE 'community%' ORDER BY id")
    assert [row.action for row in rows] == ["community.link", "community.link", "community.unlink"]


async def test_who_had_a_plan_before_it_was_linked_and_is_in_is_removed(circle: Circle) -> None:
    order = await circle.school.buy("basic")
    await circle.school.refund(order)
    await circle.moves(MemberState.IN)
    basic = circle.school.tariffs["basic"].id
    preview = await circle.services.groups.preview(circle.teacher, circle.group_id, basic)
    assert (preview.gain, len(preview.lose), preview.removed) == ((), 1, 1)
    await circle.link("basic")
    await circle.sweep()
    assert circle.group.inside == set()


async def test_people_by_list(circle: Circle) -> None:
    inside, missing, waiting = circle.student, await circle.buyer(), await circle.buyer()
    await circle.school.buy("premium")
    await circle.school.buy("premium", by=missing)
    await circle.work()
    await circle.ask()
    await circle.ask(waiting.telegram_id)
    await circle.moves(MemberState.IN, 900, by=OWNER)
    detail = await circle.services.groups.get(circle.teacher, circle.group_id)
    assert detail.counts == {People.INSIDE: 2, People.WAITING: 1, People.MISSING: 1}
    for people, ids in (
        (People.INSIDE, {inside.telegram_id, 900}),
        (People.WAITING, {waiting.telegram_id}),
        (People.MISSING, {missing.telegram_id}),
    ):
        listed = await circle.services.groups.people(circle.teacher, circle.group_id, people)
        assert {one.telegram_id for one in listed} == ids
    assert await circle.services.groups.people(circle.teacher, circle.group_id, People.INSIDE, page=1) == []


async def test_plans_that_promise_groups_and_open_none(circle: Circle) -> None:
    promised = await circle.services.groups.broken_promises(circle.teacher)
    assert "Premium" not in {one.plan["en"] for one in promised}
    await circle.services.groups.unlink(circle.teacher, circle.group_id, circle.school.tariffs["premium"].id)
    promised = await circle.services.groups.broken_promises(circle.teacher)
    assert "Premium" in {one.plan["en"] for one in promised}
    offered = await circle.services.groups.offered_plans(circle.teacher, circle.group_id)
    assert offered[0].promises_groups


async def test_only_teachers_see_and_change_groups(circle: Circle) -> None:
    groups, tariff = circle.services.groups, circle.school.tariffs["premium"].id
    stranger = circle.student
    for call in (
        groups.list_all(stranger),
        groups.get(stranger, circle.group_id),
        groups.people(stranger, circle.group_id, People.INSIDE),
        groups.preview(stranger, circle.group_id, tariff),
        groups.link(stranger, circle.group_id, tariff),
        groups.unlink(stranger, circle.group_id, tariff),
        groups.refresh(stranger, circle.group_id),
    ):
        with pytest.raises(Forbidden):
            await call
    teacher = await add_teacher(circle.uow, Permission.TEACHING)
    with pytest.raises(NotFound):
        await groups.link(teacher, circle.group_id, TariffId(new_id()))


async def test_linking_twice_changes_nothing(circle: Circle) -> None:
    await circle.link()
    await circle.services.updates.bot_changed(circle.group.chat, ALL, circle.clock.now())
    assert len(await circle.messages_of("group_added")) == 1
