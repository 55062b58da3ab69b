"""Admins by a link: made once, shown once, accepted by one person, within a day. See decisions/0140."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from backend.identity import repository, rules
from backend.identity.cache import PeopleCache
from backend.identity.domain.locking import lock_actor
from backend.identity.errors import InvitationClosed, RootProtected, SessionRevoked
from backend.identity.repository import Person, invitations
from backend.identity.types import Actor, Invitation, Permission
from backend.infra import audit
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Forbidden, Invalid, NotFound

_LIFETIME: Final = timedelta(hours=24)
_TOKEN: Final = re.compile("[A-Za-z0-9_-]{32}")


class InvitationsService:
    """Makes, lists, revokes and accepts invitations of admins."""

    def __init__(self, *, uow: UnitOfWork, cache: PeopleCache) -> None:
        self._uow = uow
        self._cache = cache

    @retry_conflicts
    async def invite(self, actor: Actor, permissions: Iterable[Permission]) -> str:
        """A token for one person who will hold ``permissions``; it is stored nowhere.

        Raises Forbidden for a permission that the actor does not hold, Invalid without any.
        """
        actor.require(Permission.ADMINS)
        chosen = frozenset(permissions)
        if not chosen:
            raise Invalid("no permission", fields={"permissions": "required"})
        token = secrets.token_urlsafe(24)
        async with self._uow() as tx:
            await lock_actor(tx, actor, Permission.ADMINS)
            if not chosen <= actor.permissions:
                raise Forbidden("gives a permission that the actor does not hold")
            until = tx.now + _LIFETIME
            invitation_id = await invitations.add(tx, _hash(token), chosen, actor.id, until)
            after = {"permissions": sorted(chosen), "expires_at": until.isoformat()}
            await audit.record(tx, actor.id, "admins.invite", f"invitation:{invitation_id}", after=after)
        return token

    async def list_open(self, actor: Actor) -> list[Invitation]:
        """The invitations that can still be accepted, the latest first. Raises Forbidden."""
        actor.require(Permission.ADMINS)
        async with self._uow.read() as tx:
            return await invitations.list_open(tx)

    @retry_conflicts
    async def revoke(self, actor: Actor, invitation_id: UUID) -> None:
        """Let nobody accept an invitation any more. Raises Forbidden, NotFound where it is closed already."""
        actor.require(Permission.ADMINS)
        async with self._uow() as tx:
            revoked = await invitations.revoke(tx, invitation_id)
            if revoked is None:
                raise NotFound("no such open invitation")
            facts = {"permissions": sorted(revoked.permissions)}
            await audit.record(tx, actor.user_id, "admins.revoke_invitation", f"invitation:{invitation_id}", facts)

    async def read(self, actor: Actor, token: str) -> tuple[Invitation, str]:
        """An invitation before it is accepted, and the name of its author. Raises InvitationClosed."""
        async with self._uow.read() as tx:
            invitation = await invitations.find_open(tx, _hash(token))
            if invitation is None:
                raise InvitationClosed("unknown, used, revoked or expired")
            author = await repository.find_person(tx, invitation.created_by)
            _check_author(author, invitation)
            names = await repository.user_names(tx, [invitation.created_by])
        return invitation, names.get(invitation.created_by, "")

    @retry_conflicts
    async def accept(self, actor: Actor, token: str) -> None:
        """Give the actor the invitation's permissions, beside those that they have.

        Of two people at once one gets them. Raises InvitationClosed, also where its author may no longer give them;
        RootProtected for the root admin, who needs none.
        """
        if actor.is_root:
            raise RootProtected("the root admin holds everything")
        async with self._uow() as tx:
            invitation = await invitations.find_open(tx, _hash(token), lock=True)
            if invitation is None:
                raise InvitationClosed("unknown, used, revoked or expired")
            people = await repository.lock_persons(tx, {actor.id, invitation.created_by})
            _check_author(people.get(invitation.created_by), invitation)
            person = people[actor.id]
            if person.role_version != actor.role_version:
                raise SessionRevoked("rights have changed since")
            before = rules.held(person.permissions, is_root=False)
            after = before | invitation.permissions
            await invitations.use(tx, invitation.id, actor.id)
            if after != before:
                await repository.set_fields(tx, actor.id, {"permissions": sorted(after)})
            await audit.record(
                tx,
                actor.id,
                "admins.accept_invitation",
                f"user:{actor.id}",
                {"invitation": str(invitation.id), "by": str(invitation.created_by)},
                before={"permissions": sorted(before)},
                after={"permissions": sorted(after)},
            )
        self._cache.forget(actor.id)


def _check_author(author: Person | None, invitation: Invitation) -> None:
    """What an admin gives by a link they must hold when it is accepted, as if they gave it then."""
    if author is not None and author.blacklist_reason is None:
        held = rules.held(author.permissions, is_root=author.is_root)
        if Permission.ADMINS in held and invitation.permissions <= held:
            return
    raise InvitationClosed("its author may no longer give these permissions")


def _hash(token: str) -> bytes:
    """What is stored of a token. Raises InvitationClosed for what is none."""
    if not _TOKEN.fullmatch(token):
        raise InvitationClosed("no token")
    return hashlib.sha256(token.encode()).digest()
