"""Who is asking, as JSON."""

from __future__ import annotations

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
    )
