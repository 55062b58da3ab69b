"""Admins and their permissions."""

from __future__ import annotations

from collections.abc import Iterable

from backend.identity import repository, rules
from backend.identity.cache import PeopleCache
from backend.identity.domain.locking import lock_subordinate
from backend.identity.types import Actor, Permission, UserDetail
from backend.infra import audit
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Forbidden
from backend.kernel.ids import UserId


class AdminsService:
    """Lists admins and changes what they may do; for admins with the permission for admins."""

    def __init__(self, *, uow: UnitOfWork, cache: PeopleCache, default_timezone: str) -> None:
        self._uow = uow
        self._cache = cache
        self._default_timezone = default_timezone

    async def list_admins(self, actor: Actor) -> list[UserDetail]:
        """Every admin, the root admin first. Raises Forbidden."""
        actor.require(Permission.ADMINS)
        async with self._uow.read() as tx:
            return await repository.list_admin_details(tx, self._default_timezone)

    @retry_conflicts
    async def set_permissions(self, actor: Actor, user_id: UserId, permissions: Iterable[Permission]) -> None:
        """Give a person exactly ``permissions``; an admin gives and takes only permissions that they hold themselves.

        Raises Forbidden, RootProtected, NotYourself, NotFound.
        """
        after = frozenset(permissions)
        async with self._uow() as tx:
            person = await lock_subordinate(tx, actor, user_id, Permission.ADMINS)
            before = rules.held(person.permissions, is_root=False)
            if not (after ^ before) <= actor.permissions:
                raise Forbidden("gives or takes a permission that the actor does not hold")
            if after != before:
                await repository.set_fields(tx, user_id, {"permissions": sorted(after)})
                await audit.record(
                    tx,
                    actor.user_id,
                    "admins.set_permissions",
                    f"user:{user_id}",
                    before={"permissions": sorted(before)},
                    after={"permissions": sorted(after)},
                )
        self._cache.forget(user_id)
