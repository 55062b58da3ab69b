"""Links into the reading room from pages of other slices."""

from __future__ import annotations

from backend.catalog.types import StockKind
from backend.orders.types import OrderLine
from backend.orders.types.lines import LineStatus


def credits_href(line: OrderLine) -> str:
    """Where the credits that a line of an order has given are spent; empty for any other line."""
    given = line.kind == StockKind.CREDITS and line.status is LineStatus.DELIVERED and not line.refunded_quantity
    return "/readings" if given else ""
