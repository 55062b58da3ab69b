"""Batches in the back office: keys, removing, moving, undo, export, what runs low."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.catalog.types.batches import BatchId
from backend.identity.types import Actor, Permission
from tests.factories.catalog import add_variant, import_keys
from tests.webapp.back_office import MakeAdmin, make_admin, root  # noqa: F401
from tests.webapp.client import Visitor

_BATCHES = "/admin/stock/batches"
_LINK = re.compile(r'href="([^"]*/export/[^"]*)"')


@pytest.fixture
async def admin(make_admin: MakeAdmin) -> Visitor:  # noqa: F811
    """An admin of the stock who may not take keys out."""
    return await make_admin(81, Permission.STOCK)


async def newest(services: Services) -> BatchId:
    """The latest batch."""
    return (await services.catalog.batches.list_batches(Actor.system())).items[0].id


async def test_a_batch_with_its_keys(services: Services, admin: Visitor) -> None:
    await add_variant(services.catalog, "play", keys=120)
    batch = await newest(services)
    listed = await admin.get("/admin/stock")
    assert f"{_BATCHES}/{batch}" in listed.text and "/admin/stock/low" in listed.text
    page = await admin.get(f"{_BATCHES}/{batch}")
    assert page.text.count('name="key"') == 50 and "Unsold 120" in page.text
    assert "KEY-play" not in page.text, "no key is shown"
    assert "Export unsold keys" not in page.text
    (url,) = re.findall(r'hx-get="([^"]*after=[^"]*)"', page.text)
    more = await admin.get(url.replace("&amp;", "&"))
    assert more.text.count('name="key"') == 50 and "<h1" not in more.text
    assert "No keys here." in (await admin.get(f"{_BATCHES}/{batch}?show=sold")).text
    assert (await admin.get(f"{_BATCHES}/{uuid4()}")).status_code == 404


async def test_details_are_edited(services: Services, admin: Visitor) -> None:
    await add_variant(services.catalog, "play", keys=1)
    path = f"{_BATCHES}/{await newest(services)}"
    wrong = await admin.post(path, data={"source": "", "cost": "x", "name": "November"})
    assert wrong.status_code == 422
    assert 'value="November"' in wrong.text and '<details class="panel fold" open>' in wrong.text
    saved = await admin.post(path, data={"source": "Acme", "cost": "2.61", "name": "November", "expires": "2099-12-31"})
    assert "Saved" in saved.headers["hx-trigger"]
    assert 'value="2099-12-31"' in saved.text and "$2.61" in saved.text and 'value="Acme"' in saved.text
    gone = await admin.post(path, data={"source": "Acme", "expires": "2001-01-01"})
    assert "have expired" in gone.text


async def test_keys_are_removed_after_a_question_and_brought_back(services: Services, admin: Visitor) -> None:
    await add_variant(services.catalog, "play", keys=5)
    path = f"{_BATCHES}/{await newest(services)}"
    page = await admin.get(path)
    first, second = re.findall(r'name="key" value="([^"]+)"', page.text)[:2]
    none = await admin.post(path + "/remove", data={"selected": "on"})
    assert "Choose keys first" in none.headers["hx-trigger"]
    asked = await admin.post(path + "/remove", data={"selected": "on", "key": [first, second]})
    assert "2 unsold keys leave the shop" in asked.text and f"{first},{second}" in asked.text
    assert "Unsold 5" in (await admin.get(path)).text
    sure = await admin.post(path + "/remove", data={"selected": "on", "key": f"{first},{second}", "sure": "on"})
    assert "2 keys removed" in sure.headers["hx-trigger"] and "Unsold 3" in sure.text and "Removed 2" in sure.text
    every = await admin.post(path + "/remove", data={"sure": "on"})
    assert "3 keys removed" in every.headers["hx-trigger"]
    empty = await admin.post(path + "/remove", data={"sure": "on"})
    assert "No unsold keys are left." in empty.headers["hx-trigger"]
    removed = (await admin.get("/admin/stock/removed")).text
    assert removed.count("Bring back") == 2 and "3 keys" in removed and "2 keys" in removed
    undo = re.findall(r'hx-post="([^"]+/undo)"', empty.text)
    assert len(undo) == 2
    back = await admin.post(undo[0])
    assert "3 keys are back" in back.headers["hx-trigger"] and "Unsold 3" in back.text
    assert (await admin.get("/admin/stock/removed")).text.count("Bring back") == 1
    assert (await admin.post(path + "/remove", data={"key": "nonsense"})).status_code == 400


async def test_keys_move_after_a_question(services: Services, admin: Visitor) -> None:
    target = await add_variant(services.catalog, "right", keys=1)
    await add_variant(services.catalog, "wrong", keys=3)
    batch = await newest(services)
    path = f"{_BATCHES}/{batch}"
    choose = await admin.get(path + "/move")
    assert "right/one" in choose.text and "wrong/one" not in choose.text
    assert "right/one" in (await admin.get(path + "/move?q=right", headers={"HX-Target": "results"})).text
    asked = await admin.post(path + "/move", data={"variant": str(target)})
    assert "3 unsold keys move to" in asked.text
    moved = await admin.post(path + "/move", data={"variant": str(target), "sure": "on"})
    assert "3 keys moved" in moved.headers["hx-trigger"]
    other = re.findall(rf'href="({_BATCHES}/[0-9a-f-]{{36}})">Other batch', moved.text)[0]
    assert "3 keys moved here" in (await admin.get(other)).text
    undo = re.findall(r'hx-post="([^"]+/undo)"', moved.text)[0]
    assert "3 keys are back" in (await admin.post(undo)).headers["hx-trigger"]


async def test_export_is_for_those_who_may(services: Services, admin: Visitor, make_admin: MakeAdmin) -> None:  # noqa: F811
    await add_variant(services.catalog, "play")
    await import_keys(services.catalog, "play/one", ["KEY-A", "KEY-B"])
    path = f"{_BATCHES}/{await newest(services)}"
    trusted = await make_admin(82, Permission.STOCK, Permission.STOCK_EXPORT)
    links = _LINK.findall((await trusted.get(path)).text)
    assert len(links) == 3
    files = [await trusted.client.get(link.replace("&amp;", "&")) for link in links]
    assert files[0].text == "KEY-A\nKEY-B\n"
    assert files[0].headers["content-disposition"].endswith('.txt"')
    assert files[0].headers["cache-control"] == "no-store"
    assert (await trusted.client.get(f"{path}/export/keys.txt")).status_code == 403, "without a signature"
    assert not _LINK.findall((await admin.get(path)).text)


async def test_what_runs_low_and_what_expires(services: Services, admin: Visitor) -> None:
    assert "Nothing runs low" in (await admin.get("/admin/stock/low")).text
    await add_variant(services.catalog, "play", keys=3)
    path = f"{_BATCHES}/{await newest(services)}"
    soon = (services.clock.now().date()).isoformat()
    await admin.post(path, data={"source": "Acme", "expires": soon})
    async with services.uow() as tx:
        await tx.execute(text("UPDATE variants SET low_stock_told = true"))
    page = (await admin.get("/admin/stock/low")).text
    assert "3 left" in page and "mark 5" in page and "Nothing sold lately" in page
    assert "Expire within 14 days" in page and "3 keys" in page
