"""Inline mode: what a person types after the bot's name, or shares from the Mini App, and what is sent of it."""

import secrets
from typing import Any

import msgspec

from bot.simulator.errors import STALE_QUERY, ApiError, bad_request
from bot.simulator.formatting import parse_text
from bot.simulator.markup import check_markup
from bot.simulator.methods_files import as_photo
from bot.simulator.methods_messages import Handler
from bot.simulator.model import Persona
from bot.simulator.params import Params
from bot.simulator.people import chat_of, say
from bot.simulator.state import World
from bot.simulator.telegram_types import Message, MessageEntity

_LONGEST_QUERY = 256
_MOST_RESULTS = 50
_MOST_BYTES = 64
_MOST_PREPARED = 1000
_PREPARED_SECONDS = 600


async def answer_inline_query(world: World, params: Params) -> bool:
    """answerInlineQuery; articles with a text only, which is what shops send."""
    query_id = params.text("inline_query_id")
    if query_id not in world.answers:
        raise bad_request(STALE_QUERY)
    results = params.json("results")
    if not isinstance(results, list) or len(results) > _MOST_RESULTS:
        raise bad_request("RESULTS_TOO_MUCH")
    if len(params.text("next_offset").encode()) > _MOST_BYTES:
        raise bad_request("NEXT_OFFSET_INVALID")
    checked = [_checked(result) for result in results]
    if len({result["id"] for result in checked}) != len(checked):
        raise bad_request("RESULT_ID_DUPLICATE")
    world.answers[query_id] = {
        "results": checked,
        "is_personal": params.flag("is_personal"),
        "cache_time": params.integer("cache_time", 300),
        "button": params.object("button"),
    }
    world.answered.set()
    return True


def _checked(result: Any) -> dict[str, Any]:
    if not isinstance(result, dict) or result.get("type") != "article":
        raise bad_request("can't parse inline query result: only articles are simulated")
    if not 1 <= len(str(result.get("id", "")).encode()) <= _MOST_BYTES:
        raise bad_request("RESULT_ID_INVALID")
    if not result.get("title"):
        raise bad_request("ARTICLE_TITLE_EMPTY")
    content = result.get("input_message_content")
    if not isinstance(content, dict) or not content.get("message_text"):
        raise bad_request("MESSAGE_EMPTY")
    text, entities = parse_text(str(content["message_text"]), content.get("parse_mode"))
    return {
        "id": str(result["id"]),
        "title": str(result["title"]),
        "description": str(result.get("description") or ""),
        "thumbnail_url": result.get("thumbnail_url"),
        "text": text,
        "entities": msgspec.to_builtins(entities),
        "reply_markup": check_markup(result.get("reply_markup"), private=False),
    }


def _checked_photo(world: World, result: dict[str, Any]) -> dict[str, Any]:
    """A picture that the bot has uploaded before, with a caption."""
    stored = world.data.files.get(str(result.get("photo_file_id")))
    if stored is None:
        raise bad_request("wrong remote file identifier specified: can't unserialize it. Wrong last symbol")
    if not 1 <= len(str(result.get("id", "")).encode()) <= _MOST_BYTES:
        raise bad_request("RESULT_ID_INVALID")
    text, entities = parse_text(str(result.get("caption") or ""), result.get("parse_mode"))
    return {
        "id": str(result["id"]),
        "title": str(result.get("title") or ""),
        "description": "",
        "thumbnail_url": None,
        "photo": stored.file_id,
        "text": text,
        "entities": msgspec.to_builtins(entities),
        "reply_markup": check_markup(result.get("reply_markup"), private=False),
    }


async def ask(world: World, persona: Persona, text: str, wait: float) -> dict[str, Any]:
    """Send an inline_query and wait up to `wait` seconds for its answer: query_id, answered, results, button."""
    query_id = world.expect_answer()
    query = {
        "id": query_id,
        "from": msgspec.to_builtins(persona.user()),
        "query": text[:_LONGEST_QUERY],
        "offset": "",
        "chat_type": "sender",
    }
    world.updates.push("inline_query", query, persona.id)
    answer = await world.wait_for_answer(query_id, wait)
    return {"query_id": query_id, "answered": answer is not None, **(answer or {"results": [], "button": None})}


def choose(world: World, persona: Persona, query_id: str, result_id: str, chat_id: int | None) -> Message:
    """Send a result to the bot's own chat or to a group; raises 404 for a result that was not offered."""
    offered = (world.answers.get(query_id) or {}).get("results", [])
    chosen = next((result for result in offered if result["id"] == result_id), None)
    if chosen is None:
        raise ApiError(404, "no such result")
    return _send(world, persona, chosen, chat_id)


def _send(world: World, persona: Persona, chosen: dict[str, Any], chat_id: int | None) -> Message:
    entities = msgspec.convert(chosen["entities"], list[MessageEntity]) or None
    content: dict[str, Any] = {"text": chosen["text"], "entities": entities}
    if "photo" in chosen:
        picture = as_photo(world.data.files[chosen["photo"]])
        content = {"photo": picture, "caption": chosen["text"] or None, "caption_entities": entities}
    return say(
        world,
        persona,
        chat_of(world, persona, chat_id),
        None,
        **content,
        reply_markup=chosen["reply_markup"],
        via_bot=world.bot_user(),
    )


async def save_prepared_inline_message(world: World, params: Params) -> dict[str, Any]:
    """savePreparedInlineMessage, for one person and ten minutes."""
    user_id = params.integer("user_id")
    if user_id not in world.data.personas:
        raise bad_request("USER_ID_INVALID")
    kinds = ("allow_user_chats", "allow_bot_chats", "allow_group_chats", "allow_channel_chats")
    if not any(params.flag(kind) for kind in kinds):
        raise bad_request("PEER_TYPES_INVALID")
    prepared_id = secrets.token_urlsafe(12)
    expires = world.now() + _PREPARED_SECONDS
    result = params.json("result")
    is_photo = isinstance(result, dict) and result.get("type") == "photo"
    result = _checked_photo(world, result) if is_photo else _checked(result)
    world.prepared[prepared_id] = {"user_id": user_id, "result": result, "expires": expires}
    for oldest in list(world.prepared)[:-_MOST_PREPARED]:
        del world.prepared[oldest]
    return {"id": prepared_id, "expiration_date": expires}


def prepared_for(world: World, persona: Persona, prepared_id: str) -> dict[str, Any]:
    """What was prepared for this person; raises 404 for anything else, and once it has expired."""
    stored = world.prepared.get(prepared_id)
    if stored is None or stored["user_id"] != persona.id or stored["expires"] < world.now():
        raise ApiError(404, "no such prepared message")
    result: dict[str, Any] = stored["result"]
    return result


def share(world: World, persona: Persona, prepared_id: str, chat_id: int | None) -> Message:
    """Send what was prepared to the bot's own chat or to a group; raises 404 as prepared_for does."""
    return _send(world, persona, prepared_for(world, persona, prepared_id), chat_id)


METHODS: dict[str, Handler] = {
    "answerInlineQuery": answer_inline_query,
    "savePreparedInlineMessage": save_prepared_inline_message,
}
