"""Money keeps its unit and its cents."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kernel.currencies import DECIMALS, round_amounts
from backend.kernel.money import CurrencyMismatch, Money, exponent

AMOUNTS = st.integers(-(10**12), 10**12)
CURRENCIES = st.sampled_from(["USD", "JPY", "KWD", "USDT", "XTR", "CREDIT"])


@given(AMOUNTS, AMOUNTS, CURRENCIES)
def test_adding_and_taking_away_come_back(a: int, b: int, currency: str) -> None:
    one, two = Money(a, currency), Money(b, currency)
    assert one + two - two == one
    assert (one < two) == (a < b)
    negative = -one
    assert -negative == one


@given(AMOUNTS, CURRENCIES)
def test_parse_reads_what_decimal_writes(amount: int, currency: str) -> None:
    money = Money(amount, currency)
    assert Money.parse(f"{money.decimal():f}", currency) == money


@pytest.mark.parametrize(
    "text", ["", "-", "1.", ".5", "1,5", "1e3", "1.234", "٣", "1 000", "NaN", "--1", "0x1", "1.-5"]
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        Money.parse(text, "USD")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(CurrencyMismatch):
        _ = Money(1, "USD") < Money(1, "EUR")


@pytest.mark.parametrize("bad", [1.0, True, "1", Decimal(1)])
def test_only_whole_minor_units(bad: object) -> None:
    with pytest.raises(TypeError):
        Money(bad, "USD")  # type: ignore[arg-type]


def test_beyond_a_bigint() -> None:
    with pytest.raises(OverflowError):
        Money(2**63, "USD")
    with pytest.raises(OverflowError):
        _ = Money(2**62, "USD") + Money(2**62, "USD")


@pytest.mark.parametrize(
    ("amount", "rate", "currency", "expected"),
    [
        (1440, "1", "JPY", 14),
        (1450, "1", "JPY", 14),
        (1550, "1", "JPY", 16),
        (100, "0.3075", "KWD", 308),
        (1300, "76.923", "XTR", 1000),
    ],
)
def test_convert_rounds_half_to_even(amount: int, rate: str, currency: str, expected: int) -> None:
    assert Money(amount, "USD").convert(Decimal(rate), currency) == Money(expected, currency)


def test_exponents() -> None:
    assert [exponent(code) for code in ("USD", "JPY", "KWD", "XTR", "USDT")] == [2, 0, 3, 0, 6]
    # By ISO 4217, where CLDR (which Babel formats by) says none, and where ISO says none, three and four.
    assert {exponent(code) for code in ("IDR", "LBP", "IRR", "MGA", "COP", "HUF", "TWD", "PKR")} == {2}
    assert {exponent(code) for code in ("BIF", "DJF", "GNF", "KMF", "RWF", "VUV", "XPF", "UYI")} == {0}
    assert [exponent(code) for code in ("IQD", "LYD", "CLF", "UYW")] == [3, 3, 4, 4]


def test_round_amounts_fit_the_currency() -> None:
    assert round_amounts("USD", 1, 1000) == (10, 25, 50, 100)
    assert round_amounts("JPY", 100, 100_000) == (1000, 2500, 5000, 10_000)
    assert round_amounts("IDR", 10_000, 10_000_000) == (100_000, 250_000, 500_000, 1_000_000)
    assert round_amounts("KWD", 1, 1000) == (10, 25, 50, 100)


@given(st.sampled_from(sorted(DECIMALS)), st.integers(1, 10**12), st.integers(0, 10**12))
def test_round_amounts_lie_between_the_limits(currency: str, least: int, more: int) -> None:
    amounts = round_amounts(currency, least, least + more)
    assert 1 <= len(amounts) <= 4 and list(amounts) == sorted(set(amounts))
    assert all(least <= amount <= least + more for amount in amounts)
