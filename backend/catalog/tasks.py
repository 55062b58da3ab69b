"""Background work of the catalogue."""

from __future__ import annotations

from backend.catalog.service import CatalogServices
from backend.infra.jobs import Cron

_SETTLE_EVERY_SECONDS = 300
_POPULAR_EVERY_SECONDS = 3600


def crons(services: CatalogServices) -> list[Cron]:
    """Timers: stock marks are corrected every 5 minutes; the order "popular" follows the sales every hour."""

    async def settle() -> None:
        await services.stock.settle_stock()

    async def popularity() -> None:
        await services.storefront.refresh_popularity()

    return [
        Cron("catalog.settle_stock", settle, seconds=_SETTLE_EVERY_SECONDS),
        Cron("catalog.refresh_popularity", popularity, seconds=_POPULAR_EVERY_SECONDS),
    ]
