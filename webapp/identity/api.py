"""Who is asking, as JSON."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import get
from litestar.di import NamedDependency

from backend.identity.types import Actor, Permission
from webapp.core.refusals import refusals


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The signed-in person."""

    id: str
    first_name: str
    language: str
    timezone: str
    permissions: list[Permission]
    is_reseller: bool
    is_premium: bool
    """Whether they may buy what is for premium members, in the days of grace too."""
    premium_until: datetime | None
    """When their premium ends or ended; null for none, and for premium without an end."""


@get("/me", sync_to_thread=False, tags=["me"], responses=refusals())
def api_me(actor: NamedDependency[Actor]) -> Me:
    """The signed-in person."""
    return Me(
        id=str(actor.id),
        first_name=actor.first_name,
        language=actor.language,
        timezone=actor.timezone,
        permissions=sorted(actor.permissions),
        is_reseller=actor.is_reseller,
        is_premium=actor.is_premium,
        premium_until=actor.premium_until,
    )
