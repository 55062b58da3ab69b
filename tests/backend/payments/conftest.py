"""Fixtures of the payments' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.identity.types import Actor
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import UserId
from backend.payments.gateways.demo import DemoProvider
from backend.payments.ports import PaymentProvider
from backend.payments.service import InboxService, IntentsService, ReconciliationService, RefundsService
from backend.payments.types import TopUpLimits
from backend.wallet import domain as ledger
from backend.wallet.service import WalletServices
from tests.factories.wallet import USD, usd, wallet_services
from tests.fakes import evm
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider

LIMITS = TopUpLimits(minimum=usd(100), maximum=usd(100_000), presets=(usd(1000), usd(2500)))
SUBSCRIPTIONS = {
    "TopUpSucceeded": ("test.top_up_noted",),
    "PaymentUnmatched": ("test.unmatched_noted",),
    "ApprovalAsked": ("test.approval_noted",),
    "RefundEnded": ("test.refund_noted",),
    "PaymentTakenBack": ("test.taken_back_noted",),
    "DepositProved": ("test.proof_noted",),
    "ReconciliationDiffered": ("test.difference_noted",),
    "ReconciliationFailed": ("test.failure_noted",),
}


@pytest.fixture(scope="session")
async def chain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[evm.Evm]:
    """The real node; its tests share the group "anvil", so that there is one."""
    async with evm.running(tmp_path_factory.mktemp("anvil")) as chain:
        yield chain


@pytest.fixture
def real_uow(engine: AsyncEngine, committed_db: None, clock: FakeClock, database_url: str) -> UnitOfWork:
    """Transactions that commit, on a connection each."""
    return UnitOfWork(engine, clock, Signals(engine, database_url), SUBSCRIPTIONS)


@pytest.fixture
def demo(clock: FakeClock) -> DemoProvider:
    """The demo provider by the test's clock."""
    return DemoProvider(clock=clock, production=False, secret="s" * 32)


@pytest.fixture
def fake() -> FakeProvider:
    """A provider whose word the test gives."""
    return FakeProvider()


@pytest.fixture
def payments(real_uow: UnitOfWork, demo: DemoProvider, fake: FakeProvider) -> IntentsService:
    """The service with both providers."""
    providers: Sequence[PaymentProvider] = (demo, fake)
    return IntentsService(uow=real_uow, providers=providers, limits=lambda: LIMITS)


@pytest.fixture
def wallet(real_uow: UnitOfWork) -> WalletServices:
    """The wallet's service, for its proof."""
    return wallet_services(real_uow)


@pytest.fixture
def balance(real_uow: UnitOfWork) -> Callable[[UserId], Awaitable[int]]:
    """What a person has, in cents."""

    async def read(user_id: UserId) -> int:
        async with real_uow.read() as tx:
            return (await ledger.balance(tx, user_id, USD)).amount

    return read


@pytest.fixture
def jobs(real_uow: UnitOfWork) -> Callable[[str], Awaitable[list[dict[str, object]]]]:
    """The payloads of the jobs of a task, the oldest first."""

    async def read(task: str) -> list[dict[str, object]]:
        async with real_uow.read() as tx:
            statement = text("SELECT payload FROM outbox_jobs WHERE task = :task ORDER BY run_at, id")
            return list((await tx.execute(statement, {"task": task})).scalars())

    return read


@pytest.fixture
def refunds(real_uow: UnitOfWork, demo: DemoProvider, fake: FakeProvider) -> RefundsService:
    """Refunds through both providers."""
    return RefundsService(uow=real_uow, providers={"demo": demo, "fake": fake})


@pytest.fixture
def inbox(real_uow: UnitOfWork, fake: FakeProvider) -> InboxService:
    """What admins see."""
    return InboxService(uow=real_uow, single_admin_limit=lambda: usd(10**15), providers={fake.name: fake})


@pytest.fixture
def reconciliation(real_uow: UnitOfWork, demo: DemoProvider, fake: FakeProvider) -> ReconciliationService:
    """Comparisons with both providers."""
    return ReconciliationService(uow=real_uow, providers={"demo": demo, "fake": fake})


@pytest.fixture
def cashier() -> Actor:
    """An admin who may move money."""
    return Actor.system()
