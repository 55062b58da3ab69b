"""First approvals, as admins see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from backend.approvals.types import FirstApproval, ValueKind
from backend.approvals.words import kind_title
from backend.identity.types import Actor
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from webapp.core.rendering import Viewer

# The second admin approves these with a button, without typing anything.
_BY_BUTTON: Final = frozenset({ValueKind.ADJUSTMENT, ValueKind.BONUS_RULE, ValueKind.PROMO})


class ApprovalView(msgspec.Struct, frozen=True):
    """A first approval that awaits a second.

    ``mine``: this reader gave it; ``by_button``: its page has a button to approve it.
    """

    id: str
    title: str
    href: str
    amount: Money
    person: str
    by: str
    reason: str
    at: datetime
    mine: bool
    by_button: bool
    can_withdraw: bool


def approval(
    first: FirstApproval,
    names: Mapping[UserId, str],
    numbers: Mapping[OrderId, str],
    actor: Actor,
    viewer: Viewer,
) -> ApprovalView:
    """A first approval, with the page on which another admin can approve it."""
    return ApprovalView(
        id=str(first.id),
        title=kind_title(first.kind, viewer.words),
        href=_href(first, numbers),
        amount=-first.amount if first.facts.get("way") == "debit" else first.amount,
        person=names.get(first.user_id, "—") if first.user_id else "",
        by=names.get(first.by, "—"),
        reason=first.reason,
        at=first.at,
        mine=first.by == actor.user_id,
        by_button=first.kind in _BY_BUTTON,
        can_withdraw=first.kind is not ValueKind.ADJUSTMENT,
    )


_PAGES: Final = {
    ValueKind.BULK_REFUND: "/admin/orders/bulk/{}",
    ValueKind.DEPOSIT: "/admin/payments/{}",
    ValueKind.UNMATCHED: "/admin/payments/unmatched/{}",
    ValueKind.WAIVED_REFUND: "/admin/payments/unmatched/{}",
    ValueKind.BONUS_RULE: "/admin/bonuses",
    ValueKind.PROMO: "/admin/promos",
}


def _href(first: FirstApproval, numbers: Mapping[OrderId, str]) -> str:
    if first.kind is ValueKind.REFUND:
        return f"/admin/orders/{numbers.get(OrderId(UUID(first.subject)), '')}"
    return _PAGES.get(first.kind, "/admin/adjustments").format(first.subject)


class ApprovalsPage(msgspec.Struct, frozen=True):
    """approvals/admin/approvals.html"""

    rows: tuple[ApprovalView, ...]
