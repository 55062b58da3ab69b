"""What of an order one admin may refund alone."""

from __future__ import annotations

from collections.abc import Sequence

from backend.approvals import domain as approvals
from backend.approvals.types import Approval, NewValue, ValueKind
from backend.catalog.words import goods_name
from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import Tx
from backend.kernel.money import Money
from backend.kernel.text import Locale
from backend.orders.types import OrderLine, OrderRecord
from backend.orders.types.lines import LineRefund
from backend.orders.types.refunds import NewRefund


async def approve(
    tx: Tx, actor: Actor, order: OrderRecord, lines: Sequence[OrderLine], new: NewRefund, limit: Money
) -> Approval:
    """Count a refund against the single-admin limit. Raises SecondAdminNeeded for one's own order."""
    # The second admin has to choose the same lines, so they are told which.
    parts = [new.reason.strip(), *(_named(lines, share) for share in new.shares if new.by_line)]
    value = NewValue(
        kind=ValueKind.REFUND,
        subject=str(order.id),
        amount=new.amount,
        permission=Permission.ORDERS,
        user_id=order.user_id,
        reason=", ".join(parts),
        facts={"target": new.target.value} | facts(new),
    )
    return await approvals.make(tx, actor, value, limit)


def facts(new: NewRefund) -> dict[str, str]:
    """The lines that were chosen, which a second admin must choose too."""
    if not new.by_line:
        return {}
    chosen = sorted((str(share.line_id), share.quantity) for share in new.shares)
    return {"lines": " ".join(f"{line_id}:{quantity}" for line_id, quantity in chosen)}


def _named(lines: Sequence[OrderLine], share: LineRefund) -> str:
    line = next(one for one in lines if one.id == share.line_id)
    return f"{goods_name(line.name, line.variant_name, line.country, Locale.EN)} × {share.quantity}"
