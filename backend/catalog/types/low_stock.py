"""What an admin should buy next."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from backend.catalog.types import VariantId
from backend.catalog.types.batches import BatchId

SALES_DAYS: Final = 30
"""Sales of so many days say how long the stock lasts."""


class LowStock(msgspec.Struct, frozen=True, kw_only=True):
    """A variant at its threshold or under it; ``sold`` of the last SALES_DAYS. Names by language."""

    id: VariantId
    slug: str
    name: dict[str, str]
    variant_name: dict[str, str]
    country: str | None
    kind: str
    low_stock_at: int
    left: int
    sold: int
    waiting: int

    @property
    def days_left(self) -> int | None:
        """Whole days that the stock lasts at the pace of its sales; None where nothing is sold."""
        return self.left * SALES_DAYS // int(self.sold) if self.sold else None


class ExpiringBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch whose unsold keys expire soon."""

    id: BatchId
    name: dict[str, str]
    variant_name: dict[str, str]
    country: str | None
    expires_at: datetime
    keys: int
