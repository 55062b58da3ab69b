"""Refunds of payments and orders, as an admin sees them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from backend.catalog.types.fulfilment import Unused
from backend.catalog.words import goods_name
from backend.infra.formatting import times
from backend.infra.i18n import mark as _
from backend.kernel.money import Money
from backend.orders.types import OrderLine, RefundTarget
from backend.orders.types.refunds import OrderRefundRow, Refundable
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
    about: tuple[str, ...] = ()
    """Which lines of an order it was for, and how many of each."""


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
    back: Refundable, sent: Sequence[Refund], viewer: Viewer, *, linked: bool, off: Collection[str]
) -> tuple[RefundView, ...]:
    """All refunds of an order, to the balance and through providers.

    ``off`` are the payment methods that are disabled.
    """
    # A refund and those that providers send for it are stored in one transaction, which has one time.
    about = {row.at: _goods_of(row, back, viewer) for row in back.done}
    to_wallet = viewer.words.gettext(_("To their balance"))
    rows = [
        RefundView(
            row.amount,
            badge(_REFUNDS[RefundStatus.SUCCEEDED], viewer),
            row.at,
            row.reason,
            to_wallet,
            about=about[row.at],
        )
        for row in back.done
        if row.target is RefundTarget.WALLET
    ]
    rows += [
        msgspec.structs.replace(
            refund(row, viewer, linked=linked, off=row.method in off), about=about.get(row.created_at, ())
        )
        for row in sent
    ]
    return tuple(sorted(rows, key=lambda row: row.at, reverse=True))


def has_choice(back: Refundable) -> bool:
    """Whether the goods of an order can be refunded one by one: there are several."""
    return sum(line.quantity for line in back.lines) > 1


def _goods_of(row: OrderRefundRow, back: Refundable, viewer: Viewer) -> tuple[str, ...]:
    """The goods that went back; empty where the order has only one thing, or only money went back."""
    if not has_choice(back):
        return ()
    counts = {share.line_id: share.quantity for share in row.shares}
    return tuple(
        times(_line_title(line, viewer), counts[line.id], viewer.locale) for line in back.lines if counts.get(line.id)
    )


def _line_title(line: OrderLine, viewer: Viewer) -> str:
    return goods_name(line.name, line.variant_name, line.country, viewer.locale)


class RefundLineRow(msgspec.Struct, frozen=True):
    """A line of an order in the sheet of its refund: up to ``maximum`` can go back, which cost ``left``.

    The chosen ``value`` is posted as ``field``.
    """

    field: str
    title: str
    left: Money
    value: int
    maximum: int
    minimum: int = 0


def line_field(place: int) -> str:
    """The field that says how many of an order's line go back; lines count from 0."""
    return f"line-{place}"


def line_rows(back: Refundable, typed: Mapping[str, str], viewer: Viewer) -> tuple[RefundLineRow, ...]:
    """The lines that have something left, with what was chosen; none where there is nothing to choose."""
    rows = []
    for place, line in enumerate(back.lines if has_choice(back) and back.most else ()):
        if line.unrefunded and line.left:
            text = typed.get(line_field(place), "")
            value = min(int(text), line.unrefunded) if text.isdecimal() else 0
            rows.append(RefundLineRow(line_field(place), _line_title(line, viewer), line.left, value, line.unrefunded))
    return tuple(rows)


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

    ``lines`` are those of an order that can be chosen instead of an amount. ``targets`` offers the balance and the
    provider of an order; empty for a payment. ``sent`` is what the provider sends for ``most``, where that is a
    foreign asset. ``unused`` is said of goods that are used up bit by bit, of which only the rest is taken back.
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
    lines: tuple[RefundLineRow, ...] = ()
    targets: tuple[TargetRow, ...] = ()
    target: str = ""
    amount_error: AmountError = ""
    reason_error: bool = False
    limit: Money | None = None
    unused: Unused | None = None
