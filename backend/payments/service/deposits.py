"""Bank transfers: buyers upload receipts, admins confirm or reject the payment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from backend.approvals import domain as approvals
from backend.approvals.types import Approval, NewValue, ValueKind
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.crypto import KeyRing, open_sealed, seal
from backend.infra.live_settings import Live
from backend.infra.storage import MAX_UPLOAD_BYTES, PrivateFiles, StoredFile, sniff_document
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.money import Money
from backend.payments import domain, rules
from backend.payments.errors import PaymentClosed
from backend.payments.repository import intents, receipts
from backend.payments.repository.receipts import Sealed
from backend.payments.types import (
    Deposit,
    DepositJudged,
    DepositProved,
    Intent,
    IntentId,
    IntentStatus,
    Outcome,
    ProviderReport,
    ProviderState,
    TransferReceipt,
    TransferReceiptId,
)

METHOD: Final = "deposit"
MOST_RECEIPTS: Final = 5
_MAX_NOTE: Final = 500
_MAX_REASON: Final = 500
_SHOWN: Final = 100
_KEY_PURPOSE: Final = "payment_proof"
# Money may be late, and a buyer may answer a rejection with a better receipt.
_ACCEPTS_RECEIPTS: Final = frozenset(
    {
        IntentStatus.CREATED,
        IntentStatus.PENDING,
        IntentStatus.CONFIRMING,
        IntentStatus.UNDERPAID,
        IntentStatus.EXPIRED,
        IntentStatus.FAILED,
        IntentStatus.CANCELLED,
    }
)


class DepositsService:
    """Bank transfers. Each receipt is encrypted with a data key of its own.

    ``single_admin_limit`` is in the shop's currency.
    """

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, files: PrivateFiles, single_admin_limit: Live[Money]) -> None:
        self._single_admin_limit = single_admin_limit
        self._uow = uow
        self._ring = ring
        self._files = files

    @retry_conflicts
    async def add_receipt(self, actor: Actor, intent_id: IntentId, data: bytes, note: str = "") -> TransferReceipt:
        """Store the receipt of the actor's transfer, a picture (PNG, JPEG, WebP) or a PDF, and notify the admins.

        Raises NotFound for another's payment, PaymentClosed for one that needs no receipt, Invalid (field ``proof``:
        ``too_large``, ``not_a_document``, ``too_many``; ``note``: ``too_long``).
        """
        content_type = _checked(data, note)
        name: str | None = None
        try:
            async with self._uow() as tx:
                intent = await intents.lock_intent(tx, intent_id)
                if intent.user_id != actor.id:
                    raise NotFound(f"payment {intent_id} of another")
                before = await self._check_accepts(tx, intent)
                receipt = TransferReceipt(
                    id=TransferReceiptId(tx.new_id()),
                    intent_id=intent_id,
                    content_type=content_type,
                    size=len(data),
                    note=note.strip(),
                    at=tx.now,
                    decided_at=None,
                )
                key_id, key = await self._ring.create(tx, _KEY_PURPOSE)
                # Inside the transaction, so that no row ever names a file that is not there.
                name = await self._files.put(seal(key, data, receipt.id.bytes))
                await receipts.add_receipt(tx, receipt, Sealed(name, key_id))
                await self._notify(tx, intent, first=all(item.decided_at is not None for item in before))
        except BaseException:
            if name is not None:
                await self._files.delete(name)
            raise
        return receipt

    def takes_receipt(self, intent: Intent, receipts: Sequence[TransferReceipt]) -> bool:
        """Whether another transfer receipt can be added to a payment that has ``receipts``."""
        return intent.method == METHOD and intent.status in _ACCEPTS_RECEIPTS and len(receipts) < MOST_RECEIPTS

    async def receipts(self, actor: Actor, intent_id: IntentId) -> list[TransferReceipt]:
        """The receipts of a payment, the oldest first; for its owner and admins with the permission for money.

        Raises NotFound.
        """
        async with self._uow.read() as tx:
            await self._visible(tx, actor, intent_id)
            return await receipts.list_receipts(tx, intent_id)

    async def open_receipt(self, actor: Actor, receipt_id: TransferReceiptId) -> StoredFile:
        """The file of a receipt; for the payment's owner and admins with the permission for money. Raises NotFound."""
        async with self._uow.read() as tx:
            receipt, sealed = await receipts.get_receipt(tx, receipt_id)
            await self._visible(tx, actor, receipt.intent_id)
            key = await self._ring.get(tx, sealed.data_key_id)
        data = open_sealed(key, await self._files.get(sealed.file), receipt.id.bytes)
        return StoredFile(data, receipt.content_type)

    async def latest_receipt(self, intent_id: IntentId) -> StoredFile | None:
        """The latest receipt of a payment, for the message to the admins; None if there is none."""
        async with self._uow.read() as tx:
            shown = await receipts.list_receipts(tx, intent_id)
        return await self.open_receipt(Actor.system(), shown[-1].id) if shown else None

    async def awaiting_review(self, actor: Actor) -> list[Deposit]:
        """Transfers with a receipt to review, then those that need a second admin; each the longest waiting first.

        Needs the permission for money.
        """
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            firsts = await approvals.list_first(tx, ValueKind.DEPOSIT)
            waiting = [*await receipts.list_waiting(tx, _SHOWN), *(IntentId(UUID(one.subject)) for one in firsts)]
            awaiting = [await intents.get_intent(tx, intent_id) for intent_id in dict.fromkeys(waiting)]
            names = await identity.user_names(tx, [intent.user_id for intent in awaiting])
            shown = await receipts.list_receipts(tx, *(intent.id for intent in awaiting)) if awaiting else []
        return [
            Deposit(
                intent=intent,
                payer=names.get(intent.user_id, ""),
                receipts=[receipt for receipt in shown if receipt.intent_id == intent.id],
            )
            for intent in awaiting
        ]

    @retry_conflicts
    async def confirm(self, actor: Actor, intent_id: IntentId, received: Money) -> Intent:
        """Confirm that ``received`` has arrived for a payment **in total**, not since the last time; the payment.

        Above the single-admin limit (``approvals.domain.make``) it is credited once a second admin confirms the same
        total; until then the payment is unchanged. The same total is credited once. Raises NotFound for a payment of
        another method, SecondAdminNeeded for one's own, PaymentClosed for one that accepts no more money, Invalid
        (field ``amount``) for no amount, or less than was confirmed before.
        """
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            intent = await self._locked(tx, intent_id)
            _check_received(intent, received)
            if not await self._agreed(tx, actor, intent, received):
                return intent
            report = ProviderReport(
                event_id=f"{METHOD}:{intent_id}:{received.amount}",
                state=ProviderState.PAID,
                intent_id=intent_id,
                received=received,
            )
            if await domain.apply(tx, METHOD, report) is Outcome.UNMATCHED:
                raise PaymentClosed(intent.status)
            await receipts.decide(tx, intent_id)
            facts = {"received": received.amount, "currency": received.currency}
            subject = f"payment:{intent_id}"
            await audit.record(tx, actor.user_id, "payments.confirm_deposit", subject, facts, person=intent.user_id)
            tx.emit(DepositJudged(intent_id=intent_id, by=actor.user_id, confirmed=True))
            return await intents.get_intent(tx, intent_id)

    @retry_conflicts
    async def reject(self, actor: Actor, intent_id: IntentId, reason: str) -> Intent:
        """Reject a transfer: nothing (more) arrived. The buyer sees ``reason`` and may upload another receipt.

        What was confirmed before stays. ``reason`` is stored as ``progress["reason"]``. Raises NotFound,
        SecondAdminNeeded for one's own, PaymentClosed if nothing is to be reviewed, Invalid without a reason.
        """
        actor.require(Permission.MONEY)
        if not 0 < len(reason.strip()) <= _MAX_REASON:
            raise Invalid("no reason, or too long", fields={"reason": "required" if not reason.strip() else "too_long"})
        async with self._uow() as tx:
            intent = await self._locked(tx, intent_id)
            await approvals.check_not_own(tx, actor, intent.user_id, Permission.MONEY, f"payment:{intent_id}")
            shown = await receipts.list_receipts(tx, intent_id)
            if not intent.is_open and all(receipt.decided_at is not None for receipt in shown):
                raise PaymentClosed(intent.status)
            report = ProviderReport(
                event_id=f"{METHOD}:{intent_id}:rejected:{len(shown)}",
                state=ProviderState.FAILED,
                intent_id=intent_id,
                details={"reason": reason.strip()},
            )
            if await domain.apply(tx, METHOD, report) is Outcome.IGNORED:  # a part was confirmed: its status stays
                await self._save_progress(tx, intent, report.details)
            await receipts.decide(tx, intent_id)
            await approvals.drop(tx, ValueKind.DEPOSIT, str(intent_id))
            facts = {"reason": reason.strip()}
            subject = f"payment:{intent_id}"
            await audit.record(tx, actor.user_id, "payments.reject_deposit", subject, facts, person=intent.user_id)
            tx.emit(DepositJudged(intent_id=intent_id, by=actor.user_id, confirmed=False))
            return await intents.get_intent(tx, intent_id)

    async def _agreed(self, tx: Tx, actor: Actor, intent: Intent, received: Money) -> bool:
        """Record an admin's approval; whether it is enough to credit."""
        credit = rules.credited_for(intent, received) - intent.credited
        if not credit:
            return True
        value = NewValue(
            kind=ValueKind.DEPOSIT,
            subject=str(intent.id),
            amount=credit,
            permission=Permission.MONEY,
            user_id=intent.user_id,
            facts={"received": str(received.amount), "asset": received.currency},
        )
        approval = await approvals.make(tx, actor, value, self._single_admin_limit())
        if approval is Approval.FIRST:
            tx.signal(domain.SIGNAL, intent.id)
        return approval is Approval.GIVEN

    async def _check_accepts(self, tx: Tx, intent: Intent) -> list[TransferReceipt]:
        if intent.method != METHOD or intent.status not in _ACCEPTS_RECEIPTS:
            raise PaymentClosed(intent.status)
        before = await receipts.list_receipts(tx, intent.id)
        if len(before) >= MOST_RECEIPTS:
            raise Invalid("too many receipts", fields={"proof": "too_many"}, most=MOST_RECEIPTS)
        return before

    async def _notify(self, tx: Tx, intent: Intent, *, first: bool) -> None:
        # A payment under review does not expire; a partly paid one keeps its status.
        in_review = ProviderReport(
            event_id=f"{METHOD}:{intent.id}:proved", state=ProviderState.CONFIRMING, intent_id=intent.id
        )
        if await domain.apply(tx, METHOD, in_review) is Outcome.IGNORED:
            await self._save_progress(tx, intent, {})
        if first:
            tx.emit(
                DepositProved(
                    intent_id=intent.id,
                    user_id=intent.user_id,
                    amount=intent.amount.amount,
                    currency=intent.amount.currency,
                    reference=intent.reference,
                )
            )

    @staticmethod
    async def _save_progress(tx: Tx, intent: Intent, progress: dict[str, str]) -> None:
        await intents.save_status(tx, intent.id, intent.status, progress)
        tx.signal(domain.SIGNAL, intent.id)

    @staticmethod
    async def _locked(tx: Tx, intent_id: IntentId) -> Intent:
        intent = await intents.lock_intent(tx, intent_id)
        if intent.method != METHOD:
            raise NotFound(f"payment {intent_id} is no deposit")
        return intent

    async def _visible(self, tx: Tx, actor: Actor, intent_id: IntentId) -> None:
        intent = await intents.get_intent(tx, intent_id)
        if intent.user_id != actor.user_id and not actor.may(Permission.MONEY):
            raise NotFound(f"payment {intent_id} of another")


def _checked(data: bytes, note: str) -> str:
    """The content type of a receipt. Raises Invalid."""
    if len(data) > MAX_UPLOAD_BYTES:
        raise Invalid("the receipt is too large", fields={"proof": "too_large"})
    if len(note.strip()) > _MAX_NOTE:
        raise Invalid("the note is too long", fields={"note": "too_long"})
    content_type = sniff_document(data)
    if content_type is None:
        raise Invalid("not a picture or a PDF", fields={"proof": "not_a_document"})
    return content_type


def _check_received(intent: Intent, received: Money) -> None:
    if received.currency != intent.payable.currency:
        raise Invalid("another currency", fields={"amount": "wrong_currency"})
    if not 0 < received.amount <= rules.MOST:
        raise Invalid("no amount", fields={"amount": "not_positive" if received.amount <= 0 else "above_maximum"})
    if received < intent.received:
        raise Invalid("less than before", fields={"amount": "below_received"}, received=intent.received)
