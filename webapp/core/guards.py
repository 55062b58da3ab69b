"""Who may come in: everybody signs in unless a handler says ``opt=PUBLIC``; rooms of the back office ask for more."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from backend.identity.types import Actor, Permission
from backend.kernel.errors import Forbidden
from webapp.core.limits import Guard
from webapp.core.session import SignedAddress, Unauthenticated
from webapp.core.site import site_of

PUBLIC: Final[dict[str, Any]] = {"public": True}
"""``opt`` of a handler that strangers may call: health, webhooks, and what checks a signed address itself."""
SHARED: Final[dict[str, Any]] = {"shared": True}
"""``opt`` of a GET whose page is the same for everybody of one language and standing.

Its handler sees a passerby for actor, so that nothing personal can get into the page, and its answer is kept for 5 s.
"""


def passerby(actor: Actor, timezone: str) -> Actor:
    """What a shared page may know of its reader: language, prices, premium; no name, id, permissions or timezone."""
    return Actor(
        user_id=None,
        telegram_id=0,
        first_name="",
        language=actor.language,
        timezone=timezone,
        is_reseller=actor.is_reseller,
        is_premium=actor.is_premium,
    )


async def signed_in(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of the whole app. Raises Unauthenticated without a session."""
    if connection.scope.get("user") is None and not handler.opt.get("public"):
        raise Unauthenticated("no credentials")


def requires(permission: Permission) -> Guard:
    """A guard for a room of the back office. Raises Forbidden."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        actor: Actor | None = connection.scope.get("user")
        if actor is None:
            raise Unauthenticated("no credentials")
        if not actor.may(permission):
            scope: Any = connection.scope
            scope["souk.lacks"] = permission  # for the audit trail
            actor.require(permission)

    guard.asks_for = permission  # type: ignore[attr-defined]  # what the test of all routes reads
    return guard


async def admins_only(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard for what any admin may see. Raises Unauthenticated, Forbidden."""
    actor: Actor | None = connection.scope.get("user")
    if actor is None:
        raise Unauthenticated("no credentials")
    if not actor.is_admin:
        raise Forbidden("not an admin")


admins_only.asks_for = None  # type: ignore[attr-defined]


async def signed_address(connection: ASGIConnection[Any, Any, Any, Any]) -> SignedAddress:
    """For whom this address was signed. Raises LinkExpired."""
    scope = connection.scope
    return site_of(connection).addresses.verify(scope["path"], scope["query_string"].decode("latin-1"))


async def actor_of_address(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor:
    """The person for whom this address was signed, if they are still allowed in.

    For handlers with ``opt=PUBLIC`` that a browser calls without headers: downloads, server-sent events. Raises
    LinkExpired, SessionRevoked, Blocked.
    """
    address = await signed_address(connection)
    if address.user_id is None:
        raise Unauthenticated("not signed for a person")
    scope: Any = connection.scope
    scope["souk.signer"] = address.user_id  # for the audit trail, where they are refused
    return await site_of(connection).services.identity.access.actor_by_id(
        address.user_id, address.role_version, address.session_id
    )
