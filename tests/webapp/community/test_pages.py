"""Groups on the course's page, and in the back office: linked and unlinked after a preview."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from backend.community.types import Asking, BotRights, BotState, Chat, ChatKind, GroupId, MemberState
from backend.identity.types import Permission
from tests.webapp.back_office import MakeAdmin
from tests.webapp.courses.school import Classroom

CHAT = Chat(-1007, ChatKind.SUPERGROUP, "Circle <of> Calm")
TITLE = "Circle &lt;of&gt; Calm"
LINK = "https://t.me/+abc"


async def _group(room: Classroom, rights: BotRights | None = None) -> GroupId:
    """The bot is in the group, and has a link."""
    rights = rights or BotRights(BotState.ADMIN, can_invite=True, can_remove=True)
    await room.services.community.updates.bot_changed(CHAT, rights, room.services.clock.now())
    async with room.services.uow() as tx:
        sql = text("UPDATE community_groups SET link = :link RETURNING id")
        return GroupId((await tx.execute(sql, {"link": LINK})).scalar_one())


async def test_a_student_sees_their_groups_and_whether_they_are_in(room: Classroom, make_admin: MakeAdmin) -> None:
    group_id, updates = await _group(room), room.services.community.updates
    teacher, admin = await make_admin(81, Permission.TEACHING), room.teacher
    await room.services.community.groups.link(admin, group_id, room.tariffs["premium"].id)
    student, actor = await room.arrive()
    assert "Groups" not in (await student.get("/learn/calm")).text
    await room.gift(actor, "premium")
    page = (await student.get("/learn/calm")).text
    assert TITLE in page and f'href="{LINK}"' in page and "Not joined yet" in page
    asking = Asking(chat=CHAT, telegram_id=actor.telegram_id, name="Emma")
    await room.services.community.joining._receive(asking)
    page = (await student.get("/learn/calm")).text
    assert "You asked to join" in page and LINK not in page
    for state, words in ((MemberState.IN, "You're in"), (MemberState.BANNED, "Can't be joined right now")):
        now = room.services.clock.now()
        await updates.member_changed(CHAT, actor.telegram_id, "Emma", state, by=actor.telegram_id, dated=now)
        assert words in (await student.get("/learn/calm")).text
    other, basic = await room.arrive()
    await room.gift(basic, "basic")
    assert TITLE not in (await other.get("/learn/calm")).text
    assert TITLE in (await teacher.get("/admin/groups")).text


async def test_a_plan_is_linked_and_unlinked_after_a_preview(room: Classroom, make_admin: MakeAdmin) -> None:
    group_id = await _group(room)
    path = f"/admin/groups/{group_id}"
    teacher = await make_admin(81, Permission.TEACHING)
    _, actor = await room.arrive()
    await room.gift(actor, "premium")
    page = (await teacher.get("/admin/groups")).text
    assert "No plan" in page and "Plans without a group" in page
    tariff = room.tariffs["premium"].id
    assert f'hx-get="{path}/plans/{tariff}"' in (await teacher.get(f"{path}/plans")).text
    asked = (await teacher.get(f"{path}/plans/{tariff}")).text
    assert "Link this plan?" in asked and "1 person gets access" in asked
    linked = await teacher.post(f"{path}/plans/{tariff}", data={"verb": "link"})
    assert linked.status_code == 200 and "Unlink" in linked.text
    # A tap on an old sheet does not do the opposite.
    again = await teacher.post(f"{path}/plans/{tariff}", data={"verb": "link"})
    assert "Unlink" in again.text
    missing = (await teacher.get(f"{path}?people=missing")).text
    assert "Not invited yet" in missing
    asked = (await teacher.get(f"{path}/plans/{tariff}")).text
    assert "Unlink this plan?" in asked and "1 person loses access" in asked
    unlinked = await teacher.post(f"{path}/plans/{tariff}", data={"verb": "unlink"})
    assert "Unlink<" not in unlinked.text
    for verb in ("check", "link"):
        assert (await teacher.post(f"{path}/{verb}")).status_code == 200


async def test_what_the_bot_lacks_is_named(room: Classroom, make_admin: MakeAdmin) -> None:
    group_id = await _group(room, BotRights(BotState.ADMIN, can_remove=True))
    teacher, admin = await make_admin(81, Permission.TEACHING), room.teacher
    await room.services.community.groups.link(admin, group_id, room.tariffs["premium"].id)
    for path in ("/admin/groups", f"/admin/groups/{group_id}"):
        assert "No right to invite users via link" in (await teacher.get(path)).text


@pytest.mark.parametrize("path", ["/admin/groups", "/admin/groups/{id}", "/admin/groups/{id}/plans"])
async def test_groups_need_the_permission_for_teaching(room: Classroom, make_admin: MakeAdmin, path: str) -> None:
    group_id = await _group(room)
    stranger = await make_admin(82, Permission.ORDERS)
    assert (await stranger.get(path.format(id=group_id))).status_code == 403


async def test_an_unknown_group_and_plan(room: Classroom, make_admin: MakeAdmin) -> None:
    group_id = await _group(room)
    teacher = await make_admin(81, Permission.TEACHING)
    for path in (f"/admin/groups/{room.lessons[0]}", f"/admin/groups/{group_id}/plans/{room.lessons[0]}"):
        assert (await teacher.get(path)).status_code == 404
    wrong = await teacher.post(f"/admin/groups/{group_id}/plans/{room.lessons[0]}", data={"verb": "explode"})
    assert wrong.status_code >= 400
