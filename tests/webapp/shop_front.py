"""A shop with several payment methods, whose names the test sets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from backend import bootstrap
from backend.bootstrap import Services, build
from backend.infra.settings import Settings
from backend.payments.gateways import demo, deposit
from backend.payments.ports import ProviderSpec
from backend.payments.types import ActionKind, Capabilities, PayAction
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider

ADDRESS = "TQm7Kp4xVd9sEw2hRb6fYz8uNc3gLt5jXa"


@pytest.fixture
def coins() -> FakeProvider:
    """USDT on TRON, at a dollar each."""
    coins = FakeProvider(
        "usdt_tron",
        Capabilities(
            asset="USDT", unit_price=Decimal(1), wait_seconds=120, explorer="https://tronscan.org/#/transaction/{tx}"
        ),
    )
    coins.action = PayAction(
        ActionKind.TRANSFER,
        fields={
            "network": "TRON (TRC-20)",
            "address": ADDRESS,
            "asset": "USDT",
            "amount": "5",
            "uri": f"tron:{ADDRESS}?amount=5",
        },
    )
    return coins


@pytest.fixture
def stars() -> FakeProvider:
    """Stars, at 1.3 cents each, five dollars at least."""
    can = Capabilities(asset="XTR", unit_price=Decimal("0.013"), wait_seconds=10, minimum=500, maximum=20_000)
    stars = FakeProvider("stars", can)
    stars.action = PayAction(ActionKind.INVOICE, url="https://t.me/$invoice")
    return stars


@pytest.fixture
async def services(
    settings: Settings,
    committed_db: None,
    clock: FakeClock,
    coins: FakeProvider,
    stars: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Services]:
    """The whole backend with the demo provider, the two above, and payments by hand."""

    def spec(name: str, provider: FakeProvider | deposit.DepositProvider) -> ProviderSpec:
        return ProviderSpec(name=name, needs=("DEMO_PAYMENTS",), build=lambda _settings, _kit: provider)

    by_hand = deposit.DepositProvider("Pay to IBAN 1\\nName {reference}.")
    monkeypatch.setattr(
        bootstrap,
        "PROVIDERS",
        (demo.SPEC, spec("stars", stars), spec("usdt_tron", coins), spec("deposit", by_hand)),
    )
    built = build(settings, clock=clock)
    async with built.running(listen=False):
        await built.identity.access.ensure_root()
        yield built
