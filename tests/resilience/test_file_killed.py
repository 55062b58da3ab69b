"""The worker killed with -9 while it writes a buyer's name on a file: there is one copy, sent once. About 15 s each."""

from __future__ import annotations

import signal

import pytest

from backend.catalog.types import StockKind
from tests.factories.catalog import add_file
from tests.factories.documents import pdf, texts_of
from tests.resilience.ground import Ground
from tests.resilience.processes import Fuse, until

_COPIES = "SELECT count(*) FROM file_copies"
_SENT = "SELECT count(*) FROM notifications WHERE kind = 'order_file' AND status = 'sent'"


@pytest.mark.parametrize(
    ("place", "copies"), [("files.stamped", 0), ("files.copy_stored", 0), ("files.copied", 1)]
)  # fmt: skip
async def test_a_worker_that_dies_makes_one_copy_and_sends_it_once(
    ground: Ground, fuse: Fuse, place: str, copies: int
) -> None:
    """It dies with the copy in memory, with its bytes stored and no row, or with the copy and nobody told."""
    variant_id = await add_file(ground.services.catalog, "guide", data=pdf(2), price="1.00")
    buyer = await ground.buyer(100)
    orders = ground.services.orders
    sold = await orders.checkout.place(buyer.actor, variant_id, 1, "tap-0000001")
    assert [line.kind for line in sold.lines] == [StockKind.FILE]
    fuse.lay(place)
    ground.worker.start()
    assert await ground.worker.ended() == -signal.SIGKILL
    await fuse.blown(place)
    assert (await ground.count(_COPIES), await ground.count(_SENT)) == (copies, 0)
    await ground.long_afterwards()
    ground.worker.start()

    async def sent() -> bool:
        return await ground.count(_SENT) == 1

    await until(sent)
    await ground.all_done()
    assert await ground.count(_COPIES) == 1
    assert await ground.count("SELECT count(*) FROM notifications WHERE kind = 'order_file'") == 1
    file = await orders.delivery.download(buyer.actor, sold.number, 1)
    pages = texts_of(file.data)
    assert len(pages) == 2 and all(sold.number in page for page in pages)
    (line,) = await ground.rows("SELECT downloads FROM file_lines")
    assert line["downloads"] == 1
