"""An admin's credit or debit of a person's wallet: with a reason, and above a limit by two admins."""

from __future__ import annotations

from backend.approvals import domain as approvals
from backend.approvals.errors import SecondAdminNeeded
from backend.approvals.types import Approval, NewValue, ValueKind
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.failpoints import failpoint
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.wallet import domain, rules
from backend.wallet.errors import AdjustmentClosed, IdempotencyConflict
from backend.wallet.repository import adjustments as repository
from backend.wallet.types import (
    ADJUSTMENTS,
    AccountRef,
    Adjustment,
    AdjustmentId,
    AdjustmentStatus,
    Memo,
    TransferKind,
    WalletAdjusted,
)


class AdjustmentsService:
    """Admins' own changes of people's wallets. ``limit`` is what one admin may move alone, in the shop's currency."""

    def __init__(self, *, uow: UnitOfWork, limit: Live[Money]) -> None:
        self._uow = uow
        self._limit = limit

    @property
    def limit(self) -> Money:
        """The single-admin limit, in the shop's currency."""
        return self._limit()

    @retry_conflicts
    async def adjust(
        self, actor: Actor, user_id: UserId, amount: Money, reason: str, *, idempotency_key: str
    ) -> Adjustment:
        """Credit (a positive ``amount``) or debit a person's wallet; needs the permission for money.

        Above the single-admin limit it needs a second approval (``approvals.domain.make``). The same key again returns
        the same adjustment. Raises Invalid, NotFound for an unknown person, SecondAdminNeeded for one's own wallet,
        InsufficientFunds for a debit above the balance, IdempotencyConflict.
        """
        actor.require(Permission.MONEY)
        words = rules.check_adjustment(amount, self.limit.currency, reason)
        async with self._uow() as tx:
            await identity.get_recipient(tx, user_id)
            added = await repository.add_adjustment(tx, user_id, amount, words, actor.id, idempotency_key)
            if added is None:
                return await self._replayed(tx, actor, user_id, amount, idempotency_key)
            details = {"user": str(user_id), "amount": amount.amount, "currency": amount.currency, "reason": words}
            asked = await repository.get_adjustment(tx, added)
            if await approvals.make(tx, actor, _value(asked), self.limit) is Approval.GIVEN:
                action = "wallet.adjust"
                await self._apply(tx, asked, None)
            else:
                action = "wallet.ask_adjustment"
            await audit.record(tx, actor.user_id, action, f"adjustment:{added}", details, person=user_id)
            return await repository.get_adjustment(tx, added)

    async def waiting(self, actor: Actor) -> list[Adjustment]:
        """Adjustments that need a second approval, the oldest first. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await repository.list_waiting(tx)

    async def of(self, actor: Actor, user_id: UserId) -> list[Adjustment]:
        """A person's adjustments, the latest first, at most 100. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await repository.list_of(tx, user_id)

    async def get(self, actor: Actor, adjustment_id: AdjustmentId) -> Adjustment:
        """One adjustment. Needs the permission for money. Raises NotFound."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await repository.get_adjustment(tx, adjustment_id)

    @retry_conflicts
    async def approve(self, actor: Actor, adjustment_id: AdjustmentId) -> Adjustment:
        """Apply an adjustment that another admin has asked for; of several approvals at once only one applies it.

        Where the admin who asked has lost the permission, this approval is the first, and another one is needed.
        Raises NotFound, SecondAdminNeeded for one's own request or wallet, AdjustmentClosed when it is decided,
        InsufficientFunds for a debit above the balance (the adjustment stays pending).
        """
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            asked = await self._lock_waiting(tx, adjustment_id)
            if asked.asked_by == actor.id:  # the system, which has no id, is no second admin
                raise SecondAdminNeeded(f"adjustment {adjustment_id}")
            if await approvals.make(tx, actor, _value(asked), self.limit) is Approval.GIVEN:
                subject = f"adjustment:{adjustment_id}"
                await audit.record(tx, actor.user_id, "wallet.approve_adjustment", subject, person=asked.user_id)
                await self._apply(tx, asked, actor.id)
            return await repository.get_adjustment(tx, adjustment_id)

    @retry_conflicts
    async def refuse(self, actor: Actor, adjustment_id: AdjustmentId, reason: str) -> Adjustment:
        """Reject an adjustment; the admin who asked for it withdraws it in the same way.

        Raises NotFound, Invalid without a reason, SecondAdminNeeded for one's own wallet, AdjustmentClosed when it
        is decided.
        """
        actor.require(Permission.MONEY)
        words = rules.check_reason(reason)
        async with self._uow() as tx:
            asked = await self._lock_waiting(tx, adjustment_id)
            subject = f"adjustment:{adjustment_id}"
            await approvals.check_not_own(tx, actor, asked.user_id, Permission.MONEY, subject)
            await approvals.drop(tx, ValueKind.ADJUSTMENT, str(adjustment_id))
            await repository.decide(tx, adjustment_id, AdjustmentStatus.REFUSED, actor.id, words)
            details = {"reason": words}
            await audit.record(tx, actor.user_id, "wallet.refuse_adjustment", subject, details, person=asked.user_id)
            return await repository.get_adjustment(tx, adjustment_id)

    @staticmethod
    async def _lock_waiting(tx: Tx, adjustment_id: AdjustmentId) -> Adjustment:
        adjustment = await repository.lock_adjustment(tx, adjustment_id)
        if adjustment.status is not AdjustmentStatus.WAITING:
            raise AdjustmentClosed(adjustment.status)
        return adjustment

    @staticmethod
    async def _replayed(tx: Tx, actor: Actor, user_id: UserId, amount: Money, idempotency_key: str) -> Adjustment:
        before = await repository.get_by_key(tx, actor.id, idempotency_key)
        if (before.user_id, before.amount) != (user_id, amount):
            raise IdempotencyConflict(f"adjustment key {idempotency_key}")
        return before

    @staticmethod
    async def _apply(tx: Tx, adjustment: Adjustment, second: UserId | None) -> None:
        amount, person = adjustment.amount, AccountRef.user(adjustment.user_id)
        shop = AccountRef.shop(ADJUSTMENTS)
        credit = amount.amount > 0
        await domain.transfer(
            tx,
            TransferKind.ADJUSTMENT,
            f"adjustment:{adjustment.id}",
            shop if credit else person,
            person if credit else shop,
            amount if credit else -amount,
            reference=str(adjustment.id),
            memo=Memo(reason=adjustment.reason),
        )
        failpoint("adjustments.moved")
        await repository.decide(tx, adjustment.id, AdjustmentStatus.APPLIED, second, "")
        balance = await domain.balance(tx, adjustment.user_id, amount.currency)
        tx.emit(
            WalletAdjusted(
                adjustment_id=adjustment.id,
                user_id=adjustment.user_id,
                amount=amount.amount,
                balance=balance.amount,
                currency=amount.currency,
            )
        )


def _value(asked: Adjustment) -> NewValue:
    # The limit is on what one admin moves, so a debit counts as a credit does.
    return NewValue(
        kind=ValueKind.ADJUSTMENT,
        subject=str(asked.id),
        amount=Money(abs(asked.amount.amount), asked.amount.currency),
        permission=Permission.MONEY,
        user_id=asked.user_id,
        reason=asked.reason,
        facts={"way": "credit" if asked.amount.amount > 0 else "debit"},
    )
