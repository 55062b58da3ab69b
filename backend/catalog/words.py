"""The names of goods in one line, and of what an editor chooses for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from backend.catalog.types import ChoiceKind, StockKind
from backend.catalog.types.stock_changes import ExportFormat
from backend.infra.formatting import country_name, joined
from backend.infra.i18n import Text
from backend.infra.i18n import mark as _
from backend.infra.i18n import mark_of as pgettext
from backend.kernel.text import Locale, pick

KINDS: Final[Mapping[str, Text]] = {
    StockKind.UNIQUE_KEYS: _("Keys, each sold once"),
    StockKind.SHARED_KEY: _("One key for all buyers"),
    StockKind.BY_HAND: _("Prepared by hand"),
    StockKind.FILE: _("A file to download"),
    StockKind.PREMIUM: _("Months of premium"),
    StockKind.COURSE: _("A place in a course"),
    StockKind.CREDITS: _("Credits for readings"),
}
CHOICES: Final[Mapping[str, Text]] = {
    ChoiceKind.DURATION: _("Duration"),
    ChoiceKind.AMOUNT: _("Value"),
    ChoiceKind.OPTION: _("Option"),
}
HUES: Final[Mapping[str, Text]] = {
    "blue": _("Blue"),
    "indigo": _("Indigo"),
    "violet": _("Violet"),
    "pink": _("Pink"),
    "red": _("Red"),
    "orange": _("Orange"),
    "amber": _("Amber"),
    "green": _("Green"),
    "teal": _("Teal"),
    "grey": _("Grey"),
}
ICONS: Final[Mapping[str, Text]] = {
    "box": _("Box"),
    "card": _("Card"),
    "game": _("Game"),
    "gift": _("Gift"),
    "globe": _("Globe"),
    "learn": _("Cap"),
    "shield": _("Shield"),
    "sim": _("SIM card"),
    "star": pgettext("icon", "Star"),
}
KEY_FILES: Final[Mapping[str, Text]] = {
    ExportFormat.TXT: _("Text, one key a line"),
    ExportFormat.JSON_LINES: "JSON lines",
    ExportFormat.CSV: _("CSV for spreadsheets"),
}
"""How exported keys are written."""


def product_name(name: str, country: str | None, locale: Locale) -> str:
    """A product's name with its country, unless the name says it already: "Travel eSIM · Japan"."""
    where = country_name(country, locale) if country else ""
    return name if where.casefold() in name.casefold() else joined([name, where], locale)


def goods_name(name: Mapping[str, str], variant: Mapping[str, str], country: str | None, locale: Locale) -> str:
    """A product's name with country and variant: "Travel eSIM · Japan · 5 GB"."""
    return joined([product_name(pick(name, locale), country, locale), pick(variant, locale)], locale)
