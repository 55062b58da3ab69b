"""Texts of orders that the pages and the chat share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from backend.catalog.types import StockKind
from backend.catalog.words import goods_name
from backend.infra.formatting import format_number
from backend.infra.i18n import Text, Translator
from backend.infra.i18n import mark as _
from backend.kernel.text import Locale
from backend.orders.types import RefundTarget
from backend.orders.types.keys import OpenedKey
from backend.orders.types.prices import PartKind

_PARTS: Final = {
    PartKind.BASE: _("Price"),
    PartKind.RESELLER: _("Reseller discount"),
    PartKind.QUANTITY: _("Quantity discount"),
    PartKind.PROMO: _("Promo code"),
    PartKind.ALREADY_PAID: _("Already paid"),
}
REFUND_TARGETS: Final[Mapping[str, Text]] = {
    RefundTarget.WALLET: _("Their balance"),
    RefundTarget.PROVIDER: _("The payment method used"),
}
"""Where an order is refunded to, as an admin chooses it."""


def is_key(kind: str) -> bool:
    """Whether goods of this kind are keys for the reader; else they are texts that somebody wrote."""
    return kind != StockKind.BY_HAND


def part_title(kind: PartKind, words: Translator) -> str:
    """What a part of a price is called."""
    return words.gettext(_PARTS[kind])


def and_more(name: str, more: int) -> str:
    """The name of an order's first thing, with the number of its other lines, such as ``Netflix +2``."""
    return f"{name} +{more}" if more else name


def for_many(uses: int, locale: Locale) -> str:
    """What follows a key, or its goods, where one key is for several: "× 3", with a space before it."""
    return f" × {format_number(uses, locale)}" if uses > 1 else ""


def keys_file(number: str, keys: Iterable[OpenedKey], locale: Locale) -> bytes:
    """The keys of an order as a text file (UTF-8): its number, then a heading for each thing and one key a line."""
    lines = [number, ""]
    heading = ""
    for key in keys:
        goods = goods_name(key.name, key.variant_name, key.country, locale) + for_many(key.uses, locale)
        if goods != heading:
            lines.append(heading := goods)
        lines.append(key.text)
    return ("\r\n".join(lines) + "\r\n").encode()  # old editors on Windows know no other end of a line
