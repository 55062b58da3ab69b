"""Payments, refunds and providers' messages as admins see them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from backend.approvals.types import FirstApproval
from backend.identity.types import UserRow
from backend.infra.i18n import mark as _
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders.types import OrderRefundRow, Refundable, RefundTarget
from backend.payments import words
from backend.payments.types import (
    InboxRow,
    Intent,
    IntentStatus,
    Outcome,
    Proof,
    ProviderState,
    Refund,
    RefundChoice,
    RefundObstacle,
    RefundStatus,
)
from webapp.admin.screens import full_name
from webapp.approvals.screens import ApprovalView
from webapp.core.parts import AmountError, Badge, Chip, Fact, Hue, Preset, Tone
from webapp.core.rendering import Viewer
from webapp.core.tiles import hue_of, initial_of
from webapp.identity.screens.person import AssigneeRow
from webapp.payments.screens.methods import way_look, way_title
from webapp.payments.screens.payments import proof_path

EventAction = Literal["person", "order", "accept", "dismiss"]


STATUSES: Final[dict[IntentStatus, tuple[str, Tone]]] = {
    IntentStatus.CREATED: (_("Not begun"), ""),
    IntentStatus.PENDING: (_("Waiting"), "warn"),
    IntentStatus.CONFIRMING: (_("Confirming"), "warn"),
    IntentStatus.UNDERPAID: (_("Too little"), "warn"),
    IntentStatus.SUCCEEDED: (_("Arrived"), "good"),
    IntentStatus.OVERPAID: (_("Too much"), "good"),
    IntentStatus.PARTIALLY_REFUNDED: (_("Partly paid back"), ""),
    IntentStatus.REFUNDED: (_("Paid back"), ""),
    IntentStatus.EXPIRED: (_("Expired"), ""),
    IntentStatus.FAILED: (_("Failed"), "bad"),
    IntentStatus.CANCELLED: (_("Cancelled"), ""),
}


_EVENTS: Final[dict[ProviderState, str]] = {
    ProviderState.PENDING: _("Waiting for the payment"),
    ProviderState.CONFIRMING: _("Money is on its way"),
    ProviderState.PAID: _("Money came"),
    ProviderState.REFUNDED: _("Money went back"),
    ProviderState.FAILED: _("The payment failed"),
    ProviderState.EXPIRED: _("The payment ran out"),
}


_OUTCOMES: Final[dict[Outcome, tuple[str, Tone]]] = {
    Outcome.APPLIED: (_("Done"), "good"),
    Outcome.IGNORED: (_("Old news"), ""),
    Outcome.UNMATCHED: (_("Unmatched"), "bad"),
    Outcome.DUPLICATE: (_("Seen before"), ""),
    Outcome.DISMISSED: (_("Put aside"), ""),
}


_REFUNDS: Final[dict[RefundStatus, tuple[str, Tone]]] = {
    RefundStatus.PENDING: (_("On its way"), "warn"),
    RefundStatus.SUCCEEDED: (_("Sent"), "good"),
    RefundStatus.FAILED: (_("Refused, in the wallet"), "bad"),
}


_WAITS: Final[tuple[str, Tone]] = (_("Waits: this way is off"), "bad")


_OBSTACLES: Final[dict[RefundObstacle, str]] = {
    RefundObstacle.NOTHING_LEFT: _("Nothing of it is left to pay back."),
    RefundObstacle.WAY_OFF: _("This way to pay is switched off, so nothing can go back through it."),
    RefundObstacle.WAY_CANNOT: _("This provider takes money only: it cannot be paid back through it."),
    RefundObstacle.SPENT: _("It was spent: the wallet holds too little to send it back."),
}


_SHORT: Final = 12


DEPOSIT: Final = "deposit"
"""The way of payments by hand."""


def badge(state: tuple[str, Tone], viewer: Viewer) -> Badge:
    """A state in the reader's words."""
    return Badge(viewer.words.gettext(state[0]), state[1])


class ManagePaymentRow(msgspec.Struct, frozen=True):
    """A payment in a list; ``paid`` is what came in another asset than the shop's."""

    id: str
    reference: str
    person: str
    way: str
    icon: str
    hue: Hue
    amount: Money
    badge: Badge
    at: datetime
    paid: Money | None = None


def payment_row(intent: Intent, names: Mapping[UserId, str], viewer: Viewer) -> ManagePaymentRow:
    """A payment in a list: what reached the wallet, or what is meant to."""
    icon, hue = way_look(intent.way)
    paid = intent.received or intent.payable
    return ManagePaymentRow(
        id=str(intent.id),
        reference=intent.reference,
        person=names.get(intent.user_id, "—"),
        way=way_title(intent.way, viewer),
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
        rows.append((say(_("Paid back")), -intent.refunded))
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


def details(told: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a provider told, under its own names."""
    return [(name.replace("_", " "), value) for name, value in told.items() if value]


class EventView(msgspec.Struct, frozen=True):
    """A provider's message and what became of it; ``href`` where an admin must look."""

    id: str
    title: str
    at: datetime
    badge: Badge
    reason: str = ""
    amount: Money | None = None
    href: str | None = None


def event(row: InboxRow, viewer: Viewer) -> EventView:
    """A provider's message."""
    return EventView(
        id=str(row.id),
        title=viewer.words.gettext(_EVENTS[row.state]),
        at=row.received_at,
        badge=badge(_OUTCOMES[row.outcome], viewer),
        reason=words.reason(row.reason, viewer.words),
        amount=row.amount,
        href=f"/admin/payments/unmatched/{row.id}" if row.outcome is Outcome.UNMATCHED else None,
    )


def unmatched(row: InboxRow, viewer: Viewer) -> EventView:
    """A message that belongs to nobody, under the name of its provider."""
    return msgspec.structs.replace(event(row, viewer), badge=Badge(way_title(row.way, viewer)))


def event_facts(row: InboxRow, viewer: Viewer) -> tuple[Fact, ...]:
    """The codes of a message, and what the provider told beside."""
    say = viewer.words.gettext
    named = [(say(_("The provider's id")), row.event_id), *details(row.details)]
    return tuple(Fact(name, value, copy=len(value) > _SHORT) for name, value in named)


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
        way=way_title(row.way, viewer),
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
    rows += [refund(row, viewer, linked=linked, off=row.way in off) for row in sent]
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
    names = ", ".join(dict.fromkeys(way_title(way.way, viewer) for way in back.ways))
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


class ManageProof(msgspec.Struct, frozen=True):
    """A picture or a document that a person sent to show that they paid; ``url`` is signed."""

    id: str
    url: str
    picture: bool
    at: datetime
    note: str = ""


class ManageDeposit(msgspec.Struct, frozen=True):
    """A payment by hand: its proofs, the latest first, and what an admin may say of it.

    ``said_by`` has confirmed ``said``, and another admin has to say the same.
    """

    proofs: tuple[ManageProof, ...]
    said: Money | None = None
    said_by: str = ""
    can: frozenset[Literal["confirm", "reject"]] = frozenset()
    confirmed: bool = False


def deposit(
    intent: Intent,
    proofs: Sequence[Proof],
    sign: Callable[[str], str],
    first: FirstApproval | None,
    names: Mapping[UserId, str],
) -> ManageDeposit:
    """What an admin sees of a payment by hand, and may say of it; ``first`` has been said by one of ``names``."""
    can: set[Literal["confirm", "reject"]] = set()
    if intent.status is not IntentStatus.REFUNDED and intent.status is not IntentStatus.PARTIALLY_REFUNDED:
        can.add("confirm")
    if intent.is_open or any(proof.decided_at is None for proof in proofs):
        can.add("reject")
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
    return ManageDeposit(shown, said, said_by, frozenset(can), confirmed=bool(intent.received))


def obstacle(choice: RefundChoice, viewer: Viewer) -> str:
    """Why nothing can go back through the provider; nothing where something can."""
    return viewer.words.gettext(_OBSTACLES[choice.obstacle]) if choice.obstacle else ""


def sent_for(intent: Intent, amount: Money) -> Money | None:
    """What the provider sends back for ``amount``, where it deals in another asset; None for nothing."""
    abroad = intent.received.currency != intent.amount.currency
    return intent.payable_back(amount) if abroad and amount else None


def presets(most: Money, chosen: str = "") -> tuple[Preset, ...]:
    """All of it, and half of it where that is an amount."""
    half = Money(most.amount // 2, most.currency)
    return tuple(Preset(amount, str(amount.decimal()) == chosen) for amount in (half, most) if amount)


def assignee(person: UserRow) -> AssigneeRow:
    """A person whom money may be given to."""
    name = full_name(person.first_name, person.last_name) or str(person.telegram_id)
    return assignee_named(person.id, name, person.username)


def assignee_named(user_id: UserId, name: str, username: str | None = None) -> AssigneeRow:
    """The same, of whom little is known."""
    return AssigneeRow(str(user_id), name, initial_of(name), hue_of(str(user_id)), username)


def as_id(text: str) -> UUID | None:
    """The id that the text is, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


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


class ReceiptSheet(msgspec.Struct, frozen=True):
    """payments/admin/_receipt.html: one picture of a transfer receipt; ``url`` is signed."""

    url: str
    at: datetime
    note: str = ""


class ConfirmDepositSheet(msgspec.Struct, frozen=True):
    """payments/admin/_confirm_deposit.html: how much of ``payable`` has arrived in all; ``received`` was confirmed before.

    Above ``limit``, all that one admin makes in 24 hours together, another admin has to say the same; None where no
    second admin can come to be needed, here and below.
    """

    action: str
    reference: str
    payable: Money
    received: Money
    limit: Money | None
    typed: str = ""
    amount_error: AmountError = ""


class DepositsPage(msgspec.Struct, frozen=True):
    """payments/admin/deposits.html: payments by hand whose proof waits for an admin."""

    rows: tuple[ManagePaymentRow, ...]


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


class UnmatchedPage(msgspec.Struct, frozen=True):
    """payments/admin/unmatched.html; payments/admin/_unmatched_rows.html takes the same for a next page."""

    rows: tuple[EventView, ...]
    next_url: str | None = None


class EventPage(msgspec.Struct, frozen=True):
    """payments/admin/event.html: one message that belongs to nobody, and what can be done about it."""

    event: EventView
    facts: tuple[Fact, ...]
    can: frozenset[EventAction]
    payment_href: str | None = None
    first: ApprovalView | None = None


class AssignSheet(msgspec.Struct, frozen=True):
    """payments/admin/_assign.html: unmatched money for ``person``, or for the order whose number is ``typed_order``.

    ``most`` may be given for it; None where nobody knows what it is worth.
    """

    action: str
    came: Money
    currency: str
    most: Money | None = None
    person: AssigneeRow | None = None
    typed: str = ""
    typed_order: str = ""
    amount_error: AmountError = ""
    order_error: Literal["", "required", "not_found"] = ""
    limit: Money | None = None
