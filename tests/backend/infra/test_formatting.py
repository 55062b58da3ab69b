"""Money, numbers and times by language."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from backend.infra.formatting import (
    format_date,
    format_moment,
    format_money,
    format_number,
    format_percent,
    timezone,
)
from backend.kernel.money import Money
from backend.kernel.text import Locale


@pytest.mark.parametrize(
    ("locale", "amount", "expected"),
    [
        (Locale.EN, 1440, "$14.40"),
        (Locale.EN, -123_456_789, "−$1,234,567.89"),
        (Locale.RU, 1440, "14,40\u00a0$"),
        (Locale.RU, 123_456_789, "1\u00a0234\u00a0567,89\u00a0$"),
    ],
)
def test_money(locale: Locale, amount: int, expected: str) -> None:
    assert format_money(Money(amount, "USD"), locale) == expected


def test_money_in_arabic_is_isolated_and_has_its_digits() -> None:
    text = format_money(Money(1440, "USD"), Locale.AR)
    assert text.startswith("\u206614.40")
    assert text.endswith("\u2069")
    assert "\u2066" not in format_money(Money(1440, "USD"), Locale.AR, isolated=False)


def test_signs_and_whole_amounts() -> None:
    assert format_money(Money(500, "USD"), Locale.EN, sign=True, trim=True) == "+$5"
    assert format_money(Money(1_500_000, "USDT"), Locale.EN) == "1.50\u00a0USDT"
    assert format_money(Money(1_234_567, "USDT"), Locale.EN) == "1.234567\u00a0USDT"
    assert format_money(Money(700, "JPY"), Locale.EN) == "¥700"


def test_numbers() -> None:
    assert [format_number(-12_345, locale) for locale in Locale] == ["−12,345", "−12,345", "−12\u00a0345"]


def test_moments_of_the_day() -> None:
    today = date(2026, 11, 21)
    late = datetime(2026, 11, 20, 22, 32, tzinfo=UTC)
    assert format_moment(late, today, Locale.EN) == "Yesterday, 22:32"
    assert format_moment(late.astimezone(timezone("Asia/Dubai")), today, Locale.AR) == "02:32"
    assert format_moment(late, date(2027, 1, 1), Locale.AR) == "20 نوفمبر 2026، 22:32"
    assert format_date(today, Locale.RU) == "21 нояб. 2026"


@pytest.mark.parametrize("name", ["No/Such", "", "../etc/passwd", "Mars\0"])
def test_an_unknown_timezone_is_utc(name: str) -> None:
    assert timezone(name).key == "UTC"


def test_per_cent_keeps_its_sign() -> None:
    assert [format_percent(-18, locale) for locale in Locale] == ["−18%", "−18%", "−18\u00a0%"]
    assert format_percent(0, Locale.EN, sign=True) == "0%"
