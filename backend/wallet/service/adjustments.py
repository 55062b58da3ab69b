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

        Above the single-admin limit it waits for a second admin (``approvals.domain.make``). The same key again gives
        the same adjustment. Raises Invalid, NotFound for an unknown person, SecondAdminNeeded for one's own wallet,
        InsufficientFunds for a debit that the balance cannot bear, IdempotencyConflict.
        """
        actor.require(Permission.MONEY)
        words = rules.check_adjustment(amount, self.limit.currency, reason)
        async with self._uow() as tx:
            await identity.get_recipient(tx, user_id)
            made = await repository.add_adjustment(tx, user_id, amount, words, actor.id, idempotency_key)
            if made is None:
                return await self._replayed(tx, actor, user_id, amount, idempotency_key)
            told = {"user": str(user_id), "amount": amount.amount, "currency": amount.currency, "reason": words}
            asked = await repository.get_adjustment(tx, made)
            if await approvals.make(tx, actor, _value(asked), self.limit) is Approval.GIVEN:
                await audit.record(tx, actor.user_id, "wallet.adjust", f"adjustment:{made}", told)
                await self._apply(tx, asked, None)
            else:
                await audit.record(tx, actor.user_id, "wallet.ask_adjustment", f"adjustment:{made}", told)
            return await repository.get_adjustment(tx, made)

    async def waiting(self, actor: Actor) -> list[Adjustment]:
        """What waits for a second admin, the oldest first. Needs the permission for money."""
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
        """Let an adjustment happen that another admin has asked for; done once, whoever is first.

        Where the admin who asked has lost the permission, this approval is the first, and it goes on waiting.
        Raises NotFound, SecondAdminNeeded for one's own request or wallet, AdjustmentClosed when it waits no more,
        InsufficientFunds for a debit that the balance cannot bear (it goes on waiting).
        """
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            asked = await self._lock_waiting(tx, adjustment_id)
            if asked.asked_by == actor.id:  # the system, which has no id, is no second admin
                raise SecondAdminNeeded(f"adjustment {adjustment_id}")
            if await approvals.make(tx, actor, _value(asked), self.limit) is Approval.GIVEN:
                await audit.record(tx, actor.user_id, "wallet.approve_adjustment", f"adjustment:{adjustment_id}")
                await self._apply(tx, asked, actor.id)
            return await repository.get_adjustment(tx, adjustment_id)

    @retry_conflicts
    async def refuse(self, actor: Actor, adjustment_id: AdjustmentId, reason: str) -> Adjustment:
        """Let an adjustment not happen; the admin who asked for it may withdraw it.

        Raises NotFound, Invalid without a reason, SecondAdminNeeded for one's own wallet, AdjustmentClosed when it
        waits no more.
        """
        actor.require(Permission.MONEY)
        words = rules.check_reason(reason)
        async with self._uow() as tx:
            asked = await self._lock_waiting(tx, adjustment_id)
            subject = f"adjustment:{adjustment_id}"
            await approvals.check_not_own(tx, actor, asked.user_id, Permission.MONEY, subject)
            await approvals.drop(tx, ValueKind.ADJUSTMENT, str(adjustment_id))
            await repository.decide(tx, adjustment_id, AdjustmentStatus.REFUSED, actor.id, words)
            told = {"reason": words}
            await audit.record(tx, actor.user_id, "wallet.refuse_adjustment", subject, told)
            return await repository.get_adjustment(tx, adjustment_id)

    @staticmethod
    async def _lock_waiting(tx: Tx, adjustment_id: AdjustmentId) -> Adjustment:
        found = await repository.lock_adjustment(tx, adjustment_id)
        if found.status is not AdjustmentStatus.WAITING:
            raise AdjustmentClosed(found.status)
        return found

    @staticmethod
    async def _replayed(tx: Tx, actor: Actor, user_id: UserId, amount: Money, idempotency_key: str) -> Adjustment:
        before = await repository.get_by_key(tx, actor.id, idempotency_key)
        if (before.user_id, before.amount) != (user_id, amount):
            raise IdempotencyConflict(f"adjustment key {idempotency_key}")
        return before

    @staticmethod
    async def _apply(tx: Tx, adjustment: Adjustment, second: UserId | None) -> None:
        amount, person = adjustment.amount, AccountRef.user(adjustment.user_id)
        house = AccountRef.house(ADJUSTMENTS)
        credit = amount.amount > 0
        await domain.transfer(
            tx,
            TransferKind.ADJUSTMENT,
            f"adjustment:{adjustment.id}",
            house if credit else person,
            person if credit else house,
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
    # A debit counts as a credit does: what one admin moves, either way.
    return NewValue(
        kind=ValueKind.ADJUSTMENT,
        subject=str(asked.id),
        amount=Money(abs(asked.amount.amount), asked.amount.currency),
        permission=Permission.MONEY,
        user_id=asked.user_id,
        reason=asked.reason,
        facts={"way": "credit" if asked.amount.amount > 0 else "debit"},
    )
