"""A person's page: their timeline, its filters, notes and blocks with an end."""

from __future__ import annotations

import re

import pytest

from backend.bootstrap import Services
from backend.identity.types import Permission
from tests.fakes.clock import FakeClock
from tests.webapp.back_office import MakeAdmin, make_admin, root
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, goods, links, number_of

__all__ = ["make_admin", "root"]

_NASTY = '<script>alert(1)</script> & "quotes" <img src=x onerror=alert(2)>'
_NAMES = ["\u202eevil\u202c", "\U0001f469\u200d\U0001f467" * 20, "a" + "\u0301" * 1000, "مُحمّد <b>"]


async def test_the_timeline_has_what_happened_and_opens_it(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    thing, buyer = await goods(services), visitor(91, first_name="Omar")
    actor = await arrive(services, buyer, cents=100_000)
    number = number_of(await buy(buyer, thing))
    page = await root.get(f"/admin/people/{actor.id}")
    assert f'href="/admin/orders/{number}"' in page.text
    assert "First visit" in page.text
    only = await root.get(f"/admin/people/{actor.id}?kinds=visit", headers={"HX-Target": "timeline"})
    assert only.text.lstrip().startswith('<div class="form" id="timeline"')
    assert "First visit" in only.text
    assert number not in only.text
    both = links(only, f"/admin/people/{actor.id}?kinds=visit%2Corder")
    assert number in (await root.get(both[0])).text
    nothing = await root.get(f"/admin/people/{actor.id}?kinds=certificate", headers={"HX-Target": "timeline"})
    assert "Nothing of this kind yet." in nothing.text


async def test_a_long_timeline_ends_after_its_last_page(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    actor = await arrive(services, visitor(91))
    chief = await arrive(services, root)
    for number in range(33):
        await services.identity.notes.add(chief, actor.id, f"note-{number}.", f"key-of-{number:04}")
    page = await root.get(f"/admin/people/{actor.id}")
    (more,) = links(page, f"/admin/people/{actor.id}?cursor=")
    rest = await root.get(more, headers={"HX-Target": ""})
    said = re.findall(r"note-(\d+)\.", page.text) + re.findall(r"note-(\d+)\.", rest.text)
    assert said == [str(number) for number in reversed(range(33))]
    assert "First visit" in rest.text
    assert "chip" not in rest.text
    assert not links(rest, f"/admin/people/{actor.id}?cursor=")


async def test_no_money_without_the_permission(services: Services, visitor: MakeVisitor, make_admin: MakeAdmin) -> None:
    thing, buyer = await goods(services), visitor(91, first_name="Omar")
    actor = await arrive(services, buyer, cents=100_000)
    number = number_of(await buy(buyer, thing))
    helper = await make_admin(81, Permission.USERS)
    page = await helper.get(f"/admin/people/{actor.id}?kinds=order,payment,transfer,refund")
    assert page.status_code == 200
    assert number not in page.text
    assert "Purchase" not in page.text
    assert ">Wallet<" not in page.text


async def test_notes_are_written_changed_and_deleted_by_their_author(
    services: Services, visitor: MakeVisitor, root: Visitor, make_admin: MakeAdmin
) -> None:
    actor = await arrive(services, visitor(91))
    path = f"/admin/people/{actor.id}"
    sheet = await root.get(f"{path}/notes")
    intent = re.search(r'name="intent" value="([^"]+)"', sheet.text)
    assert intent is not None
    empty = await root.post(f"{path}/notes", data={"text": " ", "intent": intent.group(1)})
    assert (empty.status_code, empty.headers["hx-retarget"]) == (422, "#sheet")
    for _ in range(2):
        saved = await root.post(f"{path}/notes", data={"text": _NASTY, "intent": intent.group(1)})
    assert saved.text.count("&lt;script&gt;alert(1)") == 1
    assert "<script>alert" not in saved.text
    assert "<img src=x" not in saved.text
    (edit,) = links(saved, "/admin/people/notes/")
    helper = await make_admin(81, Permission.USERS)
    assert "&lt;script&gt;" in (await helper.get(path)).text
    assert links(await helper.get(path), "/admin/people/notes/") == []
    for answer in (
        await helper.get(edit),
        await helper.post(edit, data={"text": "x"}),
        await helper.post(f"{edit}/delete"),
    ):
        assert answer.status_code == 403
    long = await root.post(edit, data={"text": "x" * 2001})
    assert long.status_code == 422
    assert "x" * 2001 in long.text
    changed = await root.post(edit, data={"text": "likes silver"})
    assert "likes silver" in changed.text
    assert "edited" in changed.text
    gone = await root.post(f"{edit}/delete")
    assert "likes silver" not in gone.text
    assert (await root.get(edit)).status_code == 404


async def test_a_block_with_an_end_closes_the_open_page_and_opens_again(
    services: Services, visitor: MakeVisitor, root: Visitor, clock: FakeClock
) -> None:
    buyer = visitor(91, first_name="Omar")
    actor = await arrive(services, buyer)
    path, today = f"/admin/people/{actor.id}", clock.now().date()
    late = await root.post(f"{path}/block", data={"reason": "spam", "until": "2020-01-01"})
    assert late.status_code == 422
    assert 'value="spam"' in late.text
    assert "Choose a day" in late.text
    blocked = await root.post(f"{path}/block", data={"reason": "spam", "until": today.isoformat()})
    assert blocked.status_code == 200
    assert "Blocked until" in blocked.text
    assert (await buyer.get("/shop")).status_code == 401
    clock.move(days=1)
    page = await root.get(path)
    assert "Blocked until" not in page.text
    again = visitor(91)
    assert (await again.get("/shop")).status_code == 200


@pytest.mark.parametrize("name", _NAMES)
async def test_any_name_has_its_page(services: Services, visitor: MakeVisitor, root: Visitor, name: str) -> None:
    actor = await arrive(services, visitor(91, first_name=name))
    page = await root.get(f"/admin/people/{actor.id}")
    assert page.status_code == 200
    assert "<b>" not in page.text
    assert (await root.get("/admin/people")).status_code == 200


async def test_a_right_that_ends_while_the_page_is_open(
    services: Services, visitor: MakeVisitor, root: Visitor, make_admin: MakeAdmin
) -> None:
    actor = await arrive(services, visitor(91))
    helper = await make_admin(81, Permission.USERS)
    assert (await helper.get(f"/admin/people/{actor.id}")).status_code == 200
    chief = await arrive(services, root)
    fellow = await services.identity.access.actor_by_telegram_id(81)
    assert fellow is not None
    await services.identity.admins.set_permissions(chief, fellow.id, [])
    answer = await helper.post(f"/admin/people/{actor.id}/notes", data={"text": "late"})
    assert answer.status_code in {401, 403}
    page = await services.audience.timeline.of(chief, actor.id)
    assert all(entry.text != "late" for entry in page.entries)
