"""The page of one payment: a view for each family of its states.

Each family has a template in ``payments/states``, which holds ``body`` (what changes while the payment goes on) and
``bar`` (its main button).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar, Final, Literal

import msgspec

from backend.kernel.money import Money
from backend.orders.types import OrderRow, OrderStatus
from backend.payments.types import OPEN, ActionKind, Intent, IntentStatus, TransferReceipt
from webapp.core.parts import StepView
from webapp.core.rendering import Viewer
from webapp.payments.screens.deposit import DepositView, deposit_view
from webapp.payments.screens.methods import method_title
from webapp.payments.screens.steps import steps_of
from webapp.payments.screens.transfer import TransferView, transfer_view

_S = IntentStatus
_ENDED: Final = frozenset({_S.EXPIRED, _S.FAILED, _S.CANCELLED})
_LATE: Final = frozenset({_S.EXPIRED, _S.CANCELLED})
"""Money may still come to these."""


class PaymentHead(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a payment shows in every state."""

    id: str
    status: IntentStatus
    method: str
    """The payment method's name in the reader's language."""
    goods: str
    """What is bought by it; empty for a top-up."""
    order: str
    """The order's number; empty for a top-up, and where the order is not one of the latest."""
    next_href: str
    """Where its payer goes on: the order, or the shop."""
    steps: tuple[StepView, ...]
    refresh_url: str
    """Asks for the page again; answers nothing as long as nothing has changed."""
    live_url: str | None
    """Signals a change; None where nothing changes any more without its payer."""
    asks: bool
    """Whether the page also asks by itself every ten seconds: nobody signals that coins have been seen."""
    change_href: str
    """Where another payment method is chosen: a sheet for an order, else the form; empty where none can be."""
    checkable: bool
    """Whether its payer can have the provider asked about it now."""


class PayButton(msgspec.Struct, frozen=True):
    """What opens the provider's page, or Telegram's invoice."""

    url: str
    kind: Literal["link", "invoice"]


class CreatedPage(msgspec.Struct, frozen=True, kw_only=True):
    """payments/states/_created.html: the provider has not said yet how to pay."""

    template: ClassVar[str] = "payments/states/_created.html"
    head: PaymentHead
    due: Money
    until: datetime | None


class PendingPage(msgspec.Struct, frozen=True, kw_only=True):
    """payments/states/_pending.html: awaiting payment by a link or an invoice."""

    template: ClassVar[str] = "payments/states/_pending.html"
    head: PaymentHead
    due: Money
    until: datetime | None
    pay: PayButton | None


class TransferPage(msgspec.Struct, frozen=True, kw_only=True):
    """payments/states/_transfer.html: awaiting a transfer of coins."""

    template: ClassVar[str] = "payments/states/_transfer.html"
    head: PaymentHead
    transfer: TransferView
    until: datetime | None


class DepositPage(msgspec.Struct, frozen=True, kw_only=True):
    """payments/states/_deposit.html: awaiting a payment by hand, or an admin's review of its receipts."""

    template: ClassVar[str] = "payments/states/_deposit.html"
    head: PaymentHead
    due: Money
    until: datetime | None
    deposit: DepositView


class ConfirmingPage(msgspec.Struct, frozen=True, kw_only=True):
    """payments/states/_confirming.html: the money has been seen and is not final."""

    template: ClassVar[str] = "payments/states/_confirming.html"
    head: PaymentHead
    amount: Money
    """What has been seen, or else what is due, in the asset that is paid in."""
    confirmations: int
    needed: int
    """How many confirmations make it final; 0 where the provider does not say."""


class UnderpaidPage(msgspec.Struct, frozen=True, kw_only=True):
    """payments/states/_underpaid.html: a part has arrived. How to pay the rest is there until the payment's time ends.

    ``credited`` is in the shop's currency, ``received`` and ``missing`` in the asset that is paid in.
    """

    template: ClassVar[str] = "payments/states/_underpaid.html"
    head: PaymentHead
    credited: Money
    received: Money
    missing: Money
    until: datetime | None
    pay: PayButton | None
    transfer: TransferView | None
    deposit: DepositView | None


class SucceededPage(msgspec.Struct, frozen=True, kw_only=True):
    """payments/states/_succeeded.html: the money has arrived; a receipt."""

    template: ClassVar[str] = "payments/states/_succeeded.html"
    head: PaymentHead
    reference: str
    credited: Money
    due: Money
    received: Money
    at: datetime
    balance: Money | None
    order_status: OrderStatus | None
    explorer_url: str
    """Shows its latest transfer on its chain; empty where there is none."""

    @property
    def foreign(self) -> bool:
        """Whether it was paid in another asset than the shop's currency."""
        return self.due.currency != self.credited.currency


class EndedPage(msgspec.Struct, frozen=True, kw_only=True):
    """payments/states/_ended.html: it failed, expired or was cancelled. Money that arrives later is credited."""

    template: ClassVar[str] = "payments/states/_ended.html"
    head: PaymentHead
    due: Money
    deposit: DepositView | None
    reason: str
    """Why an admin rejected the receipts of a payment by hand."""


class RefundedPage(msgspec.Struct, frozen=True, kw_only=True):
    """payments/states/_refunded.html: all of it, or a part, was refunded through the provider."""

    template: ClassVar[str] = "payments/states/_refunded.html"
    head: PaymentHead
    refunded: Money
    left: Money


PaymentPage = (
    CreatedPage | PendingPage | TransferPage | DepositPage | ConfirmingPage | UnderpaidPage | SucceededPage | EndedPage
    | RefundedPage
)  # fmt: skip
"""payments/payment.html, which shows the view by its own ``template``; payments/_payment.html shows a change of it."""


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a payment shows beside the payment."""

    next_href: str
    live_url: str | None = None
    order: OrderRow | None = None
    balance: Money | None = None
    proofs: Sequence[TransferReceipt] = ()
    takes_proof: bool = False
    sign: Callable[[str], str] | None = None
    """Makes the addresses of the pictures."""
    explorer_url: str = ""


def payment(intent: Intent, viewer: Viewer, around: Around) -> PaymentPage:
    """The page of a payment, by the family of its status at the moment."""
    head = _head(intent, viewer, around)
    deposit = _deposit(intent, around)
    if head.status is _S.CREATED:
        return CreatedPage(head=head, due=intent.payable, until=intent.expires_at)
    if head.status is _S.UNDERPAID:
        return _underpaid(intent, head, deposit, viewer.now)
    if head.status in OPEN:
        return _pending(intent, head, deposit, viewer.now)
    if head.status in _ENDED:
        reason = intent.progress.get("reason", "") if deposit else ""
        return EndedPage(head=head, due=intent.payable, deposit=deposit, reason=reason)
    if head.status in {_S.REFUNDED, _S.PARTIALLY_REFUNDED}:
        return RefundedPage(head=head, refunded=intent.refunded, left=intent.refundable)
    return _succeeded(intent, head, around)


def _pending(
    intent: Intent, head: PaymentHead, deposit: DepositView | None, now: datetime
) -> DepositPage | ConfirmingPage | TransferPage | PendingPage:
    due, until = intent.payable, _until(intent, now)
    if deposit is not None:
        return DepositPage(head=head, due=due, until=until, deposit=deposit)
    if head.status is _S.CONFIRMING:
        done, needed = _count(intent, "confirmations"), _count(intent, "needed")
        return ConfirmingPage(head=head, amount=_seen(intent) or due, confirmations=done, needed=needed)
    if transfer := _transfer(intent, now):
        return TransferPage(head=head, transfer=transfer, until=until)
    return PendingPage(head=head, due=due, until=until, pay=_pay_button(intent, now))


def _underpaid(intent: Intent, head: PaymentHead, deposit: DepositView | None, now: datetime) -> UnderpaidPage:
    return UnderpaidPage(
        head=head,
        credited=intent.credited,
        received=intent.received,
        missing=intent.missing,
        until=_until(intent, now),
        pay=_pay_button(intent, now),
        transfer=_transfer(intent, now),
        deposit=deposit,
    )


def _until(intent: Intent, now: datetime) -> datetime | None:
    """When its payer can pay no more; None where they can't already."""
    return intent.expires_at if intent.is_payable(now) else None


def _head(intent: Intent, viewer: Viewer, around: Around) -> PaymentHead:
    status = intent.status_at(viewer.now)
    chain = intent.action is not None and intent.action.kind is ActionKind.TRANSFER
    payable = intent.is_payable(viewer.now)
    unpaid = around.order is not None and around.order.status is OrderStatus.AWAITING_PAYMENT
    changing = (status, intent.received, intent.credited, intent.refunded, intent.progress, around.proofs, payable)
    return PaymentHead(
        id=str(intent.id),
        status=status,
        method=method_title(intent.method, viewer),
        goods=intent.title,
        order=around.order.number if around.order else "",
        next_href=around.next_href,
        steps=steps_of(intent, status),
        refresh_url=f"/wallet/payments/{intent.id}?seen={_digest(*changing)}",
        live_url=around.live_url if unpaid or intent.is_running(viewer.now) or status in _LATE else None,
        asks=status is _S.CREATED or (chain and (payable or status is _S.CONFIRMING)),
        change_href=_change_href(intent, status, around.order),
        checkable=intent.is_checkable(viewer.now),
    )


def _change_href(intent: Intent, status: IntentStatus, order: OrderRow | None) -> str:
    """Where another payment method is chosen: not while money is on its way, nor once it is here."""
    if status not in _ENDED | {_S.CREATED, _S.PENDING, _S.UNDERPAID}:
        return ""
    if intent.order_id is None:
        return f"/wallet/topup?instead={intent.id}" if status is not _S.UNDERPAID else ""
    return f"/orders/{order.number}/pay" if order and order.status is OrderStatus.AWAITING_PAYMENT else ""


def _succeeded(intent: Intent, head: PaymentHead, around: Around) -> SucceededPage:
    return SucceededPage(
        head=head,
        reference=intent.reference,
        credited=intent.credited,
        due=intent.payable,
        received=intent.received,
        at=intent.updated_at,
        balance=around.balance,
        order_status=around.order.status if around.order else None,
        explorer_url=around.explorer_url,
    )


def _pay_button(intent: Intent, now: datetime) -> PayButton | None:
    action = intent.action
    if action is None or not action.url or not intent.is_payable(now):
        return None
    return PayButton(action.url, "invoice" if action.kind is ActionKind.INVOICE else "link")


def _transfer(intent: Intent, now: datetime) -> TransferView | None:
    action = intent.action
    if action is None or action.kind is not ActionKind.TRANSFER or not intent.is_payable(now):
        return None
    return transfer_view(intent, action)


def _deposit(intent: Intent, around: Around) -> DepositView | None:
    action = intent.action
    if action is None or action.kind is not ActionKind.DEPOSIT:
        return None
    return deposit_view(action, around.proofs, around.sign, can_add=around.takes_proof)


def _count(intent: Intent, name: str) -> int:
    text = intent.progress.get(name, "")
    return int(text) if text.isdecimal() else 0


def _seen(intent: Intent) -> Money | None:
    try:
        return Money.parse(intent.progress.get("seen", ""), intent.payable.currency)
    except ValueError:
        return None


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
