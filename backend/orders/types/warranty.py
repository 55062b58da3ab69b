"""Claims under the warranty: a delivered thing doesn't work."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from backend.catalog.types.fulfilment import ItemId
from backend.kernel.events import Event
from backend.kernel.ids import OrderId, OrderLineId, UserId
from backend.kernel.money import Money
from backend.orders.types import OrderLine
from backend.orders.types.keys import DeliveredKey

ClaimId = NewType("ClaimId", UUID)


class ClaimStatus(StrEnum):
    """What became of a claim."""

    IN_REVIEW = "in_review"
    """An admin decides."""
    REPLACED = "replaced"
    REFUNDED = "refunded"
    REJECTED = "rejected"


class ClaimDecision(StrEnum):
    """What an admin decides."""

    REPLACE = "replace"
    REFUND = "refund"
    REJECT = "reject"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One claim, for ``quantity`` of its line; ``reason`` is why it was rejected."""

    id: ClaimId
    order_id: OrderId
    line_id: OrderLineId
    user_id: UserId
    item_id: ItemId
    quantity: int
    status: ClaimStatus
    reason: str | None
    created_at: datetime
    decided_at: datetime | None


class NewClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim about to be stored; one that is decided at once has no admin."""

    order_id: OrderId
    line_id: OrderLineId
    user_id: UserId
    item_id: ItemId
    quantity: int
    status: ClaimStatus
    idempotency_key: str


class Claimable(msgspec.Struct, frozen=True):
    """A delivered thing under warranty: the claim for it can be made before ``until``.

    ``refund`` is what goes back where it can't be replaced; ``reviewed``: an admin would decide.
    """

    key: DeliveredKey
    until: datetime
    refund: Money
    reviewed: bool


class Warranty(msgspec.Struct, frozen=True):
    """What of an order can be claimed now, and what was, oldest first."""

    claimable: list[Claimable]
    claims: list[Claim]


class ClaimRow(msgspec.Struct, frozen=True):
    """A claim in the admins' list, with its order and what a refund of it would be."""

    claim: Claim
    number: str
    line: OrderLine
    refund: Money
    earlier: int
    """How many claims the person has made in the last 30 days, this one included."""


class WarrantyClaimed(Event, frozen=True, kw_only=True):
    """A buyer made a claim; what became of it at once is its ``status``."""

    claim_id: ClaimId
    order_id: OrderId
    line_id: OrderLineId
    user_id: UserId
    status: ClaimStatus


class WarrantyDecided(Event, frozen=True, kw_only=True):
    """An admin decided a claim."""

    claim_id: ClaimId
    order_id: OrderId
    line_id: OrderLineId
    user_id: UserId
    status: ClaimStatus
    reason: str = ""
