"""A shop with one provider, on the real database, its provider's server on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import SUBSCRIPTIONS
from backend.identity.types import Actor
from backend.infra.settings import Settings
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.money import Money
from backend.payments.gateways.http import HttpClient
from backend.payments.ports import ProviderKit
from backend.payments.service import InboxService, IntentsService, ReconciliationService, RefundsService
from backend.payments.service.common import ref
from backend.payments.types import Intent, Outcome, PaymentRef, Reconciliation, TopUpLimits
from backend.wallet import domain as ledger
from backend.wallet.service import WalletServices
from tests.backend.payments.providers.desk import Desk, Hook
from tests.backend.payments.providers.desks import DESKS
from tests.factories.wallet import USD, actor_of, rich_person, usd, wallet_services
from tests.fakes.clock import FakeClock

LIMITS = TopUpLimits(minimum=usd(100), maximum=usd(100_000_000))
ADMIN = Actor.system()
CLAIMED = 91
"""Seconds after which a refund that was cut off is sent again."""


@dataclass
class Shop:
    """The services that move money, and one buyer."""

    uow: UnitOfWork
    desk: Desk
    payments: IntentsService
    refunds: RefundsService
    inbox: InboxService
    reconciliation: ReconciliationService
    wallet: WalletServices
    buyer: Actor
    clock: FakeClock

    @property
    def method(self) -> str:
        return self.desk.provider.name

    async def open(self, cents: int = 1555, key: str = "tap") -> Intent:
        """A payment that the buyer begins."""
        return await self.payments.start_top_up(self.buyer, self.method, usd(cents), idempotency_key=key)

    async def paid(self, cents: int = 1555, key: str = "tap") -> Intent:
        """A payment that is paid and credited."""
        intent = await self.open(cents, key)
        await self.hear(self.desk.pay(intent, intent.payable.amount))
        return await self.look(intent)

    async def hear(self, hook: Hook | None) -> list[Outcome]:
        """Take the provider's call."""
        return [] if hook is None else await self.payments.receive(self.method, *hook)

    async def look(self, intent: Intent) -> Intent:
        """The payment as it is stored."""
        return await self.payments.intent(self.buyer, intent.id)

    async def ref(self, intent: Intent) -> PaymentRef:
        """The payment as its provider gets it."""
        async with self.uow.read() as tx:
            return await ref(tx, intent)

    async def balance(self) -> int:
        """What the buyer has, in cents."""
        async with self.uow.read() as tx:
            return (await ledger.balance(tx, self.buyer.id, USD)).amount

    async def prove(self) -> None:
        """The ledger is verified."""
        proof = await self.wallet.ledger.verify(ADMIN)
        assert proof.balanced, proof

    async def reconcile(self) -> Reconciliation:
        """Reconcile the provider with the ledger."""
        (result,) = await self.reconciliation.reconcile_all()
        return result

    async def unmatched(self) -> list[tuple[str, Money | None]]:
        """What waits for an admin: why, and how much."""
        return [(row.reason, row.amount) for row in (await self.inbox.unmatched(ADMIN)).items]


@pytest.fixture
async def kit(clock: FakeClock) -> AsyncIterator[ProviderKit]:
    """What providers are built with; the HTTP client is the real one."""
    http = HttpClient()
    yield ProviderKit(clock=clock, http=http)
    await http.close()


@pytest.fixture(params=DESKS)
async def desk(request: pytest.FixtureRequest, settings: Settings, kit: ProviderKit) -> AsyncIterator[Desk]:
    """Each provider in turn, or the one that the test names by ``indirect``."""
    async with DESKS[request.param](settings, kit) as opened:
        yield opened


@pytest.fixture
async def shop(
    desk: Desk, engine: AsyncEngine, committed_db: None, clock: FakeClock, database_url: str
) -> AsyncIterator[Shop]:
    """A shop with this provider alone."""
    uow = UnitOfWork(engine, clock, Signals(engine, database_url), SUBSCRIPTIONS)
    providers = {desk.provider.name: desk.provider}
    wallet = wallet_services(uow)
    shop = Shop(
        uow=uow,
        desk=desk,
        payments=IntentsService(uow=uow, providers=providers.values(), limits=lambda: LIMITS),
        refunds=RefundsService(uow=uow, providers=providers),
        inbox=InboxService(uow=uow, single_admin_limit=lambda: usd(10**15)),
        reconciliation=ReconciliationService(uow=uow, providers=providers),
        wallet=wallet,
        buyer=actor_of(await rich_person(uow, usd(0))),
        clock=clock,
    )
    yield shop
    await shop.prove()
