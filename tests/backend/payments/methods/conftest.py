"""A shop with each payment method in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from backend.bootstrap import build
from backend.infra.settings import Settings
from tests.backend.payments.methods.methods import METHODS, NEEDS
from tests.backend.payments.methods.shop import PRICE, Method, Shop
from tests.bot.telegram import EMMA, Telegram, telegram_running
from tests.factories.identity import contact
from tests.factories.shop import add_goods
from tests.fakes.clock import FakeClock


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


@pytest.fixture(params=list(METHODS))
def opening(
    request: pytest.FixtureRequest, settings: Settings, clock: FakeClock, tmp_path: Path
) -> AbstractAsyncContextManager[Method]:
    """Each payment method in turn; only its own servers are started."""
    shared = request.getfixturevalue(NEEDS[request.param]) if request.param in NEEDS else None
    return METHODS[request.param](settings, clock, tmp_path, shared)


@pytest.fixture
async def shop(
    opening: AbstractAsyncContextManager[Method],
    other_settings: Callable[..., Settings],
    committed_db: None,
    clock: FakeClock,
) -> AsyncIterator[Shop]:
    """The backend with this method; the ledger is verified after each test."""
    async with opening as method:
        services = build(other_settings(**method.settings), clock=clock)
        async with services.running(listen=False):
            await services.identity.access.ensure_root()
            await services.redis.flushdb()
            buyer = await services.identity.access.authenticate(contact(EMMA))
            async with services.uow() as tx:
                goods = await add_goods(tx, services.ring, price=PRICE)
            shop = Shop(services, method, clock, buyer, goods)
            yield shop
            await shop.work()
