"""The list of payments and one payment, as admins see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from backend.infra.i18n import mark as _
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.payments.types import (
    Intent,
)
from webapp.core.forms import Form
from webapp.core.parts import Chip, Fact
from webapp.core.rendering import Viewer
from webapp.payments.screens.admin_events import EventView, ManageDeposit
from webapp.payments.screens.admin_parts import ManagePaymentRow, details, status_badge
from webapp.payments.screens.admin_refunds import _SHORT, RefundView
from webapp.payments.screens.methods import method_look, method_title


def payment_row(intent: Intent, names: Mapping[UserId, str], viewer: Viewer) -> ManagePaymentRow:
    """A payment in a list, with the amount that was credited, or else requested."""
    icon, hue = method_look(intent.method)
    paid = intent.received or intent.payable
    return ManagePaymentRow(
        id=str(intent.id),
        reference=intent.reference,
        person=names.get(intent.user_id, "—"),
        method=method_title(intent.method, viewer),
        icon=icon,
        hue=hue,
        amount=intent.credited or intent.amount,
        badge=status_badge(intent, viewer),
        at=intent.created_at,
        paid=paid if paid.currency != intent.amount.currency else None,
    )


def sums(intent: Intent, viewer: Viewer) -> tuple[tuple[str, Money], ...]:
    """The amounts of a payment, without zeros; those in a foreign asset beside those in the shop's currency."""
    say = viewer.words.gettext
    foreign = intent.payable.currency != intent.amount.currency
    rows = [(say(_("Requested")), intent.amount)]
    if foreign:
        rows.append((say(_("Amount due")), intent.payable))
    if intent.received and (foreign or intent.received != intent.credited):
        rows.append((say(_("Received")), intent.received))
    if intent.credited:
        rows.append((say(_("Credited")), intent.credited))
    if intent.refunded:
        rows.append((say(_("Refunds")), -intent.refunded))
    return tuple(rows)


def payment_facts(intent: Intent, viewer: Viewer) -> tuple[Fact, ...]:
    """The ids of a payment, and what the provider says about its progress."""
    say = viewer.words.gettext
    facts = [
        (say(_("Reference")), intent.reference),
        (say(_("Payment ID")), str(intent.id)),
        (say(_("Provider ID")), intent.external_id or ""),
        (say(_("Transaction ID")), intent.charge_id or ""),
        *details(intent.progress, viewer),
    ]
    if intent.action is not None:
        fields = intent.action.fields
        facts += details({name: fields.get(name, "") for name in ("address", "comment")}, viewer)
    return tuple(Fact(name, value, copy=len(value) > _SHORT) for name, value in facts if value)


class PlaceRow(msgspec.Struct, frozen=True):
    """A page about payments, with the number of its open items."""

    key: Literal["unmatched", "deposits", "approvals", "reconciliation"]
    href: str
    count: int = 0
    urgent: bool = False


class ManagePayments(msgspec.Struct, frozen=True):
    """payments/admin/payments.html; payments/admin/_payment_rows.html shows a search or next page (``more``)."""

    methods: tuple[Chip, ...]
    statuses: tuple[Chip, ...]
    rows: tuple[ManagePaymentRow, ...]
    query: str = ""
    places: tuple[PlaceRow, ...] = ()
    person: Chip | None = None
    filtered: bool = False
    next_url: str | None = None
    more: bool = False
    narrowed: tuple[Chip, ...] = ()
    """Days and amounts that are on, each of which a tap takes off."""
    refunded: Chip | None = None
    filters_url: str = ""
    export_url: str = ""


class PaymentFilters(msgspec.Struct, frozen=True):
    """payments/admin/_filters.html: days and amounts, with what was typed and what is wrong with it."""

    form: Form[Any]
    hidden: tuple[tuple[str, str], ...]
    """Filters that the sheet has no field for."""
    reversed: str = ""


_COLUMNS: Final = (
    _("Reference"), _("Status"), _("Customer"), _("Username"), _("Telegram ID"), _("Payment method"), _("Amount"),
    _("Credited"), _("Refunds"), _("Currency"), _("Received"), _("Asset"), _("Provider ID"), _("Transaction ID"),
    _("Started"), _("Updated"),
)  # fmt: skip


def columns(viewer: Viewer) -> tuple[str, ...]:
    """The names of a file's columns."""
    return tuple(viewer.words.gettext(name) for name in _COLUMNS)


class PaymentFilePage(msgspec.Struct, frozen=True):
    """payments/admin/payment.html: one payment in full."""

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
    """Why nothing of it can be refunded."""
    deposit: ManageDeposit | None = None
    checkable: bool = False
    """Whether the provider can be asked about it now."""
    until: datetime | None = None
    live_url: str | None = None
    explorer_url: str = ""
    """Shows its latest transfer on its chain."""
