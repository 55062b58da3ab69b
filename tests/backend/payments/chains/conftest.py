"""Fixtures of the chains' tests: a shop that takes USDT, over the real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import msgspec
import pytest
from sqlalchemy import text

from backend.identity.types import Actor
from backend.infra.settings import Settings
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.payments.gateways import usdt_evm
from backend.payments.ports import PaymentProvider, ProviderKit
from backend.payments.service import InboxService, IntentsService, MethodsService, ReconciliationService
from backend.payments.types import Intent, IntentStatus, ProviderEvent, Reconciliation
from backend.wallet import domain as ledger
from tests.backend.payments.conftest import LIMITS
from tests.factories.wallet import USD, actor_of, rich_person, usd, wallet_services
from tests.fakes.clock import FakeClock
from tests.fakes.evm import CHAIN_ID, XPUB, Evm, Gates

# Of the same words as the EVM chain's: m/44'/195'/0'.
TRON_XPUB = (
    "xpub6D1AabNHCupeiLM65ZR9UStMhJ1vCpyV4XbZdyhMZBiJXALQtmn9p42VTQckoHVn8WNqS7dqnJokZHAHcHGoaQgmv8D45oNUKx6DZMNZBCd"
)


DEEP = 3
"""The blocks that make a payment on the EVM chain final in these tests."""


def usdt(micro: int) -> Money:
    """USDT, told in millionths."""
    return Money(micro, "USDT")


def address_of(intent: Intent) -> str:
    """Where its money is to go."""
    assert intent.action is not None
    return intent.action.fields["address"]


@dataclass
class Till:
    """A shop with one payment method, and its buyer."""

    uow: UnitOfWork
    clock: FakeClock
    provider: PaymentProvider
    buyer: Actor
    payments: IntentsService = field(init=False)
    methods: MethodsService = field(init=False)
    inbox: InboxService = field(init=False)
    reconciliation: ReconciliationService = field(init=False)
    taps: int = 0

    def __post_init__(self) -> None:
        self.payments = IntentsService(uow=self.uow, providers=[self.provider], limits=lambda: LIMITS)
        self.methods = MethodsService(providers=[self.provider], limits=lambda: LIMITS)
        self.inbox = InboxService(
            uow=self.uow, single_admin_limit=lambda: usd(10**15), providers={self.provider.name: self.provider}
        )
        self.reconciliation = ReconciliationService(uow=self.uow, providers={self.provider.name: self.provider})

    async def begin(self, cents: int) -> Intent:
        """A new payment."""
        self.taps += 1
        return await self.payments.start_top_up(
            self.buyer, self.provider.name, usd(cents), idempotency_key=f"tap {self.taps}"
        )

    async def look(self, intent: Intent) -> Intent:
        """The payment after polling the chain."""
        return await self.payments.refresh(self.buyer, intent.id)

    async def balance(self) -> int:
        """What the buyer has, in cents."""
        async with self.uow.read() as tx:
            return (await ledger.balance(tx, self.buyer.id, USD)).amount

    async def unmatched(self) -> list[ProviderEvent]:
        """What waits for an admin."""
        return (await self.inbox.unmatched(Actor.system())).items

    async def reconcile(self) -> Reconciliation:
        """The comparison of the one provider."""
        self.clock.move(seconds=1)  # it looks at what was begun before
        (done,) = await self.reconciliation.reconcile_all()
        return done

    async def paid(self, intent: Intent, status: IntentStatus, cents: int) -> Intent:
        """Poll, then check the payment's status, the buyer's balance and the ledger."""
        payment = await self.look(intent)
        assert (payment.status, await self.balance()) == (status, cents)
        assert (await wallet_services(self.uow).ledger.verify(Actor.system())).balanced
        return payment


OpenTill = Callable[[PaymentProvider], Till]


@pytest.fixture
async def buyer_id(real_uow: UnitOfWork) -> UserId:
    """Somebody without money."""
    return await rich_person(real_uow, usd(0))


@pytest.fixture
def open_till(real_uow: UnitOfWork, clock: FakeClock, buyer_id: UserId) -> OpenTill:
    """Makes a shop with a provider: ``till = open_till(provider)``."""
    return lambda provider: Till(real_uow, clock, provider, actor_of(buyer_id))


@pytest.fixture
def configured(settings: Settings) -> Callable[..., Settings]:
    """The settings with these: ``configured(usdt_price="0.9")``."""
    return lambda **given: msgspec.structs.replace(settings, **given)


@pytest.fixture
async def gates(chain: Evm) -> AsyncIterator[Gates]:
    """The node by two addresses, "first" and "second", each with whims of its own."""
    gates = Gates(chain, "first", "second")
    yield gates
    await gates.close()


@pytest.fixture
async def three(chain: Evm) -> AsyncIterator[Gates]:
    """The node by three addresses: one of them may lie or be down, and two are still more than half."""
    three = Gates(chain, "first", "second", "third")
    yield three
    await three.close()


@pytest.fixture
def open_evm(
    open_till: OpenTill, configured: Callable[..., Settings], chain: Evm, clock: FakeClock
) -> Callable[..., Till]:
    """A shop that takes USDT through these gates: ``till = open_evm(gates, usdt_evm_confirmations="1")``."""

    def make(gates: Gates, kit: ProviderKit | None = None, **others: object) -> Till:
        given = {
            "usdt_evm_rpc_urls": gates.urls,
            "usdt_evm_xpub": XPUB,
            "usdt_evm_chain_id": CHAIN_ID,
            "usdt_evm_contract": chain.token.lower(),
            "usdt_evm_decimals": 6,
            "usdt_evm_confirmations": str(DEEP),
        }
        kit = kit or ProviderKit(clock=clock, http=gates)
        return open_till(usdt_evm.SPEC.build(configured(**given | others), kit))

    return make


async def count_credits(uow: UnitOfWork) -> int:
    """How many transfers the ledger holds."""
    async with uow.read() as tx:
        return int((await tx.execute(text("SELECT count(*) FROM ledger_transfers"))).scalar_one())
