"""Background work of orders."""

from __future__ import annotations

from backend.infra.jobs import Cron, Task
from backend.orders.service import OrdersService

_EXPIRE_EVERY_SECONDS = 15


def tasks(_service: OrdersService) -> list[Task]:
    """The jobs that orders handle: none of their own."""
    return []


def crons(service: OrdersService) -> list[Cron]:
    """Orders whose time to be paid is over are ended every quarter of a minute."""

    async def expire() -> None:
        await service.expire_lapsed()

    return [Cron("orders.expire_lapsed", expire, seconds=_EXPIRE_EVERY_SECONDS)]
