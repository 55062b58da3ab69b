"""Packages of credits in the back office."""

from __future__ import annotations

import re

from tests.webapp.readings.admin.conftest import ROOM, Desk
from tests.webapp.sale import plain

PACKAGES = f"{ROOM}/packages"
TEN = {
    "code": "credits-10", "name_en": "Ten", "credits": "10", "price": "4.99", "period": "once", "position": "1",
    "on_sale": "on",
}  # fmt: skip


async def category(desk: Desk) -> str:
    """A category of the shop, as the form of the first package offers it."""
    form = await desk.page.get(f"{PACKAGES}/new")
    (first, *_rest) = re.findall(r'<option value="([^"]+)"', form.text)
    return str(first)


async def test_a_package_is_added_shown_with_its_price_for_a_credit_and_changed(desk: Desk, catalogue: None) -> None:
    added = await desk.page.post(PACKAGES, data={**TEN, "category": await category(desk)})
    said = plain(added.text)
    assert added.status_code == 200 and "10 credits" in said and "$0.50 for a credit" in said, said
    (package,) = await desk.services.readings.packages.list_all(desk.keeper)
    path = f"{PACKAGES}/{package.variant_id}"
    assert 'value="4.99"' in (await desk.page.get(path)).text
    monthly = {**TEN, "credits": "20", "period": "monthly", "name_ru": "Двадцать"}
    del monthly["on_sale"]
    changed = plain((await desk.page.post(path, data=monthly)).text)
    assert "20 credits" in changed and "renews every 30 days" in changed and "Not on sale" in changed
    (stored,) = await desk.services.readings.packages.list_all(desk.keeper)
    assert (stored.fields.credits, stored.fields.name, stored.fields.hidden) == (
        20,
        {"en": "Ten", "ru": "Двадцать"},
        True,
    )
    again = await desk.page.post(PACKAGES, data=TEN)
    assert again.status_code == 422 and "Another package has this code." in again.text


async def test_what_is_wrong_is_named_beside_its_field(desk: Desk, catalogue: None) -> None:
    bad = {**TEN, "code": "Ten!", "credits": "none", "price": "-1", "name_en": ""}
    answer = await desk.page.post(PACKAGES, data=bad)
    assert answer.status_code == 422
    for field in ("credits", "price", "name_en"):
        assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', answer.text), field
    code = await desk.page.post(PACKAGES, data={**TEN, "code": "Ten!", "category": await category(desk)})
    assert re.search('id="code"[^>]*aria-invalid="true"', code.text)
    assert await desk.services.readings.packages.list_all(desk.keeper) == []
