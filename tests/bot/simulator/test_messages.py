"""Messages through the real aiogram client: send, edit, delete, copy, keyboards, and each error."""

import pytest
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import TelegramMethod
from aiogram.types import (
    BufferedInputFile,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
    WebAppInfo,
)

from tests.bot.simulator.conftest import ADMIN, ARABIC, BUYER, Simulator, running

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x02\x00\x00\x00\x03\x08\x06\x00\x00\x00" + b"\x00" * 16
)  # a header is all that Telegram's check needs here


def keyboard(*buttons: InlineKeyboardButton) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[button] for button in buttons])


async def test_send_message_with_html_and_every_button(simulator: Simulator) -> None:
    sent = await simulator.bot.send_message(
        BUYER,
        "Hello <b>Emma</b>, key: <code>AB-12</code> <tg-spoiler>secret</tg-spoiler>",
        parse_mode="HTML",
        reply_markup=keyboard(
            InlineKeyboardButton(text="Site", url="https://example.com"),
            InlineKeyboardButton(text="More", callback_data="more:1"),
            InlineKeyboardButton(text="Shop", web_app=WebAppInfo(url="https://example.com/shop")),
            InlineKeyboardButton(text="Copy", copy_text=CopyTextButton(text="AB-12")),
        ),
    )
    assert sent.text == "Hello Emma, key: AB-12 secret"
    assert [entity.type for entity in sent.entities or []] == ["bold", "code", "spoiler"]
    message = (await simulator.get(f"/personas/{BUYER}/messages"))[-1]
    assert "<b>Emma</b>" in message["html"]
    assert [row[0]["kind"] for row in message["buttons"]] == ["url", "callback", "web_app", "copy"]


async def test_reply_keyboard_comes_and_goes(simulator: Simulator) -> None:
    markup = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Catalogue")]], resize_keyboard=True)
    await simulator.bot.send_message(BUYER, "Choose", reply_markup=markup)
    person = next(p for p in await simulator.get("/personas") if p["id"] == BUYER)
    assert person["keyboard"]["rows"][0][0]["text"] == "Catalogue"
    await simulator.bot.send_message(BUYER, "Done", reply_markup=ReplyKeyboardRemove())
    person = next(p for p in await simulator.get("/personas") if p["id"] == BUYER)
    assert person["keyboard"]["rows"] == []


async def test_edits_and_not_modified(simulator: Simulator) -> None:
    bot = simulator.bot
    sent = await bot.send_message(BUYER, "one")
    edited = await bot.edit_message_text("two", chat_id=BUYER, message_id=sent.message_id)
    assert not isinstance(edited, bool)
    assert edited.text == "two"
    assert edited.edit_date
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_text("two", chat_id=BUYER, message_id=sent.message_id)
    markup = keyboard(InlineKeyboardButton(text="A", callback_data="a"))
    await bot.edit_message_reply_markup(chat_id=BUYER, message_id=sent.message_id, reply_markup=markup)
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_reply_markup(chat_id=BUYER, message_id=sent.message_id, reply_markup=markup)
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("x", chat_id=BUYER, message_id=999999)
    theirs = await simulator.post(f"/personas/{BUYER}/send", text="mine")
    with pytest.raises(TelegramBadRequest, match="can't be edited"):
        await bot.edit_message_text("x", chat_id=BUYER, message_id=theirs["message_id"])


async def test_delete_copy_forward(simulator: Simulator) -> None:
    bot = simulator.bot
    sent = await bot.send_message(BUYER, "original")
    copied = await bot.copy_message(ADMIN, BUYER, sent.message_id)
    assert copied.message_id > sent.message_id
    forwarded = await bot.forward_message(ADMIN, BUYER, sent.message_id)
    assert forwarded.forward_origin is not None
    assert await bot.delete_message(BUYER, sent.message_id)
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await bot.delete_message(BUYER, sent.message_id)
    assert await bot.delete_messages(ADMIN, [copied.message_id, forwarded.message_id, 5555])
    assert await simulator.get(f"/personas/{ADMIN}/messages") == []
    secret = await bot.send_message(BUYER, "lesson", protect_content=True)
    with pytest.raises(TelegramBadRequest, match="can't be copied"):
        await bot.copy_message(ADMIN, BUYER, secret.message_id)


async def test_photo_document_and_download(simulator: Simulator) -> None:
    bot = simulator.bot
    photo = await bot.send_photo(BUYER, BufferedInputFile(PNG, "cat.png"), caption="<i>cat</i>", parse_mode="HTML")
    assert photo.photo is not None
    assert (photo.photo[0].width, photo.photo[0].height) == (2, 3)
    assert photo.caption == "cat"
    keys = await bot.send_document(BUYER, BufferedInputFile(b"KEY-1\nKEY-2\n", "keys.txt"), protect_content=True)
    assert keys.document is not None
    assert (keys.document.file_name, keys.document.mime_type) == ("keys.txt", "text/plain")
    info = await bot.get_file(keys.document.file_id)
    assert info.file_path
    downloaded = await bot.download_file(info.file_path)
    assert downloaded is not None
    assert downloaded.read() == b"KEY-1\nKEY-2\n"
    again = await bot.send_document(BUYER, keys.document.file_id)
    assert again.document is not None
    assert again.document.file_unique_id == keys.document.file_unique_id
    video = await bot.send_video(BUYER, BufferedInputFile(b"\x00mp4", "lesson.mp4"), duration=60)
    assert video.video is not None
    assert video.video.duration == 60
    edited = await bot.edit_message_caption(chat_id=BUYER, message_id=photo.message_id, caption="dog")
    assert not isinstance(edited, bool)
    assert edited.caption == "dog"
    with pytest.raises(TelegramBadRequest, match="wrong file_id"):
        await bot.get_file("nope")
    with pytest.raises(TelegramBadRequest, match="IMAGE_PROCESS_FAILED"):
        await bot.send_photo(BUYER, BufferedInputFile(b"text", "cat.png"))


async def test_person_sends_a_photo_and_a_reply(simulator: Simulator) -> None:
    asked = await simulator.bot.send_message(BUYER, "Send your work")
    await simulator.http.post(
        f"/control/personas/{BUYER}/files",
        data={"kind": "photo", "caption": "done", "reply_to": str(asked.message_id)},
        files={"file": ("work.png", PNG, "image/png")},
    )
    update = (await simulator.updates())[-1]
    assert update.message.photo[0].width == 2
    assert update.message.caption == "done"
    assert update.message.reply_to_message.message_id == asked.message_id


async def test_refused_messages(simulator: Simulator) -> None:
    bot = simulator.bot
    wrong = {
        "message text is empty": {"text": "  "},
        "message is too long": {"text": "x" * 4097},
        "can't parse entities: Unsupported start tag": {"text": "<p>x</p>", "parse_mode": "HTML"},
        "unsupported parse_mode": {"text": "x", "parse_mode": "Fancy"},
        "BUTTON_DATA_INVALID": {
            "text": "x",
            "reply_markup": keyboard(InlineKeyboardButton(text="a", callback_data="x" * 65)),
        },
        "Text buttons are unallowed": {"text": "x", "reply_markup": keyboard(InlineKeyboardButton(text="a"))},
        "Only HTTPS links": {
            "text": "x",
            "reply_markup": keyboard(InlineKeyboardButton(text="a", web_app=WebAppInfo(url="http://example.com"))),
        },
        "Wrong HTTP URL": {"text": "x", "reply_markup": keyboard(InlineKeyboardButton(text="a", url="not a link"))},
        "message to be replied not found": {"text": "x", "reply_parameters": ReplyParameters(message_id=99999)},
    }
    for description, params in wrong.items():
        with pytest.raises(TelegramBadRequest, match=description):
            await bot.send_message(BUYER, **params)  # type: ignore[arg-type]
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(5, "x")
    with pytest.raises(TelegramForbiddenError, match="can't initiate conversation"):
        await bot.send_message(ARABIC, "x")


async def test_blocked_and_back(simulator: Simulator) -> None:
    await simulator.post(f"/personas/{BUYER}/block")
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await simulator.bot.send_message(BUYER, "x")
    update = (await simulator.updates())[-1]
    assert update.my_chat_member.new_chat_member.status == "kicked"
    await simulator.post(f"/personas/{BUYER}/send", text="/start back")
    kinds = [update.event_type for update in await simulator.updates()]
    assert kinds == ["my_chat_member", "message"]
    assert await simulator.bot.send_message(BUYER, "welcome back")


async def test_wrong_token_and_unknown_method(simulator: Simulator) -> None:
    with pytest.raises(TelegramUnauthorizedError, match="Unauthorized"):
        await simulator.client("7000000001:AAanother_token").get_me()

    class Nothing(TelegramMethod[bool]):
        __returning__ = bool
        __api_method__ = "noSuchMethod"

    with pytest.raises(TelegramNotFound):
        await simulator.bot(Nothing())
    malformed = await simulator.http.post("/botnonsense/getMe")
    assert malformed.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}


async def test_injected_faults(simulator: Simulator) -> None:
    bot = simulator.bot
    await simulator.post("/faults", method="sendMessage", kind="429", times=2, retry_after=7)
    for _ in range(2):
        with pytest.raises(TelegramRetryAfter) as caught:
            await bot.send_message(BUYER, "x")
        assert caught.value.retry_after == 7
    assert await bot.send_message(BUYER, "x")
    await simulator.post("/faults", method="sendMessage", kind="error", status=502, description="Bad Gateway")
    with pytest.raises(TelegramServerError, match="Bad Gateway"):
        await bot.send_message(BUYER, "x")
    await simulator.post("/faults", method="*", kind="drop")
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(BUYER, "x")
    assert await bot.send_message(BUYER, "x")


async def test_rate_limits_of_a_chat_and_of_all() -> None:
    async with running(rate_limited=True) as simulator:
        await simulator.post(f"/personas/{BUYER}/send", text="/start")
        assert await simulator.bot.send_message(BUYER, "one")
        with pytest.raises(TelegramRetryAfter) as caught:
            await simulator.bot.send_message(BUYER, "two")
        assert caught.value.retry_after == 1
        assert await simulator.bot.send_message(ADMIN, "another chat")


async def test_callback_query_and_its_answer(simulator: Simulator) -> None:
    bot = simulator.bot
    markup = keyboard(InlineKeyboardButton(text="Go", callback_data="go"))
    sent = await bot.send_message(BUYER, "Ready?", reply_markup=markup)
    late = await simulator.post(f"/personas/{BUYER}/press", message_id=sent.message_id, text="Go", wait=0)
    assert late["answered"] is False
    query = (await simulator.updates())[-1].callback_query
    assert (query.data, query.from_user.id, query.message.message_id) == ("go", BUYER, sent.message_id)
    assert await bot.answer_callback_query(query.id, text="Gone", show_alert=True)
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query("12345")


@pytest.mark.parametrize("encoding", ["json", "data", "multipart", "query"])
async def test_parameters_in_every_encoding(simulator: Simulator, encoding: str) -> None:
    path = f"/bot{simulator.bot.token}/sendMessage"
    values = {"chat_id": str(BUYER), "text": "<b>x</b>", "parse_mode": "HTML"}
    markup = '{"inline_keyboard":[[{"text":"a","callback_data":"1"}]]}'
    if encoding == "json":
        body = {
            **values,
            "chat_id": BUYER,
            "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "1"}]]},
        }
        answer = await simulator.http.post(path, json=body)
    elif encoding == "data":
        answer = await simulator.http.post(path, data={**values, "reply_markup": markup})
    elif encoding == "multipart":
        parts = {key: (None, value) for key, value in {**values, "reply_markup": markup}.items()}
        answer = await simulator.http.post(path, files=parts)
    else:
        answer = await simulator.http.get(path, params={**values, "reply_markup": markup})
    result = answer.json()["result"]
    assert result["entities"] == [{"type": "bold", "offset": 0, "length": 1}]
    assert result["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == "1"
