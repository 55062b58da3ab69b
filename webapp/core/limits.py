"""How often: named limits of the web process, and who is counted."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Scope

from backend.infra.rate_limit import Limit
from webapp.core.site import site_of

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits that the pipeline counts by itself; a bench or a test may pass others."""

    read: Limit = Limit("read", 1200, 60)
    """Any signed-in request, by person; counted in the process, not on Redis."""
    stranger: Limit = Limit("stranger", 3000, 60)
    """Requests without a session, except for static files, by address; counted in the process."""
    login: Limit = Limit("login", 3000, 60)
    """Logins with initData, by address: a carrier hides many people behind one."""
    login_person: Limit = Limit("login_person", 300, 60)
    """Logins with good initData, by person; a program may sign in again with each call."""
    login_failed: Limit = Limit("login_failed", 300, 60)
    """Logins with bad initData or a bad token, by address."""


WEBHOOK_REFUSED = Limit("webhook_refused", 600, 60)
"""Webhook calls that fail verification; by address, in the process."""
PURCHASE = Limit("purchase", 20, 60)
"""Orders, payments, top-ups; by person."""
WRITE = Limit("write", 120, 60)
"""Any other change; by person."""
SEARCH = Limit("search", 240, 60)
"""Searches as somebody types; by person, in the process."""
REVEAL = Limit("reveal", 60, 60)
"""Keys shown; by person."""


def address_of(scope: Scope) -> str:
    """Who calls, for counting: an IPv4 address, or the /64 network that an IPv6 line owns."""
    client = scope.get("client")
    host = client[0] if client else "local"
    if ":" not in host:
        return host
    try:
        return str(ipaddress.ip_network((host.partition("%")[0], 64), strict=False))
    except ValueError:
        return host


def limited(limit: Limit) -> Guard:
    """A guard that counts calls on Redis, by person, or by address where nobody is signed in. Raises RateLimited."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        actor = connection.scope.get("user")
        subject = str(actor.id) if actor is not None else address_of(connection.scope)
        await site_of(connection).services.limiter.hit(limit, subject)

    return guard


def count_search(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Count a search by person, on shared pages too, without a round trip. Raises RateLimited."""
    scope: Any = connection.scope
    site_of(connection).services.limiter.hit_here(SEARCH, scope.get("souk.person") or str(scope["user"].id))
