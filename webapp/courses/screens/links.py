"""Links into courses from pages of other slices."""

from __future__ import annotations

from backend.catalog.types import StockKind
from backend.orders.types import OrderLine
from backend.orders.types.lines import LineStatus


def bought_href(line: OrderLine) -> str:
    """The page of the course that a line of an order gives access to; empty for any other line."""
    given = line.kind == StockKind.COURSE and line.status is LineStatus.DELIVERED and not line.refunded_quantity
    return f"/learn/{line.slug}" if given else ""
