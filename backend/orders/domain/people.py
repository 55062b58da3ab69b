"""What the back office knows of people by their orders: sources of a timeline, and who has bought."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select

from backend.infra.timeline import EntryKind, Source
from backend.orders.repository import people as repository
from backend.orders.repository import timeline

SOURCES: Final = (Source(EntryKind.ORDER, timeline.list_orders), Source(EntryKind.REFUND, timeline.list_refunds))
"""A person's orders and refunds, for their timeline."""


def buyers(since: datetime | None = None) -> Select[Any]:
    """The ids of all who have paid an order, ever or since a moment, as a condition: ``id.in_(…)``."""
    return repository.buyers(since)
