"""Background work of the catalogue."""

from __future__ import annotations

from backend.catalog.service import CatalogService
from backend.infra.jobs import Cron, Task

_SETTLE_EVERY_SECONDS = 300
_POPULAR_EVERY_SECONDS = 3600


def tasks(_service: CatalogService) -> list[Task]:
    """The jobs that the catalogue handles: none of its own."""
    return []


def crons(service: CatalogService) -> list[Cron]:
    """What a rush left behind is put right every 5 minutes; the order "popular" follows the sales every hour."""

    async def settle() -> None:
        await service.settle_stock()

    async def popularity() -> None:
        await service.refresh_popularity()

    return [
        Cron("catalog.settle_stock", settle, seconds=_SETTLE_EVERY_SECONDS),
        Cron("catalog.refresh_popularity", popularity, seconds=_POPULAR_EVERY_SECONDS),
    ]
