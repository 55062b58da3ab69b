"""The SQL of top-up bonuses and their rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from backend.growth.models import BonusRule as Rule
from backend.growth.models import TopUpBonus
from backend.growth.types import Bonus, BonusRule, BonusRuleId, NewBonusRule, RuleFigures
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.payments.types import IntentId

_R = Rule.__table__.c
_B = TopUpBonus.__table__.c
_LISTED = 100
_LOCK_PERSON = text("SELECT pg_advisory_xact_lock(hashtextextended('bonuses:' || CAST(:user_id AS text), 0))")


def _money(amount: int | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount, currency)


def _rule(row: Any) -> BonusRule:
    return BonusRule(
        id=BonusRuleId(row.id),
        minimum=Money(row.minimum, row.currency),
        basis_points=row.basis_points,
        fixed=_money(row.fixed, row.currency),
        maximum=_money(row.maximum, row.currency),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        first_only=row.first_only,
        method=row.method,
        stopped_at=row.stopped_at,
        created_at=row.created_at,
    )


async def lock_person(tx: Tx, user_id: UserId) -> None:
    """Lock this person's bonuses until the transaction ends."""
    await tx.execute(_LOCK_PERSON, {"user_id": str(user_id)})


async def add_rule(tx: Tx, rule: NewBonusRule, created_by: UserId) -> BonusRuleId:
    """Add a rule; its id."""
    rule_id = BonusRuleId(tx.new_id())
    await tx.execute(
        insert(Rule).values(
            id=rule_id,
            currency=rule.minimum.currency,
            minimum=rule.minimum.amount,
            basis_points=rule.basis_points,
            fixed=rule.fixed.amount if rule.fixed else None,
            maximum=rule.maximum.amount if rule.maximum else None,
            starts_at=rule.starts_at,
            ends_at=rule.ends_at,
            first_only=rule.first_only,
            method=rule.method,
            created_by=created_by,
            created_at=tx.now,
        )
    )
    return rule_id


async def get_rule(tx: Tx, rule_id: BonusRuleId) -> BonusRule:
    """One rule. Raises NotFound."""
    row = (await tx.execute(select(*_R).where(_R.id == rule_id))).one_or_none()
    if row is None:
        raise NotFound(f"rule {rule_id}")
    return _rule(row)


async def list_rules(tx: Tx) -> list[BonusRule]:
    """The latest rules, those that were not stopped first; at most 100."""
    statement = select(*_R).order_by(_R.stopped_at.is_not(None), _R.id.desc()).limit(_LISTED)
    return [_rule(row) for row in await tx.execute(statement)]


async def list_running(tx: Tx, at: datetime, but_by: UserId | None = None) -> list[BonusRule]:
    """The rules that were not stopped before ``at``, except those that ``but_by`` added."""
    statement = select(*_R).where(or_(_R.stopped_at.is_(None), _R.stopped_at > at))
    if but_by is not None:
        statement = statement.where(_R.created_by != but_by)
    return [_rule(row) for row in await tx.execute(statement)]


async def stop_rule(tx: Tx, rule_id: BonusRuleId) -> bool:
    """Stop a rule; False when it was stopped before or does not exist."""
    stopped = update(Rule).where(_R.id == rule_id, _R.stopped_at.is_(None)).values(stopped_at=tx.now)
    return (await tx.execute(stopped.returning(_R.id))).one_or_none() is not None


async def list_figures(tx: Tx) -> dict[BonusRuleId, RuleFigures]:
    """What each rule has given so far; rules that gave nothing are missing."""
    net = func.sum(_B.granted - _B.taken).label("net")
    rows = await tx.execute(
        select(_B.rule_id, _B.currency, func.count().label("payments"), net).group_by(_B.rule_id, _B.currency)
    )
    return {BonusRuleId(row.rule_id): RuleFigures(row.payments, Money(int(row.net), row.currency)) for row in rows}


async def find_bonus(tx: Tx, intent_id: IntentId) -> Bonus | None:
    """The bonus of a payment, or None."""
    row = (await tx.execute(select(*_B).where(_B.intent_id == intent_id))).one_or_none()
    if row is None:
        return None
    return Bonus(
        intent_id=IntentId(row.intent_id),
        user_id=UserId(row.user_id),
        rule_id=BonusRuleId(row.rule_id),
        granted=Money(row.granted, row.currency),
        claimed=Money(row.claimed, row.currency),
        taken=Money(row.taken, row.currency),
    )


async def had_first(tx: Tx, user_id: UserId, but: IntentId) -> bool:
    """Whether a payment of this person other than ``but`` got a bonus for the first top-up."""
    statement = select(_B.intent_id).where(_B.user_id == user_id, _B.first_only, _B.intent_id != but)
    return (await tx.execute(statement.limit(1))).one_or_none() is not None


async def save_granted(tx: Tx, intent_id: IntentId, user_id: UserId, rule: BonusRule, granted: Money) -> None:
    """Save the total bonus of a payment, and the rule that gave it."""
    values = {
        "rule_id": rule.id,
        "first_only": rule.first_only,
        "granted": granted.amount,
        "updated_at": tx.now,
    }
    key = {"intent_id": intent_id, "user_id": user_id, "currency": granted.currency}
    upsert = insert(TopUpBonus).values(**key, **values)
    await tx.execute(upsert.on_conflict_do_update(index_elements=["intent_id"], set_=values))


async def save_claimed(tx: Tx, intent_id: IntentId, claimed: Money, taken: Money) -> None:
    """Save how much of a bonus was reclaimed in total, and how much of that the balance covered."""
    statement = update(TopUpBonus).where(_B.intent_id == intent_id)
    await tx.execute(statement.values(claimed=claimed.amount, taken=taken.amount, updated_at=tx.now))
