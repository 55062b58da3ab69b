"""Figures of sales."""

from __future__ import annotations

import msgspec

from backend.kernel.money import Money


class SalesFigures(msgspec.Struct, frozen=True):
    """What was sold in a stretch of time, less what was refunded of it."""

    revenue: Money
    orders: int


class BuyerFigures(msgspec.Struct, frozen=True):
    """What one person has bought."""

    orders: int
    spent: Money
