"""Top-up bonuses: their rules, the credit for a payment, and the reclaim after a refund."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

import msgspec

from backend.approvals import domain as approvals
from backend.approvals.errors import SecondAdminNeeded
from backend.approvals.types import Approval, FirstApproval, NewValue, ValueId, ValueKind
from backend.growth import rules
from backend.growth.repository import bonuses as repository
from backend.growth.types import BONUSES, BonusCredited, BonusRule, BonusRuleId, NewBonusRule, RuleFigures
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.failpoints import failpoint
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.payments import domain as payments
from backend.payments.types import IntentId, RefundEnded, RefundStatus, TopUpSucceeded
from backend.wallet import domain as wallet
from backend.wallet.types import AccountRef, Memo, TransferKind

_RULES: Final = UUID("6f0e6f1c-5a0e-4d6b-9b1e-0f6d2b8a7c31")
"""The namespace of a rule's subject: the same rule by two admins has the same subject."""


class BonusesService:
    """Bonuses for top-ups. A payment for an order gets none."""

    def __init__(self, *, uow: UnitOfWork, limit: Live[Money]) -> None:
        self._uow = uow
        self._limit = limit
        self._currency = limit().currency

    @retry_conflicts
    async def add_rule(self, actor: Actor, rule: NewBonusRule) -> BonusRule | None:
        """Add a rule; None while it awaits the approval of a second admin.

        What a rule will give in total is unknown, so it always exceeds the single-admin limit. Needs the permission
        for money. Raises Invalid.
        """
        actor.require(Permission.MONEY)
        rules.check_rule(rule, self._currency)
        async with self._uow() as tx:
            return await self._add(tx, actor, rule)

    @retry_conflicts
    async def approve_rule(self, actor: Actor, value_id: ValueId) -> BonusRule | None:
        """Add a rule that another admin asked for; None if their approval no longer counts, so that this is the first.

        Raises NotFound when the rule no longer awaits approval, SecondAdminNeeded for the actor's own.
        """
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            first = await approvals.lock_first(tx, actor, value_id)
            if first.kind is not ValueKind.BONUS_RULE:
                raise NotFound(f"{value_id} is no bonus rule")
            if first.by == actor.id:
                raise SecondAdminNeeded(f"bonus rule {value_id}")
            return await self._add(tx, actor, _asked(first))

    async def awaiting_approval(self, actor: Actor) -> list[tuple[FirstApproval, NewBonusRule]]:
        """The rules that await a second admin, the oldest first. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return [(first, _asked(first)) for first in await approvals.list_first(tx, ValueKind.BONUS_RULE)]

    async def _add(self, tx: Tx, actor: Actor, rule: NewBonusRule) -> BonusRule | None:
        value = _value(rule)
        first = await approvals.find_first(tx, value.kind, value.subject)
        if await approvals.make(tx, actor, value, self._limit()) is not Approval.GIVEN:
            return None
        # The rule belongs to the admin who asked for it: they get no bonus from it.
        rule_id = await repository.add_rule(tx, rule, first.by if first else actor.id)
        details = {"minimum": rule.minimum.amount, "basis_points": rule.basis_points, "way": rule.method}
        details["fixed"] = rule.fixed.amount if rule.fixed else None
        await audit.record(tx, actor.user_id, "bonuses.add_rule", f"bonus_rule:{rule_id}", details)
        return await repository.get_rule(tx, rule_id)

    async def rules(self, actor: Actor) -> list[tuple[BonusRule, RuleFigures]]:
        """The rules and what each has given, those that were not stopped first. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            figures = await repository.list_figures(tx)
            nothing = RuleFigures(0, Money.zero(self._currency))
            return [(rule, figures.get(rule.id, nothing)) for rule in await repository.list_rules(tx)]

    @retry_conflicts
    async def stop_rule(self, actor: Actor, rule_id: BonusRuleId) -> None:
        """Stop a rule; bonuses that it gave stay. Needs the permission for money. Raises NotFound."""
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            if await repository.stop_rule(tx, rule_id):
                await audit.record(tx, actor.user_id, "bonuses.stop_rule", f"bonus_rule:{rule_id}")
                return
            await repository.get_rule(tx, rule_id)

    async def promised(self, actor: Actor, method: str, amount: Money) -> Money:
        """The bonus that the actor would get now for a top-up of ``amount`` by ``method``; zero for none."""
        async with self._uow.read() as tx:
            running = await self._running(tx, actor.id, tx.now)
            # A payment that starts now comes after all the others.
            first = bool(running) and await self._is_first(tx, actor.id, IntentId(tx.new_id()))
            best = rules.best(running, amount, method=method, at=tx.now, first=first)
        return best[1] if best else Money.zero(self._currency)

    @retry_conflicts
    async def credit(self, event: TopUpSucceeded, at: datetime) -> None:
        """Task: credit the bonus by the best rule at ``at`` for the whole payment, minus what was credited before.

        So a payment in parts gets the same bonus as one in full, and a task that runs twice credits once. A blocked
        person gets no bonus, also not later.
        """
        if event.order_id is not None:
            return
        async with self._uow() as tx:
            if await identity.is_blocked(tx, event.user_id):
                return
            await repository.lock_person(tx, event.user_id)
            intent = await payments.get_intent(tx, event.intent_id)
            before = await repository.find_bonus(tx, intent.id)
            gone = await payments.get_refunded_total(tx, intent.id)
            if before is not None and gone:
                return  # after a refund, ``reclaim`` decides what remains of the bonus
            first = await self._is_first(tx, event.user_id, intent.id)
            running = await self._running(tx, event.user_id, at)
            best = rules.best(running, intent.credited - gone, method=intent.method, at=at, first=first)
            nothing = Money.zero(intent.amount.currency)
            granted = before.granted if before else nothing
            if best is None or best[1] <= granted:
                return
            rule, due = best
            await wallet.transfer(
                tx,
                TransferKind.BONUS,
                f"bonus:{intent.id}:{granted.amount}",
                AccountRef.shop(BONUSES),
                AccountRef.user(event.user_id),
                due - granted,
                reference=str(intent.id),
                memo=Memo(method=intent.method),
            )
            failpoint("bonuses.moved")
            await repository.save_granted(tx, intent.id, event.user_id, rule, due)
            balance = await wallet.balance(tx, event.user_id, due.currency)
            tx.emit(
                BonusCredited(
                    intent_id=intent.id,
                    user_id=event.user_id,
                    amount=(due - granted).amount,
                    balance=balance.amount,
                    currency=due.currency,
                )
            )

    async def refund_ended(self, event: RefundEnded) -> None:
        """Task: reclaim the bonus of a refunded top-up."""
        if event.status is RefundStatus.SUCCEEDED:
            await self.reclaim(event.intent_id)

    @retry_conflicts
    async def reclaim(self, intent_id: IntentId) -> None:
        """Reduce a payment's bonus to what its rule gives for the part of the payment that was not refunded.

        A refund that has not finished is ignored: it may fail, and a reclaimed bonus would stay lost. The balance may
        not cover the difference; then the rest is forgiven, permanently.
        """
        async with self._uow() as tx:
            intent = await payments.get_intent(tx, intent_id)
            await repository.lock_person(tx, intent.user_id)
            intent = await payments.get_intent(tx, intent_id)
            bonus = await repository.find_bonus(tx, intent_id)
            if bonus is None:
                return
            rule = await repository.get_rule(tx, bonus.rule_id)
            claim = bonus.due - rules.bonus(rule, intent.credited - await payments.get_refunded_total(tx, intent_id))
            if claim.amount <= 0:
                return
            key = f"bonus:{intent_id}:back:{bonus.claimed.amount}"
            taken = await wallet.take_up_to(
                tx, TransferKind.BONUS, key, intent.user_id, AccountRef.shop(BONUSES), claim, str(intent_id)
            )
            await repository.save_claimed(tx, intent_id, bonus.claimed + claim, bonus.taken + taken)

    @staticmethod
    async def _running(tx: Tx, user_id: UserId, at: datetime) -> list[BonusRule]:
        """The rules that apply to this person: none that they added, unless they are the only admin."""
        others = await identity.is_another_admin(tx, Permission.MONEY, {user_id})
        return await repository.list_running(tx, at, but_by=user_id if others else None)

    @staticmethod
    async def _is_first(tx: Tx, user_id: UserId, intent_id: IntentId) -> bool:
        had = await repository.had_first(tx, user_id, intent_id)
        return not had and await payments.is_first_top_up(tx, user_id, intent_id)


def _value(rule: NewBonusRule) -> NewValue:
    encoded = msgspec.json.encode(
        msgspec.structs.replace(
            rule,
            starts_at=rule.starts_at.astimezone(UTC) if rule.starts_at else None,
            ends_at=rule.ends_at.astimezone(UTC) if rule.ends_at else None,
        )
    ).decode()
    return NewValue(
        kind=ValueKind.BONUS_RULE,
        subject=str(uuid5(_RULES, encoded)),
        amount=rules.single(rule),
        permission=Permission.MONEY,
        user_id=None,
        facts={"rule": encoded},
        open_ended=True,
    )


def _asked(first: FirstApproval) -> NewBonusRule:
    return msgspec.json.decode(first.facts["rule"], type=NewBonusRule)
