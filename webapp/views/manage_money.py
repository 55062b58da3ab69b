"""The back office's pages about money: payments, refunds, what belongs to nobody, comparisons, ways to pay."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from backend.kernel.money import Money
from webapp.core.parts import Chip, Hue
from webapp.views.wallet import HistoryRow, Preset

Tone = Literal["", "good", "warn", "bad"]
AmountError = Literal["", "required", "not_a_number", "too_much", "too_little", "spent", "no_price"]


class Badge(msgspec.Struct, frozen=True):
    """A state in words, already in the reader's language."""

    text: str
    tone: Tone = ""


class Fact(msgspec.Struct, frozen=True):
    """A name and its value; ``copy``: a long code of a machine, to be copied with a tap."""

    name: str
    value: str
    copy: bool = False


class PlaceRow(msgspec.Struct, frozen=True):
    """A page about money, with what waits there."""

    key: Literal["unmatched", "deposits", "approvals", "reconciliation"]
    href: str
    count: int = 0
    urgent: bool = False


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


class EventView(msgspec.Struct, frozen=True):
    """A provider's message and what became of it; ``href`` where an admin must look."""

    id: str
    title: str
    at: datetime
    badge: Badge
    reason: str = ""
    amount: Money | None = None
    href: str | None = None


class RefundView(msgspec.Struct, frozen=True):
    """Money on its way back, or back; ``sent`` is what the provider sends where that is another asset."""

    amount: Money
    badge: Badge
    at: datetime
    reason: str = ""
    way: str = ""
    sent: Money | None = None
    href: str | None = None


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


class TargetRow(msgspec.Struct, frozen=True):
    """Where money can go back to, and how much of it; ``obstacle`` says why it cannot; ``title`` names a provider."""

    key: Literal["wallet", "provider"]
    most: Money
    title: str = ""
    whole_only: bool = False
    obstacle: str = ""


class UnmatchedPage(msgspec.Struct, frozen=True):
    """payments/admin/unmatched.html; payments/admin/_unmatched_rows.html takes the same for a next page."""

    rows: tuple[EventView, ...]
    next_url: str | None = None


EventAction = Literal["person", "order", "accept", "dismiss"]


class EventPage(msgspec.Struct, frozen=True):
    """payments/admin/event.html: one message that belongs to nobody, and what can be done about it."""

    event: EventView
    facts: tuple[Fact, ...]
    can: frozenset[EventAction]
    payment_href: str | None = None
    first: ApprovalView | None = None


class WalletEntry(msgspec.Struct, frozen=True):
    """A change of a person's wallet; ``href`` opens its order or its payment."""

    row: HistoryRow
    href: str | None = None


class AdjustmentView(msgspec.Struct, frozen=True):
    """An admin's credit or debit; ``can`` is what this reader may say of one that waits."""

    id: str
    amount: Money
    reason: str
    at: datetime
    badge: Badge
    person: str
    person_href: str
    asked_by: str
    refusal: str = ""
    mine: bool = False
    can: frozenset[Literal["approve", "refuse"]] = frozenset()
    question: str = ""
    """What is asked before it is approved, with the sum and the person."""


class PersonWallet(msgspec.Struct, frozen=True):
    """wallet/admin/wallet.html; wallet/admin/_wallet_rows.html takes the same for a next page."""

    person_id: str
    name: str
    balance: Money
    entries: tuple[WalletEntry, ...]
    adjustments: tuple[AdjustmentView, ...] = ()
    next_url: str | None = None


class AdjustSheet(msgspec.Struct, frozen=True):
    """wallet/admin/_adjust.html: an admin's credit or debit of ``balance``; above ``limit`` a second admin must agree."""

    action: str
    name: str
    balance: Money
    limit: Money | None
    intent: str
    debit: bool = False
    typed: str = ""
    reason: str = ""
    amount_error: AmountError = ""
    reason_error: bool = False


class AdjustmentsPage(msgspec.Struct, frozen=True):
    """wallet/admin/adjustments.html: what waits for a second admin."""

    rows: tuple[AdjustmentView, ...]


class ApprovalView(msgspec.Struct, frozen=True):
    """A first approval that waits for a second; ``mine``: this reader gave it; ``by_button``: its page has a button."""

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


class ApprovalsPage(msgspec.Struct, frozen=True):
    """approvals/admin/approvals.html: what waits for a second admin, in all ways together."""

    rows: tuple[ApprovalView, ...]


class AssigneeRow(msgspec.Struct, frozen=True):
    """A person who may be chosen."""

    id: str
    name: str
    initial: str
    hue: Hue
    username: str | None = None


class PickPage(msgspec.Struct, frozen=True):
    """identity/admin/pick.html: somebody is chosen, for unmatched money or as an admin.

    ``path`` is where the search asks, ``pick`` and a person's id the address of the sheet that opens. The rows of a
    search or a next page (``more``) take the same.
    """

    purpose: Literal["money", "admin"]
    path: str
    pick: str
    query: str
    rows: tuple[AssigneeRow, ...]
    next_url: str | None = None
    more: bool = False


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


class ReasonSheet(msgspec.Struct, frozen=True):
    """core/_reason.html: a reason before something is done; ``kind`` says what; ``title`` is a refusal's question."""

    kind: Literal["dismiss", "reject", "cancel", "refuse"]
    action: str
    error: bool = False
    title: str = ""
    limit: Money | None = None


class DifferenceView(msgspec.Struct, frozen=True):
    """One disagreement in plain words; ``ours`` and ``theirs`` beside each other."""

    text: str
    ours: Money
    theirs: Money
    href: str | None = None
    subject: str = ""


class ComparisonView(msgspec.Struct, frozen=True):
    """A provider's latest comparison; ``at`` None before the first, ``waiting`` while a new one is under way.

    ``by_hand``: nobody can be asked, so that a person has to look at the provider's own list.
    """

    way: str
    icon: str
    hue: Hue
    badge: Badge
    at: datetime | None = None
    since: datetime | None = None
    checked: int = 0
    error: str = ""
    differences: tuple[DifferenceView, ...] = ()
    waiting: bool = False
    by_hand: bool = False
    unknown: int = 0


class ReconciliationPage(msgspec.Struct, frozen=True):
    """payments/admin/reconciliation.html; the part ``#comparisons`` alone when something has changed."""

    rows: tuple[ComparisonView, ...]
    done: int
    total: int
    live_url: str | None = None


class SetupRow(msgspec.Struct, frozen=True):
    """How a way to pay is configured; ``missing`` are names of variables."""

    key: str
    title: str
    icon: str
    hue: Hue
    state: Literal["on", "off", "incomplete", "wrong"]
    needs: tuple[str, ...]
    missing: tuple[str, ...]
    problem: str = ""
    webhook_url: str = ""
    risky: bool = True


class SetupsPage(msgspec.Struct, frozen=True):
    """payments/admin/methods.html"""

    rows: tuple[SetupRow, ...]


class SetupSheet(msgspec.Struct, frozen=True):
    """payments/admin/_method.html; ``notes`` is what its provider says of itself now, in English."""

    row: SetupRow
    notes: tuple[str, ...] = ()
