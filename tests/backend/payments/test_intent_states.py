"""A payment as its payer sees it at a moment: its status, whether it can be paid, checked, or take a receipt."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kernel.errors import Invalid
from backend.payments import rules
from backend.payments.types import ActionKind, AmountRefusal, IntentStatus, PayAction, PaymentMethod, TopUpLimits
from backend.payments.types.intents import OPEN
from tests.backend.payments.test_rules import NOW, S, intent
from tests.factories.wallet import usd

_LATER = NOW + timedelta(minutes=30)
_LINK = PayAction(ActionKind.LINK, "https://pay.example")
_DEPOSIT = PayAction(ActionKind.DEPOSIT)


@pytest.mark.parametrize(
    ("stored", "action", "in_time", "late"),
    [
        (S.CREATED, None, S.CREATED, S.EXPIRED),
        # A report may come before the provider's answer.
        (S.PENDING, None, S.CREATED, S.EXPIRED),
        (S.PENDING, _LINK, S.PENDING, S.EXPIRED),
        (S.CONFIRMING, _LINK, S.CONFIRMING, S.CONFIRMING),
        (S.UNDERPAID, _LINK, S.UNDERPAID, S.UNDERPAID),
        (S.SUCCEEDED, _LINK, S.SUCCEEDED, S.SUCCEEDED),
    ],
)
def test_a_payment_expires_by_the_clock(
    stored: IntentStatus, action: PayAction | None, in_time: IntentStatus, late: IntentStatus
) -> None:
    payment = msgspec.structs.replace(intent(stored), action=action)
    assert payment.status_at(_LATER - timedelta(seconds=1)) is in_time
    assert payment.status_at(_LATER) is late


@given(status=st.sampled_from(IntentStatus), late=st.booleans(), action=st.sampled_from([None, _LINK, _DEPOSIT]))
def test_what_can_be_paid_is_running_and_what_can_be_checked_is_not_payable(
    status: IntentStatus, late: bool, action: PayAction | None
) -> None:
    now = _LATER if late else NOW
    payment = msgspec.structs.replace(intent(status), action=action)
    assert payment.is_running(now) is (payment.status_at(now) in OPEN)
    if payment.is_payable(now):
        assert payment.is_running(now) and not late
        assert not payment.is_checkable(now)
    if payment.is_checkable(now):
        assert not payment.received or status is not S.SUCCEEDED
        assert action is not _DEPOSIT
    unknown = msgspec.structs.replace(payment, external_id=None)
    assert not unknown.is_checkable(now)


@pytest.mark.parametrize(
    ("status", "late", "checkable"),
    [
        (S.PENDING, False, False),
        (S.PENDING, True, True),
        (S.CONFIRMING, True, False),
        (S.UNDERPAID, False, False),
        (S.UNDERPAID, True, True),
        (S.FAILED, False, True),
        (S.CANCELLED, False, True),
        (S.SUCCEEDED, True, False),
        (S.REFUNDED, True, False),
    ],
)
def test_who_paid_late_can_have_the_provider_asked(status: IntentStatus, late: bool, checkable: bool) -> None:
    payment = msgspec.structs.replace(intent(status), action=_LINK)
    assert payment.is_checkable(_LATER if late else NOW) is checkable


@given(cents=st.integers(-(10**6), 10**6))
def test_limits_methods_and_the_rule_refuse_the_same_amounts(cents: int) -> None:
    limits = TopUpLimits(usd(100), usd(5000))
    method = PaymentMethod(name="fake", minimum=usd(100), maximum=usd(5000), wait_seconds=1, asset="USD")
    refusal = limits.refusal(usd(cents))
    assert refusal == method.refusal(usd(cents))
    assert refusal in get_args(AmountRefusal)
    assert (refusal == "") is (100 <= cents <= 5000)
    if refusal:
        with pytest.raises(Invalid) as refused:
            rules.check_amount(usd(cents), limits.minimum, limits.maximum)
        assert refused.value.fields == {"amount": refusal}
    else:
        rules.check_amount(usd(cents), limits.minimum, limits.maximum)
