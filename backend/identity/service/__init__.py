"""Use cases about people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from redis.asyncio import Redis

from backend.identity.cache import EndedSessions, PeopleCache
from backend.identity.service.access import AccessService
from backend.identity.service.admins import AdminsService
from backend.identity.service.invitations import InvitationsService
from backend.identity.service.notes import NotesService
from backend.identity.service.people import PeopleService
from backend.identity.service.profile import ProfileService
from backend.identity.service.refusals import RefusalsService
from backend.identity.service.roles import RolesService
from backend.identity.service.sellers import SellersService
from backend.identity.service.sessions import SessionsService
from backend.infra.crypto import KeyRing
from backend.infra.live_settings import Live
from backend.infra.rate_limit import RateLimiter
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.clock import Clock

__all__ = [
    "AccessService",
    "AdminsService",
    "IdentityServices",
    "InvitationsService",
    "NotesService",
    "PeopleService",
    "ProfileService",
    "RefusalsService",
    "RolesService",
    "SellersService",
    "SessionsService",
    "identity_services",
]


@dataclass(frozen=True, kw_only=True)
class IdentityServices:
    """The services of this slice, one for each concern."""

    access: AccessService
    """Turns a verified contact or a session into an actor."""
    profile: ProfileService
    """People choose their language and time zone."""
    people: PeopleService
    """Admins find, block and unblock people."""
    notes: NotesService
    """Admins note things about people."""
    admins: AdminsService
    """Admins give permissions to people and take them away."""
    invitations: InvitationsService
    """Admins by a link."""
    roles: RolesService
    """The shop's own roles."""
    sellers: SellersService
    """Trusted sellers."""
    sessions: SessionsService
    """The sessions that people have open."""
    refusals: RefusalsService
    """Records who tried what they may not do."""


def identity_services(
    *,
    uow: UnitOfWork,
    ring: KeyRing,
    signals: Signals,
    redis: Redis,
    limiter: RateLimiter,
    clock: Clock,
    premium_grace: Live[timedelta],
    root_admin_id: int,
    default_language: str = "en",
    default_timezone: str = "UTC",
) -> IdentityServices:
    """The services of this slice; they share one cache of people, so that a change by one reaches the others."""
    cache, ended = PeopleCache(signals), EndedSessions(uow, signals)
    return IdentityServices(
        access=AccessService(
            uow=uow,
            cache=cache,
            ended=ended,
            clock=clock,
            premium_grace=premium_grace,
            root_admin_id=root_admin_id,
            default_language=default_language,
            default_timezone=default_timezone,
        ),
        profile=ProfileService(uow=uow, cache=cache),
        people=PeopleService(uow=uow, cache=cache, default_timezone=default_timezone),
        notes=NotesService(uow=uow, ring=ring),
        admins=AdminsService(uow=uow, cache=cache, default_timezone=default_timezone),
        invitations=InvitationsService(uow=uow, cache=cache),
        roles=RolesService(uow=uow),
        sellers=SellersService(uow=uow),
        sessions=SessionsService(uow=uow, ended=ended),
        refusals=RefusalsService(uow=uow, redis=redis, limiter=limiter),
    )
