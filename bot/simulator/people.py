"""What a person does: write, send a file, press a button, follow a link, open the Mini App."""

import re
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import msgspec

from bot.simulator.config import is_loopback
from bot.simulator.errors import ApiError
from bot.simulator.formatting import with_automatic
from bot.simulator.membership import set_blocked
from bot.simulator.methods_files import as_document, as_photo, store_upload
from bot.simulator.model import INSIDE, Persona, StoredFile
from bot.simulator.params import Upload
from bot.simulator.state import World
from bot.simulator.telegram_types import Chat, Message, WebAppData
from bot.simulator.views import buttons
from bot.simulator.webapp_data import launch_url, make_init_data

_START = re.compile(r"/start(?:\s|$)")


def chat_of(world: World, persona: Persona, chat_id: int | None) -> Chat:
    """Return the bot's chat with the person, or a group of theirs; raises 409 where they blocked the bot, or 403."""
    if chat_id is None or chat_id == persona.id:
        if persona.blocked:
            raise ApiError(409, "this person has blocked the bot: unblock first")
        return persona.chat()
    group = world.group(chat_id)
    if group.members.get(persona.id) not in INSIDE:
        raise ApiError(403, "this person is no member of the group")
    return group.chat()


def say(world: World, persona: Persona, chat: Chat, reply_to: int | None, **content: Any) -> Message:
    """Keep what the person says and send it to the bot as an update."""
    if chat.id == persona.id:
        persona.started = True
        persona.read_up_to = world.data.next_message_id
    message = Message(
        message_id=world.new_message_id(),
        date=world.now(),
        chat=chat,
        from_user=persona.user(),
        reply_to_id=reply_to,
        **content,
    )
    world.say(message)
    return message


def send_text(
    world: World, persona: Persona, text: str, reply_to: int | None = None, chat_id: int | None = None
) -> Message:
    """Write to the bot, or to a group where the person is a member; raises 400 for an empty text.

    "/start" from a person who blocked the bot unblocks it first, as Telegram's Restart button does.
    """
    text = text.strip()
    if not text:
        raise ApiError(400, "the text is empty")
    if persona.blocked and _START.match(text):
        set_blocked(world, persona, False)
    chat = chat_of(world, persona, chat_id)
    keyboard = persona.keyboard or {}
    if keyboard.get("one_time_keyboard") or keyboard.get("force_reply"):
        persona.keyboard = None
        world.live.tell("keyboard", chat_id=persona.id)
    return say(world, persona, chat, reply_to, text=text, entities=with_automatic(text, []) or None)


def send_file(
    world: World,
    persona: Persona,
    upload: Upload,
    caption: str,
    kind: str,
    reply_to: int | None = None,
    album: str | None = None,
) -> Message:
    """Send a file to the bot, as what `kind` says, alone or in an `album`; raises the 400s of a bad picture."""
    chat = chat_of(world, persona, None)
    stored = store_upload(world, upload, "photos" if kind == "photo" else "documents")
    content: dict[str, Any] = {"media_group_id": album, **_content_of(stored, kind)}
    if caption:
        content |= {"caption": caption, "caption_entities": with_automatic(caption, []) or None}
    return say(world, persona, chat, reply_to, **content)


def _content_of(stored: StoredFile, kind: str) -> dict[str, Any]:
    if kind == "photo":
        return {"photo": as_photo(stored)}
    if kind == "sticker":
        ids = {"file_id": stored.file_id, "file_unique_id": stored.file_unique_id}
        looks = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
        return {"sticker": ids | looks}
    document = as_document(stored)
    if kind in {"voice", "video", "audio"}:
        document.duration = 1
    if kind == "video":
        document.width, document.height = 640, 360
    return {kind: document}


def send_web_app_data(world: World, persona: Persona, button_text: str, data: str) -> Message:
    """Send what a Mini App opened from a keyboard button gave to sendData (at most 4096 bytes)."""
    if not 1 <= len(data.encode()) <= 4096:
        raise ApiError(400, "data must have 1 to 4096 bytes")
    return say(world, persona, chat_of(world, persona, None), None, web_app_data=WebAppData(data, button_text))


def find_button(
    world: World, chat_id: int, message_id: int, text: str | None, row: int, column: int
) -> tuple[Message, dict[str, Any]]:
    """Return a message and its inline button, by text or by place; raises 404 where there is none."""
    message = world.messages(chat_id).get(message_id)
    if message is None:
        raise ApiError(404, "no such message")
    rows = buttons(message.reply_markup, "inline_keyboard")
    if text is not None:
        for button in (button for line in rows for button in line):
            if button["text"] == text or button["value"] == text:
                return message, button
        raise ApiError(404, f"the message has no button {text!r}")
    try:
        return message, rows[row][column]
    except IndexError:
        raise ApiError(404, "the message has no button there") from None


async def press_callback(world: World, persona: Persona, message: Message, data: str, wait: float) -> dict[str, Any]:
    """Send a callback_query and wait up to `wait` seconds for answerCallbackQuery.

    Returns query_id, answered, and the answer's text, show_alert and url.
    """
    query_id = world.expect_answer()
    world.updates.push(
        "callback_query",
        {
            "id": query_id,
            "from": msgspec.to_builtins(persona.user()),
            "message": world.message_json(message),
            "chat_instance": str(message.chat.id * 7919),
            "data": data,
        },
        message.chat.id,
    )
    answer = await world.wait_for_answer(query_id, wait)
    empty = {"text": "", "show_alert": False, "url": ""}
    return {"query_id": query_id, "answered": answer is not None, **(answer or empty)}


def open_web_app(
    world: World,
    persona: Persona,
    address: str,
    theme: str = "light",
    start_param: str | None = None,
    source: Literal["button", "keyboard", "link"] = "button",
) -> dict[str, Any]:
    """Return what opens a Mini App: its address with launch parameters, and the initData in it.

    From a keyboard button Telegram gives no initData, so neither do we.
    """
    data = "" if source == "keyboard" else make_init_data(world, persona, start_param, direct=source == "link")
    url = launch_url(address, data, theme, start_param)
    return {"kind": "web_app", "url": url, "init_data": data, "address": address}


def _telegram_link(world: World, link: str) -> tuple[list[str], dict[str, str]] | None:
    """Path and query of a link into Telegram, this simulator's own address among them; None for all others."""
    parts = urlsplit(link if "://" in link else f"https://{link}")
    query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
    path = [part for part in parts.path.split("/") if part]
    if parts.scheme == "tg":
        domain = query.pop("domain", "")
        return ([domain, query.pop("appname", "")] if domain else []), query
    if (parts.hostname or "").lower() in {"t.me", "telegram.me", "telegram.dog"}:
        return path, query
    # The demo's BOT_URL: who follows it means the bot.
    if is_loopback(parts.hostname or "") and parts.port == world.config.port and not path:
        return [world.config.bot_username], query
    return None


def follow_link(world: World, persona: Persona, link: str, theme: str = "light") -> dict[str, Any]:
    """Say what Telegram does with a link.

    Kinds: "start" (a /start with its payload was sent), "web_app", "invoice" with slug, "invite" with the group,
    "url" for the browser, and "unknown" for a Telegram page that is not simulated.
    """
    of_telegram = _telegram_link(world, link)
    if of_telegram is None:
        return {"kind": "url", "url": link}
    path, query = of_telegram
    first = path[0] if path else ""
    if first.startswith("$") or (first == "invoice" and len(path) > 1):
        slug = first[1:] if first.startswith("$") else path[1]
        if slug in world.data.invoices:
            return {"kind": "invoice", "slug": slug}
    if first.startswith("+"):
        for group in world.data.groups.values():
            known = group.links.get(f"https://t.me/{first}")
            if known is not None:
                return {"kind": "invite", "invite_link": known.invite_link, "title": group.title,
                        "chat_id": group.id, "asks": known.creates_join_request,
                        "status": group.members.get(persona.id, "left"),
                        "requested": persona.id in group.requests}  # fmt: skip
    if first.lower() == world.config.bot_username.lower():
        if "startapp" in query or (len(path) > 1 and path[1]):
            # The Main Mini App, as @BotFather has it; the menu button may lead elsewhere.
            return open_web_app(world, persona, world.config.public_url, theme, query.get("startapp") or None, "link")
        if "start" in query:
            payload = query["start"]
            send_text(world, persona, f"/start {payload}" if payload else "/start")
        return {"kind": "start"}
    return {"kind": "unknown", "url": link}


def open_menu_button(world: World, persona: Persona, theme: str = "light") -> dict[str, Any]:
    """Open the Mini App of the menu button; raises 409 where the bot's menu button shows commands."""
    button = world.menu_button_for(persona.id)
    if button["type"] != "web_app":
        raise ApiError(409, "the menu button is not a Mini App: call setChatMenuButton first")
    return open_web_app(world, persona, str(button["web_app"]["url"]), theme)
