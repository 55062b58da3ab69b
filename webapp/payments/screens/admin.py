"""Payments, refunds and providers' messages as admins see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from backend.infra.i18n import mark as _
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.payments.types import (
    Intent,
)
from webapp.core.parts import Chip, Fact
from webapp.core.rendering import Viewer
from webapp.payments.screens.admin_events import EventView, ManageDeposit
from webapp.payments.screens.admin_parts import STATUSES, ManagePaymentRow, badge, details
from webapp.payments.screens.admin_refunds import _SHORT, RefundView
from webapp.payments.screens.methods import method_look, method_title


def payment_row(intent: Intent, names: Mapping[UserId, str], viewer: Viewer) -> ManagePaymentRow:
    """A payment in a list: what reached the wallet, or what is meant to."""
    icon, hue = method_look(intent.method)
    paid = intent.received or intent.payable
    return ManagePaymentRow(
        id=str(intent.id),
        reference=intent.reference,
        person=names.get(intent.user_id, "—"),
        way=method_title(intent.method, viewer),
        icon=icon,
        hue=hue,
        amount=intent.credited or intent.amount,
        badge=badge(STATUSES[intent.status], viewer),
        at=intent.created_at,
        paid=paid if paid.currency != intent.amount.currency else None,
    )


def sums(intent: Intent, viewer: Viewer) -> tuple[tuple[str, Money], ...]:
    """The sums of a payment, those of the other asset beside the shop's; nothing that is nothing."""
    say = viewer.words.gettext
    abroad = intent.payable.currency != intent.amount.currency
    rows = [(say(_("Asked for")), intent.amount)]
    if abroad:
        rows.append((say(_("To be paid")), intent.payable))
    if intent.received and (abroad or intent.received != intent.credited):
        rows.append((say(_("Received")), intent.received))
    if intent.credited:
        rows.append((say(_("In the wallet")), intent.credited))
    if intent.refunded:
        rows.append((say(_("Refunded")), -intent.refunded))
    return tuple(rows)


def payment_facts(intent: Intent, viewer: Viewer) -> tuple[Fact, ...]:
    """The codes of a payment: ours, the provider's, and what is known of money on its way."""
    say = viewer.words.gettext
    named = [
        (say(_("Reference")), intent.reference),
        (say(_("Our id")), str(intent.id)),
        (say(_("The provider's id")), intent.external_id or ""),
        (say(_("The money's id")), intent.charge_id or ""),
        *details(intent.progress),
    ]
    if intent.action is not None:
        named += [(name, value) for name, value in intent.action.fields.items() if name in {"address", "comment"}]
    return tuple(Fact(name, value, copy=len(value) > _SHORT) for name, value in named if value)


class PlaceRow(msgspec.Struct, frozen=True):
    """A page about money, with what waits there."""

    key: Literal["unmatched", "deposits", "approvals", "reconciliation"]
    href: str
    count: int = 0
    urgent: bool = False


class ManagePayments(msgspec.Struct, frozen=True):
    """payments/admin/payments.html; payments/admin/_payment_rows.html takes the same for a next page (``more``)."""

    ways: tuple[Chip, ...]
    statuses: tuple[Chip, ...]
    rows: tuple[ManagePaymentRow, ...]
    query: str = ""
    places: tuple[PlaceRow, ...] = ()
    person: Chip | None = None
    filtered: bool = False
    next_url: str | None = None
    more: bool = False


class PaymentFilePage(msgspec.Struct, frozen=True):
    """payments/admin/payment.html: all that is known of one payment. ``obstacle`` says why nothing of it can go back.

    ``seen_at`` shows its latest transfer on its chain.
    """

    payment: ManagePaymentRow
    sums: tuple[tuple[str, Money], ...]
    facts: tuple[Fact, ...]
    person_href: str
    order_number: str = ""
    order_href: str | None = None
    events: tuple[EventView, ...] = ()
    refunds: tuple[RefundView, ...] = ()
    refundable: bool = False
    obstacle: str = ""
    deposit: ManageDeposit | None = None
    can_look: bool = False
    until: datetime | None = None
    live_url: str | None = None
    seen_at: str = ""
