"""``POST /hooks/<method>``: one door for every payment provider.

The answer is for the provider's machine: 200 says that the message is safe here, whatever it changed; 4xx that it never
will be; 5xx that it may be sent again. A true call is never counted against a limit; refused ones are, by address.
"""

from __future__ import annotations

from typing import Any, Final

import structlog
from litestar import Request, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import Response

from backend.infra.health import database_lost
from backend.infra.metrics import WEBHOOKS
from backend.kernel.errors import AppError, RateLimited
from backend.payments.errors import BadWebhook
from backend.payments.types import Outcome
from webapp.core.guards import PUBLIC
from webapp.core.limits import WEBHOOK_REFUSED, address_of
from webapp.core.sampling import Sampler
from webapp.core.site import SoukRequest, site_of

MAX_BODY: Final = 256 * 1024
"""Bytes of a provider's call; theirs have a few thousand."""
RETRY_AFTER_SECONDS: Final = 30
_UNKNOWN: Final = "unknown"
log = structlog.get_logger(__name__)


@post("/hooks/{method:str}", opt=PUBLIC, status_code=200, request_max_body_size=MAX_BODY)
async def hook(request: Request[Any, Any, Any], method: FromPath[str]) -> Response[bytes]:
    """Take a provider's call."""
    payments = site_of(request).services.payments
    if not payments.methods.is_enabled(method):
        return _refuse(request, _UNKNOWN, 404, "not_found")
    try:
        # The signature is over the bytes as they came, hence no ``data``.
        outcomes = await payments.intents.receive(method, dict(request.headers), await request.body())
    except BadWebhook as error:
        return _refuse(request, method, 401, "refused", str(error))
    except HTTPException as error:  # too large, or broken off
        return _refuse(request, method, error.status_code, "unreadable")
    except Exception as error:  # whatever it was: nothing is stored, so the provider has to send it again
        return _fail(method, error)
    for outcome in outcomes or [Outcome.IGNORED]:
        WEBHOOKS.labels(method, outcome.value).inc()
    return _answer(200, b"ok")


# What strangers cause is told in samples: ten thousand forged calls are a handful of lines.
_sampler = Sampler()


def _refuse(request: SoukRequest, method: str, status: int, outcome: str, detail: str = "") -> Response[bytes]:
    WEBHOOKS.labels(method, outcome).inc()
    times = _sampler.count(f"{method}:{outcome}")
    if times is not None:
        log.warning("hooks.refused", method=method, reason=outcome, detail=detail[:200], times=times,
                    address=address_of(request.scope))  # fmt: skip
    try:
        site_of(request).services.limiter.hit_here(WEBHOOK_REFUSED, address_of(request.scope))
    except RateLimited as flood:
        return _answer(429, flood.code.encode(), {"retry-after": str(flood.retry_after)})
    return _answer(status, outcome.encode())


def _fail(method: str, error: Exception) -> Response[bytes]:
    WEBHOOKS.labels(method, "failed").inc()
    away = database_lost(error) or (isinstance(error, AppError) and error.retryable)
    times = _sampler.count(f"{method}:{'away' if away else 'failed'}")
    if times is not None:
        if away:
            log.warning("hooks.failed", method=method, error=type(error).__name__, times=times)
        else:
            log.error("hooks.failed", method=method, times=times, exc_info=error)
    return _answer(503 if away else 500, b"again", {"retry-after": str(RETRY_AFTER_SECONDS)})


def _answer(status: int, body: bytes, headers: dict[str, str] | None = None) -> Response[bytes]:
    return Response(
        body, status_code=status, media_type="text/plain", headers={"cache-control": "no-store", **(headers or {})}
    )
