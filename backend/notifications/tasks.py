"""Background work of notifications."""

from __future__ import annotations

from datetime import time

from backend.approvals.types import ApprovalAsked
from backend.catalog.types import StockLow
from backend.growth.types import BonusCredited, GiftCardRedeemed
from backend.infra.jobs import Cron, Job, Task
from backend.notifications.service import SEND, NotificationsService
from backend.notifications.types import SendNotification
from backend.orders.types import KeysRequested, OrderPaid, OrderPaymentKept, OrderRefunded
from backend.payments.types import (
    DepositJudged,
    DepositProved,
    PaymentUnmatched,
    ReconciliationDiffered,
    ReconciliationFailed,
    RefundEnded,
    TopUpSucceeded,
)
from backend.support.types import SupportAnswered, SupportAsked
from backend.wallet.types import WalletAdjusted

_PURGE_AT = time(3, 40)


def tasks(service: NotificationsService) -> list[Task]:
    """Those that note what is to be told, and the one that tells it."""

    async def order_paid_buyer(event: OrderPaid, _job: Job) -> None:
        await service.note_order_paid(event)

    async def order_paid_admins(event: OrderPaid, _job: Job) -> None:
        await service.note_order_for_admins(event)

    async def order_keys_to_chat(event: KeysRequested, job: Job) -> None:
        await service.note_keys_requested(event, job.id)

    async def stock_low(event: StockLow, job: Job) -> None:
        await service.note_stock_low(event, job.id)

    async def send(payload: SendNotification, job: Job) -> None:
        await service.send(payload.notification_id, job)

    return [
        Task("notifications.order_paid_buyer", OrderPaid, order_paid_buyer),
        Task("notifications.order_paid_admins", OrderPaid, order_paid_admins),
        Task("notifications.order_keys_to_chat", KeysRequested, order_keys_to_chat),
        Task("notifications.stock_low", StockLow, stock_low),
        *_money(service),
        *_support(service),
        Task(SEND, SendNotification, send),
    ]


def _support(service: NotificationsService) -> list[Task]:
    async def support_asked(event: SupportAsked, _job: Job) -> None:
        await service.note_support_asked(event)

    async def support_answered(event: SupportAnswered, _job: Job) -> None:
        await service.note_support_answered(event)

    return [
        Task("notifications.support_asked", SupportAsked, support_asked),
        Task("notifications.support_answered", SupportAnswered, support_answered),
    ]


def _money(service: NotificationsService) -> list[Task]:
    async def top_up_succeeded(event: TopUpSucceeded, job: Job) -> None:
        await service.note_top_up(event, job.id, job.created_at)

    async def order_payment_kept(event: OrderPaymentKept, job: Job) -> None:
        await service.note_order_payment_kept(event, job.id)

    async def order_refunded(event: OrderRefunded, job: Job) -> None:
        await service.note_order_refunded(event, job.id)

    async def refund_ended(event: RefundEnded, _job: Job) -> None:
        await service.note_refund_ended(event)

    async def payment_unmatched(event: PaymentUnmatched, _job: Job) -> None:
        await service.note_payment_unmatched(event)

    async def deposit_proved(event: DepositProved, job: Job) -> None:
        await service.note_deposit_proved(event, job.id)

    async def deposit_judged(event: DepositJudged, _job: Job) -> None:
        await service.note_deposit_judged(event)

    async def reconciliation_differed(event: ReconciliationDiffered, _job: Job) -> None:
        await service.note_reconciliation_differed(event)

    async def reconciliation_failed(event: ReconciliationFailed, _job: Job) -> None:
        await service.note_reconciliation_failed(event)

    async def approval_asked(event: ApprovalAsked, _job: Job) -> None:
        await service.note_approval_asked(event)

    async def wallet_adjusted(event: WalletAdjusted, _job: Job) -> None:
        await service.note_wallet_adjusted(event)

    async def bonus_credited(event: BonusCredited, _job: Job) -> None:
        await service.note_bonus_credited(event)

    async def gift_redeemed(event: GiftCardRedeemed, _job: Job) -> None:
        await service.note_gift_redeemed(event)

    return [
        Task("notifications.bonus_credited", BonusCredited, bonus_credited),
        Task("notifications.gift_redeemed", GiftCardRedeemed, gift_redeemed),
        Task("notifications.approval_asked", ApprovalAsked, approval_asked),
        Task("notifications.wallet_adjusted", WalletAdjusted, wallet_adjusted),
        Task("notifications.top_up_succeeded", TopUpSucceeded, top_up_succeeded),
        Task("notifications.order_payment_kept", OrderPaymentKept, order_payment_kept),
        Task("notifications.order_refunded", OrderRefunded, order_refunded),
        Task("notifications.refund_ended", RefundEnded, refund_ended),
        Task("notifications.payment_unmatched", PaymentUnmatched, payment_unmatched),
        Task("notifications.deposit_proved", DepositProved, deposit_proved),
        Task("notifications.deposit_judged", DepositJudged, deposit_judged),
        Task("notifications.reconciliation_differed", ReconciliationDiffered, reconciliation_differed),
        Task("notifications.reconciliation_failed", ReconciliationFailed, reconciliation_failed),
    ]


def crons(service: NotificationsService) -> list[Cron]:
    """Old notifications are forgotten at night."""
    return [Cron("notifications.purge", service.purge, at=_PURGE_AT)]
