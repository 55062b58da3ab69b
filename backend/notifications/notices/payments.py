"""Messages about top-ups, refunds by providers, deposits and reconciliation."""

from __future__ import annotations

import html
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from backend.growth import domain as growth
from backend.identity import domain as identity
from backend.identity.types import Permission
from backend.infra.formatting import format_number
from backend.infra.jobs import Job
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.notifications.messages import Words
from backend.notifications.notice import Draft, Edit, Notice, Params, admins, event_params, person
from backend.notifications.types import Document, Message
from backend.orders import domain as orders
from backend.orders.types import OrderStatus, OrderStep, OrderView
from backend.payments import domain as payments
from backend.payments.types import (
    DepositJudged,
    DepositProved,
    IntentId,
    IntentStatus,
    PaymentUnmatched,
    ReconciliationDiffered,
    ReconciliationFailed,
    RefundEnded,
    RefundStatus,
    TopUpSucceeded,
)
from backend.payments.words import method_title
from backend.payments.words import reason as payment_reason
from backend.support.types import Subject, SubjectKind

_PICTURES: Final = frozenset({"png", "jpeg"})


def _method(words: Words, method: str) -> str:
    return words.isolated(method_title(method, words.translator))


# Top-ups


async def _top_up(draft: Draft, params: Params) -> Message | None:
    tx, words = draft.tx, draft.words
    amount, balance = (Money(params[name], params["currency"]) for name in ("amount", "balance"))
    missing = Money(params["missing"], params["asset"]) if params.get("missing") else None
    overpaid = params.get("status") == IntentStatus.OVERPAID
    if not params["order_id"]:
        bonus = await growth.granted_bonus(tx, IntentId(UUID(params["intent_id"])))
        if bonus is not None and not params.get("bonus_in_balance"):
            intent = await payments.get_intent(tx, IntentId(UUID(params["intent_id"])))
            # A top-up that arrived in parts: the bonus is in the message of the last one.
            bonus = bonus if intent.credited == amount else None
            balance = balance + bonus if bonus is not None else balance
        return top_up(words, amount, balance, missing, overpaid, bonus)
    order = await orders.load_without_keys(tx, OrderId(UUID(params["order_id"])))
    if order.status is OrderStatus.AWAITING_PAYMENT:
        return top_up_for_order(words, amount, order.number, missing, overpaid)
    if order.status in {OrderStatus.EXPIRED, OrderStatus.CANCELLED}:
        return None  # whether late money buys the order or stays in the balance, another message says so
    if order.status in {OrderStatus.PAID, OrderStatus.DELIVERED} and not _was_paid_before(order, params.get("at")):
        # The order's own message is enough.
        return rest_of_order(words, order.number) if overpaid else None
    return top_up(words, amount, balance, overpaid=overpaid)


def _was_paid_before(order: OrderView, at: str | None) -> bool:
    """Whether the order was paid before this payment arrived ``at`` its time: the buyer paid twice."""
    if at is None:
        return False
    arrived = datetime.fromisoformat(at)
    return any(entry.step is OrderStep.PAID and entry.at < arrived for entry in order.timeline)


def top_up(
    words: Words,
    amount: Money,
    balance: Money,
    missing: Money | None = None,
    overpaid: bool = False,
    bonus: Money | None = None,
) -> Message:
    """Say that ``amount`` was credited. ``missing`` is still to be paid; ``bonus`` is the top-up's bonus in all."""
    _ = words.translator.gettext
    rows = [_("<b>{amount} added to your balance</b>").format(amount=words.money(amount))]
    if bonus:
        rows.append(_("Bonus: {amount}").format(amount=words.money(bonus)))
    rows.append(_("Balance: {amount}").format(amount=words.money(balance)))
    if missing:
        rows.append(_missing(words, missing))
    elif overpaid:
        rows.append(_("You sent more than the amount due. All of it is in your balance."))
    return Message("\n".join(rows), (words.wallet_button(),))


def top_up_for_order(
    words: Words, amount: Money, order: str, missing: Money | None = None, overpaid: bool = False
) -> Message:
    """Say that money for an unpaid order arrived; once it is enough, the order's own message follows."""
    _ = words.translator.gettext
    number = words.number(order)
    rows = [
        _("<b>Payment of {amount} received for order {number}</b>").format(amount=words.money(amount), number=number)
    ]
    if missing:
        rows.append(_missing(words, missing))
    else:
        rows.append(_("Your order will arrive here in a moment."))
        if overpaid:
            rows.append(_("You sent more than the amount due. The rest is in your balance."))
    return Message("\n".join(rows), (words.order_button(order),))


def _missing(words: Words, missing: Money) -> str:
    _ = words.translator.gettext
    return _("Amount due: {amount}. Send it using the same payment details.").format(amount=words.money(missing))


def rest_of_order(words: Words, order: str) -> Message:
    """Say that more than the order's price arrived, and that the rest is in the balance."""
    _ = words.translator.gettext
    text = _("You sent more than order {number} costs. The rest is in your balance.")
    return Message(text.format(number=words.number(order)), (words.wallet_button(),))


def _top_up_params(event: TopUpSucceeded, job: Job) -> list[Params]:
    (facts,) = event_params(event, job)
    return [facts | {"at": job.created_at.isoformat()}]


# Refunds by providers


async def refund_ended(draft: Draft, params: Params) -> Message:
    """Compose the one message of a refund by a provider: it is edited when the refund ends."""
    amount, order_id = Money(params["amount"], params["currency"]), params.get("order_id")
    order = await orders.load_without_keys(draft.tx, OrderId(UUID(order_id))) if order_id else None
    message = refund(draft.words, amount, RefundStatus(params["status"]), order.number if order else None)
    return replace(message, about=Subject(SubjectKind.ORDER, order.id, draft.reader.user_id)) if order else message


def refund(words: Words, amount: Money, status: RefundStatus, order: str | None) -> Message:
    """Say how far a refund to the payment method is."""
    _ = words.translator.gettext
    value = words.money(amount)
    if status is RefundStatus.FAILED:
        rows = [_("<b>{amount} added to your balance</b>").format(amount=value)]
        rows.append(_("It couldn't be refunded to your payment method, so it's in your balance."))
    elif status is RefundStatus.SUCCEEDED:
        rows = [_("<b>{amount} refunded</b>").format(amount=value)]
        rows.append(_("Sent to your payment method. When it arrives depends on the provider."))
    else:
        rows = [_("<b>Refund of {amount} started</b>").format(amount=value)]
        rows.append(_("We're sending it to your payment method."))
    if order is not None:
        rows.insert(1, _("Order {number}").format(number=words.number(order)))
        return Message("\n".join(rows), (words.order_button(order),))
    return Message("\n".join(rows), (words.wallet_button(),))


async def _refund_failed(draft: Draft, params: Params) -> Message:
    event = msgspec.convert(params, RefundEnded)
    return refund_failed(draft.words, Money(event.amount, event.currency), event.method, str(event.intent_id))


def refund_failed(words: Words, amount: Money, method: str, intent_id: str) -> Message:
    """Say to an admin that a provider refused a refund."""
    _ = words.translator.gettext
    rows = [
        _("<b>Refund failed</b>"),
        _("{method}: {amount}. The provider declined it, and the money is in the customer's balance.").format(
            method=_method(words, method), amount=words.money(amount)
        ),
    ]
    return Message("\n".join(rows), (words.admin_button(f"/payments/{intent_id}"),))


# Unmatched payments and reconciliation


async def _payment_unmatched(draft: Draft, params: Params) -> Message:
    event = msgspec.convert(params, PaymentUnmatched)
    known = event.amount is not None and event.currency is not None
    amount = Money(event.amount or 0, event.currency or "") if known else None
    return payment_unmatched(draft.words, amount, event.method, event.reason)


def payment_unmatched(words: Words, amount: Money | None, method: str, reason: str) -> Message:
    """Say to an admin that a provider reported a payment that matches none of ours."""
    _ = words.translator.gettext
    if amount is None:
        head = _("<b>Unmatched payment event</b>")
    else:
        head = _("<b>Unmatched payment: {amount}</b>").format(amount=words.money(amount))
    why = html.escape(payment_reason(reason, words.translator), quote=False)
    return Message(f"{head}\n{_method(words, method)}\n{why}", (words.admin_button("/payments/unmatched"),))


async def _reconciliation_differed(draft: Draft, params: Params) -> Message:
    event = msgspec.convert(params, ReconciliationDiffered)
    return reconciliation_differed(draft.words, event.method, event.differences)


def reconciliation_differed(words: Words, method: str, differences: int) -> Message:
    """Say to an admin in how many payments a provider and our ledger differ."""
    _, ngettext = words.translator.gettext, words.translator.ngettext
    head = _("<b>Reconciliation: {method} differs from the ledger</b>").format(method=_method(words, method))
    count = ngettext("{count} difference", "{count} differences", differences)
    shown = count.format(count=format_number(differences, words.locale))
    return Message(f"{head}\n{shown}", (words.admin_button("/payments/reconciliation"),))


async def _reconciliation_failed(draft: Draft, params: Params) -> Message:
    event, words = msgspec.convert(params, ReconciliationFailed), draft.words
    _ = words.translator.gettext
    head = _("<b>Reconciliation failed: {method}</b>").format(method=_method(words, event.method))
    why = _("The provider didn't respond. We'll try again at the next reconciliation.")
    return Message(f"{head}\n{why}", (words.admin_button("/payments/reconciliation"),))


# Deposits


async def _deposit_proved(draft: Draft, params: Params) -> Message:
    event = msgspec.convert(params, DepositProved)
    payer = await identity.get_recipient(draft.tx, event.user_id)
    judge = UserId(UUID(params["by"])) if params.get("by") else None
    names = await identity.user_names(draft.tx, [event.user_id, *([judge] if judge else [])])
    message = deposit_proved(
        draft.words,
        Money(event.amount, event.currency),
        names.get(event.user_id, ""),
        payer.telegram_id,
        str(event.intent_id),
        reference=event.reference,
        judged=params.get("judged", ""),
        by=names.get(judge, "") if judge else "",
    )
    message = replace(message, about=Subject(SubjectKind.DEPOSIT, event.intent_id, event.user_id))
    receipt = await draft.receipts(event.intent_id)
    return message if receipt is None else _with_receipt(message, receipt.data, receipt.content_type)


def _with_receipt(message: Message, data: bytes, content_type: str) -> Message:
    """Add the transfer receipt: a picture where Telegram shows it in the chat, otherwise a file."""
    ending = content_type.rpartition("/")[2]
    return replace(message, document=Document(f"receipt.{ending}", data, picture=ending in _PICTURES))


def deposit_proved(
    words: Words,
    amount: Money,
    customer: str,
    telegram_id: int,
    intent_id: str,
    *,
    reference: str = "",
    judged: str = "",
    by: str = "",
) -> Message:
    """Ask an admin to review a deposit; once it is ``judged``, say how and ``by`` whom."""
    _ = words.translator.gettext
    rows = [
        _("<b>Deposit of {amount} to review</b>").format(amount=words.money(amount)),
        _("From: {person}").format(person=words.person_link(customer, telegram_id)),
    ]
    if judged:
        rows[0] = _("<b>Deposit of {amount}</b>").format(amount=words.money(amount))
    if reference:
        shown = f"<code>{html.escape(reference, quote=False)}</code>"
        rows.append(_("Reference: {reference}").format(reference=shown))
    if judged == "confirmed":
        rows.append(_("✅ Confirmed by {admin}").format(admin=words.isolated(by)))
    elif judged:
        rows.append(_("❌ Rejected by {admin}").format(admin=words.isolated(by)))
    else:
        rows.append(_("Compare the transfer receipt with your account, then confirm or reject."))
    return Message("\n".join(rows), (words.admin_button(f"/payments/{intent_id}"),))


def _judgement(event: DepositJudged) -> Params:
    return {"judged": "confirmed" if event.confirmed else "rejected", "by": str(event.by) if event.by else ""}


NOTICES: Final = (
    Notice(
        event=TopUpSucceeded,
        kind="top_up",
        audience=person(lambda event: event.user_id),
        key="top_up:{intent_id}:{job}",
        thread="top_up:{intent_id}",
        params=_top_up_params,
        compose=_top_up,
    ),
    Notice(
        event=RefundEnded,
        kind="refund_ended",
        audience=person(lambda event: event.user_id),
        key="refund_ended:{refund_id}",
        thread="refund:{refund_id}",
        edits=True,
        compose=refund_ended,
    ),
    Notice(
        event=RefundEnded,
        kind="refund_failed",
        audience=admins(Permission.MONEY),
        key="refund_failed:{refund_id}",
        compose=_refund_failed,
        when=lambda event: event.status is RefundStatus.FAILED,
    ),
    Notice(
        event=PaymentUnmatched,
        kind="payment_unmatched",
        audience=admins(Permission.MONEY),
        key="payment_unmatched:{event_id}",
        compose=_payment_unmatched,
    ),
    Notice(
        event=DepositProved,
        kind="deposit_proved",
        audience=admins(Permission.MONEY),
        key="deposit_proved:{intent_id}:{job}",
        thread="deposit:{intent_id}",
        compose=_deposit_proved,
    ),
    # The message of a receipt that was reviewed before keeps that outcome.
    Edit(event=DepositJudged, thread="deposit:{intent_id}", changes=_judgement, unless="judged"),
    Notice(
        event=ReconciliationDiffered,
        kind="reconciliation_differed",
        audience=admins(Permission.MONEY),
        key="reconciliation_differed:{reconciliation_id}",
        compose=_reconciliation_differed,
        urgent=False,
    ),
    Notice(
        event=ReconciliationFailed,
        kind="reconciliation_failed",
        audience=admins(Permission.MONEY),
        key="reconciliation_failed:{reconciliation_id}",
        compose=_reconciliation_failed,
        urgent=False,
    ),
)
