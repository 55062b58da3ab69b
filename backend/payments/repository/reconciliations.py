"""SQL of reconciliations."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import insert, select

from backend.infra.unit_of_work import Tx
from backend.payments.models import PaymentReconciliation
from backend.payments.types import Difference, Reconciliation

_DONE = PaymentReconciliation.__table__.c


def _reconciliation(row: Any) -> Reconciliation:
    return Reconciliation(
        id=row.id,
        method=row.provider,
        since=row.since,
        until=row.until,
        checked=row.checked,
        differences=msgspec.convert(row.differences, list[Difference]),
        error=row.error,
        at=row.at,
        unknown=row.unknown,
    )


async def add_reconciliation(tx: Tx, done: Reconciliation) -> None:
    """Store a reconciliation."""
    await tx.execute(
        insert(PaymentReconciliation).values(
            id=done.id,
            provider=done.method,
            since=done.since,
            until=done.until,
            checked=done.checked,
            differences=msgspec.to_builtins(done.differences),
            error=done.error,
            at=done.at,
            unknown=done.unknown,
        )
    )


async def list_reconciliations(tx: Tx, limit: int) -> list[Reconciliation]:
    """The latest reconciliations, the newest first."""
    rows = await tx.execute(select(*_DONE).order_by(_DONE.at.desc(), _DONE.id.desc()).limit(limit))
    return [_reconciliation(row) for row in rows]
