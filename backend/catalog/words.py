"""The names of goods in one line, for pages and chats alike."""

from __future__ import annotations

from collections.abc import Mapping

from backend.infra.formatting import country_name, joined
from backend.kernel.text import Locale, pick


def product_name(name: str, country: str | None, locale: Locale) -> str:
    """A product's name with its country, unless the name says it already: "Travel eSIM · Japan"."""
    where = country_name(country, locale) if country else ""
    return name if where.casefold() in name.casefold() else joined([name, where], locale)


def goods_name(name: Mapping[str, str], variant: Mapping[str, str], country: str | None, locale: Locale) -> str:
    """A product's name with country and variant: "Travel eSIM · Japan · 5 GB"."""
    return joined([product_name(pick(name, locale), country, locale), pick(variant, locale)], locale)
