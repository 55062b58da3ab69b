"""Unmatched payments and deposits, as an admin sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from backend.approvals.types import FirstApproval
from backend.infra.i18n import mark as _
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.payments import words
from backend.payments.types import (
    DepositAction,
    EventAction,
    Intent,
    Outcome,
    ProviderEvent,
    ProviderState,
    TransferReceipt,
    deposit_actions,
)
from webapp.approvals.screens import ApprovalView
from webapp.core.parts import AmountError, Badge, Fact, Tone
from webapp.core.rendering import Viewer
from webapp.identity.screens.person import AssigneeRow
from webapp.payments.screens.admin_parts import ManagePaymentRow, badge, details
from webapp.payments.screens.admin_refunds import _SHORT
from webapp.payments.screens.deposit import proof_path
from webapp.payments.screens.methods import method_title

_EVENTS: Final[dict[ProviderState, str]] = {
    ProviderState.PENDING: _("Awaiting payment"),
    ProviderState.CONFIRMING: _("Confirming"),
    ProviderState.PAID: _("Payment received"),
    ProviderState.REFUNDED: _("Refunded"),
    ProviderState.FAILED: _("Payment failed"),
    ProviderState.EXPIRED: _("Payment expired"),
}


_OUTCOMES: Final[dict[Outcome, tuple[str, Tone]]] = {
    Outcome.APPLIED: (_("Done"), "good"),
    Outcome.IGNORED: (_("No change"), ""),
    Outcome.UNMATCHED: (_("Unmatched"), "bad"),
    Outcome.DUPLICATE: (_("Duplicate"), ""),
    Outcome.DISMISSED: (_("Dismissed"), ""),
}


DEPOSIT: Final = "deposit"
"""The payment method of payments by hand."""


class EventView(msgspec.Struct, frozen=True):
    """A provider event and its outcome; ``href`` where an admin must act."""

    id: str
    title: str
    at: datetime
    badge: Badge
    reason: str = ""
    amount: Money | None = None
    href: str | None = None


def event(row: ProviderEvent, viewer: Viewer) -> EventView:
    """A provider event."""
    return EventView(
        id=str(row.id),
        title=viewer.words.gettext(_EVENTS[row.state]),
        at=row.received_at,
        badge=badge(_OUTCOMES[row.outcome], viewer),
        reason=words.reason(row.reason, viewer.words),
        amount=row.amount,
        href=f"/admin/payments/unmatched/{row.id}" if row.outcome is Outcome.UNMATCHED else None,
    )


def unmatched(row: ProviderEvent, viewer: Viewer) -> EventView:
    """An unmatched event, under the name of its payment method."""
    return msgspec.structs.replace(event(row, viewer), badge=Badge(method_title(row.method, viewer)))


def event_facts(row: ProviderEvent, viewer: Viewer) -> tuple[Fact, ...]:
    """The ids of an event, and the provider's details."""
    say = viewer.words.gettext
    facts = [(say(_("Provider ID")), row.event_id), *details(row.details, viewer)]
    return tuple(Fact(name, value, copy=len(value) > _SHORT) for name, value in facts)


class ManageProof(msgspec.Struct, frozen=True):
    """A transfer receipt: a picture or a document; ``url`` is signed."""

    id: str
    url: str
    picture: bool
    at: datetime
    note: str = ""


class ManageDeposit(msgspec.Struct, frozen=True):
    """A payment by hand: its receipts, the latest first, and what an admin can do.

    ``said_by`` has confirmed ``said``, and another admin must confirm the same.
    """

    proofs: tuple[ManageProof, ...]
    said: Money | None = None
    said_by: str = ""
    can: frozenset[DepositAction] = frozenset()
    confirmed: bool = False


def deposit(
    intent: Intent,
    proofs: Sequence[TransferReceipt],
    sign: Callable[[str], str],
    first: FirstApproval | None,
    names: Mapping[UserId, str],
) -> ManageDeposit:
    """A payment by hand as an admin sees it; ``first`` is the first approval, by one of ``names``."""
    shown = tuple(
        ManageProof(
            id=str(proof.id),
            url=sign(proof_path(proof)),
            picture=proof.content_type.startswith("image/"),
            at=proof.at,
            note=proof.note,
        )
        for proof in reversed(proofs)
    )
    said_by = names.get(first.by, "") if first else ""
    said = Money(int(first.facts["received"]), first.facts["asset"]) if first else None
    return ManageDeposit(shown, said, said_by, deposit_actions(intent, proofs), confirmed=bool(intent.received))


def sent_for(intent: Intent, amount: Money) -> Money | None:
    """What the provider sends for a refund of ``amount`` where that is a foreign asset, else None."""
    foreign = intent.received.currency != intent.amount.currency
    return intent.refund_payable(amount) if foreign and amount else None


class ReceiptSheet(msgspec.Struct, frozen=True):
    """payments/admin/_receipt.html: one picture of a transfer receipt; ``url`` is signed."""

    url: str
    at: datetime
    note: str = ""


class ConfirmDepositSheet(msgspec.Struct, frozen=True):
    """payments/admin/_confirm_deposit.html: how much of ``payable`` has been received in all.

    ``received`` is confirmed already. Above the single-admin ``limit`` another admin must confirm the same; None where
    no second admin can be needed.
    """

    action: str
    reference: str
    payable: Money
    received: Money
    limit: Money | None
    typed: str = ""
    amount_error: AmountError = ""


class DepositsPage(msgspec.Struct, frozen=True):
    """payments/admin/deposits.html: payments by hand with receipts to review."""

    rows: tuple[ManagePaymentRow, ...]


class UnmatchedPage(msgspec.Struct, frozen=True):
    """payments/admin/unmatched.html; payments/admin/_unmatched_rows.html shows a next page of it."""

    rows: tuple[EventView, ...]
    next_url: str | None = None


class EventPage(msgspec.Struct, frozen=True):
    """payments/admin/event.html: one unmatched event, and what can be done about it."""

    event: EventView
    facts: tuple[Fact, ...]
    can: frozenset[EventAction]
    payment_href: str | None = None
    first: ApprovalView | None = None


class AssignSheet(msgspec.Struct, frozen=True):
    """payments/admin/_assign.html: an unmatched payment for ``person``, or for the order ``typed_order``.

    ``most`` is the largest amount that can be credited for it; None where its value is unknown.
    """

    action: str
    received: Money
    currency: str
    most: Money | None = None
    person: AssigneeRow | None = None
    typed: str = ""
    typed_order: str = ""
    amount_error: AmountError = ""
    order_error: Literal["", "required", "not_found"] = ""
    limit: Money | None = None
