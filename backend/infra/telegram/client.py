"""One typed call for every method of the Bot API."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any, Final, Generic, Protocol, TypeVar, get_args

import msgspec

from backend.infra.http import HttpAnswer, NoAnswer
from backend.infra.telegram.errors import (
    ChatMoved,
    NotModified,
    Refused,
    TelegramDown,
    TelegramError,
    TooManyRequests,
    Unreachable,
    WrongToken,
)
from backend.infra.telegram.pace import Pace, Priority, paced_chat
from backend.infra.telegram.wire import mend

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_WAIT_SECONDS: Final = 10.0
# A 429 of a proxy says no time.
_REST_SECONDS: Final = 5.0
# Whatever is said, it is asked again within a day.
_LONGEST_REST_SECONDS: Final = 86_400.0
_DOWNLOAD_SECONDS: Final = 40.0
_OK: Final = 200
_SERVER_ERRORS: Final = 500
_WRONG_TOKEN: Final = frozenset({401, 404})
_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429
# Bad Request, Forbidden, Request Entity Too Large.
_REFUSALS: Final = frozenset({400, _FORBIDDEN, 413})
# Telegram's words (400) for a person who never met the bot, or is gone. Source: tdlib/telegram-bot-api, Client.cpp.
_NOBODY_THERE: Final = (
    "chat not found", "user not found", "peer_id_invalid", "user_is_blocked", "input_user_deactivated",
)  # fmt: skip
_NOT_MODIFIED: Final = "message is not modified"


class InputFile:
    """A file to upload, as the value of a method's field or of anything inside it."""

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self.content = content


class Method(msgspec.Struct, Generic[T_co], frozen=True, kw_only=True):
    """A method of the Bot API: a class of its name, with its parameters as fields; T_co is what it answers.

    A field that is None is not sent. ``class GetMe(Method[User], frozen=True)`` is a whole new method.
    """


class File(msgspec.Struct, frozen=True):
    """A file that can be downloaded at ``file_path`` for an hour; ``file_size`` in bytes, where it is known."""

    file_size: int | None = None
    file_path: str | None = None


class GetFile(Method[File], frozen=True):
    """Prepare a file of up to 20 MB for download. Telegram refuses larger ones."""

    file_id: str


class Transport(Protocol):
    """What makes the calls."""

    async def send(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        data: dict[str, str] | None = None,
        files: dict[str, tuple[str, bytes]] | None = None,
    ) -> HttpAnswer:
        """Make one call. Raises NoAnswer."""
        ...


class Telegram:
    """The Bot API at ``url``, as the bot of ``token``. The token stands in the address: no error tells that.

    ``pace`` keeps what goes to chats within Telegram's limits, together with all other processes.
    """

    def __init__(self, url: str, token: str, http: Transport, pace: Pace | None = None) -> None:
        self._address = f"{url.rstrip('/')}/bot{token}"
        self._files = f"{url.rstrip('/')}/file/bot{token}"
        self._http = http
        self.pace = pace

    async def turn(
        self, chat_id: int, priority: Priority = Priority.ANSWERS, *, patience: float, ticket: str = ""
    ) -> None:
        """Wait until one message to the chat is within the limits; the call that sends it says ``has_turn``.

        Raises TooManyRequests when that takes longer than ``patience`` seconds; see Pace.turn about ``ticket``.
        """
        if self.pace is not None:
            await self.pace.turn(chat_id, priority, patience=patience, ticket=ticket)

    async def call(
        self,
        method: Method[T],
        *,
        seconds: float = _WAIT_SECONDS,
        priority: Priority = Priority.ANSWERS,
        has_turn: bool = False,
    ) -> T:
        """Call ``method`` and read its answer within ``seconds``, once it is within the limits of its chat.

        Raises TooManyRequests, TelegramDown, WrongToken, and Refused with its kinds: Unreachable, NotModified,
        ChatMoved.
        """
        name, result = _signature(type(method))
        chat_id = paced_chat(name, getattr(method, "chat_id", None))
        if chat_id is not None and not has_turn:
            await self.turn(chat_id, priority, patience=seconds)
        try:
            return await self._call(name, result, method, seconds)
        except TooManyRequests as error:
            if chat_id is not None and self.pace is not None:
                await self.pace.pause(chat_id, error.seconds)
            raise

    async def download(self, file_id: str, largest: int) -> bytes | None:
        """What is in a file that somebody sent to the bot; None where Telegram doesn't give it, or it is larger.

        Raises TooManyRequests, TelegramDown, WrongToken.
        """
        try:
            file = await self.call(GetFile(file_id))
        except Refused:
            return None
        if file.file_path is None or (file.file_size or 0) > largest:
            return None
        try:
            async with asyncio.timeout(_DOWNLOAD_SECONDS):
                answer = await self._http.send("GET", f"{self._files}/{file.file_path}")
        except TimeoutError:
            raise TelegramDown(f"a file: no answer in {_DOWNLOAD_SECONDS:g} s") from None
        except NoAnswer as error:
            raise TelegramDown(f"a file: {error}") from error
        if answer.status >= _SERVER_ERRORS:
            raise TelegramDown(f"a file: {answer.status}")
        return answer.body if answer.status == _OK and len(answer.body) <= largest else None

    async def _call(self, name: str, result: Any, method: Method[T], seconds: float) -> T:
        fields, files = _parameters(method)
        address = f"{self._address}/{name}"
        try:
            async with asyncio.timeout(seconds):
                if files:
                    form = {field: _as_text(value) for field, value in fields.items()}
                    answer = await self._http.send("POST", address, data=form, files=files)
                else:
                    answer = await self._http.send("POST", address, json=fields)
        except TimeoutError:
            raise TelegramDown(f"{name}: no answer in {seconds:g} s") from None
        except NoAnswer as error:
            raise TelegramDown(f"{name}: {error}") from error
        read: T = _read(name, answer, result)
        return read


class _Parameters(msgspec.Struct, frozen=True):
    retry_after: float | None = None
    migrate_to_chat_id: int | None = None


class _Answer(msgspec.Struct, frozen=True):
    ok: bool
    result: msgspec.Raw = msgspec.Raw()
    error_code: int | None = None
    description: str | None = None
    parameters: _Parameters | None = None


@cache
def _signature(method: type[Method[Any]]) -> tuple[str, Any]:
    """The method's name in the Bot API, and the type of its answer."""
    (result,) = get_args(method.__orig_bases__[0])  # type: ignore[attr-defined]  # where Generic notes it
    return method.__name__[0].lower() + method.__name__[1:], result


def _parameters(method: Method[Any]) -> tuple[dict[str, Any], dict[str, tuple[str, bytes]]]:
    """What is sent, and the files that it speaks of as ``attach://file0``, by that name."""
    files: dict[str, tuple[str, bytes]] = {}

    def attach(value: object) -> str:
        if not isinstance(value, InputFile):
            raise NotImplementedError(f"{type(value).__name__} is no parameter")
        name = f"file{len(files)}"
        files[name] = (value.name, value.content)
        return f"attach://{name}"

    fields = msgspec.to_builtins(method, enc_hook=attach)
    return {field: value for field, value in fields.items() if value is not None}, files


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _read(name: str, answer: HttpAnswer, result: Any) -> Any:
    try:
        reply, done = _decode(answer.body, result)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if answer.status == _TOO_MANY:
            raise TooManyRequests(f"{name}: {answer.status}", _REST_SECONDS) from None
        # Not what it says: the page of a proxy that stands before Telegram, or of another server.
        raise TelegramDown(f"{name}: {answer.status}, not understood: {error}") from None
    if reply.ok:
        return done
    raise _failure(name, reply, answer.status)


def _decode(body: bytes, result: Any, *, mended: bool = False) -> tuple[_Answer, Any]:
    try:
        reply = msgspec.json.decode(body, type=_Answer)
        return reply, msgspec.json.decode(reply.result, type=result) if reply.ok else None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        if mended:
            raise
        # Half a character in somebody's name must not have a message sent again that was sent.
        return _decode(mend(body), result, mended=True)


def _failure(name: str, reply: _Answer, status: int) -> TelegramError:
    # Of a status alone only 429 is believed: a proxy's 403 does not say that a person has blocked the bot.
    code, said = reply.error_code or (_TOO_MANY if status == _TOO_MANY else 0), reply.description or ""
    more = reply.parameters or _Parameters()
    text, words = f"{name}: {said or code}", said.lower()
    if more.retry_after or code == _TOO_MANY:
        return TooManyRequests(text, min(max(more.retry_after or _REST_SECONDS, 1.0), _LONGEST_REST_SECONDS))
    if more.migrate_to_chat_id:
        return ChatMoved(text, more.migrate_to_chat_id)
    if code in _WRONG_TOKEN:
        return WrongToken(text)
    if code not in _REFUSALS:
        return TelegramDown(f"{name}: {code} {said}")
    if code == _FORBIDDEN or any(sign in words for sign in _NOBODY_THERE):
        return Unreachable(text)
    return NotModified(text) if _NOT_MODIFIED in words else Refused(text)
