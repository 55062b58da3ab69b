"""Builds the bot: its client and its dispatcher."""

from __future__ import annotations

from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode

from backend.infra.settings import Settings
from backend.infra.telegram.pace import Pace
from bot.context import Deps
from bot.door import Door
from bot.handlers import routers, support
from bot.session import Patience, Session

_TIMEOUT_SECONDS = 20


def make_bot(settings: Settings, pace: Pace | None = None) -> Bot:
    """The client of the Bot API; connects on first use. ``pace`` is what all processes share."""
    api = TelegramAPIServer.from_base(settings.telegram_api_url)
    session = Session(pace, api=api, timeout=_TIMEOUT_SECONDS)
    session.middleware(Patience())
    properties = DefaultBotProperties(parse_mode=ParseMode.HTML, link_preview_is_disabled=True)
    return Bot(settings.bot_token, session=session, default=properties)


def make_dispatcher(deps: Deps) -> Dispatcher:
    """The dispatcher with all handlers, behind the access check of ``door``."""
    dispatcher = Dispatcher(deps=deps, albums=support.albums(), disable_fsm=True)
    dispatcher.update.outer_middleware(Door(deps))
    dispatcher.include_routers(*routers())
    return dispatcher


def used_updates(dispatcher: Dispatcher) -> list[str]:
    """The kinds of updates that the handlers take."""
    kinds: Any = dispatcher.resolve_used_update_types()
    return sorted(kinds)
