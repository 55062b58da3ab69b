"""What a message about money says, from the facts as they are when it is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from backend.approvals import domain as approvals
from backend.approvals.types import ApprovalAsked, FirstApproval, ValueKind
from backend.growth import domain as growth
from backend.growth.types import GiftCardRedeemed
from backend.identity import domain as identity
from backend.identity.types import Recipient
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import IntentId, OrderId, UserId
from backend.kernel.money import Money
from backend.notifications import money_messages as messages
from backend.notifications import support_messages
from backend.notifications.messages import Words
from backend.notifications.types import Kind, Message
from backend.orders import domain as orders
from backend.orders.types import OrderPaymentKept, OrderRefunded, OrderStatus, OrderStep, OrderView, RefundTarget
from backend.payments import domain as payments
from backend.payments.types import (
    DepositProved,
    IntentStatus,
    PaymentUnmatched,
    ReconciliationDiffered,
    ReconciliationFailed,
    RefundEnded,
    RefundStatus,
)
from backend.support import domain as support
from backend.support.types import Subject, SubjectKind, SupportAnswered, SupportMessageId
from backend.wallet import domain as wallet
from backend.wallet.types import WalletAdjusted

Composer = Callable[[Tx, Recipient, dict[str, Any], Words], Awaitable[Message | None]]
"""Makes a message of its facts; None when there is nothing to tell any more. Raises NotFound for what is gone."""


async def _top_up(tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
    amount, balance = (Money(params[name], params["currency"]) for name in ("amount", "balance"))
    missing = Money(params["missing"], params["asset"]) if params.get("missing") else None
    more = params.get("status") == IntentStatus.OVERPAID
    if not params["order_id"]:
        bonus = await growth.granted_bonus(tx, IntentId(UUID(params["intent_id"])))
        if bonus is not None and not params.get("bonus_in_balance"):
            intent = await payments.get_intent(tx, IntentId(UUID(params["intent_id"])))
            # Of several parts the last one's message says it, once the bonus is told.
            bonus = bonus if intent.credited == amount else None
            balance = balance + bonus if bonus is not None else balance
        return messages.top_up(words, amount, balance, missing, more, bonus)
    order = await orders.load(tx, order_id=OrderId(UUID(params["order_id"])))
    if order.status is OrderStatus.AWAITING_PAYMENT:
        return messages.top_up_for_order(words, amount, order.number, missing, more)
    if order.status in {OrderStatus.EXPIRED, OrderStatus.CANCELLED}:
        return None  # late money pays it after all, or stays: either way a message of its own says so
    if order.status is OrderStatus.DELIVERED and not _was_paid_before(order, params.get("at")):
        # The order has spoken for itself.
        return messages.rest_of_order(words, order.number) if more else None
    return messages.top_up(words, amount, balance, more=more)


def _was_paid_before(order: OrderView, at: str | None) -> bool:
    """Whether the order was paid before this money came, which then is more than it needed: paid for twice."""
    if at is None:
        return False
    came = datetime.fromisoformat(at)
    return any(entry.step is OrderStep.PAID and entry.at < came for entry in order.timeline)


async def _order_payment_kept(tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
    event = msgspec.convert(params, OrderPaymentKept)
    order = await orders.load(tx, order_id=event.order_id)
    return messages.order_payment_kept(words, Money(event.amount, event.currency), order.number, event.why)


async def _order_refunded(tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
    event = msgspec.convert(params, OrderRefunded)
    order = await orders.load(tx, order_id=event.order_id)
    to_wallet = event.target is RefundTarget.WALLET
    return messages.order_refunded(words, Money(event.amount, event.currency), order.number, to_wallet=to_wallet)


async def _refund(tx: Tx, to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
    amount, order_id = Money(params["amount"], params["currency"]), params.get("order_id")
    order = await orders.load(tx, order_id=OrderId(UUID(order_id))) if order_id else None
    message = messages.refund(words, amount, RefundStatus(params["status"]), order.number if order else None)
    return _about_order(message, order.id, to.user_id) if order else message


def _about_order(message: Message, order_id: OrderId, user_id: UserId) -> Message:
    return msgspec.structs.replace(message, about=Subject(SubjectKind.ORDER, order_id, user_id))


async def _refund_failed(_tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
    event = msgspec.convert(params, RefundEnded)
    return messages.refund_failed(words, Money(event.amount, event.currency), event.way, str(event.intent_id))


async def _payment_unmatched(_tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
    event = msgspec.convert(params, PaymentUnmatched)
    known = event.amount is not None and event.currency is not None
    amount = Money(event.amount or 0, event.currency or "") if known else None
    return messages.payment_unmatched(words, amount, event.way, event.reason)


async def deposit_proved(tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message:
    """What admins read of a deposit, and once it is judged by whom; without its receipt."""
    event = msgspec.convert(params, DepositProved)
    payer = await identity.get_recipient(tx, event.user_id)
    judge = UserId(UUID(params["by"])) if params.get("by") else None
    names = await identity.user_names(tx, [event.user_id, *([judge] if judge else [])])
    message = messages.deposit_proved(
        words,
        Money(event.amount, event.currency),
        names.get(event.user_id, ""),
        payer.telegram_id,
        str(event.intent_id),
        reference=event.reference,
        judged=params.get("judged", ""),
        by=names.get(judge, "") if judge else "",
    )
    return msgspec.structs.replace(message, about=Subject(SubjectKind.DEPOSIT, event.intent_id, event.user_id))


async def _support_asked(tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
    message = await support.get_message(tx, SupportMessageId(UUID(params["message_id"])))
    names = await identity.user_names(tx, [message.user_id])
    order = await orders.load(tx, order_id=message.order_id) if message.order_id else None
    return support_messages.support_asked(
        words, message, names.get(message.user_id, ""), order.number if order else None
    )


async def _support_answer(tx: Tx, _to: Recipient, params: dict[str, Any], _words: Words) -> Message | None:
    message = await support.get_message(tx, SupportMessageId(UUID(params["message_id"])))
    return support_messages.support_answer(message)


async def _support_undelivered(tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
    event = msgspec.convert(params, SupportAnswered)
    names = await identity.user_names(tx, [event.user_id])
    customer = await identity.get_recipient(tx, event.user_id)
    return support_messages.support_undelivered(
        words, names.get(event.user_id, ""), customer.telegram_id, event.user_id, refused="refused" in params
    )


async def _reconciliation_differed(_tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
    event = msgspec.convert(params, ReconciliationDiffered)
    return messages.reconciliation_differed(words, event.way, event.differences)


async def _reconciliation_failed(_tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
    event = msgspec.convert(params, ReconciliationFailed)
    return messages.reconciliation_failed(words, event.way)


async def _order_of_blocked(tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
    event = msgspec.convert(params, OrderPaymentKept)
    order = await orders.load(tx, order_id=event.order_id)
    names = await identity.user_names(tx, [event.user_id])
    amount = Money(event.amount, event.currency)
    return messages.order_of_blocked(words, amount, order.number, names.get(event.user_id, ""))


async def _approval_asked(tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
    event = msgspec.convert(params, ApprovalAsked)
    first = await approvals.get_first(tx, event.value_id)
    names = await identity.user_names(tx, [item for item in (first.user_id, first.by) if item])
    person = names.get(first.user_id, "") if first.user_id else ""
    return messages.approval_asked(words, first, person, names.get(first.by, ""), await _where(tx, first))


async def _where(tx: Tx, first: FirstApproval) -> str:
    """The page on which a second admin approves."""
    match first.kind:
        case ValueKind.REFUND:
            return f"/orders/{(await orders.load(tx, order_id=OrderId(UUID(first.subject)))).number}"
        case ValueKind.DEPOSIT:
            return f"/payments/{first.subject}"
        case ValueKind.UNMATCHED | ValueKind.WAIVED_REFUND:
            return f"/payments/unmatched/{first.subject}"
        case ValueKind.BONUS_RULE:
            return "/bonuses"
        case _:
            return "/adjustments"


async def _wallet_adjusted(tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
    event = msgspec.convert(params, WalletAdjusted)
    done = await wallet.get_adjustment(tx, event.adjustment_id)
    return messages.wallet_adjusted(words, done.amount, Money(event.balance, event.currency), done.reason)


async def _gift_redeemed(_tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
    event = msgspec.convert(params, GiftCardRedeemed)
    return messages.gift_redeemed(words, Money(event.amount, event.currency))


COMPOSERS: Final[dict[Kind, Composer]] = {
    Kind.TOP_UP: _top_up,
    Kind.ORDER_PAYMENT_KEPT: _order_payment_kept,
    Kind.ORDER_REFUNDED: _order_refunded,
    Kind.REFUND_ENDED: _refund,
    Kind.REFUND_FAILED: _refund_failed,
    Kind.PAYMENT_UNMATCHED: _payment_unmatched,
    Kind.SUPPORT_ASKED: _support_asked,
    Kind.SUPPORT_ANSWER: _support_answer,
    Kind.SUPPORT_UNDELIVERED: _support_undelivered,
    Kind.GIFT_REDEEMED: _gift_redeemed,
    Kind.ORDER_OF_BLOCKED: _order_of_blocked,
    Kind.APPROVAL_ASKED: _approval_asked,
    Kind.WALLET_ADJUSTED: _wallet_adjusted,
    Kind.RECONCILIATION_DIFFERED: _reconciliation_differed,
    Kind.RECONCILIATION_FAILED: _reconciliation_failed,
}
"""What each kind of message about money says."""
