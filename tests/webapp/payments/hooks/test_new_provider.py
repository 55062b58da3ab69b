"""A payment provider needs nothing but its SPEC: no other line of the product knows this one."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import pytest

from backend import bootstrap
from backend.bootstrap import Services, build
from backend.identity.types import Actor
from backend.infra.settings import Settings, SettingsError
from backend.kernel.money import Money
from backend.payments.errors import BadWebhook
from backend.payments.ports import PaymentProvider, ProviderKit, ProviderSpec
from backend.payments.types import (
    ActionKind,
    Capabilities,
    Created,
    IntentId,
    IntentStatus,
    PayAction,
    PaymentRef,
    ProviderReport,
    ProviderState,
    Refunded,
    RefundStatus,
    SendRefund,
    SetupState,
)
from backend.worker import all_tasks
from tests.factories.identity import person
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock
from tests.webapp.client import Visitor, browser
from tests.webapp.conftest import MakeWeb
from tests.webapp.payments.hooks.conftest import Till


class Lemons:
    """Pays in lemons' own web shop."""

    name = "lemons"
    capabilities = Capabilities(currencies=frozenset({"USD"}), minimum=500, refundable=True)

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.sold: dict[IntentId, Money] = {}
        self.back: dict[str, Money] = {}

    def _report(self, intent_id: IntentId) -> ProviderReport:
        paid = self.sold.get(intent_id)
        state = ProviderState.PAID if paid else ProviderState.PENDING
        return ProviderReport(event_id=f"{intent_id}:{state}", state=state, intent_id=intent_id, received=paid)

    async def create(self, payment: PaymentRef) -> Created:
        return Created(str(payment.intent_id), PayAction(ActionKind.LINK, url="https://lemons.example/1"))

    async def status(self, payment: PaymentRef) -> ProviderReport | None:
        return self._report(payment.intent_id)

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        if not hmac.compare_digest(headers.get("lemon-signature", ""), self.sign(body)):
            raise BadWebhook("lemons: wrong signature")
        return [self._report(msgspec.json.decode(body, type=IntentId))]

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        self.back[idempotency_key] = amount
        return Refunded(f"back-{idempotency_key}")

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        return [self._report(intent_id) for intent_id in self.sold]

    def sign(self, body: bytes) -> str:
        return hmac.new(self._key, body, hashlib.sha256).hexdigest()


def _build(settings: Settings, _kit: ProviderKit) -> PaymentProvider:
    if not settings.support_url.startswith("https://"):
        raise SettingsError("SUPPORT_URL must be https")
    return Lemons(settings.support_url.encode())


# It borrows a setting that is there; a real one would have its own.
SPEC = ProviderSpec(name="lemons", needs=("SUPPORT_URL",), build=_build, webhook=True)
Make = Callable[..., Services]


@pytest.fixture
def make(
    services: Services, other_settings: Callable[..., Settings], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> Make:
    """The backend with one line more in bootstrap."""
    monkeypatch.setattr(bootstrap, "PROVIDERS", (*bootstrap.PROVIDERS, SPEC))

    def make_services(**changes: Any) -> Services:
        return build(other_settings(**changes), clock=clock)

    return make_services


@pytest.fixture
async def shop(make: Make) -> AsyncIterator[Services]:
    """A shop that takes lemons."""
    built = make(support_url="https://lemons.example")
    async with built.running(listen=False):
        yield built


async def test_it_is_off_until_configured_and_says_what_is_wrong(make: Make) -> None:
    states = {}
    for url in ("", "http://lemons.example", "https://lemons.example"):
        built = make(support_url=url)
        async with built.running(listen=False):
            setups = {setup.name: setup for setup in await built.payments.methods.setups(Actor.system())}
            states[url] = setups["lemons"]
            assert built.payments.methods.is_enabled("lemons") == (setups["lemons"].state is SetupState.ON)
    off, wrong, on = states.values()
    assert (off.state, off.missing) == (SetupState.OFF, ("SUPPORT_URL",))
    assert (wrong.state, wrong.problem) == (SetupState.WRONG, "SUPPORT_URL must be https")
    assert (on.state, on.policy_risk, on.webhook_url) == (SetupState.ON, True, "http://127.0.0.1:8080/hooks/lemons")


async def test_from_the_page_to_the_money_and_back(shop: Services, make_web: MakeWeb, clock: FakeClock) -> None:
    """Its row on the page, its payment, its webhook, a refund and the nightly comparison."""
    settings = shop.settings
    buyer = await person(shop.identity, 4711)
    till = Till(shop, buyer)
    lemons = Lemons(b"https://lemons.example")
    shop_side = shop.payments.intents._providers["lemons"]
    assert isinstance(shop_side, Lemons)

    async with browser(make_web(shop, settings)) as client:
        visitor = Visitor(client, settings.bot_token, clock.now().timestamp(), 4711)
        page = await visitor.get("/wallet/topup")
        assert page.status_code == 200
        assert "lemons" in page.text.lower()

        intent = await shop.payments.intents.start_top_up(buyer, "lemons", usd(2000), idempotency_key="tap")
        assert (await visitor.get(f"/wallet/payments/{intent.id}")).status_code == 200
        shop_side.sold[intent.id] = usd(2000)
        body = msgspec.json.encode(intent.id)
        assert (await client.post("/hooks/lemons", content=body)).status_code == 401
        for _ in range(3):
            sent = await client.post("/hooks/lemons", content=body, headers={"lemon-signature": lemons.sign(body)})
            assert sent.status_code == 200
    assert ((await till.intent(intent)).status, await till.balance()) == (IntentStatus.SUCCEEDED, 2000)

    refund = await shop.payments.refunds.refund_top_up(
        Actor.system(), intent.id, usd(500), "sour", idempotency_key="once"
    )
    await shop.payments.refunds.send(SendRefund(refund.id))
    (ended,) = await shop.payments.refunds.list_for(Actor.system(), intent_id=intent.id)
    assert (ended.status, shop_side.back) == (RefundStatus.SUCCEEDED, {str(refund.id): usd(500)})
    assert await till.balance() == 1500

    await shop.payments.reconciliation.reconcile_all()
    assert await till.count("SELECT count(*) FROM payment_reconciliations WHERE provider = 'lemons'") == 1
    await till.proves_itself()


def test_its_events_have_their_handlers(shop: Services) -> None:
    """Every event of payments is handled for any provider."""
    names = {task.name for task in all_tasks(shop)}
    assert {name for handlers in bootstrap.SUBSCRIPTIONS.values() for name in handlers} <= names
