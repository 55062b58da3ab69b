"""Background work of the catalogue."""

from __future__ import annotations

from typing import Final

from backend.catalog.service import CatalogServices
from backend.catalog.types.batches import BatchSwitched
from backend.catalog.types.stock_changes import StockChangeStarted
from backend.catalog.types.stock_imports import StockImportSent, StockImportStarted
from backend.catalog.types.waiting import HoldUndelivered, StockArrived
from backend.infra.jobs import Cron, Handler, Job, Task

_SETTLE_EVERY_SECONDS = 300
_TIDY_EVERY_SECONDS = 3600
_PURGE_EVERY_SECONDS = 86_400
_EXPIRE_EVERY_SECONDS = 60
_POPULAR_EVERY_SECONDS = 3600
_INDEX_EVERY_SECONDS = 300
_WISHES_EVERY_SECONDS = 300
_REMIND_EVERY_SECONDS = 60
_SERVE_EVERY_SECONDS = 15
_FAVOURITES_EVERY_SECONDS = 60
_PUBLISH_EVERY_SECONDS = 15
_SWITCH_BATCH: Final = Handler("catalog.switch_batch", BatchSwitched)
_SERVE_LINE: Final = Handler("catalog.serve_line", StockArrived)
_PASS_ON: Final = Handler("catalog.pass_on", HoldUndelivered)
_CHECK_IMPORT: Final = Handler("catalog.check_import", StockImportSent)
_RUN_IMPORT: Final = Handler("catalog.run_import", StockImportStarted)
_CHANGE_STOCK: Final = Handler("catalog.change_stock", StockChangeStarted)
_IMPORT_SECONDS: Final = 600
HANDLERS: Final = (_SWITCH_BATCH, _SERVE_LINE, _PASS_ON, _CHECK_IMPORT, _RUN_IMPORT, _CHANGE_STOCK)
"""The events that the catalogue reacts to."""


def tasks(services: CatalogServices) -> list[Task]:
    """The tasks.

    Keys of a batch that was stopped, or is sold again, follow it. Stock that came is held for the first in line, and
    offered to the next where nobody could be told. Files of keys are checked and added one at a time in each process:
    they are work for the processor.
    """

    async def switch(event: BatchSwitched, _job: Job) -> None:
        await services.batches.move_keys(event.batch_id)

    async def serve(event: StockArrived, _job: Job) -> None:
        await services.waiting.serve_arrived(event)

    async def pass_on(event: HoldUndelivered, _job: Job) -> None:
        await services.waiting.pass_on(event)

    async def check(event: StockImportSent, _job: Job) -> None:
        await services.stock_imports.check(event.import_id)

    async def run(event: StockImportStarted, _job: Job) -> None:
        await services.stock_imports.add_keys(event.import_id)

    async def change(event: StockChangeStarted, _job: Job) -> None:
        await services.stock_changes.run(event.change_id)

    return [
        _SWITCH_BATCH.runs(switch),
        _SERVE_LINE.runs(serve),
        _PASS_ON.runs(pass_on),
        Task(_CHECK_IMPORT.task, StockImportSent, check, timeout=_IMPORT_SECONDS, at_once=1),
        Task(_RUN_IMPORT.task, StockImportStarted, run, timeout=_IMPORT_SECONDS, at_once=1),
        Task(_CHANGE_STOCK.task, StockChangeStarted, change, timeout=_IMPORT_SECONDS, at_once=1),
    ]


def crons(services: CatalogServices) -> list[Cron]:
    """The timers.

    Lines are served, and products shown whose time has come, every 15 seconds. Every 5 minutes stock marks are
    corrected, people told of what they searched for, and documents of the search that another version made are made
    again. The order "popular" follows every hour. Reminders of goods by hand, and what is told of products that people
    like, are due by the minute. The recycle bin is purged once a day.
    """

    async def serve() -> None:
        await services.waiting.serve_all()

    async def publish() -> None:
        await services.products.publish_due()

    async def tell_favourites() -> None:
        await services.favourites.tell_changed()

    async def expire() -> None:
        await services.stock.expire()

    async def settle() -> None:
        await services.stock.settle_stock()
        await services.batches.settle_stopped()

    async def popularity() -> None:
        await services.storefront.refresh_popularity()

    async def index() -> None:
        await services.searches.refresh_index()

    async def tell_wishers() -> None:
        await services.searches.tell_wishers()

    async def purge() -> None:
        await services.bin.purge()

    async def remind() -> None:
        await services.hand_work.remind()

    return [
        Cron("catalog.serve_lines", serve, seconds=_SERVE_EVERY_SECONDS),
        Cron("catalog.publish_due", publish, seconds=_PUBLISH_EVERY_SECONDS),
        Cron("catalog.tell_favourites", tell_favourites, seconds=_FAVOURITES_EVERY_SECONDS),
        Cron("catalog.expire_keys", expire, seconds=_EXPIRE_EVERY_SECONDS),
        Cron("catalog.tidy_imports", services.stock_imports.tidy, seconds=_TIDY_EVERY_SECONDS),
        Cron("catalog.purge_bin", purge, seconds=_PURGE_EVERY_SECONDS),
        Cron("catalog.settle_stock", settle, seconds=_SETTLE_EVERY_SECONDS),
        Cron("catalog.refresh_popularity", popularity, seconds=_POPULAR_EVERY_SECONDS),
        Cron("catalog.refresh_search", index, seconds=_INDEX_EVERY_SECONDS),
        Cron("catalog.tell_wishers", tell_wishers, seconds=_WISHES_EVERY_SECONDS),
        Cron("catalog.remind_hand_work", remind, seconds=_REMIND_EVERY_SECONDS),
    ]
