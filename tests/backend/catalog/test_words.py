"""What goods are called in one line."""

from __future__ import annotations

import pytest

from backend.catalog.words import goods_name, product_name
from backend.kernel.text import Locale


@pytest.mark.parametrize(
    ("name", "country", "locale", "expected"),
    [
        ("Travel eSIM", "JP", Locale.EN, "Travel eSIM\u00a0· Japan"),
        ("شريحة سفر", "JP", Locale.AR, "شريحة سفر، \u200fاليابان"),
        ("Карта магазина", "TR", Locale.RU, "Карта магазина\u00a0· Турция"),
        ("Japan eSIM", "JP", Locale.EN, "Japan eSIM"),
        ("World eSIM", None, Locale.EN, "World eSIM"),
    ],
)
def test_a_product_is_told_apart_by_its_country(name: str, country: str | None, locale: Locale, expected: str) -> None:
    assert product_name(name, country, locale) == expected


def test_what_is_bought_says_its_variant_too() -> None:
    name, variant = {"en": "Travel eSIM"}, {"en": "3 GB"}
    assert goods_name(name, variant, "JP", Locale.EN) == "Travel eSIM\u00a0· Japan\u00a0· 3 GB"
    assert goods_name(name, {}, None, Locale.AR) == "Travel eSIM"
