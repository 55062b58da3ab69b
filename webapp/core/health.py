"""Health checks: whether this process runs, and whether it can serve."""

from __future__ import annotations

from typing import Any

from litestar import HttpMethod, Request, route
from litestar.response import Response

from backend.infra.health import Health, check
from webapp.core.guards import PUBLIC
from webapp.core.site import site_of

_NO_STORE = {"cache-control": "no-store"}
_READS = [HttpMethod.GET, HttpMethod.HEAD]  # many watchers ask for the headers only


@route("/healthz", http_method=_READS, opt=PUBLIC, sync_to_thread=False)
def healthz() -> Response[dict[str, str]]:
    """200 while the process answers at all."""
    return Response({"status": "ok"}, headers=_NO_STORE)


@route("/readyz", http_method=_READS, opt=PUBLIC)
async def readyz(request: Request[Any, Any, Any]) -> Response[dict[str, object]]:
    """200 when the database responds and is migrated. Redis being down is reported, and the process stays ready."""
    services = site_of(request).services
    health: Health = await check(services.uow, services.redis)
    body: dict[str, object] = {
        "status": "ready" if health.ready else "not_ready",
        "database": health.database.value,
        "redis": health.redis.value,
        "migrations": health.migrations.value,
    }
    return Response(body, status_code=200 if health.ready else 503, headers=_NO_STORE)
