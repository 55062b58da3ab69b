"""SQL of webhook calls whose signature does not cover the body."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from backend.infra.unit_of_work import Tx
from backend.payments.errors import BadWebhook
from backend.payments.models import PaymentCall
from backend.payments.types import Call

_CALL = PaymentCall.__table__.c
_KEEP: Final = timedelta(days=4)
"""Longer than any gateway accepts a call after it was sent."""


async def use(tx: Tx, provider: str, call: Call) -> None:
    """Record that ``call`` has an effect. Raises BadWebhook if it had one before with another body."""
    row = {"provider": provider, "id": call.id, "digest": call.digest, "received_at": tx.now}
    added = insert(PaymentCall).values(row).on_conflict_do_nothing().returning(_CALL.id)
    if (await tx.execute(added)).one_or_none() is not None:
        return
    before = select(_CALL.digest).where(_CALL.provider == provider, _CALL.id == call.id)
    if (await tx.execute(before)).scalar_one() != call.digest:
        raise BadWebhook(f"{provider}: a call that was made before, with another body")


async def prune(tx: Tx) -> None:
    """Delete calls that are too old to be accepted again."""
    await tx.execute(delete(PaymentCall).where(_CALL.received_at < tx.now - _KEEP))
