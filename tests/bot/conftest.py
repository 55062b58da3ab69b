"""The bot at work, in this process, in a simulated Telegram."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import structlog
from aiogram import Bot

from backend.bootstrap import Services, build
from backend.identity.types import Actor
from backend.infra.settings import Settings
from bot.app import make_bot, make_dispatcher, used_updates
from bot.context import Deps
from bot.intake import Intake
from bot.polling import Poller
from tests.bot.paying import Payer, payer
from tests.bot.telegram import Telegram, telegram_running
from tests.fakes.clock import FakeClock


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> Iterator[None]:
    """Tracebacks as the product writes them: with all locals, as structlog draws them by itself, they take seconds."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.stdlib.add_log_level, renderer])
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
async def shared_telegram() -> AsyncIterator[Telegram]:
    """One simulator for all tests that reset it."""
    async with telegram_running() as running:
        yield running


@pytest.fixture
async def telegram(shared_telegram: Telegram) -> Telegram:
    """A simulator as on its first start."""
    await shared_telegram.reset()
    return shared_telegram


@pytest.fixture
def bot_settings(other_settings: Callable[..., Settings], telegram: Telegram) -> Settings:
    """Settings that point at the simulator."""
    return other_settings(
        telegram_api_url=telegram.url,
        admin_username="nadia_souk",
        star_price="0.013",
        telegram_provider_token="123456789:TEST:souk",
    )


@pytest.fixture
async def shop(bot_settings: Settings, committed_db: None, clock: FakeClock) -> AsyncIterator[Services]:
    """The backend behind the bot."""
    services = build(bot_settings, clock=clock)
    # The limit of a message a second to a chat has tests of its own; here it only takes time.
    services.telegram.pace = None
    async with services.running(listen=False):
        await services.identity.access.ensure_root()
        await services.redis.flushdb()
        yield services


class Parts:
    """The bot's parts."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.deps = Deps.of(services)
        self.bot: Bot = make_bot(services.settings)
        self.dispatcher = make_dispatcher(self.deps)
        self.intake = Intake(self.bot, self.dispatcher, services.redis, services.payments.chat)
        self.kinds = used_updates(self.dispatcher)


@asynccontextmanager
async def polling(parts: Parts) -> AsyncIterator[Poller]:
    """The bot asks for updates and answers."""
    poller = Poller(parts.bot, parts.intake, parts.kinds)
    task = asyncio.create_task(poller.run())
    try:
        yield poller
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def parts(shop: Services) -> AsyncIterator[Parts]:
    """The bot's parts, idle."""
    parts = Parts(shop)
    yield parts
    await parts.bot.session.close()


@pytest.fixture
async def running_bot(parts: Parts) -> AsyncIterator[Parts]:
    """The bot at work."""
    async with polling(parts):
        yield parts


@pytest.fixture
async def emma(telegram: Telegram, shop: Services) -> AsyncIterator[Payer]:
    """A payer; after each test the ledger proves itself."""
    yield await payer(telegram, shop)
    assert (await shop.wallet.ledger.verify(Actor.system())).balanced
