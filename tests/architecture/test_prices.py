"""One place multiplies a price: orders' pricing. Whatever else did would show one sum and charge another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from backend.kernel.money import Money

_ROOT: Final = Path(__file__).parents[2]
_PRICING: Final = "backend/orders/rules/pricing.py"
_NO_PRICES: Final = {
    "backend/catalog/repository/favourites.py": "whether a price has fallen by enough percent to be told",
    "backend/orders/rules/__init__.py": "how many keys the money on hold pays for",
}
"""Files where sold things are told by an amount that is multiplied, and why that is no price."""
_SELLING: Final = ("backend/catalog", "backend/orders", "backend/notifications", "webapp", "bot")
_WORD: Final = r"(?:\w*(?:amount|price|total)\w*|base_part)"
_TIMES: Final = re.compile(rf"\b{_WORD}\)? ?\* ?(?![*,)]|\w+:)[\w(]|[\w)] ?\* ?\(?(?:\w+\.)*{_WORD}\b", re.IGNORECASE)


def _files() -> list[str]:
    paths = [path for folder in _SELLING for path in (_ROOT / folder).rglob("*")]
    sources = [path for path in paths if path.suffix in {".py", ".html", ".js"} and "vendor" not in path.parts]
    return sorted(path.relative_to(_ROOT).as_posix() for path in sources)


def _multiplies(name: str) -> list[str]:
    return [line.strip() for line in (_ROOT / name).read_text().splitlines() if _TIMES.search(line)]


def test_only_pricing_multiplies_a_price() -> None:
    offences = {name: lines for name in _files() if (lines := _multiplies(name))}
    assert offences.pop(_PRICING)
    assert set(offences) == set(_NO_PRICES), offences


def test_money_can_not_be_multiplied() -> None:
    with pytest.raises(TypeError):
        _ = Money(1, "USD") * 2  # type: ignore[operator]


@pytest.mark.parametrize(
    "code",
    [
        "total=offer.unit_price * quantity,",
        "quantity * line.price.total.amount",
        "sum(line.quantity*line.unit_amount for line in lines)",
        "SELECT sum(quantity * unit_amount) FROM order_lines",
        "{{ (page.unit_price.amount * page.quantity)|number }}",
        "const sum = price * quantity;",
    ],
)
def test_the_pattern_finds_a_multiplied_price(code: str) -> None:
    assert _TIMES.search(code)


@pytest.mark.parametrize("code", ["def f(total: Money, *, held: Money)", "f(price, *lines)", "2**63", "first.*, total"])
def test_the_pattern_leaves_other_stars_alone(code: str) -> None:
    assert not _TIMES.search(code)
