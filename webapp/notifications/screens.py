"""TODO-DOC"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from webapp.core.parts import Chip


class DeliveryRow(msgspec.Struct, frozen=True):
    """A message or a job that did not go through yet."""

    id: str
    name: str
    state: Literal["retrying", "dead"]
    attempts: int
    at: datetime
    error: str = ""
    next_at: datetime | None = None


class DeliveriesPage(msgspec.Struct, frozen=True):
    """notifications/admin/deliveries.html"""

    filters: tuple[Chip, ...]
    rows: tuple[DeliveryRow, ...]
    next_url: str | None = None
