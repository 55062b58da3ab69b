"""Amounts, days, counts and percentages as people type them into forms."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kernel.errors import Invalid
from backend.kernel.money import Money
from webapp.core import forms

_DIGITS = ("0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹")


class Sheet(msgspec.Struct, frozen=True):
    """One field of each kind."""

    amount: forms.Amount
    reason: forms.Reason
    fixed: forms.PositiveAmount | None = None
    day: forms.Day | None = None
    count: forms.Count = 1
    percent: forms.BasisPoints | None = None


class Ready(msgspec.Struct, frozen=True):
    """An amount that may be one of the ready ones."""

    amount: forms.AmountOrPreset


def sheet(**values: object) -> forms.Form[Sheet]:
    """The form with these fields, the required ones filled in."""
    return forms.fill({"amount": "5", "reason": "why", **values}, Sheet, "USD")


@given(
    amount=st.integers(-(10**15), 10**15),
    currency=st.sampled_from(["USD", "KWD", "JPY", "USDT"]),
    digits=st.sampled_from(_DIGITS),
    sign=st.sampled_from([".", "٫"]),
)
def test_an_amount_is_read_in_any_digits(amount: int, currency: str, digits: str, sign: str) -> None:
    money = Money(amount, currency)
    typed = f"{money.decimal():f}".replace(".", sign).translate(str.maketrans(_DIGITS[0], digits))
    form = forms.fill({"amount": f" {typed} ", "reason": "why"}, Sheet, currency)
    assert form.value is not None
    assert form.value.amount == money


@pytest.mark.parametrize("typed", ["25.5", "25,5", "٢٥٫٥", "$25.50", "25,50 USD", "۲۵.۵"])
def test_point_comma_and_currency_sign_are_understood(typed: str) -> None:
    form = sheet(amount=typed)
    assert form.value is not None
    assert form.value.amount == Money(2550, "USD")


@pytest.mark.parametrize("typed", ["1.005", "five", "1e3", "--1", "1\0", "9" * 33, "²"])
def test_a_text_that_is_no_amount_is_an_error_of_its_field(typed: str) -> None:
    form = sheet(amount=typed)
    assert form.value is None
    assert form.errors == {"amount": "not_a_number"}
    assert form.text("amount") == typed


@pytest.mark.parametrize("typed", ["0", "-1", "0.00"])
def test_a_positive_amount_is_above_zero(typed: str) -> None:
    assert sheet(fixed=typed).errors == {"fixed": "not_a_number"}


@given(day=st.dates(date(2, 1, 1), date(9998, 12, 31)), digits=st.sampled_from(_DIGITS))
def test_a_day_is_read_in_any_digits(day: date, digits: str) -> None:
    form = sheet(day=day.isoformat().translate(str.maketrans(_DIGITS[0], digits)))
    assert form.value is not None
    assert form.value.day == day


@pytest.mark.parametrize("typed", ["21.11.2026", "2026-02-30", "2026-1-1", "20261121", "9999-12-31", "0001-01-01", "x"])
def test_a_text_that_is_no_day_is_an_error_of_its_field(typed: str) -> None:
    assert sheet(day=typed).errors == {"day": "not_a_day"}


@given(
    day=st.dates(date(2, 1, 1), date(9998, 12, 31)), zone=st.sampled_from(["UTC", "Asia/Riyadh", "America/New_York"])
)
def test_a_day_has_a_beginning_and_an_end_in_every_zone(day: date, zone: str) -> None:
    starts, ends = forms.day_starts(day, ZoneInfo(zone)), forms.day_ends(day, ZoneInfo(zone))
    assert starts.date() == day
    assert ends == forms.day_starts(day + timedelta(days=1), ZoneInfo(zone))
    assert starts.astimezone(UTC) < ends.astimezone(UTC)


def test_a_day_starts_at_midnight_there() -> None:
    assert forms.day_starts(date(2026, 11, 21), ZoneInfo("Asia/Riyadh")) == datetime(2026, 11, 20, 21, tzinfo=UTC)


@pytest.mark.parametrize(("typed", "count"), [("1", 1), ("٥٠٠", 500), ("999999999", 999_999_999)])
def test_a_count_is_a_whole_number(typed: str, count: int) -> None:
    form = sheet(count=typed)
    assert form.value is not None
    assert form.value.count == count


@pytest.mark.parametrize("typed", ["0", "-1", "1000000000"])
def test_a_count_has_limits(typed: str) -> None:
    assert sheet(count=typed).errors == {"count": "out_of_range"}


@pytest.mark.parametrize("typed", ["1.5", "1e3", "+1", "many"])
def test_a_text_that_is_no_count_is_an_error_of_its_field(typed: str) -> None:
    assert sheet(count=typed).errors == {"count": "not_a_number"}


@given(points=st.integers(0, 10**6), comma=st.booleans(), sign=st.sampled_from(["", "%", " %", "٪"]))
def test_a_percentage_is_read_exactly(points: int, comma: bool, sign: str) -> None:
    typed = f"{Decimal(points) / 100:.2f}".replace(".", "," if comma else ".") + sign
    form = sheet(percent=typed)
    assert form.value is not None
    assert form.value.percent == points


def test_a_percentage_has_two_decimals_at_most() -> None:
    assert sheet(percent="1.234").errors == {"percent": "not_a_number"}


def test_every_wrong_field_is_named_at_once() -> None:
    form = forms.fill({"amount": "x", "day": "y", "count": "0"}, Sheet, "USD")
    assert form.errors == {"amount": "not_a_number", "reason": "required", "day": "not_a_day", "count": "out_of_range"}
    with pytest.raises(Invalid) as refusal:
        forms.decode({"amount": "x", "reason": "why"}, Sheet, "USD")
    assert refusal.value.fields == {"amount": "not_a_number"}


def test_a_field_that_is_sent_twice_is_an_error() -> None:
    assert sheet(amount=["5", "6"]).errors == {"amount": "invalid"}


@pytest.mark.parametrize(
    ("values", "units"),
    [
        ({"preset": "10.00"}, 1000),
        ({"preset": "10.00", "amount": "7"}, 700),
        ({"preset": "10.00", "amount": " "}, 1000),
    ],
)
def test_a_ready_amount_stands_in_for_one_that_was_not_typed(values: dict[str, str], units: int) -> None:
    form = forms.fill(values, Ready, "USD")
    assert form.value is not None
    assert form.value.amount == Money(units, "USD")


def test_neither_an_amount_nor_a_ready_one_is_an_error() -> None:
    assert forms.fill({}, Ready, "USD").errors == {"amount": "required"}
