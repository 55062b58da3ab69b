"""The single-admin limit: other slices call this in the transaction in which an admin gives value to a person.

Decision: backend/decisions/0005-single-admin-limit.md.
"""

from __future__ import annotations

from backend.approvals import repository
from backend.approvals.errors import SecondAdminNeeded
from backend.approvals.types import WINDOW, Approval, ApprovalAsked, FirstApproval, NewValue, ValueId, ValueKind
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.money import Money


async def check_not_own(tx: Tx, actor: Actor, owner: UserId | None, permission: Permission, subject: str) -> None:
    """Raises SecondAdminNeeded when an admin acts on something of their own although another admin could do it.

    The shop's only admin may; the audit log records it.
    """
    if owner is None or owner != actor.user_id:
        return
    if await identity.is_another_admin(tx, permission, {owner}):
        raise SecondAdminNeeded(f"{subject} is their own")
    await audit.record(tx, owner, "approvals.own", subject)


async def make(tx: Tx, actor: Actor, value: NewValue, limit: Money) -> Approval:
    """Count value against the single-admin limit; the caller continues only when the approval is GIVEN.

    All value that an admin gave alone in the last 24 hours counts together, whatever its kind and receiver, under a
    lock. Above ``limit`` two admins must approve the same; if nobody else could approve, one is enough, and the audit
    log records it. The system has no limit. Raises SecondAdminNeeded for value for the admin themselves.
    """
    await check_not_own(tx, actor, value.user_id, value.permission, f"{value.kind}:{value.subject}")
    if actor.user_id is None or not (value.amount or value.open_ended):
        return Approval.GIVEN
    by, own = actor.user_id, value.user_id == actor.user_id
    await repository.lock(tx, value.kind, value.subject, by)
    first = await repository.find_waiting(tx, value.kind, value.subject)
    if await _completes(tx, by, first, value):
        return Approval.GIVEN
    alone = await repository.sum_alone(tx, by, limit.currency, tx.now - WINDOW)
    within = not value.open_ended and value.amount + alone <= limit
    lone = own or not (within or await identity.is_another_admin(tx, value.permission, {by, value.user_id or by}))
    if within or lone:
        await repository.add(tx, value, by, approved=True, lone=lone)
        if not within:
            await _record(tx, by, "approvals.lone", value)
        return Approval.GIVEN
    if not value.waits:
        return Approval.REFUSED
    if first is not None and first.by == by and _is_same(first, value):
        return Approval.WAITING
    await _ask(tx, by, value)
    return Approval.FIRST


async def may_need_second(
    tx: Tx, actor: Actor, permission: Permission, user_id: UserId | None, most: Money | None, limit: Money
) -> bool:
    """Whether up to ``most`` (None: any amount) for ``user_id`` may need a second admin."""
    if actor.user_id is None or not await identity.is_another_admin(
        tx, permission, {actor.user_id, user_id or actor.user_id}
    ):
        return False
    return most is None or most + await repository.sum_alone(tx, actor.user_id, limit.currency, tx.now - WINDOW) > limit


async def _completes(tx: Tx, by: UserId, first: FirstApproval | None, value: NewValue) -> bool:
    """Make this the second approval if another admin, who still holds the permission, approved the same first."""
    if first is None or first.by == by or not _is_same(first, value):
        return False
    if not await identity.holds(tx, first.by, value.permission):
        return False
    await repository.approve(tx, first.id, by)
    await _record(tx, by, "approvals.second", value)
    return True


async def _ask(tx: Tx, by: UserId, value: NewValue) -> None:
    value_id = await repository.add(tx, value, by, approved=False, lone=False)
    await _record(tx, by, "approvals.first", value)
    tx.emit(
        ApprovalAsked(
            value_id=value_id,
            kind=value.kind,
            subject=value.subject,
            user_id=value.user_id,
            asked_by=by,
            amount=value.amount.amount,
            currency=value.amount.currency,
            permission=value.permission,
        )
    )


async def find_first(tx: Tx, kind: ValueKind, subject: str) -> FirstApproval | None:
    """The first approval of a subject that awaits a second, or None."""
    return await repository.find_waiting(tx, kind, subject)


async def get_first(tx: Tx, value_id: ValueId) -> FirstApproval:
    """A first approval that awaits a second. Raises NotFound."""
    return await repository.get_waiting(tx, value_id)


async def lock_first(tx: Tx, actor: Actor, value_id: ValueId) -> FirstApproval:
    """A first approval that awaits a second, locked until the transaction ends. Raises NotFound."""
    first = await repository.get_waiting(tx, value_id)
    await repository.lock(tx, first.kind, first.subject, actor.id)
    return await repository.get_waiting(tx, value_id)


async def list_first(tx: Tx, kind: ValueKind) -> list[FirstApproval]:
    """The first approvals of a kind that await a second, the oldest first, at most 100."""
    return await repository.list_waiting(tx, kind=kind)


async def drop(tx: Tx, kind: ValueKind, subject: str) -> None:
    """Delete a first approval that awaits a second: it was refused, or is no longer needed."""
    await repository.drop(tx, kind, subject)


def _is_same(first: FirstApproval, value: NewValue) -> bool:
    return (first.amount, first.user_id, first.facts) == (value.amount, value.user_id, value.facts)


async def _record(tx: Tx, by: UserId, action: str, value: NewValue) -> None:
    details = {"amount": value.amount.amount, "currency": value.amount.currency, "kind": value.kind, **value.facts}
    if value.user_id is not None:
        details["user"] = str(value.user_id)
    await audit.record(tx, by, action, f"{value.kind}:{value.subject}", details, person=value.user_id)
