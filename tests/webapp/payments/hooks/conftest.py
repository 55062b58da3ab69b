"""The demo provider's side of a webhook."""

# ruff: noqa: F811 - a fixture that is imported is also the name of an argument

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import msgspec
import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.infra.settings import Settings
from backend.payments.gateways.demo import SIGNATURE, DemoNotice, DemoProvider
from backend.payments.types import Intent, IntentId, ProviderState
from backend.wallet import domain as ledger
from tests.conftest import services  # noqa: F401 - not the shop front of the folder above
from tests.factories.identity import person
from tests.factories.wallet import USD, usd
from tests.fakes.clock import FakeClock
from webapp.core.sampling import Sampler
from webapp.payments import hooks

PATH = "/hooks/demo"


class Provider:
    """Signs as the demo provider of this shop does, or with ``secret`` as another's."""

    def __init__(self, clock: FakeClock, secret: str) -> None:
        self._demo = DemoProvider(clock=clock, production=False, secret=secret)

    def call(
        self,
        intent_id: IntentId,
        received: int,
        *,
        event: str = "",
        state: ProviderState = ProviderState.PAID,
        currency: str = USD,
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of a report that ``received`` cents have been paid in all."""
        event = event or f"{intent_id}:{state}:{received}"
        return self.signed(msgspec.json.encode(DemoNotice(event, intent_id, state, received, currency)))

    def signed(self, body: bytes) -> tuple[dict[str, str], bytes]:
        """Any body, truly signed."""
        return {SIGNATURE: self._demo.sign(body), "content-type": "application/json"}, body


class Till:
    """One person and their payments."""

    def __init__(self, services: Services, actor: Actor) -> None:
        self.services = services
        self.actor = actor
        self._taps = 0

    async def begin(self, cents: int = 5000) -> Intent:
        """A payment that waits for money."""
        self._taps += 1
        key = f"tap-{self._taps}"
        return await self.services.payments.intents.start_top_up(self.actor, "demo", usd(cents), idempotency_key=key)

    async def intent(self, intent: Intent) -> Intent:
        """The payment as it stands now."""
        return await self.services.payments.intents.intent(self.actor, intent.id)

    async def balance(self) -> int:
        """Their balance, in cents."""
        async with self.services.uow.read() as tx:
            return (await ledger.balance(tx, self.actor.id, USD)).amount

    async def count(self, statement: str) -> int:
        """One number of the database."""
        async with self.services.uow.read() as tx:
            return int((await tx.execute(text(statement))).scalar_one())

    async def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        async with self.services.uow.read() as tx:
            tables = list((await tx.execute(text(names))).scalars())
        return {name: await self.count(f'SELECT count(*) FROM "{name}"') for name in tables}

    async def proves_itself(self) -> None:
        """The ledger is in order."""
        assert (await self.services.wallet.ledger.verify(Actor.system())).balanced


Send = Callable[[tuple[dict[str, str], bytes]], Awaitable[httpx.Response]]


@pytest.fixture(autouse=True)
def sampler(monkeypatch: pytest.MonkeyPatch) -> Sampler:
    """Counts from nothing in each test."""
    sampler = Sampler()
    monkeypatch.setattr(hooks, "_sampler", sampler)
    return sampler


@pytest.fixture
async def till(services: Services) -> Till:
    """Somebody who pays."""
    return Till(services, await person(services.identity))


@pytest.fixture
def provider(settings: Settings, clock: FakeClock) -> Provider:
    """This shop's provider."""
    return Provider(clock, settings.secret_key)


@pytest.fixture
def send(client: httpx.AsyncClient) -> Send:
    """One call, as the provider makes it."""

    async def post(call: tuple[dict[str, str], bytes]) -> httpx.Response:
        headers, body = call
        return await client.post(PATH, headers=headers, content=body)

    return post
