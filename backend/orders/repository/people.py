"""SQL about buyers, for conditions of other slices' statements."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from backend.orders.models import Order


def buyers(since: datetime | None) -> Select[Any]:
    """The ids of all who have paid an order, ever or since a moment."""
    statement = select(Order.user_id)
    return statement.where(Order.paid_at.is_not(None) if since is None else Order.paid_at >= since)
