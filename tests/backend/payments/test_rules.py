"""The decisions of payments, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.bootstrap import build
from backend.infra.settings import Settings
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId, new_id
from backend.kernel.money import Money
from backend.payments import rules
from backend.payments.types import (
    Capabilities,
    Intent,
    IntentId,
    IntentStatus,
    Outcome,
    ProviderReport,
    ProviderState,
    price,
)
from tests.factories.wallet import usd

NOW = datetime(2026, 11, 21, tzinfo=UTC)
S = IntentStatus


def intent(status: IntentStatus, credited: int = 0) -> Intent:
    return Intent(
        id=IntentId(new_id()), number=1, user_id=UserId(new_id()), method="fake", amount=usd(1000),
        credited=usd(credited), refunded=usd(0), payable=usd(1000), received=usd(credited),
        status=status, action=None, external_id="x", charge_id=None, progress={}, order_id=None,
        created_at=NOW, updated_at=NOW,
        expires_at=NOW + timedelta(minutes=30), polls=0,
    )  # fmt: skip


def report(state: ProviderState, received: int | None = None, currency: str = "USD") -> ProviderReport:
    return ProviderReport(event_id="e", state=state, received=None if received is None else Money(received, currency))


@pytest.mark.parametrize(
    ("status", "credited", "state", "received", "outcome", "target", "credit"),
    [
        (S.CREATED, 0, "pending", None, Outcome.APPLIED, S.PENDING, None),
        (S.PENDING, 0, "paid", 1000, Outcome.APPLIED, S.SUCCEEDED, 1000),
        (S.CREATED, 0, "paid", 1000, Outcome.APPLIED, S.SUCCEEDED, 1000),
        (S.PENDING, 0, "paid", 400, Outcome.APPLIED, S.UNDERPAID, 400),
        (S.UNDERPAID, 400, "paid", 700, Outcome.APPLIED, S.UNDERPAID, 300),
        (S.UNDERPAID, 400, "paid", 1000, Outcome.APPLIED, S.SUCCEEDED, 600),
        (S.UNDERPAID, 400, "paid", 1200, Outcome.APPLIED, S.OVERPAID, 800),
        (S.PENDING, 0, "paid", 1200, Outcome.APPLIED, S.OVERPAID, 1200),
        (S.SUCCEEDED, 1000, "paid", 1200, Outcome.APPLIED, S.OVERPAID, 200),
        (S.EXPIRED, 0, "paid", 1000, Outcome.APPLIED, S.SUCCEEDED, 1000),
        (S.FAILED, 0, "paid", 1000, Outcome.APPLIED, S.SUCCEEDED, 1000),
        (S.CONFIRMING, 0, "pending", None, Outcome.APPLIED, S.PENDING, None),
        # Known reports, in any order.
        (S.SUCCEEDED, 1000, "paid", 1000, Outcome.IGNORED, None, None),
        (S.UNDERPAID, 400, "paid", 300, Outcome.IGNORED, None, None),
        (S.SUCCEEDED, 1000, "pending", None, Outcome.IGNORED, None, None),
        (S.SUCCEEDED, 1000, "confirming", None, Outcome.IGNORED, None, None),
        (S.SUCCEEDED, 1000, "expired", None, Outcome.IGNORED, None, None),
        (S.SUCCEEDED, 1000, "failed", None, Outcome.IGNORED, None, None),
        (S.CONFIRMING, 0, "expired", None, Outcome.IGNORED, None, None),
        (S.PENDING, 0, "pending", None, Outcome.IGNORED, None, None),
        # Money that has no place must be seen by an admin.
        (S.REFUNDED, 1000, "paid", 2000, Outcome.UNMATCHED, None, None),
        (S.PARTIALLY_REFUNDED, 1000, "paid", 2000, Outcome.UNMATCHED, None, None),
    ],
)  # fmt: skip
def test_what_a_report_means(
    status: IntentStatus, credited: int, state: str, received: int | None,
    outcome: Outcome, target: IntentStatus | None, credit: int | None,
) -> None:  # fmt: skip
    decision = rules.decide(intent(status, credited), report(ProviderState(state), received))
    assert (decision.outcome, decision.status) == (outcome, target)
    assert decision.credit == (None if credit is None else usd(credit))


def test_another_currency_is_unmatched() -> None:
    decision = rules.decide(intent(S.PENDING), report(ProviderState.PAID, 1000, "EUR"))
    assert (decision.outcome, decision.reason) == (Outcome.UNMATCHED, "wrong_currency")


def test_a_report_of_payment_needs_a_positive_amount() -> None:
    for received in (None, 0, -5):
        with pytest.raises(ValueError, match="amount"):
            report(ProviderState.PAID, received)


def test_every_status_has_its_moves_and_only_known_ones() -> None:
    assert set(rules.MOVES) == set(IntentStatus)
    assert rules.MOVES[S.REFUNDED] == frozenset()
    for status in (S.SUCCEEDED, S.OVERPAID):
        assert S.FAILED not in rules.MOVES[status]
        assert S.EXPIRED not in rules.MOVES[status]


_REPORTED = [state for state in ProviderState if state is not ProviderState.REFUNDED]


@given(reports=st.lists(st.tuples(st.sampled_from(_REPORTED), st.integers(1, 3000)), max_size=12))
def test_in_any_order_all_that_arrived_is_credited_once(reports: list[tuple[ProviderState, int]]) -> None:
    item = intent(S.CREATED)
    total, highest = 0, 0
    for state, received in reports:
        paid = state is ProviderState.PAID
        decision = rules.decide(item, report(state, received if paid else None))
        if decision.outcome is not Outcome.APPLIED:
            continue
        assert decision.status is not None
        assert decision.status in rules.MOVES[item.status]
        credit = decision.credit.amount if decision.credit else 0
        total += credit
        item = intent(decision.status, total)
    highest = max((received for state, received in reports if state is ProviderState.PAID), default=0)
    assert total == highest
    if highest:
        assert item.status is rules.decide(intent(S.CREATED), report(ProviderState.PAID, highest)).status


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (usd(0), "not_positive"),
        (usd(-1), "not_positive"),
        (usd(99), "below_minimum"),
        (usd(100_001), "above_maximum"),
        (usd(2**63 - 1), "above_maximum"),
        (Money(500, "EUR"), "wrong_currency"),
        (Money(500, "CREDIT"), "wrong_currency"),
    ],
)
def test_amounts_out_of_bounds(amount: Money, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_amount(amount, usd(100), usd(100_000))
    assert refused.value.fields == {"amount": code}
    assert refused.value.params == {"minimum": usd(100), "maximum": usd(100_000)}


@pytest.mark.parametrize(
    ("typed", "cents"),
    [("25", 2500), (" 25.5 ", 2550), ("25,50", 2550), ("٢٥٫٥٠", 2550), ("۲۵", 2500), ("१२", 1200), ("1 000", 100_000),
     ("1\u00a0000,5", 100_050), ("1,000", 100_000), ("$40", 4000), ("40 $", 4000), ("USD 40", 4000), ("40usd", 4000),
     ("1,000.50", 100_050), ("1.000,50", 100_050), ("1,000,000", 100_000_000), ("1.000.000", 100_000_000),
     ("١٬٠٠٠٫٥", 100_050), ("1'000.5", 100_050), ("\u200f25\u200e", 2500), ("-5", -500), ("\u22125", -500)],
)  # fmt: skip
def test_amounts_as_people_type_them(typed: str, cents: int) -> None:
    assert rules.read_amount(typed, "USD") == usd(cents)


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [("1,000", "JPY", 1000), ("¥1,000", "JPY", 1000), ("1.000", "KWD", 1000), ("0,500", "KWD", 500),
     ("40 ₽", "RUB", 4000), ("40 руб.", "RUB", 4000), ("CA$40", "CAD", 4000), ("$40", "CAD", 4000),
     ("٤٠ ر.س.\u200f", "SAR", 4000)],
)  # fmt: skip
def test_amounts_of_other_currencies(typed: str, currency: str, minor: int) -> None:
    assert rules.read_amount(typed, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("typed", "currency"), [("$40", "EUR"), ("1,000", "KWD"), ("1.000", "JPY"), ("1,5", "JPY"), ("40 USD", "SAR")]
)
def test_an_amount_with_two_readings_is_none(typed: str, currency: str) -> None:
    with pytest.raises(Invalid):
        rules.read_amount(typed, currency)


@pytest.mark.parametrize(
    "typed",
    ["", "x", "1e5", "1E2", "5e0", "NaN", "inf", "1.000", "1,2,3", "1.2.3", "+5", "--5", "0x10", "²",
     "92233720368547758070", "9" * 17, "9" * 400, "5€", "1_000", "2 5", "1 00", "1,000,00", "12,34.5", "5$ $", "$",
     "1 2 3"],
)  # fmt: skip
def test_what_is_no_amount(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_amount(rules.read_amount(typed, "USD"), usd(100), usd(100_000))
    assert "amount" in refused.value.fields


@given(st.text())
def test_no_text_breaks_the_reader(typed: str) -> None:
    try:
        money = rules.read_amount(typed, "USD")
    except Invalid:
        return
    assert money.decimal() == Decimal(money.amount) / 100


def test_polls_come_slower_and_never_stop_coming() -> None:
    delays = [rules.poll_delay(attempt, Capabilities(first_poll_seconds=5)).total_seconds() for attempt in range(60)]
    assert delays[0] == 5
    assert delays == sorted(delays)
    assert delays[-1] == 600


def test_bounds_respect_what_the_provider_can() -> None:
    from tests.backend.payments.conftest import LIMITS

    assert rules.bounds(LIMITS, Capabilities(minimum=500)) == (usd(500), usd(100_000))
    assert rules.serves(Capabilities(currencies=frozenset({"EUR"})), "USD") is False


def test_the_settings_say_how_much_a_top_up_may_be(settings: Settings) -> None:
    changed = msgspec.structs.replace(settings, shop_currency="JPY", top_up_minimum=20, top_up_maximum=60)
    limits = build(changed).payments.methods.limits
    assert (limits.minimum, limits.maximum) == (Money(20, "JPY"), Money(60, "JPY"))
    assert limits.presets == (Money(20, "JPY"), Money(50, "JPY"))
    yen = build(msgspec.structs.replace(settings, shop_currency="JPY")).payments.methods.limits
    assert (yen.minimum, yen.maximum) == (Money(100, "JPY"), Money(100_000, "JPY"))
    usual = build(settings).payments.methods.limits
    assert (usual.minimum, usual.maximum) == (Money(100, "USD"), Money(100_000, "USD"))


@given(
    credited=st.integers(1, 10**6), received=st.integers(1, 10**6), first=st.integers(0, 10**6),
    second=st.integers(1, 10**6), reported=st.integers(0, 10**6),
)  # fmt: skip
def test_what_a_failed_refund_leaves_at_the_provider(
    credited: int, received: int, first: int, second: int, reported: int
) -> None:
    """Between nothing and all of it; all if the provider reports all that the ledger has."""
    first = min(first, credited - 1)
    second = min(second, credited - first)
    reported = min(reported, received)
    whole = msgspec.structs.replace(
        intent(S.SUCCEEDED), credited=usd(credited), received=Money(received, "XTR"),
        payable=Money(received, "XTR"), refunded=usd(first + second),
    )  # fmt: skip
    gone = rules.refunded_elsewhere(whole, usd(second), Money(reported, "XTR"))
    assert usd(0) <= gone <= usd(second)
    if reported >= rules.known_refund(whole).amount:
        assert gone == usd(second)
    if reported <= rules.known_refund(msgspec.structs.replace(whole, refunded=usd(first))).amount:
        assert gone == usd(0) or reported >= rules.known_refund(whole).amount


@given(received=st.integers(1, 10**9), amount=st.integers(1, 10**6), cuts=st.lists(st.integers(1, 10**6), max_size=8))
def test_parts_of_a_refund_come_to_the_whole(received: int, amount: int, cuts: list[int]) -> None:
    """Whatever the asset's rounding: the provider sends back what it received, and never more on the way."""
    whole = msgspec.structs.replace(intent(S.SUCCEEDED), credited=usd(amount), received=Money(received, "XTR"))
    sent, refunded = 0, 0
    for cut in [*cuts, amount]:
        part = min(cut, amount - refunded)
        if part:
            step = msgspec.structs.replace(whole, refunded=usd(refunded))
            sent += step.refund_payable(usd(part)).amount
            refunded += part
            assert sent <= received
    assert (refunded, sent) == (amount, received)


@given(
    amount=st.integers(1, 10**12),
    unit=st.decimals(min_value="0.000001", max_value="100000", places=6).filter(bool),
    asset=st.sampled_from(["XTR", "USDT", "USD", "KWD"]),
)
def test_a_price_is_exact_and_rounded_up_once(amount: int, unit: Decimal, asset: str) -> None:
    from fractions import Fraction

    from backend.kernel.money import exponent

    exact = Fraction(amount, 100) / Fraction(unit) * 10 ** exponent(asset)
    if exact > 2**63 - 1:
        return
    asked = price(usd(amount), asset, unit).amount
    assert 0 <= asked - exact < 1
