"""Background work of the catalogue."""

from __future__ import annotations

from typing import Final

from backend.catalog.service import CatalogServices
from backend.catalog.types.batches import BatchSwitched
from backend.catalog.types.waiting import HoldUndelivered, StockArrived
from backend.infra.jobs import Cron, Handler, Job, Task

_SETTLE_EVERY_SECONDS = 300
_POPULAR_EVERY_SECONDS = 3600
_INDEX_EVERY_SECONDS = 300
_WISHES_EVERY_SECONDS = 300
_REMIND_EVERY_SECONDS = 60
_SERVE_EVERY_SECONDS = 15
_FAVOURITES_EVERY_SECONDS = 60
_SWITCH_BATCH: Final = Handler("catalog.switch_batch", BatchSwitched)
_SERVE_LINE: Final = Handler("catalog.serve_line", StockArrived)
_PASS_ON: Final = Handler("catalog.pass_on", HoldUndelivered)
HANDLERS: Final = (_SWITCH_BATCH, _SERVE_LINE, _PASS_ON)
"""The events that the catalogue reacts to."""


def tasks(services: CatalogServices) -> list[Task]:
    """The tasks.

    Keys of a batch that was stopped, or is sold again, follow it. Stock that came is held for the first in line, and
    offered to the next where nobody could be told.
    """

    async def switch(event: BatchSwitched, _job: Job) -> None:
        await services.batches.move_keys(event.batch_id)

    async def serve(event: StockArrived, _job: Job) -> None:
        await services.waiting.serve_arrived(event)

    async def pass_on(event: HoldUndelivered, _job: Job) -> None:
        await services.waiting.pass_on(event)

    return [_SWITCH_BATCH.runs(switch), _SERVE_LINE.runs(serve), _PASS_ON.runs(pass_on)]


def crons(services: CatalogServices) -> list[Cron]:
    """The timers.

    Lines are served every 15 seconds. Every 5 minutes stock marks are corrected, people told of what they searched for,
    and documents of the search that another version made are made again. The order "popular" follows every hour.
    Reminders of goods by hand, and what is told of products that people like, are due by the minute.
    """

    async def serve() -> None:
        await services.waiting.serve_all()

    async def tell_favourites() -> None:
        await services.favourites.tell_changed()

    async def settle() -> None:
        await services.stock.settle_stock()
        await services.batches.settle_stopped()

    async def popularity() -> None:
        await services.storefront.refresh_popularity()

    async def index() -> None:
        await services.searches.refresh_index()

    async def tell_wishers() -> None:
        await services.searches.tell_wishers()

    async def remind() -> None:
        await services.hand_work.remind()

    return [
        Cron("catalog.serve_lines", serve, seconds=_SERVE_EVERY_SECONDS),
        Cron("catalog.tell_favourites", tell_favourites, seconds=_FAVOURITES_EVERY_SECONDS),
        Cron("catalog.settle_stock", settle, seconds=_SETTLE_EVERY_SECONDS),
        Cron("catalog.refresh_popularity", popularity, seconds=_POPULAR_EVERY_SECONDS),
        Cron("catalog.refresh_search", index, seconds=_INDEX_EVERY_SECONDS),
        Cron("catalog.tell_wishers", tell_wishers, seconds=_WISHES_EVERY_SECONDS),
        Cron("catalog.remind_hand_work", remind, seconds=_REMIND_EVERY_SECONDS),
    ]
