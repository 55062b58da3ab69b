"""Bot API methods on the bot itself: getMe, updates and webhook, commands, menu button, names."""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from bot.simulator.config import is_loopback
from bot.simulator.errors import bad_request
from bot.simulator.markup import check_web_app_url
from bot.simulator.methods_messages import Handler
from bot.simulator.params import Params
from bot.simulator.state import World

_SCOPES = {"default", "all_private_chats", "all_group_chats", "all_chat_administrators", "chat",
           "chat_administrators", "chat_member"}  # fmt: skip


async def get_me(world: World, params: Params) -> dict[str, Any]:
    """getMe."""
    return {
        **msgspec.to_builtins(world.bot_user()),
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": True,
        "has_main_web_app": True,
    }


async def get_updates(world: World, params: Params) -> list[dict[str, Any]]:
    """getUpdates."""
    allowed = params.strings("allowed_updates")
    if allowed is not None:
        world.data.bot.allowed_updates = allowed or None
    limit = min(max(params.integer("limit", 100), 1), 100)
    return await world.updates.fetch(params.integer("offset"), limit, params.integer("timeout"))


async def set_webhook(world: World, params: Params) -> bool:
    """setWebhook; raises 400 unless the address is https, or http on loopback, which only we allow."""
    url = params.text("url")
    hook = world.data.bot.webhook
    if url:
        parts = urlsplit(url)
        if not parts.hostname or (parts.scheme != "https" and not is_loopback(parts.hostname)):
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
        if not is_loopback(parts.hostname):
            raise bad_request("bad webhook: the simulator delivers to this machine only")
    secret = params.text("secret_token")
    if len(secret) > 256 or not all(c.isascii() and (c.isalnum() or c in "_-") for c in secret):
        raise bad_request("secret token contains unallowed characters")
    allowed = params.strings("allowed_updates")
    if allowed is not None:
        world.data.bot.allowed_updates = allowed or None
    if params.flag("drop_pending_updates"):
        world.updates.clear()
    hook.url, hook.secret_token = url, secret
    hook.max_connections = min(max(params.integer("max_connections", 40), 1), 100)
    hook.last_error_date = hook.last_error_message = None
    world.saved()
    world.updates.deliver()
    return True


async def delete_webhook(world: World, params: Params) -> bool:
    """deleteWebhook."""
    if params.flag("drop_pending_updates"):
        world.updates.clear()
    world.data.bot.webhook.url = ""
    world.saved()
    return True


async def get_webhook_info(world: World, params: Params) -> dict[str, Any]:
    """getWebhookInfo."""
    hook = world.data.bot.webhook
    info: dict[str, Any] = {
        "url": hook.url,
        "has_custom_certificate": False,
        "pending_update_count": len(world.data.updates),
    }
    if hook.url:
        info |= {"max_connections": hook.max_connections, "ip_address": "127.0.0.1"}
    if hook.last_error_date is not None:
        info |= {"last_error_date": hook.last_error_date, "last_error_message": hook.last_error_message}
    if world.data.bot.allowed_updates:
        info["allowed_updates"] = world.data.bot.allowed_updates
    return info


def _commands_key(params: Params) -> str:
    scope: dict[str, Any] = params.object("scope") or {"type": "default"}
    kind = scope.get("type")
    if kind not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: type is unknown")
    key = str(kind)
    if "chat_id" in scope:
        key += f":{scope['chat_id']}"
    if "user_id" in scope:
        key += f":{scope['user_id']}"
    language = params.text("language_code")
    if language and not (len(language) == 2 and language.islower()):
        raise bad_request("invalid language code specified")
    return f"{key}|{language}"


async def set_my_commands(world: World, params: Params) -> bool:
    """setMyCommands, by scope and language."""
    commands = params.json("commands")
    if not isinstance(commands, list) or len(commands) > 100:
        raise bad_request("can't parse commands: expected an Array of BotCommand")
    for command in commands:
        name = str(command.get("command", "")).removeprefix("/") if isinstance(command, dict) else ""
        if not (1 <= len(name) <= 32 and all(c in "abcdefghijklmnopqrstuvwxyz0123456789_" for c in name)):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        command["command"] = name
    world.data.bot.commands[_commands_key(params)] = commands
    world.live.tell("menu")
    world.saved()
    return True


async def get_my_commands(world: World, params: Params) -> list[dict[str, Any]]:
    """getMyCommands, of exactly this scope and language."""
    return world.data.bot.commands.get(_commands_key(params), [])


async def delete_my_commands(world: World, params: Params) -> bool:
    """deleteMyCommands."""
    world.data.bot.commands.pop(_commands_key(params), None)
    world.live.tell("menu")
    world.saved()
    return True


async def set_chat_menu_button(world: World, params: Params) -> bool:
    """setChatMenuButton, for one chat or for all."""
    button: dict[str, Any] = params.object("menu_button") or {"type": "default"}
    if button.get("type") not in {"commands", "web_app", "default"}:
        raise bad_request("can't parse menu button: type is unknown")
    if button["type"] == "web_app":
        if not button.get("text"):
            raise bad_request("MENU_BUTTON_TEXT_INVALID")
        app: Any = button.get("web_app")
        check_web_app_url(app.get("url") if isinstance(app, dict) else None, "menu button Web App")
    world.data.bot.menu_buttons[params.integer("chat_id")] = button
    world.live.tell("menu")
    world.saved()
    return True


async def get_chat_menu_button(world: World, params: Params) -> dict[str, Any]:
    """getChatMenuButton."""
    return world.menu_button_for(params.integer("chat_id"))


def _texts(field: str, most: int) -> tuple[Handler, Handler]:
    key = "".join(part if index == 0 else part.title() for index, part in enumerate(field.split("_")))

    async def setter(world: World, params: Params) -> bool:
        value = params.text(field)
        if len(value) > most:
            raise bad_request(f"{key} is too long")
        world.data.bot.texts[f"{field}|{params.text('language_code')}"] = value
        world.live.tell("menu")
        world.saved()
        return True

    async def getter(world: World, params: Params) -> dict[str, str]:
        texts = world.data.bot.texts
        value = texts.get(f"{field}|{params.text('language_code')}") or texts.get(f"{field}|", "")
        return {field: value or (world.config.bot_name if field == "name" else "")}

    return setter, getter


_set_name, _get_name = _texts("name", 64)
_set_description, _get_description = _texts("description", 512)
_set_short, _get_short = _texts("short_description", 120)

METHODS: dict[str, Handler] = {
    "getMe": get_me,
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setChatMenuButton": set_chat_menu_button,
    "getChatMenuButton": get_chat_menu_button,
    "setMyName": _set_name,
    "getMyName": _get_name,
    "setMyDescription": _set_description,
    "getMyDescription": _get_description,
    "setMyShortDescription": _set_short,
    "getMyShortDescription": _get_short,
}
