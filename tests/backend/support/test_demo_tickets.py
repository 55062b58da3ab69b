"""The demo's tickets: one waits for an answer, one was answered; loading them again changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.bootstrap import Services
from backend.demo.load import load_demo_shop
from backend.demo.tickets import load_demo_tickets
from backend.demo.work import load_demo_work
from backend.support.types import TicketFilter


@pytest.mark.long(why="loads the whole demo shop")
async def test_one_ticket_is_open_and_one_is_answered(services: Services, tmp_path: Path) -> None:
    await load_demo_shop(services.catalog.imports, services.storage)
    root = await services.identity.access.actor_by_telegram_id(services.settings.root_admin_id)
    assert root is not None
    for _ in range(2):
        await load_demo_work(services, root)
        await load_demo_tickets(services, root)
    tickets = services.support.tickets
    (open_row,) = (await tickets.list_page(root, TicketFilter.OPEN, None)).items
    (answered,) = (await tickets.list_page(root, TicketFilter.WAITING, None)).items
    assert "two devices" in open_row.text
    thread = await tickets.get(root, answered.ticket.id)
    assert len(thread.messages) == 2
    assert thread.order_number
    (ready,) = await services.support.ready.list_all(root)
    assert thread.order_number in await services.support.ready.fill_in(root, ready.id, thread.ticket.id)
