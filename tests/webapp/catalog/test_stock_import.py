"""Adding keys in the back office: paste, pieces of a file, the dry run, starting, stopping."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from backend.bootstrap import Services
from backend.catalog.types.stock_imports import ImportState, StockImportId
from backend.identity.types import Actor, Permission
from backend.infra.settings import Settings
from tests.factories.catalog import add_variant, import_keys
from tests.webapp.back_office import MakeAdmin, make_admin, root  # noqa: F401
from tests.webapp.client import Visitor

_IMPORT = "/admin/stock/import"


@pytest.fixture
async def admin(make_admin: MakeAdmin) -> Visitor:  # noqa: F811
    """An admin of the stock alone."""
    return await make_admin(81, Permission.STOCK)


def import_of(url: str) -> StockImportId:
    """The import of a page's address."""
    match = re.search(r"import/([0-9a-f-]{36})", url)
    assert match
    return StockImportId(UUID(match[1]))


async def test_keys_are_pasted_checked_and_added(services: Services, admin: Visitor) -> None:
    variant = await add_variant(services.catalog, "play")
    await import_keys(services.catalog, "play/one", ["PLAY-0001-44LQ"])
    start = await admin.get(_IMPORT)
    assert "play/one" in start.text
    assert "play/one" in (await admin.get(_IMPORT + "?q=pLa", headers={"HX-Target": "results"})).text
    assert "play/one" not in (await admin.get(_IMPORT + "?q=p%25y", headers={"HX-Target": "results"})).text
    form = await admin.get(f"{_IMPORT}?variant={variant}")
    assert 'name="keys"' in form.text and "Check" in form.text
    empty = await admin.post(_IMPORT, data={"variant": str(variant), "keys": " "})
    assert empty.status_code == 422 and "Paste keys or choose a file." in empty.text
    keys = "\n".join(f"PLAY-{number:04}-44LQ" for number in range(1, 21)) + "\nPLAY-0003\n<b>PLAY-000344\n"
    checked = await admin.post(_IMPORT, data={"variant": str(variant), "keys": keys})
    assert "Nothing is stored yet." in checked.text and "Add 20 keys" in checked.text
    assert "in stock" in checked.text and "too short, line 21" in re.sub(r"\s+", " ", checked.text)
    assert "&lt;b&gt;PLAY-000344" in checked.text
    path = checked.headers["hx-push-url"]
    problems = await admin.get(path + "?only=problems")
    assert "PLAY-0003…" not in problems.text and "PLAY-0005-44LQ" not in problems.text
    wrong = await admin.post(path + "/start", data={"cost": "x", "expires": "2001-01-01", "name": "November"})
    assert wrong.status_code == 422 and 'value="November"' in wrong.text
    past = await admin.post(path + "/start", data={"expires": "2001-01-01"})
    assert past.status_code == 422 and "Choose a day in the future." in past.text
    started = await admin.post(path + "/start", data={"cost": "2.61", "name": "November"})
    assert "0 of 22 lines" in started.text
    import_id = import_of(path)
    await services.catalog.stock_imports.add_keys(import_id)
    part = await admin.get(path, headers={"HX-Target": "import"})
    assert part.headers["hx-retarget"] == "#app" and "20 keys added" in part.text
    assert "20 added" in (await admin.get(_IMPORT)).text


async def test_a_file_comes_in_pieces(services: Services, admin: Visitor, settings: Settings) -> None:
    await add_variant(services.catalog, "play")
    begun = await admin.post(_IMPORT, data={"file": "keys.csv", "keys": ""})
    path = begun.headers["hx-push-url"]
    assert f'data-pieces="{path}"' in begun.text
    data = "variant,key\n" + "".join(f"play/one,KEY-{number:05}\n" for number in range(20_000))
    body, size = data.encode(), 150_000
    for at in range(0, len(body), size):
        answer = await admin.post(path + "/piece", content=body[at : at + size], headers={"X-Offset": str(at)})
        assert answer.json() == {"received": min(at + size, len(body))}
    assert (await admin.post(path + "/piece", content=b"x", headers={"X-Offset": "no"})).status_code == 400
    sent = await admin.post(path + "/sent")
    assert "Checking the file" in sent.text
    await services.catalog.stock_imports.check(import_of(path))
    assert "Add 20,000 keys" in (await admin.get(path)).text
    discarded = await admin.post(path + "/discard")
    assert "File discarded" in discarded.headers["hx-trigger"]
    stored = await services.catalog.stock_imports.get(Actor.system(), import_of(path))
    assert stored.state is ImportState.DISCARDED and stored.staged is None


async def test_an_import_is_stopped_continued_and_ended(services: Services, admin: Visitor) -> None:
    variant = await add_variant(services.catalog, "play")
    path = (await admin.post(_IMPORT, data={"variant": str(variant), "keys": "AAAA-1\nAAAA-2\n"})).headers[
        "hx-push-url"
    ]
    await admin.post(path + "/start", data={})
    assert "Stopped after 0 of 2 lines" in (await admin.post(path + "/stop")).text
    assert "0 of 2 lines" in (await admin.post(path + "/continue")).text
    await admin.post(path + "/stop")
    assert "0 keys added" in (await admin.post(path + "/end")).text


async def test_refused_files(services: Services, admin: Visitor) -> None:
    variant = await add_variant(services.catalog, "play")
    refused = await admin.post(_IMPORT, data={"variant": str(variant), "file": "keys.xlsm"})
    assert refused.status_code == 422 and "macros are refused" in refused.text


async def test_other_admins_stay_outside(services: Services, make_admin: MakeAdmin) -> None:  # noqa: F811
    other = await make_admin(82, Permission.CATALOGUE)
    assert (await other.get(_IMPORT)).status_code == 403
    assert (await other.post(_IMPORT, data={"keys": "A"})).status_code == 403
