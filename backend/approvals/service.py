"""First approvals that await a second admin."""

from __future__ import annotations

from backend.approvals import domain, repository
from backend.approvals.types import FirstApproval, ValueId, ValueKind
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Forbidden, NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import Money


class ApprovalsService:
    """First approvals, for the admins who can give the second."""

    def __init__(self, *, uow: UnitOfWork, limit: Live[Money]) -> None:
        self._uow = uow
        self._limit = limit

    @property
    def limit(self) -> Money:
        """The single-admin limit, in the shop's currency."""
        return self._limit()

    async def waiting(self, actor: Actor) -> list[FirstApproval]:
        """The first approvals that need one of the actor's permissions, the oldest first, at most 100.

        Raises Forbidden unless the actor is an admin.
        """
        if not actor.is_admin:
            raise Forbidden("not an admin")
        async with self._uow.read() as tx:
            return await repository.list_waiting(tx, actor.permissions)

    async def first(self, actor: Actor, kind: ValueKind, subject: str) -> FirstApproval | None:
        """The first approval of a subject, or None. Raises Forbidden unless the actor is an admin."""
        if not actor.is_admin:
            raise Forbidden("not an admin")
        async with self._uow.read() as tx:
            return await domain.find_first(tx, kind, subject)

    async def limit_on(
        self, actor: Actor, permission: Permission, user_id: UserId | None, most: Money | None = None
    ) -> Money | None:
        """The single-admin limit for a form that gives up to ``most`` (None: any amount) to ``user_id`` (or anyone).

        None when no second admin can be needed: nobody else could approve, or all of it stays within the limit. Raises
        Forbidden without the permission.
        """
        actor.require(permission)
        async with self._uow.read() as tx:
            needed = await domain.may_need_second(tx, actor, permission, user_id, most, self.limit)
        return self.limit if needed else None

    @retry_conflicts
    async def withdraw(self, actor: Actor, value_id: ValueId) -> FirstApproval:
        """Withdraw a first approval: the actor's own, or another admin's.

        A balance adjustment has its own use case. Raises Forbidden, NotFound when it no longer awaits approval.
        """
        if not actor.is_admin:
            raise Forbidden("not an admin")
        async with self._uow() as tx:
            # An admin who gives the second approval now either finishes first or finds nothing to approve.
            first = await domain.lock_first(tx, actor, value_id)
            if first.kind is ValueKind.ADJUSTMENT:
                raise NotFound("an adjustment is refused, not withdrawn")
            actor.require(first.permission)
            await repository.drop(tx, first.kind, first.subject)
            details = {"amount": first.amount.amount, "currency": first.amount.currency, "by": str(first.by)}
            await audit.record(tx, actor.user_id, "approvals.withdraw", f"{first.kind}:{first.subject}", details)
            return first
