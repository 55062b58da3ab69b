"""An admin chooses people, sees what would happen, confirms, reads what happened, and undoes it."""

from __future__ import annotations

from uuid import UUID

import httpx

from backend.audience.types import PeopleBulkId
from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from tests.webapp.back_office import MakeAdmin, make_admin, root
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, field, plain

__all__ = ["make_admin", "root"]

PATH = "/admin/people/bulk"
REASON = "Stolen <cards>"


async def planned(admin: Visitor, sheet: httpx.Response, **data: object) -> httpx.Response:
    """The preview of a block."""
    form = {"action": "block", "reason": REASON, "intent": field(sheet, "intent"), **data}
    return await admin.post(PATH, data=form)


async def test_people_are_chosen_shown_blocked_counted_and_unblocked_again(
    services: Services, visitor: MakeVisitor, make_admin: MakeAdmin, root: Visitor
) -> None:
    omar = await arrive(services, visitor(91, first_name="Omar"))
    layla = await arrive(services, visitor(92, first_name="Layla"))
    admin = await make_admin(81, Permission.USERS)
    ruth = await services.identity.access.actor_by_telegram_id(services.settings.root_admin_id)
    assert ruth is not None
    rows = await admin.get("/admin/people?select=1")
    assert f'name="only" value="{omar.id}"' in rows.text and 'name="every"' in rows.text
    assert f'href="/admin/people/{omar.id}"' not in rows.text

    only = [str(omar.id), str(layla.id), str(ruth.id)]
    sheet = await admin.post(f"{PATH}/choose", data={"only": only})
    assert "Chosen people: 3" in plain(sheet.text)
    wrong = await planned(admin, sheet, only=",".join(only), reason=" ")
    assert wrong.status_code == 422 and "Enter a reason." in wrong.text
    past = await planned(admin, sheet, only=",".join(only), until="2020-01-01")
    assert past.status_code == 422 and "Choose a day" in past.text and 'value="2020-01-01"' in past.text
    preview = await planned(admin, sheet, only=",".join(only))
    assert "Nothing has happened yet" in preview.text and "Block: 2" in plain(preview.text)
    assert "Stolen &lt;cards&gt;" in preview.text and "The root admin" in preview.text
    again = await planned(admin, sheet, only=",".join(only))
    path = again.headers["hx-push-url"]
    assert path == preview.headers["hx-push-url"]

    for _ in range(2):  # a double tap
        started = await admin.post(f"{path}/start")
        assert started.status_code == 200 and 'hx-trigger="every 2s"' in started.text
    bulk_id = PeopleBulkId(UUID(path.rsplit("/", 1)[1]))
    await services.audience.bulk.run(bulk_id)
    done = await admin.get(path)
    assert "Everybody you chose is counted below" in done.text and f'hx-post="{path}/undo"' in done.text
    assert path in (await admin.get(PATH)).text
    blocked = await admin.get("/admin/people?blocked=1")
    assert "Omar" in blocked.text and "Layla" in blocked.text and "Ruth" not in blocked.text

    assert (await admin.post(f"{path}/undo")).status_code == 200
    await services.audience.bulk.run(bulk_id)
    undone = await admin.get(path)
    assert "Undone. Those who had changed since" in undone.text and f"{path}/undo" not in undone.text
    assert not (await services.identity.people.user_detail(Actor.system(), omar.id)).blocked


async def test_all_that_match_the_filters_are_chosen_with_one_tick(
    services: Services, visitor: MakeVisitor, make_admin: MakeAdmin
) -> None:
    omar = await arrive(services, visitor(91, first_name="Omar"))
    await arrive(services, visitor(92, first_name="Layla"))
    admin = await make_admin(81, Permission.USERS)
    rows = await admin.get("/admin/people?select=1&q=Omar")
    assert '<input type="hidden" name="q" value="Omar">' in rows.text
    sheet = await admin.post(f"{PATH}/choose", data={"every": "on", "q": "Omar"})
    assert "Chosen people: 1" in plain(sheet.text)
    preview = await planned(admin, sheet, every="on", q="Omar", action="reseller_on", reason="")
    assert "Switch on: 1" in plain(preview.text)
    path = preview.headers["hx-push-url"]
    await admin.post(f"{path}/start")
    await services.audience.bulk.run(PeopleBulkId(UUID(path.rsplit("/", 1)[1])))
    assert (await services.identity.people.user_detail(Actor.system(), omar.id)).is_reseller


async def test_nobody_ticked_is_nobody(services: Services, make_admin: MakeAdmin) -> None:
    admin = await make_admin(81, Permission.USERS)
    assert "Choose at least one person." in (await admin.post(f"{PATH}/choose")).text
    sheet = await admin.post(f"{PATH}/choose", data={"every": "on"})
    tampered = await planned(admin, sheet, only="")
    assert tampered.status_code == 422 and "Choose at least one person." in tampered.text
    assert (await planned(admin, sheet, only="no-id")).status_code == 400


async def test_each_address_needs_the_permission(make_admin: MakeAdmin) -> None:
    lesser = await make_admin(82, Permission.ORDERS)
    one = f"{PATH}/0199c0de-0000-7000-8000-000000000000"
    for get in (PATH, one):
        assert (await lesser.get(get)).status_code == 403
    for post in (PATH, f"{PATH}/choose", f"{one}/start", f"{one}/stop", f"{one}/undo"):
        assert (await lesser.post(post)).status_code == 403
