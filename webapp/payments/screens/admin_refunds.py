"""Refunds of payments and orders, as an admin sees them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from backend.infra.i18n import mark as _
from backend.kernel.money import Money
from backend.orders.types import OrderRefundRow, Refundable, RefundTarget
from backend.payments.types import (
    Refund,
    RefundChoice,
    RefundObstacle,
    RefundStatus,
)
from webapp.core.parts import AmountError, Badge, Preset, Tone
from webapp.core.rendering import Viewer
from webapp.payments.screens.admin_parts import badge
from webapp.payments.screens.methods import method_title

_REFUNDS: Final[dict[RefundStatus, tuple[str, Tone]]] = {
    RefundStatus.PENDING: (_("Processing"), "warn"),
    RefundStatus.SUCCEEDED: (_("Sent"), "good"),
    RefundStatus.FAILED: (_("Failed, in balance"), "bad"),
}


_WAITS: Final[tuple[str, Tone]] = (_("Method disabled"), "bad")


_OBSTACLES: Final[dict[RefundObstacle, str]] = {
    RefundObstacle.NOTHING_LEFT: _("Nothing left to refund."),
    RefundObstacle.METHOD_OFF: _("This payment method is disabled and can't be used for refunds."),
    RefundObstacle.METHOD_CANNOT: _("This provider doesn't support refunds."),
    RefundObstacle.SPENT: _("Already spent: the balance is too low for a refund."),
}


_SHORT: Final = 12


class RefundView(msgspec.Struct, frozen=True):
    """A refund; ``sent`` is what the provider sends where that is a foreign asset."""

    amount: Money
    badge: Badge
    at: datetime
    reason: str = ""
    method: str = ""
    sent: Money | None = None
    href: str | None = None


def refund(row: Refund, viewer: Viewer, *, linked: bool = False, off: bool = False) -> RefundView:
    """A refund of a payment; ``linked`` leads to the payment. ``off``: its payment method is disabled."""
    waits = off and row.status is RefundStatus.PENDING
    return RefundView(
        amount=row.amount,
        badge=badge(_WAITS if waits else _REFUNDS[row.status], viewer),
        at=row.created_at,
        reason=row.reason,
        method=method_title(row.method, viewer),
        sent=row.payable if row.payable.currency != row.amount.currency else None,
        href=f"/admin/payments/{row.intent_id}" if linked else None,
    )


def order_refunds(
    done: Sequence[OrderRefundRow], sent: Sequence[Refund], viewer: Viewer, *, linked: bool, off: Collection[str]
) -> tuple[RefundView, ...]:
    """All refunds of an order, to the balance and through providers.

    ``off`` are the payment methods that are disabled.
    """
    to_wallet = viewer.words.gettext(_("To their balance"))
    rows = [
        RefundView(row.amount, badge(_REFUNDS[RefundStatus.SUCCEEDED], viewer), row.at, row.reason, to_wallet)
        for row in done
        if row.target is RefundTarget.WALLET
    ]
    rows += [refund(row, viewer, linked=linked, off=row.method in off) for row in sent]
    return tuple(sorted(rows, key=lambda row: row.at, reverse=True))


class TargetRow(msgspec.Struct, frozen=True):
    """Where an order can be refunded to, and how much; ``obstacle`` says why it can't; ``title`` names a provider."""

    key: Literal["wallet", "provider"]
    most: Money
    title: str = ""
    whole_only: bool = False
    obstacle: str = ""


def order_targets(back: Refundable, viewer: Viewer) -> tuple[TargetRow, ...]:
    """The balance and the provider of an order, as targets of a refund."""
    say = viewer.words.gettext
    through = min(sum(item.most.amount for item in back.methods), back.most.amount)
    names = ", ".join(dict.fromkeys(method_title(item.method, viewer) for item in back.methods))
    whole_only = any(item.whole_only for item in back.methods)
    return (
        TargetRow("wallet", back.most),
        TargetRow(
            "provider",
            Money(through, back.most.currency),
            title=names or say(_("Original payment method")),
            whole_only=whole_only,
            obstacle="" if through else say(_("Paid from the balance, or the provider doesn't support refunds.")),
        ),
    )


def obstacle(choice: RefundChoice, viewer: Viewer) -> str:
    """Why nothing can be refunded through the provider; empty where something can."""
    return viewer.words.gettext(_OBSTACLES[choice.obstacle]) if choice.obstacle else ""


class RefundSheet(msgspec.Struct, frozen=True):
    """payments/admin/_refund.html: how much of a payment or an order is refunded, and where to.

    ``targets`` offers the balance and the provider of an order; empty for a payment. ``sent`` is what the provider
    sends for ``most``, where that is a foreign asset.
    """

    action: str
    title: str
    most: Money
    presets: tuple[Preset, ...]
    intent: str
    obstacle: str = ""
    sent: Money | None = None
    whole_only: bool = False
    typed: str = ""
    reason: str = ""
    targets: tuple[TargetRow, ...] = ()
    target: str = ""
    amount_error: AmountError = ""
    reason_error: bool = False
    limit: Money | None = None
