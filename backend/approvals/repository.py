"""All SQL of approvals."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, text, update

from backend.approvals.models import ValueMade
from backend.approvals.types import FirstApproval, NewValue, ValueId, ValueKind
from backend.identity.types import Permission
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import Money

_C = ValueMade.__table__.c
_COLUMNS: Final = (
    _C.id, _C.kind, _C.subject, _C.amount, _C.currency, _C.permission, _C.user_id, _C.reason, _C.facts, _C.made_by,
    _C.asked_at,
)  # fmt: skip
_IS_WAITING: Final = _C.made_at.is_(None)
_LISTED: Final = 100
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('approvals:' || CAST(:key AS text), 0))")


def _first(row: Any) -> FirstApproval:
    return FirstApproval(
        id=ValueId(row.id),
        kind=ValueKind(row.kind),
        subject=row.subject,
        amount=Money(row.amount, row.currency),
        permission=Permission(row.permission),
        user_id=None if row.user_id is None else UserId(row.user_id),
        reason=row.reason,
        facts=row.facts,
        by=UserId(row.made_by),
        at=row.asked_at,
    )


async def lock(tx: Tx, kind: ValueKind, subject: str, by: UserId) -> None:
    """Lock the subject, and then the admin, until the transaction ends.

    The order is always the same, so two transactions never deadlock here.
    """
    await tx.execute(_LOCK, {"key": f"{kind}:{subject}"})
    await tx.execute(_LOCK, {"key": str(by)})


async def add(tx: Tx, value: NewValue, by: UserId, *, approved: bool, lone: bool) -> ValueId:
    """Add value in place of the subject's first approval; it awaits a second approval unless it is ``approved``."""
    await drop(tx, value.kind, value.subject)
    value_id = ValueId(tx.new_id())
    values = {
        "id": value_id, "kind": value.kind.value, "subject": value.subject, "amount": value.amount.amount,
        "currency": value.amount.currency, "permission": value.permission.value, "user_id": value.user_id,
        "reason": value.reason, "facts": value.facts, "made_by": by, "lone": lone, "asked_at": tx.now,
        "made_at": tx.now if approved else None,
    }  # fmt: skip
    await tx.execute(insert(ValueMade), values)
    return value_id


async def approve(tx: Tx, value_id: ValueId, by: UserId) -> None:
    """Record the second approval."""
    await tx.execute(update(ValueMade).where(_C.id == value_id, _IS_WAITING).values(approved_by=by, made_at=tx.now))


async def drop(tx: Tx, kind: ValueKind, subject: str) -> None:
    """Delete a first approval that awaits a second."""
    await tx.execute(delete(ValueMade).where(_C.kind == kind.value, _C.subject == subject, _IS_WAITING))


async def find_waiting(tx: Tx, kind: ValueKind, subject: str) -> FirstApproval | None:
    """The first approval of a subject that awaits a second, or None."""
    statement = select(*_COLUMNS).where(_C.kind == kind.value, _C.subject == subject, _IS_WAITING)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _first(row)


async def get_waiting(tx: Tx, value_id: ValueId) -> FirstApproval:
    """A first approval that awaits a second. Raises NotFound."""
    row = (await tx.execute(select(*_COLUMNS).where(_C.id == value_id, _IS_WAITING))).one_or_none()
    if row is None:
        raise NotFound(f"no first approval {value_id}")
    return _first(row)


async def list_waiting(
    tx: Tx, permissions: Iterable[Permission] = (), kind: ValueKind | None = None
) -> list[FirstApproval]:
    """First approvals of one kind, or that need one of ``permissions``; the oldest first, at most 100."""
    chosen = _C.kind == kind.value if kind else _C.permission.in_([one.value for one in permissions])
    statement = select(*_COLUMNS).where(_IS_WAITING, chosen).order_by(_C.id).limit(_LISTED)
    return [_first(row) for row in await tx.execute(statement)]


async def sum_alone(tx: Tx, by: UserId, currency: str, since: datetime) -> Money:
    """What an admin has given alone since then, all kinds together."""
    total = select(func.coalesce(func.sum(_C.amount), 0)).where(
        _C.made_by == by, _C.currency == currency, _C.approved_by.is_(None), _C.made_at > since
    )
    return Money(int((await tx.execute(total)).scalar_one()), currency)
