"""The back office of a shop whose second payment method reports what the test sets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from backend import bootstrap
from backend.bootstrap import Services, build
from backend.identity.types import Actor, Permission
from backend.infra.settings import Settings
from backend.payments.gateways import demo, deposit
from backend.payments.ports import ProviderSpec
from backend.payments.types import Capabilities, Intent
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive

TopUp = Callable[..., Awaitable[Intent]]
MakeAdmin = Callable[..., Awaitable[Visitor]]


@pytest.fixture
def fake() -> FakeProvider:
    """A provider that refunds."""
    return FakeProvider(capabilities=Capabilities(refundable=True))


@pytest.fixture
async def services(
    settings: Settings, committed_db: None, clock: FakeClock, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Services]:
    """The whole backend with the fake provider, and payments by hand."""
    by_fake = ProviderSpec(name="fake", needs=("DEMO_PAYMENTS",), build=lambda _settings, _kit: fake, webhook=True)
    by_hand = ProviderSpec(
        name="deposit", needs=("DEMO_PAYMENTS",), build=lambda _settings, _kit: deposit.DepositProvider("Send it here")
    )
    monkeypatch.setattr(bootstrap, "PROVIDERS", (demo.SPEC, by_fake, by_hand))
    built = build(settings, clock=clock)
    async with built.running(listen=False):
        await built.identity.access.ensure_root()
        yield built


@pytest.fixture
def root(visitor: MakeVisitor, settings: Settings) -> Visitor:
    """The root admin's web view."""
    return visitor(settings.root_admin_id, first_name="Ruth")


@pytest.fixture
def make_admin(services: Services, visitor: MakeVisitor, root: Visitor) -> MakeAdmin:
    """Makes an admin: ``await make_admin(81, Permission.MONEY)``."""

    async def make(telegram_id: int, *permissions: Permission) -> Visitor:
        helper = visitor(telegram_id)
        chief, guest = await arrive(services, root), await arrive(services, helper)
        await services.identity.admins.set_permissions(chief, guest.id, permissions)
        helper.token = None
        await arrive(services, helper)
        return helper

    return make


@pytest.fixture
def top_up(services: Services, fake: FakeProvider) -> TopUp:
    """Tops a person's wallet up through the fake provider, or starts it by another: ``await top_up(actor)``."""

    async def make(
        actor: Actor, cents: int = 2000, *, key: str = "top-up", method: str = "fake", received: int | None = None
    ) -> Intent:
        intent = await services.payments.intents.start_top_up(actor, method, usd(cents), idempotency_key=key)
        if method == "fake":
            await services.payments.intents.settle(
                method, fake.paid(intent.id, usd(cents if received is None else received))
            )
        return await services.payments.intents.intent(actor, intent.id)

    return make
