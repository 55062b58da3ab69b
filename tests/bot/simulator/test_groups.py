"""Groups: a guard bot's queries, rights, and a small group that becomes a supergroup."""

from __future__ import annotations

import pytest
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramMigrateToChat
from aiogram.methods import AnswerChatJoinRequestQuery

from bot.simulator import membership
from tests.bot.simulator.conftest import BUYER, RUSSIAN, Simulator

_KINDS = ["message", "chat_join_request", "chat_member", "my_chat_member"]


async def _group(simulator: Simulator, **how: object) -> tuple[int, str]:
    """A group, and a link by which people ask."""
    await simulator.bot.get_updates(allowed_updates=_KINDS)
    group = (await simulator.post("/groups", title="Circle", **how))["id"]
    link = await simulator.bot.create_chat_invite_link(group, name="Souk", creates_join_request=True)
    return group, link.invite_link


@pytest.mark.parametrize(("result", "status"), [("approve", "member"), ("decline", "left"), ("queue", "left")])
async def test_a_guard_answers_a_query_once(simulator: Simulator, result: str, status: str) -> None:
    bot = simulator.bot
    group, link = await _group(simulator, guard=True)
    await simulator.post(f"/personas/{BUYER}/join", invite_link=link)
    query_id = (await simulator.updates())[-1].chat_join_request.query_id
    assert await bot(AnswerChatJoinRequestQuery(chat_join_request_query_id=query_id, result=result))
    assert (await bot.get_chat_member(group, BUYER)).status == status
    with pytest.raises(TelegramBadRequest, match="QUERY_ID_INVALID"):
        await bot(AnswerChatJoinRequestQuery(chat_join_request_query_id=query_id, result=result))
    if result == "queue":
        assert await bot.approve_chat_join_request(group, BUYER)


async def test_a_query_is_too_late_after_its_time_and_waits_for_an_admin(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, link = await _group(simulator, guard=True)
    await simulator.post(f"/personas/{BUYER}/join", invite_link=link)
    query_id = (await simulator.updates())[-1].chat_join_request.query_id
    monkeypatch.setattr(membership, "QUERY_SECONDS", -1.0)
    with pytest.raises(TelegramBadRequest, match="QUERY_ID_INVALID"):
        await simulator.bot(AnswerChatJoinRequestQuery(chat_join_request_query_id=query_id, result="approve"))
    assert await simulator.bot.approve_chat_join_request(group, BUYER)


async def test_rights_are_needed(simulator: Simulator) -> None:
    bot = simulator.bot
    group, link = await _group(simulator, owner=RUSSIAN)
    await simulator.post(f"/groups/{group}/bot", rights=[])
    for call in (bot.create_chat_invite_link(group), bot.approve_chat_join_request(group, BUYER)):
        with pytest.raises(TelegramBadRequest, match="not enough rights"):
            await call
    with pytest.raises(TelegramBadRequest, match="not enough rights"):
        await bot.unban_chat_member(group, BUYER)
    await simulator.post(f"/groups/{group}/bot", rights=["can_restrict_members", "can_invite_users"])
    with pytest.raises(TelegramBadRequest, match="can't remove chat owner"):
        await bot.unban_chat_member(group, RUSSIAN)
    assert (await bot.edit_chat_invite_link(group, link, name="Souk", creates_join_request=True)).invite_link == link
    await simulator.post(f"/groups/{group}/revoke", invite_link=link)
    with pytest.raises(TelegramBadRequest, match="INVITE_HASH_EXPIRED"):
        await bot.edit_chat_invite_link(group, link, name="Souk")
    await simulator.post(f"/groups/{group}/bot", status="kicked")
    with pytest.raises(TelegramForbiddenError, match="kicked"):
        await bot.get_chat(group)


async def test_a_small_group_becomes_a_supergroup(simulator: Simulator) -> None:
    bot = simulator.bot
    group, _ = await _group(simulator, kind="group")
    with pytest.raises(TelegramBadRequest, match="supergroup and channel chats only"):
        await bot.unban_chat_member(group, BUYER)
    new = (await simulator.post(f"/groups/{group}/upgrade"))["id"]
    with pytest.raises(TelegramMigrateToChat):
        await bot.get_chat(group)
    moved = [one.message.migrate_to_chat_id for one in await simulator.updates() if one.message]
    assert moved[0] == new
    assert (await bot.get_chat(new)).type == "supergroup"
