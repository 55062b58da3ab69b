"""What goods are called in one line."""

from __future__ import annotations

import pytest

from backend.catalog.words import goods_name, product_name
from backend.kernel.text import Locale


@pytest.mark.parametrize(
    ("name", "country", "locale", "expected"),
    [
        ("Travel eSIM", "JP", Locale.EN, "Travel eSIM · Japan"),
        ("شريحة سفر", "JP", Locale.AR, "شريحة سفر، اليابان"),
        ("Карта магазина", "TR", Locale.RU, "Карта магазина · Турция"),
        ("Japan eSIM", "JP", Locale.EN, "Japan eSIM"),
        ("World eSIM", None, Locale.EN, "World eSIM"),
    ],
)
def test_a_product_is_told_apart_by_its_country(name: str, country: str | None, locale: Locale, expected: str) -> None:
    assert product_name(name, country, locale) == expected


def test_what_is_bought_says_its_variant_too() -> None:
    name, variant = {"en": "Travel eSIM"}, {"en": "3 GB"}
    assert goods_name(name, variant, "JP", Locale.EN) == "Travel eSIM · Japan · 3 GB"
    assert goods_name(name, {}, None, Locale.AR) == "Travel eSIM"
