"""Fixtures of growth's tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.growth.service import BonusesService, CodesService, GiftsService, VouchersService
from backend.growth.types import Limits
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.rate_limit import Limit, RateLimiter
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import RateLimited
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.kernel.text import Locale
from backend.wallet import domain as ledger
from backend.wallet.service import WalletServices
from tests.factories.identity import add_admin
from tests.factories.wallet import USD, rich_person, usd, wallet_services
from tests.fakes.clock import FakeClock

LIMITS = Limits(usd(100), usd(100_000), (usd(1000),))
SUBSCRIPTIONS = {
    name: (f"test.{name}",)
    for name in ("TopUpSucceeded", "RefundEnded", "PaymentTakenBack", "BonusCredited", "GiftCardRedeemed",
                 "PaymentUnmatched")
}  # fmt: skip


class Counter(RateLimiter):
    """Counts calls, and refuses them while ``full``."""

    def __init__(self) -> None:
        super().__init__(Redis())
        self.full = False
        self.calls = 0

    async def hit(self, limit: Limit, subject: str) -> None:
        """Count a call."""
        self.calls += 1
        if self.full:
            raise RateLimited(limit.seconds)


@pytest.fixture
def real_uow(engine: AsyncEngine, committed_db: None, clock: FakeClock, database_url: str) -> UnitOfWork:
    """Transactions that commit, on a connection each."""
    return UnitOfWork(engine, clock, Signals(engine, database_url), SUBSCRIPTIONS)


@pytest.fixture
def counter() -> Counter:
    """A rate limit that the test sets."""
    return Counter()


@pytest.fixture
def vouchers(real_uow: UnitOfWork, ring: KeyRing) -> VouchersService:
    """The service with which admins create vouchers."""
    return VouchersService(uow=real_uow, ring=ring, limits=lambda: LIMITS, limit=lambda: usd(10**15))


@pytest.fixture
def gifts(real_uow: UnitOfWork, ring: KeyRing) -> GiftsService:
    """The service with which people buy gift cards."""
    return GiftsService(uow=real_uow, ring=ring, limits=lambda: LIMITS)


@pytest.fixture
def codes(real_uow: UnitOfWork, ring: KeyRing, counter: Counter) -> CodesService:
    """The service with which people redeem codes."""
    return CodesService(uow=real_uow, ring=ring, limiter=counter)


@pytest.fixture
def bonuses(real_uow: UnitOfWork) -> BonusesService:
    """The service for bonus rules and bonuses."""
    return BonusesService(uow=real_uow, limit=lambda: usd(10_000))


@pytest.fixture
def wallet(real_uow: UnitOfWork) -> WalletServices:
    """The wallet's services, to check the ledger."""
    return wallet_services(real_uow)


def actor_of(user_id: UserId, *permissions: Permission) -> Actor:
    """A registered person as an actor."""
    return Actor(
        user_id=user_id, telegram_id=1, first_name="P", language=Locale.EN, timezone="UTC",
        permissions=frozenset(permissions),
    )  # fmt: skip


@pytest.fixture
def person(real_uow: UnitOfWork) -> Callable[..., Awaitable[Actor]]:
    """A factory of people with a balance."""

    async def make(amount: Money | None = None) -> Actor:
        return actor_of(await rich_person(real_uow, amount or usd(0)))

    return make


@pytest.fixture
async def admin(real_uow: UnitOfWork) -> Actor:
    """An admin with the permission for money."""
    async with real_uow() as tx:
        return actor_of(await add_admin(tx, Permission.MONEY), Permission.MONEY)


@pytest.fixture
def balance(real_uow: UnitOfWork) -> Callable[[Actor], Awaitable[int]]:
    """A person's balance in cents."""

    async def read(actor: Actor) -> int:
        async with real_uow.read() as tx:
            return (await ledger.balance(tx, actor.id, USD)).amount

    return read


@pytest.fixture
def jobs(real_uow: UnitOfWork) -> Callable[[str], Awaitable[list[dict[str, object]]]]:
    """The payloads of an event's jobs, the oldest first."""

    async def read(event: str) -> list[dict[str, object]]:
        async with real_uow.read() as tx:
            statement = text("SELECT payload FROM outbox_jobs WHERE task = :task ORDER BY run_at, id")
            return list((await tx.execute(statement, {"task": f"test.{event}"})).scalars())

    return read


@pytest.fixture
def accounts(wallet: WalletServices) -> Callable[[], Awaitable[dict[str, int]]]:
    """The balances of the shop's accounts in cents, after checking that the ledger is balanced."""

    async def read() -> dict[str, int]:
        report = await wallet.ledger.verify(Actor.system())
        assert report.balanced, report.differences
        return {item.name: item.balance.amount for item in await wallet.ledger.shop_accounts(Actor.system())}

    return read
