"""Balance, history and top-ups."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec
from markupsafe import Markup

from backend.kernel.money import Money
from webapp.core.parts import Chip, Hue
from webapp.views.orders import StepView
from webapp.views.shop import WayRow

EntryKind = Literal[
    "purchase", "top_up", "bonus", "refund", "adjustment", "reading", "hold", "release", "voucher", "gift_card",
    "sent_back",
]  # fmt: skip
ProofError = Literal["", "too_large", "not_a_document", "too_many", "nothing"]
PaymentState = Literal[
    "opening", "waiting", "confirming", "short", "arrived", "over", "failed", "expired", "refunded", "part_refunded",
    "cancelled",
]  # fmt: skip
"""Where a payment stands, to its payer: ``opening`` until the provider has answered, ``short`` with a part of it here,
``over`` with more than was asked."""


class HistoryRow(msgspec.Struct, frozen=True):
    """A change of the balance, as its owner sees it: negative is money gone; it opens its order or its payment."""

    kind: EntryKind
    amount: Money
    at: datetime
    title: str = ""
    detail: str = ""
    order_number: str | None = None
    payment_id: str | None = None


class HistoryDay(msgspec.Struct, frozen=True):
    """Changes of one day and their sum."""

    day: date
    total: Money
    rows: tuple[HistoryRow, ...]


class Month(msgspec.Struct, frozen=True):
    """A month of the history; ``first`` None is all the time."""

    first: date | None
    active: bool = False


class WalletPage(msgspec.Struct, frozen=True):
    """wallet/home.html; wallet/_rows.html takes ``days`` and ``next_url`` for a next page.

    Kinds have keys: all or an EntryKind. ``kind`` is the chosen one, sent along when the month
    changes (form field ``month``, as 2026-11).
    """

    balance: Money
    days: tuple[HistoryDay, ...]
    kinds: tuple[Chip, ...] = ()
    months: tuple[Month, ...] = ()
    credits: int = 0
    csv_url: str | None = None
    next_url: str | None = None
    kind: str = ""
    open_payments: tuple[PaymentRow, ...] = ()
    has_payments: bool = False


class PaymentRow(msgspec.Struct, frozen=True):
    """A payment in a list."""

    id: str
    way: str
    icon: str
    hue: Hue
    amount: Money
    state: PaymentState
    at: datetime


class PaymentDay(msgspec.Struct, frozen=True):
    """Payments of one day of the reader's timezone."""

    day: date
    rows: tuple[PaymentRow, ...]


class PaymentsPage(msgspec.Struct, frozen=True):
    """payments/payments.html: the latest payments."""

    days: tuple[PaymentDay, ...]


class Preset(msgspec.Struct, frozen=True):
    """A ready amount."""

    amount: Money
    selected: bool = False


class TopUpPage(msgspec.Struct, frozen=True):
    """payments/top_up.html; payments/_quote.html takes the same. ``typed`` is the reader's own amount.

    ``minimum`` and ``maximum`` are those of the chosen way; ``price`` is what it asks for, in its own asset; ``bonus``
    is what the shop puts on top; ``instead`` is the open payment that this one is to replace.
    """

    amount: Money
    presets: tuple[Preset, ...]
    minimum: Money
    maximum: Money
    ways: tuple[WayRow, ...]
    intent: str
    price: Money
    typed: str = ""
    error: Literal["", "too_small", "too_large", "not_a_number"] = ""
    instead: str = ""
    bonus: Money | None = None


class TransferView(msgspec.Struct, frozen=True):
    """Coins to be sent: ``amount`` (exact, as it is copied), ``groups`` is the address in fives."""

    network: str
    asset: str
    address: str
    groups: tuple[str, ...]
    amount: Money
    amount_text: str
    comment: str
    qr: Markup


class ProofView(msgspec.Struct, frozen=True):
    """A receipt: ``index`` counts from 1; ``judged`` once an admin has looked; a picture's ``url`` is signed."""

    index: int
    document: bool
    at: datetime
    judged: bool
    url: str = ""


class DepositView(msgspec.Struct, frozen=True):
    """Money sent outside, shown by a transfer receipt.

    ``lines`` say how, each with what of it is copied; ``waits``: a receipt is in review.
    """

    lines: tuple[tuple[str, str], ...]
    reference: str
    proofs: tuple[ProofView, ...] = ()
    can_add: bool = True
    waits: bool = False


class SendReceiptSheet(msgspec.Struct, frozen=True):
    """payments/_send_receipt.html; ``error`` is what was wrong with the file that was sent just now."""

    payment: str
    error: ProofError = ""


class PaymentPage(msgspec.Struct, frozen=True):
    """payments/payment.html; payments/_payment.html takes the same when it changes.

    ``amount``, ``credited``, ``refunded`` and ``balance`` are in the shop's currency; ``payable``, ``received`` and
    ``missing`` in the asset that is paid in. ``seen`` is what shows of a transfer that is not final yet; ``reason`` is
    an admin's word about a deposit.
    ``address`` asks for the page again; it answers nothing as long as nothing has changed. ``can_look``: the provider
    can be asked once more, though nobody does by himself. ``seen_at`` shows its latest transfer on its chain.
    """

    id: str
    reference: str
    state: PaymentState
    way: str
    icon: str
    hue: Hue
    amount: Money
    credited: Money
    refunded: Money
    payable: Money
    received: Money
    missing: Money
    steps: tuple[StepView, ...]
    at: datetime
    address: str
    balance: Money | None = None
    until: datetime | None = None
    live_url: str | None = None
    asks: bool = False
    can_look: bool = False
    pay_url: str | None = None
    pay_with: Literal["link", "invoice", "none"] = "none"
    transfer: TransferView | None = None
    deposit: DepositView | None = None
    confirmations: int = 0
    needed: int = 0
    seen: Money | None = None
    reason: str = ""
    goods: str = ""
    """What is bought by it; empty for a top-up."""
    order: str = ""
    order_stands: Literal["waits", "delivered", "expired", "cancelled", "refunded"] = "waits"
    next_href: str = "/wallet"
    methods: str = ""
    """Where another payment method is chosen: a sheet for an order, else the form; empty when none can be."""
    seen_at: str = ""

    @property
    def foreign(self) -> bool:
        """Whether it is paid in another asset than the shop's currency."""
        return self.payable.currency != self.amount.currency
