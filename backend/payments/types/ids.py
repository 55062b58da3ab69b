"""Ids of payments."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

IntentId = NewType("IntentId", UUID)
PaymentEventId = NewType("PaymentEventId", UUID)
SubscriptionId = NewType("SubscriptionId", UUID)
RefundId = NewType("RefundId", UUID)
TransferReceiptId = NewType("TransferReceiptId", UUID)
