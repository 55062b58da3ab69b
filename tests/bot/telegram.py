"""A simulated Telegram for the bot's and the notifications' tests, and people who chat in it."""

from __future__ import annotations

import functools
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from aiogram.client.session import aiohttp as bots_http

from tests.bot.simulator.conftest import running
from tests.conftest import BOT_TOKEN, ROOT_ADMIN_ID

EMMA, LAYLA, DMITRI, NADIA = 700_000_001, 700_000_002, 700_000_003, ROOT_ADMIN_ID


class Telegram:
    """The simulator, as a test drives it."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url = url
        self.http = http

    async def control(self, verb: str, path: str, **body: Any) -> Any:
        """Call the control API."""
        answer = await self.http.request(verb, f"/control{path}", json=body if verb != "GET" else None)
        answer.raise_for_status()
        return answer.json()

    async def reset(self) -> None:
        """As on the first start."""
        await self.http.post(f"/bot{BOT_TOKEN}/deleteWebhook")
        await self.http.post(f"/bot{BOT_TOKEN}/getUpdates", json={"allowed_updates": []})
        await self.control("POST", "/rate-limit", enabled=False)
        await self.control("POST", "/reset")  # forgets faults and calls too

    async def fault(self, method: str, **how: Any) -> None:
        """Make the next calls of a method fail."""
        await self.control("POST", "/faults", method=method, **how)

    async def calls(self, method: str) -> list[Any]:
        """The bot's last calls of a method."""
        return list((await self.http.get("/control/calls", params={"method": method})).json())

    def person(self, number: int) -> Person:
        """Somebody in the simulator."""
        return Person(self, number)


class Person:
    """Somebody who chats with the bot."""

    def __init__(self, telegram: Telegram, number: int) -> None:
        self._telegram = telegram
        self.number = number

    async def send(self, text: str) -> int:
        """Write; the message's id."""
        sent = await self._telegram.control("POST", f"/personas/{self.number}/send", text=text)
        return int(sent["message_id"])

    async def say(self, text: str) -> Any:
        """Write, and wait for the bot's answer."""
        return (await self.heard(after=await self.send(text)))[0]

    async def heard(self, after: int = 0, wait: float = 10) -> list[Any]:
        """What the bot has said since the message ``after``; waits for the first."""
        query = {"after": after, "wait": wait}
        answer = await self._telegram.http.get(f"/control/personas/{self.number}/messages", params=query)
        answer.raise_for_status()
        return [message for message in answer.json() if message["from_bot"]]

    async def press(self, message: Any, text: str) -> Any:
        """Press a button, by its text."""
        where = {"message_id": message["message_id"], "text": text}
        return await self._telegram.control("POST", f"/personas/{self.number}/press", **where)

    async def block(self) -> None:
        """Block the bot."""
        await self._telegram.control("POST", f"/personas/{self.number}/block")

    async def unblock(self) -> None:
        """Let the bot write again."""
        await self._telegram.control("POST", f"/personas/{self.number}/unblock")

    async def meet(self) -> None:
        """Start a chat, with nobody there to answer."""
        await self.send("/start")


_authorities = functools.cache(ssl.create_default_context)


@contextmanager
def _bots_without_tls() -> Iterator[None]:
    """Bots read the list of authorities once, and close without aiogram's 250 ms for the last bytes of TLS."""

    async def close(session: bots_http.AiohttpSession) -> None:
        if session._session is not None:
            await session._session.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bots_http, "ssl", SimpleNamespace(create_default_context=_authorities))
        patch.setattr(bots_http.AiohttpSession, "close", close)
        yield


@asynccontextmanager
async def telegram_running() -> AsyncIterator[Telegram]:
    """Run a simulator for the bot of the tests' settings."""
    with _bots_without_tls():
        async with running(bot_token=BOT_TOKEN, root_admin_id=ROOT_ADMIN_ID) as simulator:
            yield Telegram(simulator.url, simulator.http)


def button(message: Any, text: str) -> Any:
    """The message's button with this text."""
    buttons = [item for row in message["buttons"] for item in row if item["text"] == text]
    assert buttons, f"no button {text!r} in {message['buttons']}"
    return buttons[0]
