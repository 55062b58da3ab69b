"""The demo's orders by hand: one waits, one is delivered, and a second start changes nothing."""

from __future__ import annotations

from pathlib import Path

from backend.bootstrap import Services
from backend.demo.load import load_demo_shop
from backend.demo.work import load_demo_work
from backend.infra.storage import Storage


async def test_one_order_waits_and_one_is_delivered(services: Services, tmp_path: Path) -> None:
    root = await services.identity.access.actor_by_telegram_id(services.settings.root_admin_id)
    assert root is not None
    await load_demo_shop(services.catalog.imports, Storage(tmp_path))
    for _ in range(2):
        await load_demo_work(services, root)
    (waiting,) = await services.catalog.hand_work.list_open(root)
    owners = await services.orders.history.owners_of(root, [waiting.line_id])
    orders = (await services.orders.history.list_all(root, None, None)).items
    assert len(orders) == 2
    delivered = next(order for order in orders if order.number != owners[waiting.line_id].number)
    ended = await services.catalog.hand_work.get(root, delivered.line.id)
    assert ended.file_name == "Noah's logo.svg"
    assert (await services.wallet.ledger.verify(root)).balanced
