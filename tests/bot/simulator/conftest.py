"""A real simulator on a free loopback port, in this process, with a real aiogram client and an HTTP client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from backend.infra.embedded import free_port
from bot.simulator import SimulatorConfig
from bot.simulator.server import serve

TOKEN = "7000000001:AAsimulatortoken_for_tests"
BUYER = 700000001
ARABIC = 700000002
RUSSIAN = 700000003
ADMIN = 42


async def until_answers(url: str, serving: asyncio.Task[None]) -> None:
    """Wait until the server accepts connections; raises what ended it instead."""
    async with httpx.AsyncClient() as client:
        while True:
            if serving.done():
                serving.result()
            try:
                await client.get(url)
            except httpx.ConnectError:
                await asyncio.sleep(0.01)
            else:
                return


@dataclass
class Simulator:
    """A running simulator with its clients."""

    url: str
    bot: Bot
    http: httpx.AsyncClient
    bots: list[Bot] = field(default_factory=list)

    async def get(self, path: str, **params: Any) -> Any:
        """GET from the control API."""
        answer = await self.http.get(f"/control{path}", params=params)
        answer.raise_for_status()
        return answer.json()

    async def post(self, path: str, **body: Any) -> Any:
        """POST to the control API."""
        answer = await self.http.post(f"/control{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    async def updates(self, **params: Any) -> list[Any]:
        """Fetch and confirm all pending updates, waiting up to five seconds for the first."""
        updates = await self.bot.get_updates(timeout=5, **params)
        await self.bot.get_updates(offset=updates[-1].update_id + 1)
        return updates

    def client(self, token: str = TOKEN) -> Bot:
        """Make one more aiogram client."""
        session = AiohttpSession(api=TelegramAPIServer.from_base(self.url))
        bot = Bot(token, session=session)
        self.bots.append(bot)
        return bot


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[Simulator]:
    """Run a simulator with these settings."""
    port = free_port()
    config = SimulatorConfig(
        **{
            "bot_token": TOKEN,
            "port": port,
            "root_admin_id": ADMIN,
            "pre_checkout_seconds": 5.0,
            "webhook_retry_seconds": 0.01,
            **settings,
        }
    )
    stop = asyncio.Event()
    task = asyncio.create_task(serve(config, stop))
    url = f"http://127.0.0.1:{port}"
    await until_answers(f"{url}/control/info", task)
    async with httpx.AsyncClient(base_url=url, timeout=15) as http:
        simulator = Simulator(url, Bot(TOKEN), http)
        simulator.bot = simulator.client()
        try:
            yield simulator
        finally:
            for bot in simulator.bots:
                await bot.session.close()
            stop.set()
            await asyncio.wait_for(task, 20)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_simulator() -> AsyncIterator[Simulator]:
    """One simulator for all tests that reset it."""
    async with running() as simulator:
        yield simulator


@pytest_asyncio.fixture(loop_scope="session")
async def simulator(shared_simulator: Simulator) -> Simulator:
    """A simulator as on its first start, without webhook; the English buyer and the admin have started the bot."""
    await shared_simulator.bot.delete_webhook()
    await shared_simulator.post("/reset")
    await shared_simulator.bot.get_updates(allowed_updates=[])
    await shared_simulator.post(f"/personas/{BUYER}/send", text="/start")
    await shared_simulator.updates()
    return shared_simulator


@pytest.fixture
def state_path(tmp_path: Path) -> Path:
    """A place for a state file."""
    return tmp_path / "simulator" / "state.json"
