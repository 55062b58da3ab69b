"""The Bot API's client: what it sends, and that each way to fail is told apart, whatever stands in Telegram's place."""

from __future__ import annotations

import asyncio
import json
import struct
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest

from backend.infra.http import HttpClient
from backend.infra.telegram.client import InputFile, Method, Telegram
from backend.infra.telegram.errors import (
    ChatMoved,
    NotModified,
    Refused,
    TelegramDown,
    TelegramError,
    TooManyRequests,
    Unreachable,
    WrongToken,
)
from backend.infra.telegram.methods import (
    CopyTextButton,
    EditMessageCaption,
    EditMessageReplyMarkup,
    EditMessageText,
    GetMe,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    SendDocument,
    SendMessage,
    SendPhoto,
    WebAppInfo,
)
from tests.bot.telegram import EMMA, telegram_running
from tests.bot.telegram import Telegram as Simulated
from tests.conftest import BOT_TOKEN
from tests.fakes.http_server import Request, Response, serving

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", 3, 2) + b"\x08\x02\x00\x00\x00\x00\x00\x00\x00"


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


@pytest.fixture(scope="module")
async def simulated() -> AsyncIterator[Simulated]:
    async with telegram_running() as running:
        await running.person(EMMA).meet()
        yield running


async def heard(simulated: Simulated, message: Message) -> Any:
    (only,) = await simulated.person(EMMA).heard(after=message.message_id - 1)
    return only


def buttons(text: str) -> InlineKeyboardMarkup:
    page = InlineKeyboardButton(text=text, web_app=WebAppInfo("https://shop.example/orders"))
    return InlineKeyboardMarkup([[page], [InlineKeyboardButton(text="Copy", copy_text=CopyTextButton("KEY-1"))]])


async def test_a_text_is_sent_and_edited(simulated: Simulated, http: HttpClient) -> None:
    telegram = Telegram(f"{simulated.url}/", BOT_TOKEN, http)
    sent = await telegram.call(SendMessage(EMMA, "<b>Paid</b> &amp; done", buttons("Open"), protect_content=True))
    seen = await heard(simulated, sent)
    assert (seen["text"], [row[0]["text"] for row in seen["buttons"]]) == ("Paid & done", ["Open", "Copy"])
    (call,) = await simulated.calls("sendMessage")
    params = call["params"]
    assert params["link_preview_options"] == {"is_disabled": True}
    assert params["protect_content"] is True
    assert params["reply_markup"]["inline_keyboard"][1] == [{"text": "Copy", "copy_text": {"text": "KEY-1"}}]

    assert await telegram.call(EditMessageText(EMMA, sent.message_id, "<i>Refunded</i>")) == sent
    seen = await heard(simulated, sent)
    assert (seen["text"], seen["buttons"]) == ("Refunded", [])
    with pytest.raises(NotModified):
        await telegram.call(EditMessageText(EMMA, sent.message_id, "<i>Refunded</i>"))
    await telegram.call(EditMessageReplyMarkup(EMMA, sent.message_id, buttons("Again")))
    assert (await heard(simulated, sent))["buttons"][0][0]["text"] == "Again"


async def test_files_are_uploaded_and_their_captions_edited(simulated: Simulated, http: HttpClient) -> None:
    telegram = Telegram(simulated.url, BOT_TOKEN, http)
    sent = await telegram.call(SendPhoto(EMMA, InputFile("ж.png", PNG), "<b>Proof</b>", buttons("Open")))
    assert (await heard(simulated, sent))["text"] == "Proof"
    await telegram.call(EditMessageCaption(EMMA, sent.message_id, "Confirmed", buttons("Seen")))
    seen = await heard(simulated, sent)
    assert (seen["text"], seen["buttons"][0][0]["text"]) == ("Confirmed", "Seen")

    sent = await telegram.call(SendDocument(EMMA, InputFile("keys.txt", "ключ\n".encode()), protect_content=True))
    seen = await heard(simulated, sent)
    assert (await simulated.http.get(seen["document"]["url"])).content.decode() == "ключ\n"


async def test_what_telegram_knows_the_bot_as(simulated: Simulated, http: HttpClient) -> None:
    bot = await Telegram(simulated.url, BOT_TOKEN, http).call(GetMe())
    assert (bot.id, bool(bot.username)) == (int(BOT_TOKEN.partition(":")[0]), True)
    with pytest.raises(WrongToken):
        await Telegram(simulated.url, "7000000009:of_another_bot", http).call(GetMe())


class Album(Method[list[Message]], frozen=True):
    """A method of later: files inside of a list."""

    media: list[dict[str, Any]]
    quiet: bool | None = None


async def test_a_new_method_is_one_struct_whatever_holds_its_files(http: HttpClient) -> None:
    asked: list[Request] = []

    async def answer(request: Request) -> Response:
        asked.append(request)
        return Response(json={"ok": True, "result": [{"message_id": 1, "new": {}}, {"message_id": 2}]})

    async with serving(answer) as url:
        media: list[dict[str, Any]] = [{"media": InputFile(name, name.encode())} for name in ("a.jpg", "b.jpg")]
        assert await Telegram(url, "1:x", http).call(Album(media)) == [Message(1), Message(2)]
    (request,) = asked
    assert request.path == "/bot1:x/album"
    assert json.dumps([{"media": "attach://file0"}, {"media": "attach://file1"}], separators=(",", ":")).encode() in (
        request.body
    )
    for field, name in (("file0", "a.jpg"), ("file1", "b.jpg")):
        assert f'name="{field}"; filename="{name}"'.encode() in request.body
    assert b"quiet" not in request.body


def refusal(code: int, description: str, status: int = 0, **parameters: int) -> Response:
    body = {"ok": False, "error_code": code, "description": description, "parameters": parameters}
    return Response(status or code, json=body)


@pytest.mark.parametrize(("said", "kind"), [
    (refusal(429, "Too Many Requests: retry after 17", retry_after=17), TooManyRequests),
    (Response(429, body=b"<html>429 Too Many Requests</html>"), TooManyRequests),
    (refusal(403, "Forbidden: bot was blocked by the user"), Unreachable),
    (refusal(403, "Forbidden: user is deactivated"), Unreachable),
    (refusal(400, "Bad Request: chat not found"), Unreachable),
    (refusal(400, "Bad Request: PEER_ID_INVALID"), Unreachable),
    (refusal(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-100123), ChatMoved),
    (refusal(400, "Bad Request: message is not modified: specified new message content"), NotModified),
    (refusal(400, "Bad Request: BUTTON_URL_INVALID"), Refused),
    (refusal(413, "Request Entity Too Large"), Refused),
    (refusal(401, "Unauthorized"), WrongToken),
    (refusal(404, "Not Found"), WrongToken),
    (refusal(409, "Conflict: terminated by other getUpdates request"), TelegramDown),
    (refusal(500, "Internal Server Error: restart"), TelegramDown),
    (refusal(502, "Bad Gateway"), TelegramDown),
    (Response(502, body=b"<html><h1>502 Bad Gateway</h1></html>"), TelegramDown),
    (Response(503, body=b""), TelegramDown),
    (Response(404, body=b"<html>nginx</html>"), TelegramDown),
    (Response(302, headers={"location": "http://127.0.0.1:9/"}), TelegramDown),
    (Response(200, body=b""), TelegramDown),
    (Response(200, body=b"\xff\xfe"), TelegramDown),
    (Response(200, body=b'{"ok":false,"error_code":400,"description":"\xff\\ud800"}'), Refused),
    (Response(429, json={"ok": False}), TooManyRequests),
    (Response(403, json={"ok": False}), TelegramDown),
    (Response(403, json={"ok": False, "error_code": 403, "description": None, "parameters": None}), Unreachable),
    (Response(200, body=b"[" * 100_000), TelegramDown),
    (Response(200, json=[]), TelegramDown),
    (Response(200, json={"ok": True}), TelegramDown),
    (Response(200, json={"ok": True, "result": True}), TelegramDown),
])  # fmt: skip
async def test_each_failure_is_told_apart(http: HttpClient, said: Response, kind: type[TelegramError]) -> None:
    async def answer(_: Request) -> Response:
        return said

    async with serving(answer) as url:
        with pytest.raises(TelegramError) as failed:
            await Telegram(url, BOT_TOKEN, http).call(SendMessage(1, "x"))
    error = failed.value
    assert type(error) is kind
    assert str(error).startswith("sendMessage: ")
    if isinstance(error, TooManyRequests):
        assert error.seconds == (17 if said.json and "parameters" in said.json else 5)
    if isinstance(error, ChatMoved):
        assert error.chat_id == -100123


@pytest.mark.parametrize(("asked", "waited"), [(-5, 1), (0.5, 1), (10**12, 86_400), (1e300, 86_400)])
async def test_an_odd_wait_is_one_that_can_be_waited(http: HttpClient, asked: float, waited: float) -> None:
    async def answer(_: Request) -> Response:
        return Response(429, json={"ok": False, "error_code": 429, "parameters": {"retry_after": asked}})

    async with serving(answer) as url:
        with pytest.raises(TooManyRequests) as failed:
            await Telegram(url, BOT_TOKEN, http).call(SendMessage(1, "x"))
    assert failed.value.seconds == waited


async def test_what_was_sent_counts_as_sent_whatever_signs_the_answer_holds(http: HttpClient) -> None:
    async def answer(_: Request) -> Response:
        return Response(200, body=b'{"ok":true,"result":{"message_id":5,"chat":{"first_name":"\xff\\ud800"}}}')

    async with serving(answer) as url:
        assert await Telegram(url, BOT_TOKEN, http).call(SendMessage(1, "x")) == Message(5)


async def test_a_telegram_that_is_away_is_told_without_the_token(http: HttpClient) -> None:
    """It breaks off, never answers, or is not there."""
    begun = asyncio.Event()

    async def break_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"ok"')
        writer.close()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set()
        await reader.read()
        writer.close()

    errors = []
    for talk in (break_off, never, None):
        server = await asyncio.start_server(talk or never, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        if talk is None:
            server.close()
            await server.wait_closed()
        with pytest.raises(TelegramDown) as failed:
            await Telegram(url, BOT_TOKEN, http).call(SendMessage(1, "x"), seconds=0.2)
        errors.append(failed.value)
        server.close()
    assert begun.is_set()
    assert str(errors[1]) == "sendMessage: no answer in 0.2 s"
    lines = [line for error in errors for line in (repr(error), *traceback.format_exception(error))]
    assert BOT_TOKEN.partition(":")[2] not in "".join(lines)
