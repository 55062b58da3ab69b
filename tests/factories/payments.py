"""Payments as the worker handles them."""

from __future__ import annotations

from backend.infra.jobs import RetryLater
from backend.payments.service import IntentsService
from backend.payments.types import IntentId, PollIntent


async def polled(payments: IntentsService, intent_id: IntentId, attempt: int = 0) -> bool:
    """Poll as a job does; False if the provider is asked about too many other payments, and the job comes again."""
    try:
        await payments.poll(PollIntent(intent_id, attempt))
    except RetryLater:
        return False
    return True
