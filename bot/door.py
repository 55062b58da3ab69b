"""The access check that every update passes: handlers see only known people who are not blocked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiogram import BaseMiddleware
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.enums import ChatType
from aiogram.exceptions import TelegramForbiddenError, TelegramRetryAfter
from aiogram.types import Chat, Message, TelegramObject, Update, User

from backend.identity.errors import Blocked
from backend.identity.types import Contact
from backend.infra.metrics import UPDATES
from backend.infra.origin import Origin, Via, acting_from
from backend.infra.rate_limit import Limit
from backend.infra.traces import trace
from backend.kernel.errors import LOG_LEVEL, AppError, Forbidden, RateLimited
from backend.kernel.text import Locale
from bot.context import Deps, Words
from bot.errors import message
from bot.handlers.community import is_of_group
from bot.handlers.support import write_blocked
from bot.money import is_money
from bot.replies import Once, tell
from bot.session import is_outage

_LIMIT = Limit("bot", times=20, seconds=10)
_START = "/start "
_LONGEST_NAME = 20
_LONGEST_START_PARAM = 64
_LEVELS = {"info": 20, "warning": 30, "error": 40}
log = structlog.get_logger(__name__)


def contact_of(user: User, update: Update) -> Contact:
    """The person that an update describes, with the start parameter of a /start."""
    text = (update.message.text or "") if update.message else ""
    start_param = text.removeprefix(_START).strip() if text.startswith(_START) else ""
    return Contact(
        telegram_id=user.id,
        first_name=user.first_name,
        last_name=user.last_name,
        username=user.username,
        language_code=user.language_code,
        is_premium=bool(user.is_premium),
        start_param=start_param if 0 < len(start_param) <= _LONGEST_START_PARAM else None,
    )


class Door(BaseMiddleware):
    """Registers or updates the sender, refuses blocked people and floods, and answers errors with a text."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._refused = Once(24 * 3600)
        self._slowed = Once(_LIMIT.seconds)

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Pass one update to its handler, or answer it here."""
        assert isinstance(event, Update)
        with acting_from(Origin(Via.BOT)):
            return await self._pass(handler, event, data)

    async def _pass(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: Update,
        data: dict[str, Any],
    ) -> Any:
        if is_money(event) or is_of_group(event):
            # Money is always taken in, from blocked people too; the intake must see failures. Who acts in a group, the
            # bot itself too, need not be a person of the shop.
            return await handler(event, data)
        user: User | None = data.get("event_from_user")
        chat: Chat | None = data.get("event_chat")
        if user is None or user.is_bot or (chat is not None and chat.type != ChatType.PRIVATE):
            return UNHANDLED
        if event.message is not None and event.message.via_bot is not None:
            # A product shared in the bot's own chat: its sender says nothing to us.
            return UNHANDLED
        if event.my_chat_member is not None:
            # A person who leaves need not be registered and gets no answer.
            return await handler(event, data)
        words = Words(Locale.closest(user.language_code, Locale.closest(self._deps.settings.default_language)))
        try:
            self._deps.limiter.hit_here(_LIMIT, str(user.id))
            actor = await self._deps.identity.access.authenticate(contact_of(user, event))
            words = Words(actor.language)
            return await handler(event, data | {"actor": actor, "words": words})
        except Forbidden as error:
            _note(error, event)
            await self._deps.identity.refusals.note(actor.id, _route(event), code=error.code)
            await tell(data["bot"], event, message(error, words))
        except Blocked as error:
            if event.message is None or not await self._take_from_blocked(event.message, words, data["albums"]):
                _note(error, event)
                once = self._said_before(error, user.id)
                await tell(data["bot"], event, message(error, words), only_in_passing=once)
        except TelegramForbiddenError:
            await self._deps.identity.access.mark_bot_blocked(user.id, blocked=True)
        except TelegramRetryAfter as error:
            # Telegram would refuse an answer too.
            log.warning("update.limited", seconds=error.retry_after)
        except Exception as error:
            if is_outage(error):
                raise  # Telegram's, not ours: there is nobody to tell, and the update comes again
            _note(error, event)
            await tell(data["bot"], event, message(error, words), only_in_passing=self._said_before(error, user.id))
        return None

    async def _take_from_blocked(self, said: Message, words: Words, albums: Once) -> bool:
        """Take what a blocked customer writes to support; too many messages are ignored."""
        try:
            return await write_blocked(said, self._deps, words, albums)
        except RateLimited:
            return True

    def _said_before(self, error: Exception, person: int) -> bool:
        if isinstance(error, Blocked):
            return not self._refused.first("blacklisted", person)
        if isinstance(error, RateLimited):
            return not self._slowed.first("slow", person)
        return False


def _route(update: Update) -> str:
    """What was asked of the bot, without what people write: ``bot /admin``, ``bot callback gift``."""
    if update.callback_query is not None:
        return f"bot callback {(update.callback_query.data or '').partition(':')[0][:_LONGEST_NAME]}"
    text = (update.message.text or "") if update.message is not None else ""
    if text.startswith("/"):
        return f"bot {text.split(maxsplit=1)[0].partition('@')[0][:_LONGEST_NAME]}"
    return f"bot {update.event_type}"


def _note(error: Exception, update: Update) -> None:
    if isinstance(error, AppError):
        log.log(_LEVELS[LOG_LEVEL[error.kind]], "update.refused", code=error.code)
    else:
        UPDATES.labels("failed").inc()
        log.error("update.failed", update=update.event_type, error=trace(error))
