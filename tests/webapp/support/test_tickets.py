"""Tickets on the back office's pages."""

from __future__ import annotations

import re

import pytest

from backend.bootstrap import Services
from backend.identity.types import Permission
from backend.support.types import ChatPost
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, field

EMMA = 91


@pytest.fixture
async def emma(services: Services, visitor: MakeVisitor) -> Visitor:
    """A customer who has asked something."""
    buyer = visitor(EMMA, first_name="Emma", username="emma_c")
    await arrive(services, buyer)
    post = ChatPost(message_id=1, text="Does <b>this</b> work?")
    await services.support.chat.receive(EMMA, post)
    return buyer


async def the_ticket(root: Visitor) -> str:
    """The address of the only open ticket."""
    listed = await root.get("/admin/tickets")
    (path,) = set(re.findall(r'href="(/admin/tickets/[0-9a-f-]{36})"', listed.text))
    return path


async def test_a_ticket_is_answered_from_its_page(services: Services, root: Visitor, emma: Visitor) -> None:
    path = await the_ticket(root)
    page = await root.get(path)
    assert "Does &lt;b&gt;this&lt;/b&gt; work?" in page.text
    assert page.headers["cache-control"] == "no-store"
    intent = field(page, "intent")
    for _ in range(2):
        sent = await root.post(f"{path}/answer", data={"text": "It <i>does</i>.", "intent": intent})
        assert sent.status_code == 200
        assert sent.text.count("It &lt;i&gt;does&lt;/i&gt;.") == 1
        assert "Sending…" in sent.text
    assert "Emma" not in (await root.get("/admin/tickets")).text
    for view in ("waiting", "mine"):
        assert "Emma" in (await root.get(f"/admin/tickets?view={view}")).text


async def test_what_was_typed_stays_where_it_cannot_be_sent(root: Visitor, emma: Visitor) -> None:
    path = await the_ticket(root)
    intent = field(await root.get(path), "intent")
    empty = await root.post(f"{path}/answer", data={"text": "  ", "intent": intent})
    assert empty.status_code == 422
    assert "Write a message." in empty.text
    long = await root.post(f"{path}/answer", data={"text": "y" * 4097, "intent": intent})
    assert long.status_code == 422
    assert "y" * 4097 in long.text
    assert field(long, "intent") == intent


async def test_a_ticket_is_taken_handed_over_closed_and_reopened(
    root: Visitor, emma: Visitor, make_admin: MakeAdmin
) -> None:
    await make_admin(82, Permission.TICKETS)
    path = await the_ticket(root)
    assert "Nobody" in (await root.get("/admin/tickets")).text
    await root.post(f"{path}/take")
    assert "Yours" in (await root.get("/admin/tickets")).text
    sheet = await root.get(f"{path}/hand-over")
    (to,) = re.findall(r'name="to" value="([^"]+)"', sheet.text)
    nobody = await root.post(f"{path}/hand-over", data={})
    assert nobody.status_code == 422
    assert "Choose an admin." in nobody.text
    assert (await root.post(f"{path}/hand-over", data={"to": to})).status_code == 200
    assert "Yours" not in (await root.get("/admin/tickets")).text
    closed = await root.post(f"{path}/close")
    assert "Reopen" in closed.text
    assert path in (await root.get("/admin/tickets?view=closed")).text
    assert "Close ticket" in (await root.post(f"{path}/reopen")).text


async def test_only_who_may_see_orders_sees_tickets(root: Visitor, emma: Visitor, make_admin: MakeAdmin) -> None:
    path = await the_ticket(root)
    clerk = await make_admin(82, Permission.USERS, Permission.STOCK)
    for refused in (path, "/admin/tickets", "/admin/tickets/ready", f"{path}/hand-over"):
        assert (await clerk.get(refused)).status_code == 403
    for refused in (f"{path}/answer", f"{path}/take", f"{path}/close", f"{path}/reopen", f"{path}/hand-over"):
        assert (await clerk.post(refused)).status_code == 403
    helper = await make_admin(83, Permission.TICKETS)
    page = await helper.get(path)
    assert page.status_code == 200
    assert "/admin/people/" not in page.text


async def test_a_photo_is_shown_by_its_kind_and_sent_to_the_admins_chat(
    services: Services, root: Visitor, emma: Visitor
) -> None:
    await services.support.chat.receive(EMMA, ChatPost(message_id=2, kind="photo", text="see"))
    path = await the_ticket(root)
    page = await root.get(path)
    assert "Photo" in page.text
    (show,) = re.findall(r'hx-post="([^"]+/show)"', page.text)
    assert (await root.post(show)).status_code == 204
    other = show.replace(path.rsplit("/", 1)[1], "0199c0de-0000-7000-8000-000000000000")
    assert (await root.post(other)).status_code == 404


async def test_earlier_messages_come_on_request(services: Services, root: Visitor, emma: Visitor) -> None:
    for number in range(2, 31):
        await services.support.chat.receive(EMMA, ChatPost(message_id=number, text=f"line {number:02}"))
    path = await the_ticket(root)
    page = (await root.get(path)).text
    assert re.findall(r"line \d\d", page) == [f"line {number:02}" for number in range(11, 31)]
    (earlier,) = re.findall(r'hx-get="([^"]+before=[^"]+)"', page)
    before = (await root.get(earlier)).text
    assert re.findall(r"line \d\d", before) == [f"line {number:02}" for number in range(2, 11)]
    assert "<main" not in before
    live = await root.get(path, headers={"hx-target": "thread"})
    assert "<main" not in live.text
    assert "line 30" in live.text


async def test_ready_answers_are_written_used_and_kept_from_a_second_admin(
    services: Services, root: Visitor, emma: Visitor
) -> None:
    bad = await root.post("/admin/tickets/ready/new", data={"name": "", "text_en": ""})
    assert bad.status_code == 422
    assert "Enter a name." in bad.text
    text = "Hello {name}, this is {shop}. {odd} {"
    saved = await root.post("/admin/tickets/ready/new", data={"name": "Greeting", "text_en": text})
    assert "Missing: العربية, Русский" in saved.text
    (one,) = set(re.findall(r'href="(/admin/tickets/ready/[0-9a-f-]{36})"', saved.text))
    data = {"name": "Greeting", "text_en": "Hello {name}, this is {shop}.", "version": "1"}
    assert (await root.post(one, data=data)).status_code == 200
    late = await root.post(one, data=data | {"text_en": "Mine"})
    assert late.status_code == 409
    assert "Mine" in late.text
    path = await the_ticket(root)
    (use,) = re.findall(r'hx-get="([^"]+/ready/[^"]+)"', (await root.get(path)).text)
    filled = await root.get(use, params={"text": "One moment."})
    assert f"One moment.\n\nHello Emma, this is {services.settings.shop_name}." in filled.text
    assert (await root.ask("DELETE", one)).status_code == 200
    assert "No ready answers" in (await root.get("/admin/tickets/ready")).text


async def test_a_person_is_written_to_from_their_page(services: Services, root: Visitor, visitor: MakeVisitor) -> None:
    person = await arrive(services, visitor(93, first_name="Layla"))
    path = f"/admin/people/{person.id}/message"
    assert path in (await root.get(f"/admin/people/{person.id}")).text
    sheet = await root.get(path)
    intent = field(sheet, "intent")
    refused = await root.post(path, data={"text": " ", "intent": intent})
    assert refused.status_code == 422
    assert refused.headers["hx-retarget"] == "#sheet"
    preview = await root.post(path, data={"text": "Good <news>", "intent": intent})
    assert preview.headers["hx-retarget"] == "#sheet"
    assert "Good &lt;news&gt;" in preview.text
    assert "Layla" not in (await root.get("/admin/tickets?view=waiting")).text
    edit = await root.post(path, data={"text": "Good <news>", "intent": intent, "edit": "on"})
    assert "Good &lt;news&gt;</textarea>" in edit.text
    for _ in range(2):
        sent = await root.post(path, data={"text": "Good <news>", "intent": intent, "sure": "on"})
        assert sent.status_code == 200
        assert sent.headers["hx-retarget"] == "#app"
        assert sent.text.count("Good &lt;news&gt;") == 1
    assert "Layla" in (await root.get("/admin/tickets?view=waiting")).text


async def test_who_has_blocked_the_bot_cannot_be_written_to(
    services: Services, root: Visitor, visitor: MakeVisitor
) -> None:
    person = await arrive(services, visitor(93, first_name="Layla"))
    path = f"/admin/people/{person.id}/message"
    intent = field(await root.get(path), "intent")
    await services.identity.access.mark_bot_blocked(93, blocked=True)
    assert "They have blocked the bot" in (await root.get(path)).text
    refused = await root.post(path, data={"text": "Hi", "intent": intent, "sure": "on"})
    assert refused.status_code == 409
    assert refused.headers["x-error-code"] == "bot_blocked"


@pytest.mark.parametrize("query", ["view=odd", "cursor=odd", "cursor=" + "A" * 200])
async def test_odd_addresses_are_refused(root: Visitor, query: str) -> None:
    assert (await root.get(f"/admin/tickets?{query}")).status_code == 400
