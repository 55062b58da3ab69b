"""A customer's own page of support: there is a way to the shop even where no contact is set and no chat was begun."""

from __future__ import annotations

import re

from backend.bootstrap import Services
from backend.support.types import ChatPost, TicketFilter
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, field


async def test_a_customer_writes_and_reads_the_answer(services: Services, root: Visitor, visitor: MakeVisitor) -> None:
    emma, other = visitor(91, first_name="Emma"), visitor(92)
    await arrive(services, emma)
    await arrive(services, other)
    assert 'href="/me/support"' in (await emma.get("/me")).text
    page = await emma.get("/me/support")
    assert "Ask us anything" in page.text
    data = {"text": "Where is <my> key?", "intent": field(page, "intent")}
    for _ in range(2):
        sent = await emma.post("/me/support", data=data)
        assert sent.status_code == 200
        assert sent.text.count("Where is &lt;my&gt; key?") == 1
    chief = await services.identity.access.actor_by_telegram_id(services.settings.root_admin_id)
    assert chief is not None
    (row,) = (await services.support.tickets.list_page(chief, TicketFilter.OPEN, None)).items
    await services.support.tickets.answer(chief, row.ticket.id, "In your order.", "answer-0001")
    await services.support.chat.receive(91, ChatPost(message_id=5, kind="photo"))
    mine = await emma.get("/me/support")
    assert re.findall(r'msg__text" dir="auto">([^<]+)', mine.text) == ["Where is &lt;my&gt; key?", "In your order."]
    assert "Photo" in mine.text
    assert "Ruth" not in mine.text
    part = await emma.get("/me/support", headers={"hx-target": "thread"})
    assert "<main" not in part.text
    assert "In your order." in part.text
    assert "In your order." not in (await other.get("/me/support")).text


async def test_what_was_typed_stays(services: Services, visitor: MakeVisitor) -> None:
    emma = visitor(91)
    await arrive(services, emma)
    intent = field(await emma.get("/me/support"), "intent")
    empty = await emma.post("/me/support", data={"text": " ", "intent": intent})
    assert empty.status_code == 422
    assert "Write a message." in empty.text
    long = await emma.post("/me/support", data={"text": "z" * 5000, "intent": intent})
    assert long.status_code == 422
    assert "z" * 5000 in long.text
