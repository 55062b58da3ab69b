"""The list of people: filters in the address, segments, the file."""

from __future__ import annotations

from backend.bootstrap import Services
from backend.identity.types import Permission
from tests.webapp.back_office import MakeAdmin, make_admin, root
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, goods, links, plain

__all__ = ["make_admin", "root"]


async def test_filters_add_up_in_the_address_and_are_saved_as_a_segment(
    services: Services, visitor: MakeVisitor, root: Visitor, make_admin: MakeAdmin
) -> None:
    thing, omar, layla = await goods(services), visitor(91, first_name="Omar"), visitor(92, first_name="Layla")
    await arrive(services, omar, cents=100_000)
    await arrive(services, layla, cents=700)
    await buy(omar, thing)
    everybody = await root.get("/admin/people")
    assert "Total: 3" in plain(everybody.text)
    bought = await root.get(links(everybody, "/admin/people?bought=ever")[0])
    assert "Total: 1" in plain(bought.text)
    assert "Omar" in bought.text
    assert "Layla" not in bought.text
    rich = await root.get(links(bought, "/admin/people?bought=ever&over=0")[0])
    assert "Omar" in rich.text
    none = await root.get("/admin/people?bought=ever&over=5000.00")
    assert "No people found" in none.text
    sheet = await root.get(links(bought, "/admin/segments/new")[0])
    (action,) = [link for link in links(sheet, "/admin/segments") if "bought" in link]
    nameless = await root.post(action, data={"name": " "})
    assert (nameless.status_code, nameless.headers["hx-retarget"]) == (422, "#sheet")
    saved = await root.post(action, data={"name": "<b>Buyers</b>", "shared": "on"})
    assert "&lt;b&gt;Buyers&lt;/b&gt;" in saved.text
    assert (await root.post(action, data={"name": "<B>buyers</B>"})).status_code == 422
    helper = await make_admin(81, Permission.USERS)
    page = await helper.get("/admin/segments")
    assert "&lt;b&gt;Buyers&lt;/b&gt;" in page.text
    assert links(page, "/admin/segments/") == []
    chosen = await helper.get(links(page, "/admin/people?bought=ever")[0])
    assert chosen.text.count('aria-current="true"') >= 2
    (edit,) = links(saved, "/admin/segments/")
    assert (await helper.get(edit)).status_code == 403
    assert "No segments yet" in (await root.post(f"{edit}/delete")).text


async def test_the_file_needs_the_right_of_the_moment(
    services: Services, visitor: MakeVisitor, root: Visitor, make_admin: MakeAdmin
) -> None:
    await arrive(services, visitor(91, first_name="=Omar"))
    helper = await make_admin(81, Permission.USERS)
    (address,) = links(await helper.get("/admin/people"), "/admin/people.csv")
    file = await helper.client.get(address)
    assert file.status_code == 200
    assert "91,'=Omar" in file.text
    chief, fellow = await arrive(services, root), await services.identity.access.actor_by_telegram_id(81)
    assert fellow is not None
    await services.identity.admins.set_permissions(chief, fellow.id, [])
    assert (await helper.client.get(address)).status_code in {401, 403}
