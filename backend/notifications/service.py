"""Use cases of notifications: note what is to be told, then tell it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog

from backend.approvals.types import ApprovalAsked
from backend.catalog import domain as catalog
from backend.catalog.types import StockLow, VariantId
from backend.growth.types import BonusCredited, GiftCardRedeemed
from backend.identity import domain as identity
from backend.identity.types import Permission, Recipient
from backend.infra.crypto import KeyRing
from backend.infra.jobs import DeadLetter, Job, RetryLater
from backend.infra.metrics import MESSAGES
from backend.infra.runner import describe
from backend.infra.storage import StoredFile
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import NotFound
from backend.kernel.events import Event
from backend.kernel.ids import IntentId, OrderId, UserId
from backend.notifications import domain, messages, repository
from backend.notifications.domain import Composer
from backend.notifications.errors import Rejected, SlowDown, Unreachable
from backend.notifications.messages import Words
from backend.notifications.ports import Messenger
from backend.notifications.repository import Claimed
from backend.notifications.types import Kind, Message, NotificationId, SendNotification, Status
from backend.orders import domain as orders
from backend.orders.types import KeysRequested, OrderPaid, OrderPaymentKept, OrderRefunded, RevealChannel, WhyKept
from backend.payments import domain as payments
from backend.payments.types import (
    DepositJudged,
    DepositProved,
    PaymentUnmatched,
    ReconciliationDiffered,
    ReconciliationFailed,
    RefundEnded,
    RefundStatus,
    TopUpSucceeded,
)
from backend.payments.words import way_title as payment_title
from backend.support import domain as support
from backend.support.types import SupportAnswered, SupportAsked
from backend.wallet.types import WalletAdjusted

SEND = "notifications.send"
# Longer than one call to Telegram can take (the gateway's time-out), so that two runs of a job never send side by side.
_CLAIM = timedelta(seconds=30)
_KEEP = timedelta(days=90)
_KEEP_SUBJECTS = timedelta(days=365)
Proofs = Callable[[IntentId], Awaitable[StoredFile | None]]
"""Gives the latest receipt of a deposit."""
log = structlog.get_logger(__name__)


class NotificationsService:
    """Tells people what happened, each in his language, in his chat."""

    def __init__(
        self, *, uow: UnitOfWork, ring: KeyRing, messenger: Messenger, public_url: str, proofs: Proofs
    ) -> None:
        self._uow = uow
        self._proofs = proofs
        self._ring = ring
        self._messenger = messenger
        self._public_url = public_url
        self._composers: dict[Kind, Composer] = {
            **domain.COMPOSERS,
            Kind.ORDER_PAID: self._order_paid,
            Kind.ORDER_KEYS: self._order_keys,
            Kind.ORDER_FOR_ADMINS: self._order_for_admins,
            Kind.STOCK_LOW: self._stock_low,
            Kind.DEPOSIT_PROVED: self._deposit_proved,
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
            key = f"order_for_admins:{event.order_id}"
            await _note_admins(tx, Permission.ORDERS, Kind.ORDER_FOR_ADMINS, event, key)

    async def note_keys_requested(self, event: KeysRequested, request: UUID) -> None:
        """Have the keys sent to the buyer once more; ``request`` tells one wish from the next."""
        async with self._uow() as tx:
            params = {"order_id": str(event.order_id)}
            await _note(tx, event.user_id, Kind.ORDER_KEYS, params, f"order_keys:{request}")

    async def note_top_up(self, event: TopUpSucceeded, request: UUID, at: datetime) -> None:
        """Have somebody told that money reached his wallet ``at`` that moment; ``request`` tells parts apart."""
        async with self._uow() as tx:
            facts = _facts(event) | {"at": at.isoformat()}
            key = f"top_up:{event.intent_id}:{request}"
            await _note(tx, event.user_id, Kind.TOP_UP, facts, key, thing=f"top_up:{event.intent_id}")

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
        """Have a buyer told that money of their order goes back to them; each refund by a provider is one message."""
        async with self._uow() as tx:
            for refund_id, amount in event.refunds.items():
                facts = _facts(event) | {"refund_id": refund_id, "amount": amount, "status": RefundStatus.PENDING.value}
                await _note_refund(tx, event.user_id, refund_id, facts)
            if event.refunds:
                return
            key = f"order_refunded:{event.order_id}:{request}"
            await _note(tx, event.user_id, Kind.ORDER_REFUNDED, _facts(event), key)

    async def note_refund_ended(self, event: RefundEnded) -> None:
        """Have the person told what became of their refund, and the admins for money when it was refused."""
        async with self._uow() as tx:
            facts = _facts(event)
            if not await _note_refund(tx, event.user_id, str(event.refund_id), facts):
                await _retell(tx, f"refund:{event.refund_id}", facts)
            if event.status is RefundStatus.FAILED:
                await _note_money(tx, Kind.REFUND_FAILED, event, f"refund_failed:{event.refund_id}")

    async def note_payment_unmatched(self, event: PaymentUnmatched) -> None:
        """Have every admin for money told of money that nobody is named for."""
        async with self._uow() as tx:
            await _note_money(tx, Kind.PAYMENT_UNMATCHED, event, f"payment_unmatched:{event.event_id}")

    async def note_deposit_proved(self, event: DepositProved, request: UUID) -> None:
        """Have every admin for money told of a proof; ``request`` tells one upload from the next."""
        async with self._uow() as tx:
            key, thing = f"deposit_proved:{event.intent_id}:{request}", f"deposit:{event.intent_id}"
            await _note_money(tx, Kind.DEPOSIT_PROVED, event, key, thing=thing)

    async def note_deposit_judged(self, event: DepositJudged) -> None:
        """Have the message of a deposit say who confirmed or rejected it, for every admin that got it."""
        async with self._uow() as tx:
            changes = {"judged": "confirmed" if event.confirmed else "rejected"}
            changes |= {"by": str(event.by) if event.by else ""}
            # A receipt that was judged before keeps its judgement.
            await _retell(tx, f"deposit:{event.intent_id}", changes, unless="judged")

    async def note_support_asked(self, event: SupportAsked) -> None:
        """Have what a customer wrote put before every admin for orders, but not before the customer."""
        async with self._uow() as tx:
            key = f"support_asked:{event.message_id}"
            await _note_admins(tx, Permission.ORDERS, Kind.SUPPORT_ASKED, event, key, but={event.user_id})

    async def note_support_answered(self, event: SupportAnswered) -> None:
        """Have an admin's answer brought to the customer."""
        async with self._uow() as tx:
            await _note(tx, event.user_id, Kind.SUPPORT_ANSWER, _facts(event), f"support_answer:{event.message_id}")

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

    async def note_bonus_credited(self, event: BonusCredited) -> None:
        """Have the message of a top-up say what it brought on top. One that comes later says so by itself."""
        async with self._uow() as tx:
            changes = {"balance": event.balance, "bonus_in_balance": True}
            await _retell(tx, f"top_up:{event.intent_id}", changes, only_last=True)

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
            await self._settle(notification_id, Status.PENDING, claimed.revision)
            raise RetryLater(slow.seconds, "Telegram's limits") from slow
        except Rejected as error:
            await self._settle(notification_id, Status.FAILED, claimed.revision, error)
            await self._note_undelivered(claimed, {"refused": True})
            MESSAGES.labels(claimed.kind, Status.FAILED).inc()
            raise DeadLetter(str(error)) from error
        except Exception as error:
            await self._settle(notification_id, Status.FAILED if job.last else Status.PENDING, claimed.revision, error)
            raise
        MESSAGES.labels(claimed.kind, status).inc()
        log.info("notification.settled", kind=claimed.kind, status=status)

    async def purge(self) -> None:
        """Forget notifications after 90 days, and what messages spoke of after a year."""
        for forget, keep in ((repository.purge, _KEEP), (support.purge_subjects, _KEEP_SUBJECTS)):
            more = True
            while more:
                async with self._uow() as tx:
                    more = await forget(tx, tx.now - keep)

    async def _deliver(self, notification_id: NotificationId, claimed: Claimed) -> Status:
        async with self._uow.read() as tx:
            recipient = await identity.get_recipient(tx, claimed.user_id)
        # A blocked customer may still write to support, and is answered.
        if recipient.blacklisted and claimed.kind is not Kind.SUPPORT_ANSWER:
            await self._settle(notification_id, Status.WITHHELD, claimed.revision)
            return Status.WITHHELD
        # The turn comes first: a key is decrypted (and its opening logged) only when its message can leave.
        await self._messenger.turn(recipient.telegram_id, str(notification_id))
        message = await self._compose(claimed, recipient)
        if message is None:
            await self._settle(notification_id, Status.WITHHELD, claimed.revision)
            return Status.WITHHELD
        try:
            message_id = await self._say(recipient.telegram_id, claimed, message)
        except Unreachable as error:
            async with self._uow() as tx:
                await identity.mark_bot_blocked(tx, recipient.user_id, tx.now)
                await repository.settle(tx, notification_id, Status.BLOCKED, claimed.revision, error=describe(error))
            await self._note_undelivered(claimed)
            return Status.BLOCKED
        async with self._uow() as tx:
            await repository.settle(tx, notification_id, Status.SENT, claimed.revision, message_id=message_id)
            if message.about is not None:
                await support.remember(tx, recipient.telegram_id, message_id, message.about)
            if recipient.blocked_bot:
                await identity.mark_bot_blocked(tx, recipient.user_id, None)
        return Status.SENT

    async def _say(self, chat_id: int, claimed: Claimed, message: Message) -> int:
        """Edit what an earlier revision has become, or send; the message's id."""
        if claimed.message_id is not None:
            try:
                await self._messenger.edit(chat_id, claimed.message_id, message)
            except Rejected as error:
                # Deleted, or too old to be edited: what is new is said in a new message.
                log.info("notification.not_edited", kind=claimed.kind, error=describe(error))
            else:
                return claimed.message_id
        return await self._messenger.send(chat_id, message)

    async def _note_undelivered(self, claimed: Claimed, more: Mapping[str, Any] | None = None) -> None:
        """Tell an admin whose answer did not reach the customer."""
        if claimed.kind is not Kind.SUPPORT_ANSWER:
            return
        event = msgspec.convert(claimed.params, SupportAnswered)
        async with self._uow() as tx:
            key = f"support_undelivered:{event.message_id}"
            await _note(tx, event.author_id, Kind.SUPPORT_UNDELIVERED, claimed.params | dict(more or {}), key)

    async def _settle(
        self, notification_id: NotificationId, status: Status, revision: int, error: Exception | None = None
    ) -> None:
        async with self._uow() as tx:
            await repository.settle(tx, notification_id, status, revision, error=describe(error) if error else None)

    # What a message says, from the facts as they are now

    async def _compose(self, claimed: Claimed, recipient: Recipient) -> Message | None:
        words = Words(recipient.language, self._public_url)
        try:
            async with self._uow() as tx:
                # While the message waited for its turn.
                if claimed.kind is not Kind.SUPPORT_ANSWER and await identity.is_blocked(tx, recipient.user_id):
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
        paid = await payments.list_paid_for(tx, order.id)
        methods = [payment_title(intent.way, words.translator) for intent in reversed(paid)]
        if sum(intent.credited.amount for intent in paid) < order.total.amount:
            methods.insert(0, words.translator.gettext("Balance"))
        name = names.get(order.user_id, "")
        return messages.order_for_admins(words, order, name, buyer.telegram_id, list(dict.fromkeys(methods)))

    async def _deposit_proved(self, tx: Tx, to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
        message = await domain.deposit_proved(tx, to, params, words)
        receipt = await self._proofs(IntentId(UUID(params["intent_id"])))
        return message if receipt is None else messages.with_receipt(message, receipt.data, receipt.content_type)

    async def _stock_low(self, tx: Tx, _to: Recipient, params: dict[str, Any], words: Words) -> Message | None:
        subject = await catalog.find_stock_subject(tx, VariantId(UUID(params["variant_id"])))
        return messages.stock_low(words, subject, params["left"]) if subject else None


async def _note(
    tx: Tx, user_id: UserId, kind: Kind, params: dict[str, Any], key: str, *, thing: str | None = None
) -> bool:
    """Note a message, once for a ``key``; whether it is new."""
    notification_id = await repository.add(tx, user_id, kind, params, key, thing)
    if notification_id is not None:
        tx.enqueue(SEND, SendNotification(notification_id), unique_key=f"{SEND}:{notification_id}")
    return notification_id is not None


async def _note_refund(tx: Tx, user_id: UserId, refund_id: str, facts: dict[str, Any]) -> bool:
    return await _note(tx, user_id, Kind.REFUND_ENDED, facts, f"refund_ended:{refund_id}", thing=f"refund:{refund_id}")


async def _retell(tx: Tx, thing: str, changes: dict[str, Any], *, only_last: bool = False, unless: str = "") -> None:
    """Have the messages about a thing edited to what is true now."""
    for touched in await repository.touch(tx, thing, changes, only_last=only_last, unless=unless):
        key = f"{SEND}:{touched.id}:{touched.revision}"
        tx.enqueue(SEND, SendNotification(touched.id), unique_key=key)


async def _note_money(tx: Tx, kind: Kind, event: Event, key: str, *, thing: str | None = None) -> None:
    await _note_admins(tx, Permission.MONEY, kind, event, key, thing=thing)


async def _note_admins(
    tx: Tx,
    permission: Permission,
    kind: Kind,
    event: Event,
    key: str,
    *,
    but: Collection[UserId | None] = (),
    thing: str | None = None,
) -> None:
    for admin in await identity.list_admins(tx, permission):
        if admin.user_id not in but:
            await _note(tx, admin.user_id, kind, _facts(event), f"{key}:{admin.user_id}", thing=thing)


def _facts(event: Event) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(event)
    return facts
