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
    RefundStatus.PENDING: (_("On its way"), "warn"),
    RefundStatus.SUCCEEDED: (_("Sent"), "good"),
    RefundStatus.FAILED: (_("Refused, in the wallet"), "bad"),
}


_WAITS: Final[tuple[str, Tone]] = (_("Waits: this way is off"), "bad")


_OBSTACLES: Final[dict[RefundObstacle, str]] = {
    RefundObstacle.NOTHING_LEFT: _("Nothing of it is left to pay back."),
    RefundObstacle.METHOD_OFF: _("This way to pay is switched off, so nothing can go back through it."),
    RefundObstacle.METHOD_CANNOT: _("This provider takes money only: it cannot be paid back through it."),
    RefundObstacle.SPENT: _("It was spent: the wallet holds too little to send it back."),
}


_SHORT: Final = 12


class RefundView(msgspec.Struct, frozen=True):
    """Money on its way back, or back; ``sent`` is what the provider sends where that is another asset."""

    amount: Money
    badge: Badge
    at: datetime
    reason: str = ""
    way: str = ""
    sent: Money | None = None
    href: str | None = None


def refund(row: Refund, viewer: Viewer, *, linked: bool = False, off: bool = False) -> RefundView:
    """Money on its way back; ``linked`` leads to the payment that it came by. ``off``: its way is switched off."""
    waits = off and row.status is RefundStatus.PENDING
    return RefundView(
        amount=row.amount,
        badge=badge(_WAITS if waits else _REFUNDS[row.status], viewer),
        at=row.created_at,
        reason=row.reason,
        way=method_title(row.method, viewer),
        sent=row.payable if row.payable.currency != row.amount.currency else None,
        href=f"/admin/payments/{row.intent_id}" if linked else None,
    )


def order_refunds(
    done: Sequence[OrderRefundRow], sent: Sequence[Refund], viewer: Viewer, *, linked: bool, off: Collection[str]
) -> tuple[RefundView, ...]:
    """All that went back of an order: to the balance, and through providers with what they made of it.

    ``off`` are the ways that are switched off.
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
    """Where money can go back to, and how much of it; ``obstacle`` says why it cannot; ``title`` names a provider."""

    key: Literal["wallet", "provider"]
    most: Money
    title: str = ""
    whole_only: bool = False
    obstacle: str = ""


def order_targets(back: Refundable, viewer: Viewer) -> tuple[TargetRow, ...]:
    """Where the money of an order can go back to."""
    say = viewer.words.gettext
    through = min(sum(way.most.amount for way in back.ways), back.most.amount)
    names = ", ".join(dict.fromkeys(method_title(way.way, viewer) for way in back.ways))
    whole_only = any(way.whole_only for way in back.ways)
    return (
        TargetRow("wallet", back.most),
        TargetRow(
            "provider",
            Money(through, back.most.currency),
            title=names or say(_("The way it came")),
            whole_only=whole_only,
            obstacle="" if through else say(_("It was paid from the balance, or its provider takes money only.")),
        ),
    )


def obstacle(choice: RefundChoice, viewer: Viewer) -> str:
    """Why nothing can go back through the provider; nothing where something can."""
    return viewer.words.gettext(_OBSTACLES[choice.obstacle]) if choice.obstacle else ""


class RefundSheet(msgspec.Struct, frozen=True):
    """payments/admin/_refund.html: how much of a payment or an order goes back, and where to.

    ``targets`` offers the wallet and the provider of an order's money; empty where there is one way only. ``sent`` is
    what the provider sends for ``most``, where it deals in another asset than the shop.
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
