"""Use cases of notifications: note what is to be told, then tell it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog

from backend.approvals.types import ApprovalAsked
from backend.catalog import domain as catalog
from backend.catalog.types import StockLow
from backend.growth.types import BonusCredited, GiftCardRedeemed
from backend.identity import domain as identity
from backend.identity.types import Permission, Recipient
from backend.infra.crypto import KeyRing
from backend.infra.jobs import DeadLetter, Job, RetryLater
from backend.infra.metrics import MESSAGES
from backend.infra.runner import describe
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import NotFound
from backend.kernel.events import Event
from backend.kernel.ids import OrderId, UserId, VariantId
from backend.notifications import domain, messages, repository
from backend.notifications.domain import Composer
from backend.notifications.errors import Rejected, SlowDown, Unreachable
from backend.notifications.messages import Words
from backend.notifications.ports import Messenger
from backend.notifications.repository import Claimed
from backend.notifications.types import Kind, Message, NotificationId, SendNotification, Status
from backend.orders import domain as orders
from backend.orders.types import KeysRequested, OrderPaid, OrderPaymentKept, OrderRefunded, RevealChannel, WhyKept
from backend.payments.types import (
    DepositProved,
    PaymentUnmatched,
    ReconciliationDiffered,
    ReconciliationFailed,
    RefundEnded,
    RefundStatus,
    TopUpSucceeded,
)
from backend.wallet.types import WalletAdjusted

SEND = "notifications.send"
# Longer than one call to Telegram can take (the gateway's time-out), so that two runs of a job never send side by side.
_CLAIM = timedelta(seconds=30)
_KEEP = timedelta(days=90)
log = structlog.get_logger(__name__)


class NotificationsService:
    """Tells people what happened, each in his language, in his chat."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, messenger: Messenger, public_url: str) -> None:
        self._uow = uow
        self._ring = ring
        self._messenger = messenger
        self._public_url = public_url
        self._composers: dict[Kind, Composer] = {
            **domain.COMPOSERS,
            Kind.ORDER_PAID: self._order_paid,
            Kind.ORDER_KEYS: self._order_keys,
            Kind.ORDER_FOR_ADMINS: self._order_for_admins,
            Kind.STOCK_LOW: self._stock_low,
        }

    # What is to be told. Each is one transaction that may run again: a repeated key notes and sends nothing.

    async def note_order_paid(self, event: OrderPaid) -> None:
        """Have the buyer told that the order is his, with its keys."""
        async with self._uow() as tx:
            params = {"order_id": str(event.order_id)}
            await _note(tx, event.user_id, Kind.ORDER_PAID, params, f"order_paid:{event.order_id}")

    async def note_order_for_admins(self, event: OrderPaid) -> None:
        """Have every admin for orders told of the sale."""
        async with self._uow() as tx:
            for admin in await identity.list_admins(tx, Permission.ORDERS):
                key = f"order_for_admins:{event.order_id}:{admin.user_id}"
                await _note(tx, admin.user_id, Kind.ORDER_FOR_ADMINS, {"order_id": str(event.order_id)}, key)

    async def note_keys_requested(self, event: KeysRequested, request: UUID) -> None:
        """Have the keys sent to the buyer once more; ``request`` tells one wish from the next."""
        async with self._uow() as tx:
            params = {"order_id": str(event.order_id)}
            await _note(tx, event.user_id, Kind.ORDER_KEYS, params, f"order_keys:{request}")

    async def note_top_up(self, event: TopUpSucceeded, request: UUID, at: datetime) -> None:
        """Have somebody told that money reached his wallet ``at`` that moment; ``request`` tells parts apart."""
        async with self._uow() as tx:
            facts = _facts(event) | {"at": at.isoformat()}
            await _note(tx, event.user_id, Kind.TOP_UP, facts, f"top_up:{event.intent_id}:{request}")

    async def note_order_payment_kept(self, event: OrderPaymentKept, request: UUID) -> None:
        """Have a buyer told that their late money is in the wallet; ``request`` tells one part from the next.

        Of a blocked buyer's money the admins for orders are told too.
        """
        async with self._uow() as tx:
            key = f"order_payment_kept:{event.order_id}:{request}"
            await _note(tx, event.user_id, Kind.ORDER_PAYMENT_KEPT, _facts(event), key)
            if event.why is WhyKept.BLOCKED:
                await _note_admins(tx, Permission.ORDERS, Kind.ORDER_OF_BLOCKED, event, key)

    async def note_order_refunded(self, event: OrderRefunded, request: UUID) -> None:
        """Have a buyer told that money of his order goes back to him."""
        async with self._uow() as tx:
            key = f"order_refunded:{event.order_id}:{request}"
            await _note(tx, event.user_id, Kind.ORDER_REFUNDED, _facts(event), key)

    async def note_refund_ended(self, event: RefundEnded) -> None:
        """Have the person told what became of his refund, and the admins for money when it was refused."""
        async with self._uow() as tx:
            await _note(tx, event.user_id, Kind.REFUND_ENDED, _facts(event), f"refund_ended:{event.refund_id}")
            if event.status is RefundStatus.FAILED:
                await _note_money(tx, Kind.REFUND_FAILED, event, f"refund_failed:{event.refund_id}")

    async def note_payment_unmatched(self, event: PaymentUnmatched) -> None:
        """Have every admin for money told of money that nobody is named for."""
        async with self._uow() as tx:
            await _note_money(tx, Kind.PAYMENT_UNMATCHED, event, f"payment_unmatched:{event.event_id}")

    async def note_deposit_proved(self, event: DepositProved, request: UUID) -> None:
        """Have every admin for money told of a proof; ``request`` tells one upload from the next."""
        async with self._uow() as tx:
            await _note_money(tx, Kind.DEPOSIT_PROVED, event, f"deposit_proved:{event.intent_id}:{request}")

    async def note_reconciliation_differed(self, event: ReconciliationDiffered) -> None:
        """Have every admin for money told that a provider and the books disagree."""
        async with self._uow() as tx:
            key = f"reconciliation_differed:{event.reconciliation_id}"
            await _note_money(tx, Kind.RECONCILIATION_DIFFERED, event, key)

    async def note_reconciliation_failed(self, event: ReconciliationFailed) -> None:
        """Have every admin for money told that a provider could not be compared with the books."""
        async with self._uow() as tx:
            key = f"reconciliation_failed:{event.reconciliation_id}"
            await _note_money(tx, Kind.RECONCILIATION_FAILED, event, key)

    async def note_approval_asked(self, event: ApprovalAsked) -> None:
        """Have the other admins who can approve it told that a second approval is needed."""
        async with self._uow() as tx:
            key, but = f"approval_asked:{event.value_id}", {event.asked_by, event.user_id}
            await _note_admins(tx, event.permission, Kind.APPROVAL_ASKED, event, key, but=but)

    async def note_wallet_adjusted(self, event: WalletAdjusted) -> None:
        """Have a person told that an admin changed his wallet, and why."""
        async with self._uow() as tx:
            key = f"wallet_adjusted:{event.adjustment_id}"
            await _note(tx, event.user_id, Kind.WALLET_ADJUSTED, _facts(event), key)

    async def note_bonus_credited(self, event: BonusCredited, request: UUID) -> None:
        """Have a person told what his top-up brought on top; ``request`` tells one part from the next."""
        async with self._uow() as tx:
            key = f"bonus_credited:{event.intent_id}:{request}"
            await _note(tx, event.user_id, Kind.BONUS_CREDITED, _facts(event), key)

    async def note_gift_redeemed(self, event: GiftCardRedeemed) -> None:
        """Have a buyer told that his gift card has been redeemed."""
        async with self._uow() as tx:
            key = f"gift_redeemed:{event.gift_card_id}"
            await _note(tx, event.user_id, Kind.GIFT_REDEEMED, _facts(event), key)

    async def note_stock_low(self, event: StockLow, request: UUID) -> None:
        """Have every admin for stock told that a thing runs out; ``request`` tells one alarm from the next."""
        params = {"variant_id": str(event.variant_id), "left": event.left}
        async with self._uow() as tx:
            for admin in await identity.list_admins(tx, Permission.STOCK):
                await _note(tx, admin.user_id, Kind.STOCK_LOW, params, f"stock_low:{request}:{admin.user_id}")

    # Telling

    async def send(self, notification_id: NotificationId, job: Job) -> None:
        """Send one notification: at least once, and seldom twice.

        It is claimed before and marked after Telegram took it, in two transactions, since no transaction spans
        Telegram. Two runs side by side therefore send once. One window is left: a process that dies, or loses the
        database, after Telegram took the message and before the mark is written sends it again after the claim has
        lapsed. A message said twice was judged better than a key not said at all.

        Raises RetryLater, DeadLetter, NotSent.
        """
        async with self._uow() as tx:
            claimed = await repository.claim(tx, notification_id, _CLAIM)
            elsewhere = None if claimed else await repository.find_claim(tx, notification_id)
            if elsewhere:
                left = (elsewhere + _CLAIM - tx.now).total_seconds()
                raise RetryLater(max(left, 1.0), "another run is sending it")
        if claimed is None:
            return
        try:
            status = await self._deliver(notification_id, claimed)
        except SlowDown as slow:
            await self._settle(notification_id, Status.PENDING)
            raise RetryLater(slow.seconds, "Telegram's limits") from slow
        except Rejected as error:
            await self._settle(notification_id, Status.FAILED, error)
            MESSAGES.labels(claimed.kind, Status.FAILED).inc()
            raise DeadLetter(str(error)) from error
        except Exception as error:
            await self._settle(notification_id, Status.FAILED if job.last else Status.PENDING, error)
            raise
        MESSAGES.labels(claimed.kind, status).inc()
        log.info("notification.settled", kind=claimed.kind, status=status)

    async def purge(self) -> None:
        """Forget notifications after 90 days."""
        more = True
        while more:
            async with self._uow() as tx:
                more = await repository.purge(tx, tx.now - _KEEP)

    async def _deliver(self, notification_id: NotificationId, claimed: Claimed) -> Status:
        async with self._uow.read() as tx:
            recipient = await identity.get_recipient(tx, claimed.user_id)
        if recipient.blacklisted:
            await self._settle(notification_id, Status.WITHHELD)
            return Status.WITHHELD
        # The turn comes first: a key is decrypted (and its opening logged) only when its message can leave.
        await self._messenger.turn(recipient.telegram_id, str(notification_id))
        message = await self._compose(claimed, recipient)
        if message is None:
            await self._settle(notification_id, Status.WITHHELD)
            return Status.WITHHELD
        try:
            message_id = await self._messenger.send(recipient.telegram_id, message)
        except Unreachable as error:
            async with self._uow() as tx:
                await identity.mark_bot_blocked(tx, recipient.user_id, tx.now)
                await repository.settle(tx, notification_id, Status.BLOCKED, error=describe(error))
            return Status.BLOCKED
        async with self._uow() as tx:
            await repository.settle(tx, notification_id, Status.SENT, message_id=message_id)
            if recipient.blocked_bot:
                await identity.mark_bot_blocked(tx, recipient.user_id, None)
        return Status.SENT

    async def _settle(self, notification_id: NotificationId, status: Status, error: Exception | None = None) -> None:
        async with self._uow() as tx:
            await repository.settle(tx, notification_id, status, error=describe(error) if error else None)

    # What a message says, from the facts as they are now

    async def _compose(self, claimed: Claimed, recipient: Recipient) -> Message | None:
        words = Words(recipient.language, self._public_url)
        try:
            async with self._uow() as tx:
                if await identity.is_blocked(tx, recipient.user_id):  # while the message waited for its turn
                    return None
                return await self._composers[claimed.kind](tx, recipient, claimed.params, words)
        except NotFound:
            return None

    async def _order_paid(self, tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
        order = await orders.load(tx, order_id=OrderId(UUID(params["order_id"])))
        keys = await orders.open_keys(tx, self._ring, order, by=None, channel=RevealChannel.CHAT)
        return messages.order_paid(words, order, keys)

    async def _order_keys(self, tx: Tx, to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
        order = await orders.load(tx, order_id=OrderId(UUID(params["order_id"])))
        keys = await orders.open_keys(tx, self._ring, order, by=to.user_id, channel=RevealChannel.CHAT)
        return messages.order_keys(words, order, keys)

    async def _order_for_admins(self, tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
        order = await orders.load(tx, order_id=OrderId(UUID(params["order_id"])))
        buyer = await identity.get_recipient(tx, order.user_id)
        names = await identity.user_names(tx, [order.user_id])
        return messages.order_for_admins(words, order, names.get(order.user_id, ""), buyer.telegram_id)

    async def _stock_low(self, tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
        subject = await catalog.find_stock_subject(tx, VariantId(UUID(params["variant_id"])))
        return messages.stock_low(words, subject, params["left"]) if subject else None


async def _note(tx: Tx, user_id: UserId, kind: Kind, params: dict[str, Any], key: str) -> None:
    notification_id = await repository.add(tx, user_id, kind, params, key)
    if notification_id is not None:
        tx.enqueue(SEND, SendNotification(notification_id), unique_key=f"{SEND}:{notification_id}")


async def _note_money(tx: Tx, kind: Kind, event: Event, key: str) -> None:
    await _note_admins(tx, Permission.MONEY, kind, event, key)


async def _note_admins(
    tx: Tx, permission: Permission, kind: Kind, event: Event, key: str, *, but: Collection[UserId | None] = ()
) -> None:
    for admin in await identity.list_admins(tx, permission):
        if admin.user_id not in but:
            await _note(tx, admin.user_id, kind, _facts(event), f"{key}:{admin.user_id}")


def _facts(event: Event) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(event)
    return facts
