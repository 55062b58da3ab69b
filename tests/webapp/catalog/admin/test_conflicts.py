"""Two admins edit one product: nothing is lost silently."""

from __future__ import annotations

import asyncio
import re
from html import unescape

from backend.bootstrap import Services
from backend.catalog.errors import ProductEdited
from backend.catalog.types import ProductId
from backend.infra import audit
from tests.webapp.catalog.admin.conftest import FORM, AddOne, Desk
from tests.webapp.sale import plain


async def opened(desk: Desk, product: ProductId) -> dict[str, str]:
    """What a form holds that was opened now, as the browser would send it."""
    text = (await desk.page.get(f"/admin/catalogue/products/{product}")).text
    hidden = {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text)}
    return {**FORM, **hidden}


def held(text: str) -> dict[str, str]:
    """The hidden fields of a page."""
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text)}


async def test_the_later_save_is_refused_with_the_difference(services: Services, desk: Desk, add_one: AddOne) -> None:
    product = await add_one()
    path = f"/admin/catalogue/products/{product}"
    first, second = await opened(desk, product), await opened(desk, product)
    assert (await desk.page.post(path, data={**first, "name_en": "Theirs", "hue": "red"})).status_code == 200
    refused = await desk.page.post(path, data={**second, "name_en": "Mine", "summary_en": "9 devices", "shown": ""})
    assert refused.status_code == 409 and refused.headers["x-error-code"] == "product_edited"
    shown = plain(refused.text)
    for said in ("Theirs", "Mine", "9 devices", "Red", "Saved by the other admin"):
        assert said in shown
    # What only they changed is proposed as theirs, what I changed as mine.
    assert '"pick_hue" value="theirs" checked' in refused.text
    assert '"pick_name_en" value="yours" checked' in refused.text
    assert '"pick_summary_en" value="yours" checked' in refused.text and "pick_slug" not in refused.text
    stored = await services.catalog.products.get(desk.actor, product)
    assert (stored.draft.name["en"], stored.draft.hue, stored.version) == ("Theirs", "red", 2)


async def test_field_by_field_both_have_their_say(services: Services, desk: Desk, add_one: AddOne) -> None:
    product = await add_one()
    path = f"/admin/catalogue/products/{product}"
    mine = await opened(desk, product)
    await desk.page.post(path, data={**mine, "name_en": "Theirs", "hue": "red", "tags": "theirs"})
    refused = await desk.page.post(path, data={**mine, "name_en": "Mine", "summary_en": "9 devices"})
    picks = {"pick_name_en": "theirs", "pick_summary_en": "yours", "pick_hue": "theirs", "pick_tags": "yours"}
    saved = await desk.page.post(path, data={**held(refused.text), **picks})
    assert saved.status_code == 200, plain(saved.text)
    draft = (await services.catalog.products.get(desk.actor, product)).draft
    assert (draft.name["en"], draft.summary["en"], draft.hue) == ("Theirs", "9 devices", "red")
    assert draft.tags == ["vpn", "privacy"]


async def test_one_may_overwrite_knowingly_and_a_third_change_is_seen_again(
    services: Services, desk: Desk, add_one: AddOne
) -> None:
    product = await add_one()
    path = f"/admin/catalogue/products/{product}"
    mine = await opened(desk, product)
    await desk.page.post(path, data={**mine, "name_en": "Second", "hue": "red"})
    refused = await desk.page.post(path, data={**mine, "name_en": "Mine"})
    third = await opened(desk, product)
    assert (await desk.page.post(path, data={**third, "name_en": "Third"})).status_code == 200
    again = await desk.page.post(path, data={**held(refused.text), "all": "yours"})
    assert again.status_code == 409 and "Third" in plain(again.text)
    saved = await desk.page.post(path, data={**held(again.text), "all": "yours"})
    assert saved.status_code == 200
    draft = (await services.catalog.products.get(desk.actor, product)).draft
    assert (draft.name["en"], draft.hue) == ("Mine", "indigo")


async def test_the_same_form_sent_twice_is_saved_once(services: Services, desk: Desk, add_one: AddOne) -> None:
    product = await add_one()
    path = f"/admin/catalogue/products/{product}"
    mine = {**await opened(desk, product), "name_en": "Once"}
    for _ in range(2):
        assert (await desk.page.post(path, data=mine)).status_code == 200
    async with services.uow.read() as tx:
        assert len(await audit.list_entries(tx, "catalogue.change_product", limit=5)) == 1


async def test_of_saves_at_the_same_moment_one_wins(services: Services, desk: Desk, add_one: AddOne) -> None:
    product = await add_one()
    stored = await services.catalog.products.get(desk.actor, product)

    async def save(number: int) -> str:
        name = {**stored.draft.name, "en": f"Name {number}"}
        draft = type(stored.draft)(**{**_fields(stored.draft), "name": name})
        try:
            return (await services.catalog.products.save(desk.actor, product, draft, version=1)).draft.name["en"]
        except ProductEdited:
            return ""

    saved = [name for name in await asyncio.gather(*(save(number) for number in range(5))) if name]
    now = await services.catalog.products.get(desk.actor, product)
    assert saved == [now.draft.name["en"]] and now.version == 2


def _fields(draft: object) -> dict[str, object]:
    return {name: getattr(draft, name) for name in draft.__struct_fields__}  # type: ignore[attr-defined]
