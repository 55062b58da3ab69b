"""The bot's menu: commands per language, the menu button, the description."""

from __future__ import annotations

import asyncio

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramRetryAfter
from aiogram.methods import (
    SetChatMenuButton,
    SetMyCommands,
    SetMyDescription,
    SetMyShortDescription,
    TelegramMethod,
)
from aiogram.types import (
    BotCommand,
    BotCommandScopeChat,
    MenuButtonWebApp,
    WebAppInfo,
)

from backend.identity.types import Actor
from backend.kernel.text import Locale
from bot.context import Deps, Words, words_of

_SHORTEST_REST = 1.0
_LONGEST_REST = 60.0
log = structlog.get_logger(__name__)


def commands(words: Words, *, admin: bool = False) -> list[BotCommand]:
    """The commands in one language; an admin has one more."""
    _ = words.gettext
    texts = {
        "start": _("Open the shop"),
        "orders": _("My orders"),
        "learn": _("My courses"),
        "readings": _("Ask the cards"),
        "topup": _("Top up the wallet"),
        "sellers": _("Trusted sellers"),
        "language": _("Change language"),
        "help": _("How it works"),
        "paysupport": _("Help with a payment"),
        "terms": _("Terms of sale"),
        "privacy": _("Privacy"),
    }
    if admin:
        texts["admin"] = _("Manage the shop")
    return [BotCommand(command=name, description=text) for name, text in texts.items()]


def menu_button(deps: Deps, words: Words) -> MenuButtonWebApp:
    """The button beside the text field."""
    return MenuButtonWebApp(text=words.gettext("Shop"), web_app=WebAppInfo(url=deps.page("/shop")))


async def dress_chat(bot: Bot, deps: Deps, actor: Actor) -> None:
    """Set the menu of one chat in its person's language; a failure is only logged."""
    words, scope = words_of(actor), BotCommandScopeChat(chat_id=actor.telegram_id)
    try:
        await bot.set_chat_menu_button(chat_id=actor.telegram_id, menu_button=menu_button(deps, words))
        await bot.set_my_commands(commands(words, admin=actor.is_admin), scope=scope)
    except TelegramAPIError as error:
        log.info("menu.not_set", error=repr(error))


async def dress(bot: Bot, deps: Deps) -> None:
    """Set the menu, the commands and the descriptions in every language; waits until Telegram answers."""
    for step in _steps(deps):
        rest = _SHORTEST_REST
        while True:
            try:
                await bot(step)
            except TelegramBadRequest as error:
                # The root admin may not have started the bot yet: Telegram does not know their chat then.
                log.info("menu.refused", error=error.message)
            except TelegramRetryAfter as error:
                # These calls have limits of hours; the menu of the last start serves on.
                log.info("menu.limited", retry_after=error.retry_after)
            except (TelegramAPIError, OSError, TimeoutError) as error:
                log.warning("menu.waiting", error=repr(error), rest=rest)
                await asyncio.sleep(rest)
                rest = min(rest * 2, _LONGEST_REST)
                continue
            break
    log.info("menu.set")


def _steps(deps: Deps) -> list[TelegramMethod[bool]]:
    settings = deps.settings
    default = Locale.closest(settings.default_language)
    # The shop button comes first: a person who taps Start meanwhile must not see a menu of commands instead.
    steps: list[TelegramMethod[bool]] = [SetChatMenuButton(menu_button=menu_button(deps, Words(default)))]
    for locale in (default, *(locale for locale in Locale if locale is not default)):
        words = Words(locale)
        _ = words.gettext
        # The default language serves people whose language we do not have.
        code = None if locale is default else locale.value
        long = _("Digital goods with instant delivery. Tap Start to open the shop right here in Telegram.")
        short = _("Digital goods with instant delivery.")
        steps += [
            SetMyCommands(commands=commands(words), language_code=code),
            SetMyDescription(description=long, language_code=code),
            SetMyShortDescription(short_description=short, language_code=code),
        ]
    root = BotCommandScopeChat(chat_id=settings.root_admin_id)
    return [*steps, SetMyCommands(commands=commands(Words(default), admin=True), scope=root)]
