"""The catalogue as a file, through the pages."""

from __future__ import annotations

import re
from html import unescape

import httpx

from backend.bootstrap import Services
from tests.factories.catalog import buyer, import_rows, product, variant
from tests.webapp.catalog.admin.conftest import INTENT, Desk
from tests.webapp.sale import plain

PATH = "/admin/catalogue/files"


async def send(desk: Desk, name: str, data: bytes, intent: str = INTENT) -> httpx.Response:
    """Choose a file."""
    return await desk.page.post(PATH, data={"intent": intent}, files={"file": (name, data)})


async def test_a_file_is_compared_shown_and_imported(services: Services, desk: Desk) -> None:
    await import_rows(services.catalog, [product("card"), variant("card")])
    shown = await send(
        desk, "new.csv", b"type,slug,name_en,category\nproduct,card,Better,cards\nproduct,more,More,cards\n"
    )
    assert shown.status_code == 200 and shown.headers["hx-push-url"] == f"{PATH}/{INTENT}"
    assert "Nothing is stored yet" in plain(shown.text) and "Better" in shown.text
    assert (await services.catalog.storefront.product(buyer(), "card")).name == "Card"
    version = re.search(r'name="version" value="(\d+)"', shown.text)
    assert version
    stale = await desk.page.post(f"{PATH}/{INTENT}", data={"version": str(int(version[1]) - 1)})
    assert stale.status_code == 409 and stale.headers["x-error-code"] == "catalogue_changed"
    done = await desk.page.post(f"{PATH}/{INTENT}", data={"version": version[1]})
    assert done.status_code == 200, plain(done.text)
    assert (await services.catalog.storefront.product(buyer(), "card")).name == "Better"
    # The same again has nothing to change.
    assert "There is nothing to import" in plain((await desk.page.get(f"{PATH}/{INTENT}")).text)


async def test_bad_lines_are_named_and_nothing_is_imported(services: Services, desk: Desk) -> None:
    data = b"type,slug,category,product,code,name_en,price\nproduct,a,cards,,,A,\nvariant,,,a,one,One,a lot\n"
    shown = await send(desk, "bad.csv", data)
    text = plain(shown.text)
    assert "Line 3" in text and "This isn't a price such as 14.40." in text and 'form="import"' not in shown.text
    refused = await desk.page.post(f"{PATH}/{INTENT}", data={"version": "1"})
    assert refused.status_code == 422
    assert (await desk.page.get("/admin/catalogue?q=a")).text.count("/products/") == 0


async def test_files_that_are_none_are_refused(desk: Desk) -> None:
    for name, data in (("a.csv", b""), ("a.xlsx", b"PK\x03\x04")):
        answer = await send(desk, name, data)
        assert answer.status_code == 422 and 'id="file-error"' in answer.text
    assert (await desk.page.post(PATH, data={"intent": "mine"})).status_code == 400
    assert (await desk.page.get(f"{PATH}/{INTENT}")).status_code == 404


async def test_the_file_that_is_saved_comes_by_a_signed_address(services: Services, desk: Desk) -> None:
    await import_rows(services.catalog, [product("card", name_en="=1+1"), variant("card")])
    page = await desk.page.get(PATH)
    urls = [unescape(url) for url in re.findall(r'href="([^"]*/export/[^"]*)"', page.text)]
    assert len(urls) == 2
    for url in urls:
        file = await desk.page.client.get(url[url.index("/admin") :])
        assert file.status_code == 200 and "card" in file.text
        assert "attachment" in file.headers["content-disposition"]
    csv = (await desk.page.client.get(urls[0][urls[0].index("/admin") :])).text
    assert "'=1+1" in csv and ",=1+1" not in csv
    bare = await desk.page.client.get("/admin/catalogue/export/catalogue.csv", headers={"Accept": "text/csv"})
    assert bare.status_code in {401, 403, 410} and "card" not in bare.text
