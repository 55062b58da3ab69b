"""Bot API methods on messages: send, edit, delete, copy, forward, answer a callback query."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from bot.simulator.errors import NOT_MODIFIED, STALE_QUERY, bad_request
from bot.simulator.markup import check_markup
from bot.simulator.outgoing import caption, message_text, post
from bot.simulator.params import Params
from bot.simulator.state import World
from bot.simulator.telegram_types import Message

Handler = Callable[[World, Params], Awaitable[Any]]
_MAX_ALERT = 200
_MEDIA = ("document", "video", "audio", "voice")


async def send_message(world: World, params: Params) -> Any:
    """sendMessage."""
    chat = world.destination(params.raw("chat_id"))
    text, entities = message_text(params)
    return world.message_json(post(world, params, chat, text=text, entities=entities or None))


async def send_chat_action(world: World, params: Params) -> bool:
    """sendChatAction: the page shows "typing"."""
    chat = world.destination(params.raw("chat_id"))
    world.live.tell("typing", chat_id=chat.id, action=params.text("action"))
    return True


def own_message(world: World, params: Params, to_do: str) -> Message:
    """Return the bot's message that a call names; raises 400 where there is none or it is not the bot's."""
    chat = world.destination(params.raw("chat_id"))
    message = world.messages(chat.id).get(params.integer("message_id"))
    if message is None:
        raise bad_request(f"message to {to_do} not found")
    if message.from_user is None or not message.from_user.is_bot:
        raise bad_request("message can't be edited")
    return message


def _finish_edit(world: World, params: Params, message: Message, **changes: Any) -> Any:
    changes["reply_markup"] = check_markup(params.object("reply_markup"), message.chat.type == "private")
    if all(getattr(message, name) == value for name, value in changes.items()):
        raise bad_request(NOT_MODIFIED)
    world.limit.take(message.chat.id, world.clock())
    edited = msgspec.structs.replace(message, edit_date=world.now(), **changes)
    world.put_message(edited)
    return world.message_json(edited)


async def edit_message_text(world: World, params: Params) -> Any:
    """editMessageText."""
    message = own_message(world, params, "edit")
    if message.text is None:
        raise bad_request("there is no text in the message to edit")
    text, entities = message_text(params)
    return _finish_edit(world, params, message, text=text, entities=entities or None)


async def edit_message_caption(world: World, params: Params) -> Any:
    """editMessageCaption."""
    message = own_message(world, params, "edit")
    if message.text is not None or message.invoice is not None:
        raise bad_request("there is no caption in the message to edit")
    text, entities = caption(params)
    return _finish_edit(world, params, message, caption=text, caption_entities=entities)


async def edit_message_reply_markup(world: World, params: Params) -> Any:
    """editMessageReplyMarkup."""
    return _finish_edit(world, params, own_message(world, params, "edit"))


def _delete(world: World, chat_id: int, message_ids: list[int]) -> int:
    messages = world.messages(chat_id)
    gone = [message_id for message_id in message_ids if messages.pop(message_id, None) is not None]
    if gone:
        world.live.tell("deleted", chat_id=chat_id, message_ids=gone)
        world.saved()
    return len(gone)


async def delete_message(world: World, params: Params) -> bool:
    """deleteMessage."""
    chat = world.destination(params.raw("chat_id"))
    if not _delete(world, chat.id, [params.integer("message_id")]):
        raise bad_request("message to delete not found")
    return True


async def delete_messages(world: World, params: Params) -> bool:
    """deleteMessages: those that are gone already are passed over."""
    chat = world.destination(params.raw("chat_id"))
    _delete(world, chat.id, [int(number) for number in params.json("message_ids") or []])
    return True


def _source(world: World, params: Params, to_do: str) -> Message:
    try:
        message = world.messages(int(params.text("from_chat_id"))).get(params.integer("message_id"))
    except ValueError:
        raise bad_request("chat not found") from None
    if message is None:
        raise bad_request(f"message to {to_do} not found")
    if message.has_protected_content or message.successful_payment or message.refunded_payment:
        raise bad_request(f"message can't be {'copied' if to_do == 'copy' else 'forwarded'}")
    return message


def _content(message: Message) -> dict[str, Any]:
    names = ("text", "entities", "caption", "caption_entities", "photo", *_MEDIA, "sticker")
    return {name: getattr(message, name) for name in names}


async def copy_message(world: World, params: Params) -> dict[str, int]:
    """copyMessage: the content without its author; a new caption replaces the old one."""
    chat = world.destination(params.raw("chat_id"))
    content = _content(_source(world, params, "copy"))
    if params.raw("caption") is not None and content["text"] is None:
        content["caption"], content["caption_entities"] = caption(params)
    return {"message_id": post(world, params, chat, **content).message_id}


async def forward_message(world: World, params: Params) -> Any:
    """forwardMessage: the content with its author."""
    chat = world.destination(params.raw("chat_id"))
    original = _source(world, params, "forward")
    origin = {"type": "user", "date": original.date, "sender_user": msgspec.to_builtins(original.from_user)}
    return world.message_json(post(world, params, chat, forward_origin=origin, **_content(original)))


async def answer_callback_query(world: World, params: Params) -> bool:
    """answerCallbackQuery; raises 400 for an id that is unknown or too old."""
    query_id = params.text("callback_query_id")
    if query_id not in world.answers:
        raise bad_request(STALE_QUERY)
    if len(params.text("text")) > _MAX_ALERT:
        raise bad_request("MESSAGE_TOO_LONG")
    world.answers[query_id] = {
        "text": params.text("text"),
        "show_alert": params.flag("show_alert"),
        "url": params.text("url"),
    }
    world.answered.set()
    return True


METHODS: dict[str, Handler] = {
    "sendMessage": send_message,
    "sendChatAction": send_chat_action,
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "copyMessage": copy_message,
    "forwardMessage": forward_message,
    "answerCallbackQuery": answer_callback_query,
}
