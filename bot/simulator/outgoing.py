"""Putting a bot's message into a chat: what all the send methods share."""

from typing import Any

import msgspec

from bot.simulator.errors import bad_request
from bot.simulator.formatting import parse_text, utf16_length, with_automatic
from bot.simulator.markup import check_markup
from bot.simulator.params import Params
from bot.simulator.state import World
from bot.simulator.telegram_types import Chat, Message, MessageEntity

_MAX_TEXT = 4096
_MAX_CAPTION = 1024


def formatted(params: Params, name: str, entities_name: str) -> tuple[str, list[MessageEntity]]:
    """Return a text parameter with its entities, from a parse mode or given outright; raises the 400s."""
    source = params.text(name)
    given = params.json(entities_name)
    if given and not params.text("parse_mode"):
        try:
            entities = msgspec.convert(given, list[MessageEntity])
        except msgspec.ValidationError as error:
            raise bad_request(f"can't parse entities: {error}") from None
        return source, with_automatic(source, entities)
    return parse_text(source, params.text("parse_mode"))


def message_text(params: Params) -> tuple[str, list[MessageEntity]]:
    """Return the text of a message; raises 400 where it is empty or over 4096 characters."""
    text, entities = formatted(params, "text", "entities")
    if not text:
        raise bad_request("message text is empty")
    if utf16_length(text) > _MAX_TEXT:
        raise bad_request("message is too long")
    return text, entities


def caption(params: Params) -> tuple[str | None, list[MessageEntity] | None]:
    """Return a caption, or None twice; raises 400 where it is over 1024 characters."""
    text, entities = formatted(params, "caption", "caption_entities")
    if utf16_length(text) > _MAX_CAPTION:
        raise bad_request("message caption is too long")
    return text or None, entities or None


def _reply_target(world: World, params: Params, chat: Chat) -> int | None:
    reply: dict[str, Any] = params.object("reply_parameters") or {}
    target_id = reply.get("message_id") or params.integer("reply_to_message_id")
    if not target_id:
        return None
    if int(target_id) in world.messages(chat.id):
        return int(target_id)
    if reply.get("allow_sending_without_reply") or params.flag("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")


def post(world: World, params: Params, chat: Chat, **content: Any) -> Message:
    """Send a message of the bot to a chat already resolved; raises 400 for its keyboard, 429 by the limits."""
    markup = check_markup(params.object("reply_markup"), chat.type == "private")
    reply_to = _reply_target(world, params, chat)
    world.limit.take(chat.id, world.clock())
    message = Message(
        message_id=world.new_message_id(),
        date=world.now(),
        chat=chat,
        from_user=world.bot_user(),
        reply_to_id=reply_to,
        reply_markup=markup,
        has_protected_content=params.flag("protect_content") or None,
        **content,
    )
    persona = world.persona(chat.id)
    if markup is not None and persona is not None and "inline_keyboard" not in markup:
        persona.keyboard = None if markup.get("remove_keyboard") else markup
        persona.keyboard_id = message.message_id
        world.live.tell("keyboard", chat_id=chat.id)
    world.put_message(message)
    return message
