"""Puts the bot together."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType

from backend.infra.settings import Settings
from bot.context import Deps
from bot.door import Door
from bot.handlers import routers

_TIMEOUT_SECONDS = 20
_LONGEST_WAIT = 5
log = structlog.get_logger(__name__)


class WaitOnce(BaseRequestMiddleware):
    """Where Telegram asks for a short wait, an answer waits and is sent once more."""

    async def __call__(
        self, make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]
    ) -> Response[TelegramType]:
        """Make one request."""
        try:
            return await make_request(bot, method)
        except TelegramRetryAfter as error:
            if error.retry_after > _LONGEST_WAIT:
                raise
            log.info("telegram.waiting", seconds=error.retry_after)
            await asyncio.sleep(error.retry_after)
            return await make_request(bot, method)


def make_bot(settings: Settings) -> Bot:
    """The client of the Bot API; connects on first use."""
    api = TelegramAPIServer.from_base(settings.telegram_api_url)
    session = AiohttpSession(api=api, timeout=_TIMEOUT_SECONDS)
    session.middleware(WaitOnce())
    properties = DefaultBotProperties(parse_mode=ParseMode.HTML, link_preview_is_disabled=True)
    return Bot(settings.bot_token, session=session, default=properties)


def make_dispatcher(deps: Deps) -> Dispatcher:
    """All handlers behind the door."""
    dispatcher = Dispatcher(deps=deps, disable_fsm=True)
    dispatcher.update.outer_middleware(Door(deps))
    dispatcher.include_routers(*routers())
    return dispatcher


def used_updates(dispatcher: Dispatcher) -> list[str]:
    """The kinds of updates that the handlers want."""
    kinds: Any = dispatcher.resolve_used_update_types()
    return sorted(kinds)
