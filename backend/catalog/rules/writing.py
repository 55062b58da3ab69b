"""A catalogue as a file: the rows that CatalogueReader reads back unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from backend.catalog.rules.rows import RowKind
from backend.kernel.money import Money
from backend.kernel.text import Locale

TEXTS: Final[dict[RowKind, tuple[str, ...]]] = {
    RowKind.CATEGORY: ("name",),
    RowKind.PRODUCT: ("name", "summary", "description"),
    RowKind.VARIANT: ("name", "note"),
}
_PRICES: Final = frozenset({"price", "reseller_price"})
COLUMNS: Final = (
    "type", "slug", "parent", "category", "product", "code",
    *(f"{name}_{locale}" for name in ("name", "summary", "description", "note") for locale in Locale),
    "country", "kind", "choice", "icon", "hue", "picture", "tags", "premium_only", "rank", "price", "reseller_price",
    "min_quantity", "max_quantity", "per_person_limit", "premium_months", "quantity_prices", "subscription_days",
    "low_stock_at", "promised_hours", "open_places", "warranty_days", "position", "hidden",
)  # fmt: skip
"""The columns of a CSV file, in their order."""


def written(kind: RowKind, ref: str, values: Mapping[str, Any], currency: str) -> dict[str, str]:
    """A thing as a row: ``values`` by the column names of the file, amounts in minor units of ``currency``."""
    row = {"type": kind.value}
    if kind is RowKind.VARIANT:
        row["product"], _, row["code"] = ref.partition("/")
    else:
        row["slug"] = ref
    for name, value in values.items():
        if name in TEXTS[kind]:
            row |= {f"{name}_{locale}": value.get(locale, "") for locale in Locale}
        elif name in _PRICES:
            row[name] = price_text(value, currency)
        elif name == "quantity_prices":
            row[name] = steps_text(value, currency)
        else:
            row[name] = _text(value)
    return row


def price_text(amount: int | None, currency: str) -> str:
    """An amount in minor units as a file has it; empty for None."""
    return "" if amount is None else str(Money(amount, currency).decimal())


def steps_text(steps: Sequence[Sequence[int]], currency: str) -> str:
    """Prices by quantity as a file has them."""
    return "; ".join(f"{quantity}:{price_text(amount, currency)}" for quantity, amount in steps)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "; ".join(value) if isinstance(value, list) else str(value)
