"""Who tried what they may not do: a row of the audit trail for a refusal, at most one a minute by person and route."""

from __future__ import annotations

from typing import Final

import structlog
from redis.asyncio import Redis
from sqlalchemy.exc import DBAPIError

from backend.identity.types import Permission
from backend.infra import audit
from backend.infra.rate_limit import Limit, RateLimiter
from backend.infra.redis import REDIS_DOWN
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import RateLimited, Unavailable
from backend.kernel.ids import UserId

ACTION: Final = "access.refused"
_WINDOW_SECONDS: Final = 60
_COUNT_SECONDS: Final = 24 * 3600
_A_DAY: Final = Limit("refused", 1000, 24 * 3600)
"""Rows by person: a program that walks through all routes must not fill the disk."""
_LONGEST_ROUTE: Final = 120
_FAILURES: Final[tuple[type[Exception], ...]] = (RateLimited, Unavailable, DBAPIError, *REDIS_DOWN)
log = structlog.get_logger(__name__)


class RefusalsService:
    """Records refusals. It never fails: what was refused stays refused, whether it is recorded or not."""

    def __init__(self, *, uow: UnitOfWork, redis: Redis, limiter: RateLimiter) -> None:
        self._uow = uow
        self._redis = redis
        self._limiter = limiter

    async def note(self, user_id: UserId, route: str, *, lacks: Permission | None = None, code: str = "") -> None:
        """Record that a person was refused at ``route`` (``GET /admin/orders``), since they lack a permission.

        ``code`` is the error's. Refusals within a minute of a recorded one are counted, and the next row says how many
        they were.
        """
        route = route[:_LONGEST_ROUTE]
        try:
            passed_over = await self._open(f"{user_id}:{route}")
            if passed_over is None:
                return
            await self._limiter.hit(_A_DAY, str(user_id))
            facts: dict[str, str | int] = {"code": code} if code else {}
            facts |= {"permission": lacks} if lacks else {}
            facts |= {"more": passed_over} if passed_over else {}
            async with self._uow() as tx:
                await audit.record(tx, user_id, ACTION, f"route:{route}", facts)
        except _FAILURES as error:
            log.warning("refusal.not_recorded", route=route, error=type(error).__name__)

    async def _open(self, key: str) -> int | None:
        """How many refusals were passed over since the last row; None while that row is younger than a minute."""
        opened = await self._redis.set(f"refused:{key}", 1, ex=_WINDOW_SECONDS, nx=True)
        counted = f"refused:more:{key}"
        if opened:
            return int(await self._redis.getdel(counted) or 0)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(counted)
            pipe.expire(counted, _COUNT_SECONDS)
            await pipe.execute()
        return None
