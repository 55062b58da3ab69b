"""The HTTP client of the bot: turns every outage of Telegram into the same errors."""

from __future__ import annotations

import asyncio
import math
import time
from http import HTTPStatus
from typing import Any, Final, cast

import msgspec
import structlog
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramEntityTooLarge,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiohttp import ClientError, ClientTimeout

from backend.infra.telegram.errors import TooManyRequests
from backend.infra.telegram.pace import Pace, paced_chat
from backend.infra.telegram.wire import mend

_LONGEST_WAIT: Final = 5
_RESTS: Final = (0.3, 1.0, 2.0)
# A call that took longer is not sent again: Telegram may have done it, and an update's time is short.
_SOON_SECONDS: Final = 6.0
log = structlog.get_logger(__name__)


class GetRawUpdates(TelegramMethod[Any]):
    """getUpdates whose updates stay as Telegram wrote them: one that aiogram cannot read must not spoil the others."""

    __returning__ = Any
    __api_method__ = "getUpdates"

    offset: int | None = None
    limit: int | None = None
    timeout: int | None = None
    allowed_updates: list[str] | None = None


class _Answer(msgspec.Struct, frozen=True):
    ok: bool
    result: msgspec.Raw = msgspec.Raw()


class _Sent(msgspec.Struct, frozen=True):
    """What is needed of a message that the bot has sent."""

    message_id: int
    date: int
    chat: dict[str, Any]


def is_outage(error: BaseException) -> bool:
    """Whether Telegram did not answer, or not as the Bot API does: the same call may go through later."""
    return isinstance(error, (TelegramNetworkError, TelegramServerError)) and not isinstance(
        error, TelegramEntityTooLarge
    )


class Session(AiohttpSession):
    """aiogram's session, but an HTML page, half an answer and a broken connection are Telegram's outage.

    With ``pace``, what goes to chats waits for its turn among all processes.
    """

    def __init__(self, pace: Pace | None, *, api: TelegramAPIServer, timeout: int) -> None:
        super().__init__(api=api, timeout=timeout)
        self._pace = pace

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109 - aiogram's own name
    ) -> TelegramType:
        """Call the Bot API within the limits of its chats. Raises TelegramRetryAfter, and as ``_post`` does."""
        chat_id = paced_chat(method.__api_method__, getattr(method, "chat_id", None))
        if self._pace is None or chat_id is None:
            return await self._post(bot, method, timeout)
        try:
            await self._pace.turn(chat_id, patience=_LONGEST_WAIT)
        except TooManyRequests as error:
            seconds = math.ceil(error.seconds)
            raise TelegramRetryAfter(method=method, message=str(error), retry_after=seconds) from error
        try:
            return await self._post(bot, method, timeout)
        except TelegramRetryAfter as error:
            await self._pace.pause(chat_id, float(error.retry_after))
            raise

    async def _post(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None,  # noqa: ASYNC109 - aiogram's own name
    ) -> TelegramType:
        """Call the Bot API. Raises TelegramServerError or TelegramNetworkError for an outage, else as aiogram does."""
        session = await self.create_session()
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        form = self.build_form_data(bot=bot, method=method)
        try:
            limit = ClientTimeout(total=timeout or self.timeout)
            async with session.post(url, data=form, timeout=limit, allow_redirects=False) as answer:
                body = await answer.read()
        except TimeoutError as error:
            raise TelegramNetworkError(method=method, message="Request timeout error") from error
        except (ClientError, OSError) as error:
            raise TelegramNetworkError(method=method, message=type(error).__name__) from error
        return cast(TelegramType, self._read(bot, method, answer.status, body))

    def _read(self, bot: Bot, method: TelegramMethod[Any], status: int, body: bytes) -> Any:
        try:
            answer = _answer(body)
            raw = answer.ok and status < HTTPStatus.BAD_REQUEST and isinstance(method, GetRawUpdates)
            updates = msgspec.json.decode(answer.result, type=list[msgspec.Raw]) if raw else None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            # A proxy's page for 502, 503 or 504, whatever status it bears; its words are nobody's business.
            raise TelegramServerError(method=method, message=f"no answer of the Bot API (HTTP {status})") from None
        if updates is not None:
            return [bytes(update) for update in updates]
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise TelegramServerError(method=method, message=f"HTTP {status}")
        try:
            return self.check_response(bot, method, status, body.decode(errors="replace")).result
        except ClientDecodeError:
            if answer.ok:
                return _as_far_as_needed(method, answer.result)
            raise TelegramServerError(method=method, message=f"an odd answer (HTTP {status})") from None
        except TelegramAPIError as error:
            error.message = error.message or f"HTTP {status}"
            if type(error) is not TelegramAPIError:
                raise
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                raise TelegramRetryAfter(method=method, message=error.message, retry_after=_LONGEST_WAIT) from None
            # A refusal that says nothing of why: a redirect, a status of nobody's, "not ok" with 200.
            raise TelegramServerError(method=method, message=error.message) from None


def _answer(body: bytes) -> _Answer:
    try:
        return msgspec.json.decode(body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return msgspec.json.decode(mend(body), type=_Answer)


def _as_far_as_needed(method: TelegramMethod[Any], result: msgspec.Raw) -> Any:
    """The result of a call that Telegram has done and that aiogram cannot read, such as a reply to an odd message."""
    try:
        sent = msgspec.json.decode(result, type=_Sent)
        kind = {"id": sent.chat.get("id"), "type": sent.chat.get("type")}
        partial = {"ok": True, "result": {"message_id": sent.message_id, "date": sent.date, "chat": kind}}
        return Response[method.__returning__].model_validate(partial).result  # type: ignore[name-defined]
    except (msgspec.MsgspecError, ValueError):
        # It is done; to be called again would do it twice.
        log.warning("telegram.odd_result", method=type(method).__name__)
        return None


class Patience(BaseRequestMiddleware):
    """Sends a call again after a short outage, and once more after a short wait that Telegram asks for."""

    async def __call__(
        self, make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]
    ) -> Response[TelegramType]:
        """Make one request."""
        begun = time.monotonic()
        rests = iter(() if isinstance(method, GetRawUpdates) else _RESTS)
        waited = False
        while True:
            try:
                return await make_request(bot, method)
            except TelegramRetryAfter as error:
                if waited or error.retry_after > _LONGEST_WAIT:
                    raise
                waited, rest = True, float(error.retry_after)
            except (TelegramNetworkError, TelegramServerError) as error:
                rest = next(rests, -1.0)
                if rest < 0 or not is_outage(error) or time.monotonic() - begun > _SOON_SECONDS:
                    raise
            log.info("telegram.waiting", method=type(method).__name__, seconds=rest)
            await asyncio.sleep(rest)
