"""Categories in the back office."""

from __future__ import annotations

from uuid import UUID

from backend.bootstrap import Services
from backend.catalog.types import CategoryId
from tests.webapp.catalog.admin.conftest import INTENT, AddOne, Desk
from tests.webapp.catalog.admin.test_conflicts import held
from tests.webapp.sale import plain

PATH = "/admin/catalogue/categories"
FORM = {"intent": INTENT, "name_en": "Gift cards", "name_ru": "Карты", "icon": "gift", "hue": "pink", "shown": "on"}


async def test_a_category_is_added_nested_renamed_and_deleted(services: Services, desk: Desk) -> None:
    assert "New category" in plain((await desk.page.get(f"{PATH}/new?parent=cards")).text)
    for _ in range(2):
        added = await desk.page.post(PATH, data={**FORM, "parent": "cards"})
        assert added.status_code == 200 and added.headers["hx-push-url"] == f"{PATH}/{INTENT}"
    stored = await services.catalog.categories.get(desk.actor, CategoryId(UUID(INTENT)))
    assert (stored.slug, stored.depth, stored.name) == ("gift-cards", 2, {"en": "Gift cards", "ru": "Карты"})
    assert "name missing" in plain(added.text)
    parent = str(stored.parent_id)
    page = await desk.page.get(f"{PATH}/{parent}")
    assert "1 category in it" in plain((await desk.page.get(PATH)).text) and "Gift cards" in page.text
    # Neither itself nor what is in it can be chosen, and a form that says so is refused.
    assert 'value="gift-cards"' not in page.text
    circle = await desk.page.post(f"{PATH}/{parent}", data={**FORM, "slug": "cards", "parent": "gift-cards"})
    assert circle.status_code == 422 and "be in itself" in plain(circle.text)
    form = held((await desk.page.get(f"{PATH}/{INTENT}")).text)
    saved = await desk.page.post(f"{PATH}/{INTENT}", data={**FORM, **form, "slug": "gifts", "shown": ""})
    assert saved.status_code == 200
    stored = await services.catalog.categories.get(desk.actor, stored.id)
    assert (stored.slug, stored.depth, stored.hidden) == ("gifts", 1, True)
    assert "Delete this category?" in plain((await desk.page.post(f"{PATH}/{INTENT}/delete")).text)
    gone = await desk.page.post(f"{PATH}/{INTENT}/delete", data={"sure": "on"})
    assert gone.status_code == 200 and "Gift cards" not in gone.text
    assert (await desk.page.get(f"{PATH}/{INTENT}")).status_code == 404


async def test_the_later_of_two_admins_sees_the_difference(services: Services, desk: Desk) -> None:
    path = f"{PATH}/{INTENT}"
    await desk.page.post(PATH, data=FORM)
    mine = {**FORM, "slug": "gift-cards", **held((await desk.page.get(path)).text)}
    assert (await desk.page.post(path, data={**mine, "name_en": "Theirs", "hue": "red"})).status_code == 200
    assert (await desk.page.post(path, data={**mine, "name_en": "Theirs", "hue": "red"})).status_code == 200  # again
    refused = await desk.page.post(path, data={**mine, "name_en": "Mine", "parent": "cards"})
    assert refused.status_code == 409 and refused.headers["x-error-code"] == "category_edited"
    said = plain(refused.text)
    for part in ("Theirs", "Mine", "At the top", "Red", "Saved by the other admin", "this category"):
        assert part in said, part
    # What only they changed is proposed as theirs, what I changed as mine.
    assert '"pick_hue" value="theirs" checked' in refused.text
    assert '"pick_name_en" value="yours" checked' in refused.text and "pick_slug" not in refused.text
    picks = {"pick_name_en": "theirs", "pick_hue": "theirs", "pick_parent": "yours"}
    assert (await desk.page.post(path, data={**held(refused.text), **picks})).status_code == 200
    stored = await services.catalog.categories.get(desk.actor, CategoryId(UUID(INTENT)))
    assert (stored.name["en"], stored.hue, stored.depth) == ("Theirs", "red", 2)


async def test_what_is_wrong_with_a_category_is_said(desk: Desk) -> None:
    for changes, said in (
        ({"name_en": ""}, "Fill this in."),
        ({"name_ar": "\u202eabc"}, "A hidden sign"),
        ({"slug": "cards"}, "This address is taken"),
        ({"slug": "Gift Cards"}, "Use a–z"),
        ({"parent": "no-such"}, "Choose a category."),
    ):
        answer = await desk.page.post(PATH, data={**FORM, **changes})
        assert answer.status_code == 422 and said in plain(answer.text)


async def test_a_full_category_is_not_deleted(desk: Desk, add_one: AddOne) -> None:
    await add_one()
    full = (await desk.page.get(PATH)).text.split(f'href="{PATH}/')[2].split('"')[0]
    refused = await desk.page.post(f"{PATH}/{full}/delete", data={"sure": "on"})
    assert refused.status_code == 409 and refused.headers["x-error-code"] == "category_not_empty"


async def test_categories_and_products_are_moved_by_what_they_come_after(
    services: Services, desk: Desk, add_one: AddOne
) -> None:
    await desk.page.post(PATH, data=FORM)
    first, second = await services.catalog.categories.list_all(desk.actor)
    moved = await desk.page.post(f"{PATH}/order", data={"lesson": str(second.id), "to": "1", "after": ""})
    assert moved.status_code == 200
    assert [one.id for one in await services.catalog.categories.list_all(desk.actor)] == [second.id, first.id]
    older, newer = await add_one(slug="older"), await add_one(slug="newer")
    path = f"{PATH}/{first.id}/products"
    page = (await desk.page.get(path)).text
    assert page.index(str(newer)) < page.index(str(older))
    again = (await desk.page.post(f"{path}/order", data={"lesson": str(older), "after": ""})).text
    assert again.index(str(older)) < again.index(str(newer))
    lost = await desk.page.post(f"{path}/order", data={"lesson": INTENT, "after": ""})
    assert lost.status_code == 409 and lost.headers["x-error-code"] == "order_changed"
