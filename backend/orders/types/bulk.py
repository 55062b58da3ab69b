"""Many orders acted on together: what is planned for each, and what became of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

import msgspec

from backend.kernel.events import Event
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money

BulkId = NewType("BulkId", UUID)

MOST_ORDERS: Final = 5000
"""How many orders are acted on together."""
RESENDS_A_DAY: Final = 3
"""How often the shop sends the keys of one order again within 24 hours."""


class BulkAction(StrEnum):
    """What is done to each order."""

    REFUND = "refund"
    """All that is left of its price goes back."""
    CANCEL = "cancel"
    RESEND_KEYS = "resend_keys"
    HAND_OVER = "hand_over"
    """Its goods by hand are given to an admin to prepare."""


class BulkStatus(StrEnum):
    """How far the action is."""

    DRAFT = "draft"
    """Only shown: nothing happens until it is confirmed."""
    AWAITING_APPROVAL = "awaiting_approval"
    """Its sum is above the single-admin limit."""
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """An admin stopped it, or the admin who started it may no longer act on orders; the rest was left alone."""


class BulkTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What an action needs to know, beside the orders."""

    action: BulkAction
    reason: str = ""
    target: str = ""
    """A RefundTarget's value."""
    to: UserId | None = None
    """Who gets the work."""


class BulkFailure(msgspec.Struct, frozen=True):
    """Orders to which one thing happened, and the first numbers of them; ``code`` is of an AppError or of a refusal."""

    code: str
    orders: int
    numbers: tuple[str, ...]


class Bulk(msgspec.Struct, frozen=True, kw_only=True):
    """An action on many orders. ``able + refused == orders``, and ``done + failed + left + stopped == able``."""

    id: BulkId
    terms: BulkTerms
    status: BulkStatus
    by: UserId
    approved_by: UserId | None
    at: datetime
    orders: int
    able: int
    done: int
    failed: int
    stopped: int
    planned: Money
    """What the refunds of those orders come to that can be refunded."""
    moved: Money
    """What was refunded so far."""
    refusals: tuple[BulkFailure, ...] = ()
    """Those that the action was not for from the beginning."""
    failures: tuple[BulkFailure, ...] = ()
    """Those that failed while it ran."""

    @property
    def refused(self) -> int:
        """How many orders the action was not for."""
        return self.orders - self.able

    @property
    def left(self) -> int:
        """How many orders are still to come."""
        return self.able - self.done - self.failed - self.stopped


class BulkItem(msgspec.Struct, frozen=True):
    """An order that is next."""

    order_id: OrderId
    amount: int


class BulkStarted(Event, frozen=True, kw_only=True):
    """An action on many orders is to go on."""

    bulk_id: BulkId
