"""Updates come in once, by polling and by webhook, whatever is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import msgspec
import pytest
from aiogram.types import MenuButtonWebApp, Update
from aiohttp import web

from backend.identity.types import Actor
from backend.infra import embedded
from backend.infra.ending import end
from backend.infra.redis import make_redis
from backend.infra.settings import Settings
from bot.commands import dress
from bot.context import Deps
from bot.intake import Busy, Intake
from bot.webhook import PATH, Webhook
from tests.bot.conftest import Parts, polling
from tests.bot.paying import money_update, payer
from tests.bot.telegram import EMMA, NADIA, Telegram, button

SECRET = "a-secret-of-sixteen-or-more"


def update(number: int, text: str = "/help") -> dict[str, Any]:
    user = {"id": EMMA, "is_bot": False, "first_name": "Emma", "language_code": "en"}
    chat = {"id": EMMA, "type": "private", "first_name": "Emma"}
    entities = [{"type": "bot_command", "offset": 0, "length": len(text)}]
    message = {"message_id": 5, "date": 1_700_000_000, "chat": chat, "from": user, "text": text, "entities": entities}
    return {"update_id": number, "message": message}


async def test_the_same_update_is_answered_once(telegram: Telegram, parts: Parts) -> None:
    await telegram.person(EMMA).meet()
    incoming = Update.model_validate(update(7), context={"bot": parts.bot})
    await parts.intake.take(incoming)
    await parts.intake.take(incoming)
    # Another process, or this one after a restart.
    await Intake(parts.bot, parts.dispatcher, parts.services.redis, parts.services.payments.chat).take(incoming)
    assert len(await telegram.calls("sendMessage")) == 1


async def test_the_same_update_twice_at_once(parts: Parts, telegram: Telegram) -> None:
    await telegram.person(EMMA).meet()
    incoming = Update.model_validate(update(8), context={"bot": parts.bot})
    results = await asyncio.gather(parts.intake.take(incoming), parts.intake.take(incoming), return_exceptions=True)
    assert [type(item) for item in results].count(Busy) == 1


async def test_without_redis_updates_are_answered_and_known_here(parts: Parts, telegram: Telegram) -> None:
    await telegram.person(EMMA).meet()
    nowhere = make_redis(f"redis://127.0.0.1:{embedded.free_port()}/0")
    intake = Intake(parts.bot, parts.dispatcher, nowhere, parts.services.payments.chat)
    incoming = Update.model_validate(update(9), context={"bot": parts.bot})
    await intake.take(incoming)
    await intake.take(incoming)
    await nowhere.aclose()
    assert len(await telegram.calls("sendMessage")) == 1


async def test_one_persons_updates_keep_their_order(parts: Parts, telegram: Telegram) -> None:
    await telegram.person(EMMA).meet()
    commands = ["/help", "/terms", "/privacy", "/paysupport"]
    updates = [
        Update.model_validate(update(20 + number, command), context={"bot": parts.bot})
        for number, command in enumerate(commands)
    ]
    await parts.intake.take_all(updates)
    heads = [message["text"].split("\n")[0] for message in await telegram.person(EMMA).heard()]
    assert heads == ["How it works", "Terms of sale", "Privacy", "Help with a payment"]


async def test_polling_waits_out_a_telegram_that_is_away(parts: Parts, telegram: Telegram) -> None:
    await telegram.fault("deleteWebhook", kind="error", status=502, description="Bad Gateway")
    await telegram.fault("getUpdates", kind="drop", times=2)
    async with polling(parts):
        assert button(await telegram.person(EMMA).say("/help"), "Open the shop")


async def test_polling_takes_over_from_a_webhook(parts: Parts, telegram: Telegram) -> None:
    async with polling(parts):
        assert await telegram.person(EMMA).say("/help")
        await parts.bot.set_webhook("https://127.0.0.1:1/hooks/telegram")
        assert await telegram.person(EMMA).say("/help")


async def test_a_drained_poller_has_confirmed_what_it_answered(parts: Parts, telegram: Telegram) -> None:
    async with polling(parts) as poller:
        await telegram.person(EMMA).say("/help")
        await poller.drain(5)
    assert await parts.bot.get_updates(timeout=0) == []


async def test_the_menu_in_every_language(parts: Parts, telegram: Telegram) -> None:
    await telegram.fault("setMyCommands", kind="drop")
    await telegram.fault("setMyDescription", kind="429", retry_after=3600)
    await dress(parts.bot, parts.deps)
    for code in (None, "ar", "ru"):
        names = [item.command for item in await parts.bot.get_my_commands(language_code=code)]
        shown = "start orders learn readings topup sellers language help paysupport terms privacy"
        assert names == shown.split()
    admin = {"type": "chat", "chat_id": NADIA}
    assert "admin" in [item.command for item in await parts.bot.get_my_commands(scope=admin)]  # type: ignore[arg-type]
    menu = await parts.bot.get_chat_menu_button()
    assert menu.web_app.url == "http://127.0.0.1:8080/shop"  # type: ignore[union-attr]


async def test_the_menu_button_is_set_before_the_commands(parts: Parts, telegram: Telegram) -> None:
    await telegram.fault("setMyCommands", kind="drop", times=1000)
    dressing = asyncio.create_task(dress(parts.bot, parts.deps))
    try:
        async with asyncio.timeout(20):
            while not isinstance(await parts.bot.get_chat_menu_button(), MenuButtonWebApp):
                await asyncio.sleep(0.01)
    finally:
        await end(dressing)


async def test_only_the_updates_that_are_used_are_asked_for(parts: Parts) -> None:
    assert parts.kinds == [
        "callback_query",
        "chat_join_request",
        "chat_member",
        "edited_message",
        "inline_query",
        "message",
        "my_chat_member",
        "pre_checkout_query",
        "subscription",
    ]


# The webhook


class Hook:
    """The webhook, served on loopback."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url = url
        self._client = client

    async def post(self, content: bytes, secret: str | bytes = SECRET) -> int:
        headers = {b"X-Telegram-Bot-Api-Secret-Token": secret if isinstance(secret, bytes) else secret.encode()}
        return (await self._client.post(self.url, content=content, headers=headers)).status_code


@pytest.fixture
async def hook(
    parts: Parts, telegram: Telegram, other_settings: Callable[..., Settings]
) -> AsyncIterator[tuple[Hook, Webhook]]:
    """The webhook at work."""
    await telegram.person(EMMA).meet()
    port = embedded.free_port()
    settings = other_settings(
        telegram_api_url=telegram.url,
        bot_webhook=True,
        bot_webhook_secret=SECRET,
        bot_port=port,
        public_url=f"http://127.0.0.1:{port}",
    )
    webhook = Webhook(parts.bot, parts.intake, parts.kinds, settings)
    task = asyncio.create_task(webhook.run())
    async with httpx.AsyncClient() as client, asyncio.timeout(10):
        while not await telegram.calls("setWebhook"):
            await asyncio.sleep(0.05)
        await telegram.person(EMMA).heard()  # the answer to her /start
        yield Hook(f"http://127.0.0.1:{port}{PATH}", client), webhook
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_webhook_end_to_end(hook: tuple[Hook, Webhook], telegram: Telegram) -> None:
    assert button(await telegram.person(EMMA).say("/help"), "Open the shop")


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", "пароль".encode(), b"\xff\xfe"])
async def test_the_webhook_needs_its_secret(
    hook: tuple[Hook, Webhook], telegram: Telegram, secret: str | bytes
) -> None:
    await telegram.control("DELETE", "/calls")
    assert await hook[0].post(msgspec.json.encode(update(900_000_001)), secret) == 401
    assert await telegram.calls("sendMessage") == []


async def test_the_webhook_answers_a_repeated_update_once(hook: tuple[Hook, Webhook], telegram: Telegram) -> None:
    await telegram.control("DELETE", "/calls")
    body = msgspec.json.encode(update(900_000_002))
    assert [await hook[0].post(body) for _ in range(3)] == [200, 200, 200]
    assert len(await telegram.calls("sendMessage")) == 1


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"update_id": "x"}', b'{"update_id": 1, "message": {}}'])
async def test_the_webhook_takes_nonsense_calmly(hook: tuple[Hook, Webhook], body: bytes) -> None:
    assert await hook[0].post(body) == 200


async def test_the_webhook_has_money_told_again_until_it_is_kept(
    hook: tuple[Hook, Webhook], parts: Parts, telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    emma = await payer(telegram, parts.services)
    begun = await emma.begin()
    body = money_update(parts, str(begun.id), begun.payable, "charge").model_dump_json(exclude_none=True).encode()
    with monkeypatch.context() as patch:
        patch.setattr(parts.services.payments.intents, "settle", None)  # whatever goes wrong
        assert [await hook[0].post(body) for _ in range(2)] == [503, 503]
    assert await emma.balance() == 0
    assert [await hook[0].post(body) for _ in range(3)] == [200, 200, 200]
    assert await emma.balance() == 1000
    # What cannot be read is kept for an admin, where it is money.
    assert await hook[0].post(b'{"update_id": 1, "message": {"successful_payment": {}}}') == 200
    assert await parts.services.payments.inbox.count_unmatched(Actor.system()) == 1


async def test_the_webhook_refuses_a_huge_body(hook: tuple[Hook, Webhook]) -> None:
    assert await hook[0].post(b" " * (2 * 1024 * 1024)) == 413


def test_webhook_application_has_two_paths(parts: Parts, settings: Settings) -> None:
    application = Webhook(parts.bot, parts.intake, parts.kinds, settings).application()
    assert isinstance(application, web.Application)
    assert {route.resource.canonical for route in application.router.routes() if route.resource} == {PATH, "/healthz"}
    assert isinstance(parts.deps, Deps)


_PRIVATE = {"id": EMMA, "type": "private", "first_name": "Emma"}
_GROUP = {"id": -1001, "type": "supergroup", "title": "<b>Group</b>"}
_SENDER = {"id": EMMA, "is_bot": False, "first_name": "Emma"}
_OLD = {"message_id": 3, "date": 0, "chat": _PRIVATE}  # too old: Telegram tells no more of it
_WORDS = {"message_id": 5, "date": 1_700_000_000, "text": "/start"}
_MEMBER = {"status": "member", "user": {"id": 7_000_000_001, "is_bot": True, "first_name": "Bot"}}
_KICKED = {**_MEMBER, "status": "kicked", "until_date": 0}
ODD_UPDATES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a kind of next year": {"telepathy": {"of": "Emma"}},
    "a channel's post": {"channel_post": {**_WORDS, "chat": {"id": -1002, "type": "channel", "title": "C"}}},
    "an edited message": {"edited_message": {**_WORDS, "chat": _PRIVATE, "from": _SENDER, "edit_date": 1}},
    "a group's message": {"message": {**_WORDS, "chat": _GROUP, "from": _SENDER}},
    "an anonymous admin": {"message": {**_WORDS, "chat": _GROUP, "sender_chat": _GROUP}},
    "nobody": {"message": {**_WORDS, "chat": _PRIVATE}},
    "another bot": {"message": {**_WORDS, "chat": _PRIVATE, "from": {**_SENDER, "is_bot": True}}},
    "a service message": {
        "message": {**_WORDS, "text": None, "chat": _PRIVATE, "from": _SENDER, "group_chat_created": True}
    },
    "a button in a group": {
        "callback_query": {
            "id": "1",
            "from": _SENDER,
            "chat_instance": "1",
            "data": "language:ru",
            "message": {**_WORDS, "chat": _GROUP},
        }
    },
    "the bot in a group": {
        "my_chat_member": {
            "chat": _GROUP,
            "from": _SENDER,
            "date": 1,
            "old_chat_member": _MEMBER,
            "new_chat_member": _KICKED,
        }
    },
    "somebody joins a group that nobody knows": {
        "chat_member": {
            "chat": _GROUP,
            "from": _SENDER,
            "date": 1,
            "old_chat_member": {"status": "left", "user": _SENDER},
            "new_chat_member": {"status": "member", "user": _SENDER},
        }
    },
    "somebody asks to join a group without plans": {
        "chat_join_request": {"chat": _GROUP, "from": _SENDER, "user_chat_id": EMMA, "date": 1}
    },
    "a group becomes a supergroup that nobody knows": {
        "message": {
            **_WORDS,
            "text": None,
            "chat": {**_GROUP, "type": "group"},
            "from": _SENDER,
            "migrate_to_chat_id": -1002,
        }
    },
    "a stranger leaves": {
        "my_chat_member": {
            "chat": {**_PRIVATE, "id": 99},
            "from": {**_SENDER, "id": 99},
            "date": 1,
            "old_chat_member": _MEMBER,
            "new_chat_member": _KICKED,
        }
    },
    "an inline query": {"inline_query": {"id": "1", "from": _SENDER, "query": "x", "offset": ""}},
    "a checkout of nothing": {
        "pre_checkout_query": {"id": "1", "from": _SENDER, "currency": "XTR", "total_amount": 1, "invoice_payload": "x"}
    },
}


@pytest.mark.parametrize("kind", ODD_UPDATES)
async def test_what_is_not_said_to_the_bot_gets_no_answer(
    kind: str, parts: Parts, telegram: Telegram, capsys: pytest.CaptureFixture[str]
) -> None:
    await telegram.person(EMMA).meet()
    incoming = Update.model_validate({"update_id": 900, **ODD_UPDATES[kind]}, context={"bot": parts.bot})
    await parts.intake.take(incoming)
    assert await telegram.calls("sendMessage") == []
    printed = capsys.readouterr()
    assert "update.failed" not in printed.out + printed.err


async def test_forged_and_late_buttons_do_nothing(
    parts: Parts, telegram: Telegram, capsys: pytest.CaptureFixture[str]
) -> None:
    await telegram.person(EMMA).meet()
    asked = {"id": "1", "from": {**_SENDER, "language_code": "en"}, "chat_instance": "1"}
    forged = [
        {**asked, "data": data, "message": message}
        for data in ("language:", "language:xx", "language:ar'; DROP TABLE users", "order:1", None)
        for message in ({**_WORDS, "chat": _PRIVATE}, _OLD, None)
    ]
    for number, query in enumerate(forged):
        incoming = Update.model_validate(
            {"update_id": 910 + number, "callback_query": query}, context={"bot": parts.bot}
        )
        await parts.intake.take(incoming)
    actor = await parts.services.identity.access.actor_by_telegram_id(EMMA)
    assert actor is not None and actor.language == "en"
    # Telegram takes no answer to these any more: that is no error of ours.
    printed = capsys.readouterr()
    assert "update.failed" not in printed.out + printed.err


@pytest.mark.parametrize(
    "text",
    [
        "/start",
        "/start ",
        "/start\n",
        "/start " + "x" * 4000,
        "/start \x00",
        "/start@other x",
        "/START p_x",
        "/start p_../../x",
        "/start \u202e",
        "/startle",
        "/",
    ],
)
async def test_odd_starts_are_greeted_or_helped(
    text: str, parts: Parts, telegram: Telegram, capsys: pytest.CaptureFixture[str]
) -> None:
    await telegram.person(EMMA).meet()
    incoming = update(902, text)
    incoming["message"]["from"] |= {
        "first_name": "<b>&amp;\x00\n" + "😀" * 60,
        "last_name": "{x}",
        "language_code": "xx-\x00",
    }
    await parts.intake.take(Update.model_validate(incoming, context={"bot": parts.bot}))
    printed = capsys.readouterr()
    assert "failed" not in printed.out + printed.err
    assert len(await telegram.calls("sendMessage")) <= 1
