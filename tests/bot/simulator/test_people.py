"""Commands, menu button, Mini App launches with signed initData, links, groups, people, persistence."""

import base64
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MenuButtonCommands,
    MenuButtonWebApp,
    WebAppInfo,
)
from aiogram.utils.web_app import safe_parse_webapp_init_data
from aiogram.utils.web_app_signature import check_webapp_signature

from tests.bot.simulator.conftest import ADMIN, ARABIC, BUYER, RUSSIAN, TOKEN, Simulator, running

SHOP = "https://shop.example/app?from=bot"


async def person(simulator: Simulator, number: int) -> Any:
    return next(entry for entry in await simulator.get("/personas") if entry["id"] == number)


async def test_commands_by_scope_and_language(simulator: Simulator) -> None:
    bot = simulator.bot

    def commands(text: str) -> list[BotCommand]:
        return [BotCommand(command="start", description=text)]

    await bot.set_my_commands(commands("default"))
    await bot.set_my_commands(commands("عربي"), language_code="ar")
    await bot.set_my_commands(commands("private ru"), scope=BotCommandScopeAllPrivateChats(), language_code="ru")
    await bot.set_my_commands(commands("you"), scope=BotCommandScopeChat(chat_id=ADMIN))
    shown = {number: (await person(simulator, number))["commands"] for number in (BUYER, ARABIC, RUSSIAN, ADMIN)}
    assert [shown[number][0]["description"] for number in shown] == ["default", "عربي", "private ru", "you"]
    assert (await bot.get_my_commands(language_code="ar"))[0].description == "عربي"
    await bot.delete_my_commands(language_code="ar")
    assert (await person(simulator, ARABIC))["commands"][0]["description"] == "default"
    with pytest.raises(TelegramBadRequest, match="BOT_COMMAND_INVALID"):
        await bot.set_my_commands([BotCommand(command="No!", description="x")])


async def test_menu_button_opens_with_signed_data(simulator: Simulator) -> None:
    bot = simulator.bot
    await bot.set_chat_menu_button(menu_button=MenuButtonWebApp(text="Shop", web_app=WebAppInfo(url=SHOP)))
    opened = await simulator.post(f"/personas/{ARABIC}/menu-button", theme="dark")
    parts = urlsplit(opened["url"])
    assert parts.query == "from=bot"
    launch = dict(parse_qsl(parts.fragment, strict_parsing=True))
    assert launch["tgWebAppVersion"] == "9.1"
    assert launch["tgWebAppPlatform"] == "weba"
    assert '"bg_color":"#000000"' in launch["tgWebAppThemeParams"]
    data = safe_parse_webapp_init_data(TOKEN, launch["tgWebAppData"])
    assert data.user is not None
    assert (data.user.id, data.user.language_code, data.user.first_name) == (ARABIC, "ar", "ليلى")
    assert data.query_id
    await bot.set_chat_menu_button(chat_id=ARABIC, menu_button=MenuButtonCommands())
    assert isinstance(await bot.get_chat_menu_button(chat_id=ARABIC), MenuButtonCommands)
    refused = await simulator.http.post(f"/control/personas/{ARABIC}/menu-button", json={})
    assert refused.status_code == 409


async def test_init_data_with_start_param_and_old_date(simulator: Simulator) -> None:
    answer = await simulator.get(f"/personas/{BUYER}/init-data", start_param="ref_42", auth_date=1700000000)
    data = safe_parse_webapp_init_data(TOKEN, answer["init_data"])
    assert data.start_param == "ref_42"
    assert int(data.auth_date.timestamp()) == 1700000000
    with pytest.raises(ValueError, match="Invalid init data"):
        safe_parse_webapp_init_data("7000000001:AAanother_token", answer["init_data"])


async def test_third_party_signature() -> None:
    async with running(ed25519_seed=b"s" * 32) as simulator:
        key = bytes.fromhex((await simulator.get("/info"))["ed25519_public_key"])
        data = (await simulator.get(f"/personas/{BUYER}/init-data"))["init_data"]
        assert check_webapp_signature(7000000001, data, key)
        assert safe_parse_webapp_init_data(TOKEN, data)
        signature = parse_qs(data)["signature"][0]
        assert len(base64.urlsafe_b64decode(signature + "==")) == 64


async def test_web_app_button_and_keyboard_button(simulator: Simulator) -> None:
    markup = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="S", web_app=WebAppInfo(url=SHOP))]])
    sent = await simulator.bot.send_message(BUYER, "Shop", reply_markup=markup)
    pressed = await simulator.post(f"/personas/{BUYER}/press", message_id=sent.message_id, text="S")
    assert pressed["kind"] == "web_app"
    assert safe_parse_webapp_init_data(TOKEN, pressed["init_data"])
    bare = await simulator.post(f"/personas/{BUYER}/open", url=SHOP, source="keyboard")
    assert bare["init_data"] == ""
    assert "tgWebAppData" not in bare["url"]
    await simulator.post(f"/personas/{BUYER}/web-app-data", button_text="S", data="chosen")
    assert (await simulator.updates())[-1].message.web_app_data.data == "chosen"


async def test_links(simulator: Simulator) -> None:
    async def follow(url: str) -> Any:
        return await simulator.post(f"/personas/{BUYER}/link", url=url)

    assert (await follow("https://t.me/souk_demo_bot?start=ref_7"))["kind"] == "start"
    assert (await simulator.updates())[-1].message.text == "/start ref_7"
    opened = await follow("https://t.me/souk_demo_bot/app?startapp=gift_1")
    data = safe_parse_webapp_init_data(TOKEN, opened["init_data"])
    assert (data.start_param, data.chat_type) == ("gift_1", "sender")
    assert "tgWebAppStartParam=gift_1" in urlsplit(opened["url"]).query
    # The Main Mini App, whatever the menu button opens; the same from a chat's plain text, and from the demo's BOT_URL.
    assert urlsplit(opened["url"]).path == "/"
    own = f"http://127.0.0.1:{urlsplit(simulator.url).port}"
    for link in ("t.me/souk_demo_bot?startapp=gift_1", f"{own}?startapp=gift_1", f"{own}/?startapp=gift_1"):
        again = await follow(link)
        assert safe_parse_webapp_init_data(TOKEN, again["init_data"]).start_param == "gift_1"
    assert (await follow(f"{own}?start=g_1"))["kind"] == "start"
    assert (await follow(f"{own}/control/info"))["kind"] == "url"
    assert await follow("https://example.com/x") == {"kind": "url", "url": "https://example.com/x"}
    assert (await follow("https://t.me/share/url?url=x"))["kind"] == "unknown"
    by_tg = await follow("tg://resolve?domain=souk_demo_bot&start=hi")
    assert by_tg["kind"] == "start"


async def test_groups_join_requests_and_bans(simulator: Simulator) -> None:
    bot = simulator.bot
    await bot.get_updates(allowed_updates=["message", "chat_join_request", "chat_member", "my_chat_member"])
    group = (await simulator.post("/groups", title="Calm in seven days"))["id"]
    assert (await simulator.updates())[-1].my_chat_member.new_chat_member.status == "administrator"
    link = await bot.create_chat_invite_link(group, name="students", creates_join_request=True)
    asked = await simulator.post(f"/personas/{BUYER}/join", invite_link=link.invite_link)
    assert asked == {"result": "requested"}
    request = (await simulator.updates())[-1].chat_join_request
    assert (request.from_user.id, request.chat.id, request.invite_link.invite_link) == (BUYER, group, link.invite_link)
    assert await bot.approve_chat_join_request(group, BUYER)
    assert (await bot.get_chat_member(group, BUYER)).status == "member"
    kinds = [update.event_type for update in await simulator.updates()]
    assert kinds == ["chat_member", "message"]
    with pytest.raises(TelegramBadRequest, match="HIDE_REQUESTER_MISSING"):
        await bot.decline_chat_join_request(group, BUYER)
    assert await bot.ban_chat_member(group, BUYER)
    banned = await simulator.post(f"/personas/{BUYER}/join", invite_link=link.invite_link)
    assert banned == {"result": "banned"}
    assert await bot.unban_chat_member(group, BUYER, only_if_banned=True)
    again = await simulator.post(f"/personas/{BUYER}/join", invite_link=link.invite_link)
    assert again == {"result": "requested"}
    assert await bot.decline_chat_join_request(group, BUYER)
    assert (await bot.get_chat_member(group, BUYER)).status == "left"
    assert (await bot.get_chat_member(group, bot.id)).status == "administrator"
    assert (await bot.get_chat(group)).title == "Calm in seven days"
    revoked = await bot.revoke_chat_invite_link(group, link.invite_link)
    assert revoked.is_revoked
    assert (await simulator.post(f"/personas/{RUSSIAN}/join", invite_link=link.invite_link)) == {"result": "expired"}


async def test_open_link_with_limit(simulator: Simulator) -> None:
    group = (await simulator.post("/groups", title="Open"))["id"]
    link = (await simulator.bot.create_chat_invite_link(group, member_limit=1)).invite_link
    assert (await simulator.post(f"/personas/{BUYER}/join", invite_link=link)) == {"result": "joined"}
    assert (await simulator.post(f"/personas/{RUSSIAN}/join", invite_link=link)) == {"result": "expired"}
    assert await simulator.bot.get_chat_member_count(group) == 2
    assert (await simulator.post(f"/personas/{BUYER}/leave", chat_id=group)) == {"result": "left"}


async def test_new_person_and_write_access(simulator: Simulator) -> None:
    created = await simulator.post("/personas", first_name="Zoë", language_code="de", id=987654321, is_premium=True)
    assert created["id"] == 987654321
    taken = await simulator.http.post("/control/personas", json={"first_name": "Z", "id": 987654321})
    assert taken.status_code == 409
    await simulator.post("/personas/987654321/write-access", granted=True)
    assert await simulator.bot.send_message(987654321, "hello")
    changed = await simulator.http.patch("/control/personas/987654321", json={"username": "zoe"})
    assert (changed.json()["username"], changed.json()["first_name"]) == ("zoe", "Zoë")


async def test_waiting_for_the_bots_answer(simulator: Simulator) -> None:
    sent = await simulator.post(f"/personas/{BUYER}/send", text="hello")
    await simulator.bot.send_message(BUYER, "hi")
    answers = await simulator.get(f"/personas/{BUYER}/messages", after=sent["message_id"], wait=5)
    assert [message["text"] for message in answers] == ["hi"]
    assert (await person(simulator, BUYER))["unread"] == 1
    assert (await simulator.post(f"/personas/{BUYER}/read"))["unread"] == 0
    calls = await simulator.get("/calls", method="sendMessage")
    assert calls[-1]["params"]["text"] == "hi"


async def test_a_restart_keeps_the_chats(state_path: Path) -> None:
    async with running(state_path=state_path) as simulator:
        await simulator.post(f"/personas/{BUYER}/send", text="/start")
        await simulator.bot.send_message(BUYER, "kept")
        await simulator.http.post(
            f"/control/personas/{BUYER}/files", data={"kind": "document"}, files={"file": ("a.txt", b"kept too")}
        )
        await simulator.bot.set_my_commands([BotCommand(command="start", description="Start")])
    async with running(state_path=state_path) as simulator:
        messages = await simulator.get(f"/personas/{BUYER}/messages")
        assert [message["text"] for message in messages][:2] == ["/start", "kept"]
        content = await simulator.http.get(messages[2]["document"]["url"])
        assert content.content == b"kept too"
        assert len(await simulator.bot.get_updates()) == 2
        assert (await person(simulator, BUYER))["commands"][0]["command"] == "start"
