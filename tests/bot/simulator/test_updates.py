"""getUpdates with its offsets, and webhooks with secret, retry and replies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiogram.exceptions import TelegramBadRequest, TelegramConflictError
from aiohttp import web

from backend.infra.embedded import free_port
from tests.bot.simulator.conftest import ADMIN, BUYER, Simulator, running


async def test_offsets_confirm(simulator: Simulator) -> None:
    bot = simulator.bot
    for text in ("one", "two", "three"):
        await simulator.post(f"/personas/{BUYER}/send", text=text)
    first = await bot.get_updates(limit=2)
    assert [update.message.text for update in first if update.message] == ["one", "two"]
    again = await bot.get_updates(limit=1)
    assert again[0].update_id == first[0].update_id
    rest = await bot.get_updates(offset=first[1].update_id + 1)
    assert [update.message.text for update in rest if update.message] == ["three"]
    assert await bot.get_updates(offset=rest[0].update_id + 1) == []
    assert await bot.get_updates() == []


async def test_negative_offset_forgets_all_before(simulator: Simulator) -> None:
    for text in ("one", "two", "three"):
        await simulator.post(f"/personas/{BUYER}/send", text=text)
    last = await simulator.bot.get_updates(offset=-1)
    assert [update.message.text for update in last if update.message] == ["three"]
    assert len(await simulator.bot.get_updates()) == 1


async def test_long_poll_wakes_on_an_update(simulator: Simulator) -> None:
    waiting = asyncio.create_task(simulator.bot.get_updates(timeout=20))
    await simulator.post(f"/personas/{BUYER}/send", text="hello")
    updates = await asyncio.wait_for(waiting, 20)
    assert updates[0].message
    assert updates[0].message.text == "hello"


async def test_a_second_poll_ends_the_first(simulator: Simulator) -> None:
    first = asyncio.create_task(simulator.client().get_updates(timeout=20))
    refused: list[str] = []
    while not refused:  # until the first poll stands, the second finds nobody to end
        await simulator.bot.get_updates(timeout=0)
        if first.done():
            with pytest.raises(TelegramConflictError, match="terminated by other getUpdates") as caught:
                await first
            refused.append(str(caught.value))
    assert refused


async def test_allowed_updates(simulator: Simulator) -> None:
    await simulator.bot.get_updates(allowed_updates=["callback_query"])
    await simulator.post(f"/personas/{BUYER}/send", text="unheard")
    assert await simulator.bot.get_updates() == []
    await simulator.bot.get_updates(allowed_updates=["message"])
    await simulator.post(f"/personas/{BUYER}/send", text="heard")
    assert len(await simulator.bot.get_updates()) == 1


class Hook:
    """A webhook that answers as told and keeps what came."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.reply: dict[str, Any] | None = None
        self.seen: asyncio.Queue[tuple[dict[str, Any], str | None]] = asyncio.Queue()

    async def handle(self, request: web.Request) -> web.Response:
        """Keep an update, answer with the next status."""
        update = await request.json()
        await self.seen.put((update, request.headers.get("X-Telegram-Bot-Api-Secret-Token")))
        status = self.statuses.pop(0) if self.statuses else 200
        return web.json_response(self.reply or {}, status=status)


@asynccontextmanager
async def webhook() -> AsyncIterator[tuple[Hook, str]]:
    """Serve a webhook on loopback."""
    hook = Hook()
    application = web.Application()
    application.router.add_post("/hook", hook.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield hook, f"http://127.0.0.1:{port}/hook"
    finally:
        await runner.cleanup()


async def test_webhook_secret_retry_and_order(simulator: Simulator) -> None:
    async with webhook() as (hook, url):
        hook.statuses = [500, 503]
        await simulator.bot.set_webhook(url, secret_token="s3cret_-", allowed_updates=["message"])
        await simulator.post(f"/personas/{BUYER}/send", text="first")
        await simulator.post(f"/personas/{BUYER}/send", text="second")
        seen = [await asyncio.wait_for(hook.seen.get(), 20) for _ in range(4)]
        assert [update["message"]["text"] for update, _ in seen] == ["first", "first", "first", "second"]
        assert {secret for _, secret in seen} == {"s3cret_-"}
        assert len({update["update_id"] for update, _ in seen}) == 2
        info = await simulator.bot.get_webhook_info()
        assert info.url == url
        assert info.last_error_message == "Wrong response from the webhook: 503 Service Unavailable"
        with pytest.raises(TelegramConflictError, match="webhook is active"):
            await simulator.bot.get_updates()
        await simulator.bot.delete_webhook(drop_pending_updates=True)
        assert (await simulator.bot.get_webhook_info()).url == ""


async def test_one_chat_does_not_hold_up_another() -> None:
    async with webhook() as (hook, url), running(webhook_retry_seconds=60.0) as simulator:
        await simulator.bot.set_webhook(url)
        hook.statuses = [500]
        await simulator.post(f"/personas/{BUYER}/send", text="stuck")
        await asyncio.wait_for(hook.seen.get(), 20)
        await simulator.post(f"/personas/{ADMIN}/send", text="through")
        update, _ = await asyncio.wait_for(hook.seen.get(), 20)
        assert update["message"]["text"] == "through"


async def test_method_in_the_answer_to_a_webhook(simulator: Simulator) -> None:
    async with webhook() as (hook, url):
        hook.reply = {"method": "sendMessage", "chat_id": BUYER, "text": "at once"}
        await simulator.bot.set_webhook(url)
        sent = await simulator.post(f"/personas/{BUYER}/send", text="hello")
        messages = await simulator.get(f"/personas/{BUYER}/messages", after=sent["message_id"], wait=5)
        assert [message["text"] for message in messages] == ["at once"]
        await simulator.bot.delete_webhook()


async def test_refused_webhooks(simulator: Simulator) -> None:
    with pytest.raises(TelegramBadRequest, match="An HTTPS URL must be provided"):
        await simulator.bot.set_webhook("http://example.com/hook")
    with pytest.raises(TelegramBadRequest, match="this machine only"):
        await simulator.bot.set_webhook("https://example.com/hook")
    with pytest.raises(TelegramBadRequest, match="unallowed characters"):
        await simulator.bot.set_webhook("http://127.0.0.1:1/hook", secret_token="no spaces")
