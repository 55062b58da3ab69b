"""A provider that says nothing of money that we booked, or too little, never agrees: it differs, or it is unknown."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import PROVIDERS, SUBSCRIPTIONS
from backend.infra.http import HttpAnswer
from backend.infra.settings import Settings
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.money import Money
from backend.payments import domain
from backend.payments.gateways.http import HttpClient
from backend.payments.ports import ProviderKit
from backend.payments.repository import intents
from backend.payments.service import ReconciliationService
from backend.payments.types import (
    ActionKind,
    Created,
    DifferenceKind,
    Outcome,
    PayAction,
    ProviderReport,
    ProviderState,
    Reconciliation,
)
from backend.payments.words import METHODS as NAMES
from tests.backend.payments.chains.conftest import TRON_XPUB
from tests.backend.payments.methods.methods import METHODS
from tests.backend.payments.providers.conftest import ADMIN, Shop
from tests.backend.payments.providers.desks import DESKS, PayPalDesk
from tests.factories.wallet import rich_person, usd
from tests.fakes.clock import FakeClock
from tests.fakes.evm import XPUB

EVM = "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"
TON = "UQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_p0p"
GIVEN: dict[str, tuple[dict[str, str], str]] = {
    "stars": ({"star_price": "0.01"}, "$invoice"),
    "telegram_card": ({"telegram_provider_token": "1:TEST:x"}, "$invoice"),
    "crypto_pay": ({"crypto_pay_token": "1:x"}, "17"),
    "stripe": ({"stripe_secret_key": "sk_test_x", "stripe_webhook_secret": "whsec_x"}, "cs_test_1"),
    "paypal": ({"paypal_client_id": "x", "paypal_secret": "x", "paypal_webhook_id": "x"}, "5O1"),
    "usdt_tron": ({"usdt_tron_xpub": TRON_XPUB}, "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH"),
    "usdt_ton": ({"usdt_ton_address": TON, "usdt_ton_api_key": "x"}, "ABCDEFGHJKMN"),
    "usdt_evm": ({"usdt_evm_rpc_urls": "http://a.test,http://b.test", "usdt_evm_xpub": XPUB}, f"{EVM}@100"),
    "deposit": ({"deposit_instructions": "Pay to {reference}"}, "deposit-1"),
}
"""By method: its settings, and what it called the payment. The demo's own clock is its list, so it cannot be silent."""
Say = Callable[[str, dict[str, Any]], HttpAnswer]


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("GIVEN of test_silence.py, without the demo", {*GIVEN, "demo"}),
        ("METHODS of methods/methods.py", set(METHODS)),
        ("METHODS of backend/payments/words.py", set(NAMES)),
    ],
)
def test_every_method_is_in_each_table(table: str, names: set[str]) -> None:
    assert names == {spec.name for spec in PROVIDERS}, table


def test_every_provider_that_calls_has_a_desk() -> None:
    """A line in DESKS of desks.py; the demo provider has tests of its own."""
    assert {*DESKS, "demo"} == {spec.name for spec in PROVIDERS if spec.webhook}


def _said(body: Any, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status, json.dumps(body).encode())


def _node(asked: dict[str, Any]) -> HttpAnswer:
    block = {"number": "0x100", "hash": "0x" + "ab" * 32}
    results = {"eth_chainId": "0x1", "eth_call": "0x6", "eth_blockNumber": "0x1000", "eth_getLogs": []}
    return _said({"jsonrpc": "2.0", "id": 1, "result": results.get(asked["method"], block)})


def empty(url: str, asked: dict[str, Any]) -> HttpAnswer:
    """A provider that has never heard of the payment."""
    if "jsonrpc" in asked:
        return _node(asked)
    lists = {
        "getStarTransactions": {"ok": True, "result": {"transactions": []}},
        "/api/get": {"ok": True, "result": {"items": []}},
        "checkout/sessions/": None,
        "api.stripe.com": {"object": "list", "data": [], "has_more": False},
        "oauth2/token": {"access_token": "x", "expires_in": 900},
        "reporting": {"transaction_details": [], "total_pages": 1},
        "trc20": {"data": [], "success": True, "meta": {}},
        "jetton": {"jetton_transfers": []},
    }
    body = next((body for part, body in lists.items() if part in url), None)
    if body is not None:
        return _said(body)
    error = {"type": "invalid_request_error", "code": "resource_missing", "message": "no"}
    return _said({"name": "RESOURCE_NOT_FOUND", "error": error}, 404)


def forbidden(url: str, asked: dict[str, Any]) -> HttpAnswer:
    """A provider that shows this account nothing."""
    if "oauth2/token" in url:
        return empty(url, asked)
    error = {"type": "invalid_request_error", "code": "forbidden", "name": "FORBIDDEN", "message": "no"}
    return _said({"ok": False, "error_code": 403, "description": "no", "name": "NOT_AUTHORIZED", "error": error}, 403)


def cut_off(url: str, asked: dict[str, Any]) -> HttpAnswer:
    """A provider whose answers break off."""
    whole = empty(url, asked)
    return whole if "oauth2/token" in url else HttpAnswer(whole.status, whole.body[:-1])


class Saying(HttpClient):
    """The HTTP client of the gateways, whose answers the test makes up."""

    def __init__(self) -> None:
        super().__init__()
        self.say: Say = empty

    async def send(self, method: str, url: str, *, json: Any = None, **_: Any) -> HttpAnswer:
        """Answer without a network."""
        return self.say(url, json if isinstance(json, dict) else {})


class Book:
    """A shop with one payment method and one credited payment."""

    def __init__(self, uow: UnitOfWork, settings: Settings, clock: FakeClock, method: str) -> None:
        self.uow, self.clock, self.method, self.http = uow, clock, method, Saying()
        given, self.external_id = GIVEN[method]
        spec = next(spec for spec in PROVIDERS if spec.name == method)
        settings = msgspec.structs.replace(settings, **cast(Any, given))
        self.provider = spec.build(settings, ProviderKit(clock=clock, http=self.http))
        self.service = ReconciliationService(uow=uow, providers={method: self.provider})

    async def book(self) -> None:
        """Credit a payment as its provider told it."""
        buyer = await rich_person(self.uow, usd(0))
        payable = Money(1_000_000, self.provider.capabilities.asset or "USD")
        async with self.uow() as tx:
            intent, _ = await intents.add_intent(
                tx, user_id=buyer, method=self.method, amount=usd(100), payable=payable, order_id=None,
                idempotency_key="k", lifetime=timedelta(hours=1), lease=timedelta(0), next_poll=None,
            )  # fmt: skip
            await intents.save_created(tx, intent.id, Created(self.external_id, PayAction(ActionKind.WAIT)))
            report = ProviderReport(
                event_id="e", state=ProviderState.PAID, external_id=self.external_id, received=payable, charge_id="ch_1"
            )
            assert await domain.apply(tx, self.method, report) is Outcome.APPLIED
        self.clock.move(minutes=1)

    async def compare(self, say: Say) -> Reconciliation:
        """The comparison while the provider answers so."""
        self.http.say = say
        self.clock.move(minutes=1)  # nodes rest after a failure
        (done,) = await self.service.reconcile_all()
        return done


@pytest.fixture
def real_uow(engine: AsyncEngine, committed_db: None, clock: FakeClock, database_url: str) -> UnitOfWork:
    return UnitOfWork(engine, clock, Signals(engine, database_url), SUBSCRIPTIONS)


@pytest.mark.parametrize("method", GIVEN)
async def test_silence_about_booked_money_never_agrees(
    real_uow: UnitOfWork, settings: Settings, clock: FakeClock, method: str
) -> None:
    book = Book(real_uow, settings, clock, method)
    await book.book()
    done = await book.compare(empty)
    assert not done.agrees
    assert (len(done.differences), done.unknown) in {(1, 0), (0, 1)}
    assert {item.kind for item in done.differences} <= {DifferenceKind.MISSING_THERE, DifferenceKind.AMOUNT}
    for say in (forbidden, cut_off):
        done = await book.compare(say)
        assert not done.agrees, say.__name__
        assert done.unknown == 1 or done.differences, say.__name__
        assert done.error or not book.provider.capabilities.reconcilable or method == "paypal", say.__name__
    latest = await book.service.latest(ADMIN)
    assert (latest[0].unknown, len(latest)) == (done.unknown, 3)


@pytest.mark.parametrize("desk", ["crypto_pay", "stripe", "paypal"], indirect=True)
async def test_a_list_that_ends_too_early_never_agrees(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two payments it shows one; asked for the other, it knows nothing of it, or has no list at all."""
    first, second = await shop.paid(1555), await shop.paid(1000, "second")
    shop.desk.forget(second)
    result = await shop.reconcile()
    assert [(item.kind, item.subject) for item in result.differences] == [
        (DifferenceKind.MISSING_THERE, str(second.id))
    ]

    async def no_list(*_: object) -> None:
        return None

    monkeypatch.setattr(shop.desk.provider, "statement", no_list)
    result = await shop.reconcile()
    assert (result.differences, result.unknown, result.agrees) == ([], 1, False)
    shop.desk.forget(first)
    assert (await shop.reconcile()).unknown == 2


@pytest.mark.parametrize("desk", ["paypal"], indirect=True)
async def test_paypal_without_its_search_knows_only_what_it_says_itself(shop: Shop, desk: PayPalDesk) -> None:
    """403 NOT_AUTHORIZED is no list; an order that was forgotten is told by its capture, an unknown one by nothing."""
    desk.server.searchable = False
    known, gone = await shop.paid(1555), await shop.paid(1000, "gone")
    assert (await shop.reconcile()).agrees
    del desk.server.orders[known.external_id or ""]
    assert (await shop.reconcile()).agrees
    desk.forget(gone)
    result = await shop.reconcile()
    assert (result.differences, result.unknown, result.agrees) == ([], 1, False)
