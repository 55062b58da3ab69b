"""Telegram's payments without Telegram: reading its list of Stars, invoices within its limits, odd answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from backend.infra.http import HttpAnswer
from backend.infra.settings import Settings, SettingsError
from backend.kernel.clock import SystemClock
from backend.kernel.money import Money
from backend.payments.errors import ProviderDown, RefundRefused
from backend.payments.gateways import telegram_cards, telegram_stars
from backend.payments.gateways.telegram_api import TelegramApi
from backend.payments.gateways.telegram_stars import StarBook, StarsProvider
from backend.payments.ports import ProviderKit
from backend.payments.telegram import invoice_of, paid, refunded
from backend.payments.types import ActionKind, IntentId, PayAction, PaymentRef, ProviderState, price
from tests.factories.wallet import usd

START = datetime(2026, 1, 1, tzinfo=UTC)


def answer(body: Any) -> HttpAnswer:
    return HttpAnswer(200, body if isinstance(body, bytes) else msgspec.json.encode(body))


class Scripted:
    """The Bot API with so many transactions, a minute apart; counts its calls and answers others as it is told."""

    def __init__(self, transactions: int = 0, **answers: Any) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answers = answers
        self.all = [self.sale(number) for number in range(transactions)]

    @staticmethod
    def sale(number: int, payload: str = "") -> dict[str, Any]:
        source = {"type": "user", "transaction_type": "invoice_payment", "user": {"id": 7}, "invoice_payload": payload}
        date = int((START + timedelta(minutes=number)).timestamp())
        return {"id": f"stx{number}", "amount": 10, "date": date, "source": source}

    async def send(self, method: str, url: str, *, json: Any = None) -> HttpAnswer:
        self.asked.append(json)
        name = url.rpartition("/")[2]
        if name in self.answers:
            return answer(self.answers[name])
        page = self.all[json["offset"] : json["offset"] + json["limit"]]
        return answer({"ok": True, "result": {"transactions": page}})


def api(settings: Settings, http: Scripted) -> TelegramApi:
    return TelegramApi(settings, http)


@pytest.mark.parametrize("total", [0, 1, 99, 100, 101, 5000])
@pytest.mark.parametrize("first", [-10, 0, 1, 99, 100, 101, 4990, 4999, 5000])
async def test_a_period_is_found_in_a_long_list(settings: Settings, total: int, first: int) -> None:
    http = Scripted(total)
    book = StarBook(api(settings, http))
    for _ in range(2):
        entries = await book.between(START + timedelta(minutes=first))
        assert [entry.id for entry in entries] == [f"stx{number}" for number in range(max(first, 0), total)]
    # A period's end cuts it; what lies before is not read.
    ended = await book.between(START + timedelta(minutes=first), START + timedelta(minutes=first + 5))
    assert [entry.id for entry in ended] == [
        f"stx{number}" for number in range(max(first, 0), max(min(first + 6, total), 0))
    ]


async def test_a_long_list_is_not_read_from_its_start(settings: Settings) -> None:
    http = Scripted(50_000)
    book = StarBook(api(settings, http))
    since = START + timedelta(minutes=49_950)
    assert len(await book.between(since)) == 50
    assert len(http.asked) < 30
    http.asked.clear()
    http.all += [Scripted.sale(number) for number in range(50_000, 50_010)]
    assert len(await book.between(since + timedelta(minutes=10))) == 50
    assert len(http.asked) <= 4
    # An older day is still found after a newer one.
    assert len(await book.between(START + timedelta(minutes=49_000))) == 1010


def payment(**changes: Any) -> PaymentRef:
    values: dict[str, Any] = {
        "intent_id": IntentId(uuid4()), "number": 1, "external_id": "slug", "charge_id": "stx1", "amount": usd(1000),
        "payable": Money(770, "XTR"), "received": Money(770, "XTR"), "action": PayAction(ActionKind.INVOICE),
        "payer_telegram_id": 7, "language": "en", "created_at": START, "expires_at": START + timedelta(minutes=30),
    }  # fmt: skip
    return PaymentRef(**values | changes)


def stars(settings: Settings, http: Scripted) -> StarsProvider:
    return StarsProvider(api=api(settings, http), price=Decimal("0.013"), currency="USD", shop="Souk")


async def test_what_is_no_sale_is_no_report(settings: Settings) -> None:
    user: dict[str, Any] = {"type": "user", "transaction_type": "gift_purchase", "user": {"id": 7}}
    others: list[dict[str, Any]] = [
        {"receiver": {"type": "fragment"}}, {"source": {"type": "fragment"}}, {"receiver": user}, {},
        {"source": {"type": "affiliate_program", "commission_per_mille": 1}},
        {"source": {"type": "other"}}, {"receiver": {"type": "telegram_ads"}},
        {"source": {"type": "a kind of next year", "more": {"x": [1]}}},
        {"amount": 0, "source": user, "nanostar_amount": 5},
    ]  # fmt: skip
    http = Scripted()
    date = int(START.timestamp())
    http.all = [{"id": f"o{number}", "amount": 5, "date": date, **other} for number, other in enumerate(others)]
    # A payment for which another tool made the invoice, and a refund for which no payload is told.
    http.all.append({"id": "paid", "amount": 5, "date": date, "source": {**user, "transaction_type": "paid_media"}})
    http.all.append(
        {"id": "back", "amount": 5, "date": date, "receiver": {**user, "transaction_type": "invoice_payment"}}
    )
    reports = await stars(settings, http).statement(START, START + timedelta(days=1))
    assert reports is not None
    assert [(report.event_id, report.state, report.intent_id) for report in reports] == [
        ("paid", ProviderState.PAID, None),
        ("back:refund", ProviderState.REFUNDED, None),
    ]
    assert reports[1].charge_id == "back"


async def test_the_statement_reaches_a_little_around_its_period(settings: Settings) -> None:
    reports = await stars(settings, Scripted(60)).statement(
        START + timedelta(minutes=20), START + timedelta(minutes=30)
    )
    assert reports is not None
    assert [report.event_id for report in reports] == [f"stx{number}" for number in range(15, 36)]


async def test_the_update_and_the_statement_tell_one_id(settings: Settings) -> None:
    intent = uuid4()
    http = Scripted()
    http.all = [Scripted.sale(1, str(intent))]
    reports = await stars(settings, http).statement(START, START + timedelta(days=1))
    assert reports == [paid("stx1", str(intent), Money(10, "XTR"), payer=7)]
    back = {**Scripted.sale(2, str(intent)), "id": "stx1"}
    back["receiver"] = back.pop("source")
    http.all.append(back)
    reports = await stars(settings, http).statement(START, START + timedelta(days=1))
    assert reports is not None
    assert reports[1] == refunded("stx1", str(intent), Money(10, "XTR"), payer=7)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"<html>", {"ok": True}, {"ok": True, "result": 5}, {"ok": True, "result": {"transactions": [{}]}}],
)
async def test_odd_answers_are_a_telegram_that_is_away(settings: Settings, body: Any) -> None:
    http = Scripted(getStarTransactions=body)
    with pytest.raises(ProviderDown):
        await stars(settings, http).status(payment())


async def test_a_wrong_token_is_not_the_payers_fault(settings: Settings) -> None:
    unknown = {"ok": False, "error_code": 401, "description": "Unauthorized"}
    provider = stars(settings, Scripted(refundStarPayment=unknown, createInvoiceLink=unknown))
    for call in (provider.create(payment()), provider.refund(payment(), Money(770, "XTR"), "key")):
        with pytest.raises(ProviderDown):
            await call


@pytest.mark.parametrize(("currency", "star_price", "most"), [
    ("USD", "0.013", 130_000), ("KWD", "0.0040001", 400_010), ("JPY", "1.999999", 199_999), ("USD", "0.00000199", 19),
])  # fmt: skip
def test_no_invoice_is_larger_than_telegram_takes(
    settings: Settings, currency: str, star_price: str, most: int
) -> None:
    changed = msgspec.structs.replace(settings, star_price=star_price, shop_currency=currency)
    can = telegram_stars.SPEC.build(changed, ProviderKit(clock=SystemClock(), http=Scripted())).capabilities
    assert can.maximum == most
    assert price(Money(most, currency), "XTR", can.unit_price).amount <= 100_000
    assert price(Money(most + 1, currency), "XTR", can.unit_price).amount > 100_000 - 1


@pytest.mark.parametrize("changes", [{"charge_id": None}, {"received": Money(771, "XTR")}])
async def test_only_the_whole_of_a_known_charge_goes_back(settings: Settings, changes: dict[str, Any]) -> None:
    http = Scripted()
    with pytest.raises(RefundRefused):
        await stars(settings, http).refund(payment(**changes), Money(770, "XTR"), "key")
    assert http.asked == []


async def test_given_back_before_is_done_and_any_other_refusal_is_one(settings: Settings) -> None:
    def refusing(description: str) -> StarsProvider:
        refusal = {"ok": False, "error_code": 400, "description": f"Bad Request: {description}"}
        return stars(settings, Scripted(refundStarPayment=refusal))

    done = await refusing("CHARGE_ALREADY_REFUNDED").refund(payment(), Money(770, "XTR"), "key")
    assert done.external_id == "stx1"
    with pytest.raises(RefundRefused):
        await refusing("CHARGE_NOT_FOUND").refund(payment(), Money(770, "XTR"), "key")


@pytest.mark.parametrize("language", ["en", "ar", "ru", "de", ""])
@pytest.mark.parametrize("cents", [1, 1000, 10**14])
def test_invoices_keep_telegrams_limits(language: str, cents: int) -> None:
    invoice = invoice_of(
        IntentId(uuid4()), usd(cents), Money(770, "XTR"), language=language, shop="S" * 400, unit_price=Decimal("0.013")
    )
    assert 1 <= len(invoice.title) <= 32
    assert 1 <= len(invoice.description) <= 255
    assert len(invoice.payload.encode()) <= 128


def test_the_rate_is_stated() -> None:
    invoice = invoice_of(
        IntentId(uuid4()), usd(1000), Money(770, "XTR"), language="en", shop="Souk", unit_price=Decimal("0.013")
    )
    assert invoice.description == "$10.00 for your wallet in Souk. One Star counts as $0.013."


@pytest.mark.parametrize("currency", ["CVE", "MGA"])
def test_a_currency_that_telegram_counts_otherwise_is_refused(settings: Settings, currency: str) -> None:
    changed = msgspec.structs.replace(settings, shop_currency=currency, telegram_provider_token="1:TEST:x")
    kit = ProviderKit(clock=SystemClock(), http=Scripted())
    with pytest.raises(SettingsError, match=currency):
        telegram_cards.SPEC.build(changed, kit)


@pytest.mark.parametrize(("currency", "bounds"), [("USD", (100, 1_000_000)), ("KWD", (1, None)), ("JPY", (1, None))])
def test_cards_have_telegrams_bounds(settings: Settings, currency: str, bounds: tuple[int, int | None]) -> None:
    changed = msgspec.structs.replace(settings, shop_currency=currency, telegram_provider_token="1:TEST:x")
    can = telegram_cards.SPEC.build(changed, ProviderKit(clock=SystemClock(), http=Scripted())).capabilities
    assert (can.minimum, can.maximum) == bounds
    assert (can.currencies, can.refundable, can.asset) == (frozenset({currency}), False, None)


def test_stars_are_whole_and_exact(settings: Settings) -> None:
    changed = msgspec.structs.replace(settings, star_price="0.013")
    can = telegram_stars.SPEC.build(changed, ProviderKit(clock=SystemClock(), http=Scripted())).capabilities
    assert (can.asset, can.unit_price, can.partial_refunds) == ("XTR", Decimal("0.013"), False)
    assert not telegram_stars.SPEC.policy_risk
    assert telegram_cards.SPEC.policy_risk
