"""Who may claim what under the warranty, and who decides. See decisions/0062."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from backend.catalog.types.fulfilment import ItemId
from backend.orders.types import OrderLine, OrderStep, TimelineEntry
from backend.orders.types.lines import LineStatus
from backend.orders.types.warranty import Claim, ClaimStatus

CLAIMS_COUNT_FOR: Final = timedelta(days=30)
"""How long a person's claim counts against their next one."""


def warranty_end(line: OrderLine, timeline: Sequence[TimelineEntry], *, instant: bool) -> datetime | None:
    """When a line's warranty ends: its days after the delivery; None where it has none, is refunded or undelivered.

    ``instant``: goods of its kind are delivered with the payment, others when the timeline says so.
    """
    if line.status is not LineStatus.DELIVERED or not line.warranty_days or not line.unrefunded:
        return None
    of_line = [one.at for one in timeline if one.step is OrderStep.LINE_DELIVERED and one.line_id == line.id]
    step = OrderStep.PAID if instant else OrderStep.DELIVERED
    of_order = [one.at for one in timeline if one.step is step]
    delivered = next(iter([*of_line, *of_order]), None)
    return None if delivered is None else delivered + timedelta(days=line.warranty_days)


def can_claim(line: OrderLine, item: ItemId, claims: Sequence[Claim]) -> bool:
    """Whether one more of the line can be claimed beside the line's ``claims`` that are in review."""
    waiting = [claim for claim in claims if claim.status is ClaimStatus.IN_REVIEW]
    return sum(claim.quantity for claim in waiting) < line.unrefunded and all(
        claim.item_id != item for claim in waiting
    )


def is_reviewed(of_line: int, of_person: int, limit: int, *, instant: bool) -> bool:
    """Whether an admin decides: about a line's second claim, a person's claims beyond ``limit``, handmade goods.

    ``of_person`` counts their claims of the last 30 days.
    """
    return of_line > 0 or of_person >= limit or not instant
