"""Products in the back office: created, changed, listed, archived."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from backend.bootstrap import Services
from backend.catalog.types import ProductId
from backend.catalog.types.editing import ProductFilter, ProductState
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.kernel.errors import Forbidden, NotFound
from tests.factories.catalog import buyer, category, import_keys, import_rows, variant
from tests.factories.catalog import product as product_row
from tests.fakes.clock import FakeClock
from tests.webapp.catalog.admin.conftest import FORM, INTENT, AddOne, Desk
from tests.webapp.client import Visitor
from tests.webapp.sale import arrive, plain


async def test_a_product_is_made_found_and_sold(services: Services, desk: Desk) -> None:
    assert "No products yet" in plain((await desk.page.get("/admin/catalogue")).text)
    answer = await desk.page.post("/admin/catalogue", data=FORM)
    assert answer.status_code == 200 and answer.headers["hx-push-url"] == f"/admin/catalogue/products/{INTENT}"
    stored = await services.catalog.products.get(desk.actor, ProductId(UUID(INTENT)))
    assert stored.draft.name == {"en": "Private VPN key", "ar": "مفتاح VPN"}
    assert (stored.draft.tags, stored.draft.country, stored.draft.hidden) == (["vpn", "privacy"], "TR", False)
    assert "Nobody sees it yet" in plain(answer.text)
    await import_rows(services.catalog, [variant("private-vpn")])
    shown = await services.catalog.storefront.product(buyer(), "private-vpn")
    assert shown.description_html == "<p><strong>Fast</strong> and private</p>\n"
    hits = await services.catalog.search.search(buyer(), "privacy")
    assert [one.slug for one in hits.items] == ["private-vpn"]


async def test_a_form_sent_twice_adds_one_product(services: Services, desk: Desk) -> None:
    for _ in range(2):
        assert (await desk.page.post("/admin/catalogue", data=FORM)).status_code == 200
    again = await desk.page.post("/admin/catalogue", data={**FORM, "intent": INTENT.replace("0001", "0002")})
    assert again.status_code == 422 and "This address is taken" in plain(again.text)
    assert (await desk.page.get("/admin/catalogue")).text.count("/admin/catalogue/products/") == 1


async def test_a_product_is_changed_and_every_change_is_in_the_trail(
    services: Services, desk: Desk, add_one: AddOne
) -> None:
    product = await add_one()
    path = f"/admin/catalogue/products/{product}"
    page = await desk.page.get(path)
    assert 'name="version" value="1"' in page.text and "description missing" in plain(page.text)
    version = await services.catalog.storefront.version()
    saved = await desk.page.post(path, data={**FORM, "version": "1", "name_en": "Fast VPN", "shown": ""})
    assert saved.status_code == 200 and 'name="version" value="2"' in saved.text
    assert await services.catalog.storefront.version() > version
    stored = await services.catalog.products.get(desk.actor, product)
    assert stored.draft.name["en"] == "Fast VPN" and stored.state is ProductState.HIDDEN
    async with services.uow.read() as tx:
        (entry,) = await audit.list_entries(tx, "catalogue.change_product", subject=f"product:{product}", limit=5)
    assert entry.actor_id == desk.actor.user_id
    assert entry.params == {
        "before": {"name": {"en": "Private VPN key", "ar": "مفتاح VPN"}, "hidden": False},
        "after": {"name": {"en": "Fast VPN", "ar": "مفتاح VPN"}, "hidden": True},
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name_en": ""}, "Fill this in."),
        ({"name_ar": "x" * 81}, "The text is too long."),
        ({"name_en": "VPN \u202egnp.exe"}, "A hidden sign changes the order of letters."),
        ({"description_ru": "x" * 100_000}, "The text is too long."),
        ({"slug": "Private VPN"}, "Use a–z, 0–9 and single hyphens"),
        ({"slug": "taken"}, "This address is taken."),
        ({"category": "no-such"}, "Choose a category."),
        ({"category": ""}, "Fill this in."),
        ({"country": "ZZ"}, "Check this."),
        ({"tags": ",".join(f"t{n}" for n in range(11))}, "The text is too long."),
        ({"publish_at": "2020-01-01T10:00"}, "Choose a time that is still to come."),
        ({"publish_at": "tomorrow"}, "Choose a day and an hour."),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field_and_the_rest_stays(
    services: Services, desk: Desk, add_one: AddOne, changes: dict[str, str], said: str
) -> None:
    await add_one(slug="taken")
    product = await add_one()
    answer = await desk.page.post(f"/admin/catalogue/products/{product}", data={**FORM, "version": "1", **changes})
    assert answer.status_code == 422
    assert said in plain(answer.text) and 'aria-invalid="true"' in answer.text and "5 devices" in answer.text
    assert (await services.catalog.products.get(desk.actor, product)).version == 1


async def test_direction_marks_that_arabic_needs_are_kept(services: Services, desk: Desk, add_one: AddOne) -> None:
    product = await add_one(name_ar="مفتاح \u200fVPN")
    assert (await services.catalog.products.get(desk.actor, product)).draft.name["ar"] == "مفتاح \u200fVPN"


async def test_the_preview_shows_what_the_shop_will_show(desk: Desk) -> None:
    typed = {"language": "ar", "description_ar": "# عنوان\n<script>alert(1)</script>\n[x](javascript:alert(1))"}
    shown = await desk.page.post("/admin/catalogue/preview", data=typed)
    assert shown.status_code == 200 and 'id="preview-ar"' in shown.text and 'dir="rtl"' in shown.text
    assert "<h2>عنوان</h2>" in shown.text and "&lt;script&gt;" in shown.text
    assert "<script" not in shown.text and "<a " not in shown.text
    long = await desk.page.post("/admin/catalogue/preview", data={"language": "en", "description_en": "x" * 5000})
    assert "The text is too long." in plain(long.text)
    unknown = await desk.page.post("/admin/catalogue/preview", data={"language": "xx", "description_xx": "a"})
    assert unknown.status_code == 400


async def test_an_address_is_proposed_from_the_name_and_free(desk: Desk, add_one: AddOne) -> None:
    await add_one(slug="cafe-card")
    for name, slug in (("Café card!", "cafe-card-2"), ("فقط عربي", "product"), ("x" * 200, "x" * 64)):
        field = await desk.page.get("/admin/catalogue/slug", params={"name_en": name})
        assert f'value="{slug}"' in field.text


async def test_the_list_is_narrowed_by_its_address_and_goes_on(services: Services, desk: Desk, add_one: AddOne) -> None:
    await import_rows(services.catalog, [category("games"), category("pc", parent="games")])
    shown = await add_one(slug="shown-one", name_en="Alpha 100%")
    hidden = await add_one(slug="hidden-one", name_en="Beta", shown="", category="pc")
    later = await add_one(slug="later-one", name_en="Gamma", publish_at="2999-01-01T10:00")
    gone = await add_one(slug="gone-one", name_en="Delta")
    await desk.page.post(f"/admin/catalogue/products/{gone}/archive", data={"sure": "on"})

    async def listed(**query: str) -> set[ProductId]:
        text = (await desk.page.get("/admin/catalogue", params=query)).text
        return {one for one in (shown, hidden, later, gone) if f"/products/{one}" in text}

    assert await listed() == {shown, hidden, later}
    assert await listed(state="shown") == {shown}
    assert await listed(state="hidden") == {hidden}
    assert await listed(state="scheduled") == {later}
    assert await listed(state="archived") == {gone}
    assert await listed(category="games") == {hidden}
    assert await listed(q="100%") == {shown}
    assert await listed(q="BETA hidden") == {hidden}
    assert await listed(q="_") == set()
    assert await listed(stock="none") == {shown, hidden, later}
    assert (await desk.page.get("/admin/catalogue?state=nothing")).status_code == 400
    assert (await desk.page.get("/admin/catalogue?cursor=nonsense")).status_code == 400
    for number in range(31):
        await add_one(slug=f"more-{number}")
    first = await desk.page.get("/admin/catalogue")
    start = first.text.index("/admin/catalogue?cursor=")
    rest = await desk.page.get(first.text[start : first.text.index('"', start)])
    assert 'id="results"' not in rest.text and f"/products/{shown}" in rest.text
    assert first.text.count("/products/") + rest.text.count("/products/") == 34


async def test_a_product_is_shown_when_its_time_comes(
    services: Services, desk: Desk, add_one: AddOne, clock: FakeClock
) -> None:
    at = clock.now() + timedelta(minutes=5)
    product = await add_one(slug="soon", publish_at=at.strftime("%Y-%m-%dT%H:%M"))
    await import_rows(services.catalog, [variant("soon")])
    version = await services.catalog.storefront.version()
    clock.move(minutes=3)
    assert await services.catalog.products.publish_due() == 0
    with pytest.raises(NotFound):
        await services.catalog.storefront.product(buyer(), "soon")
    clock.move(minutes=3)
    assert await services.catalog.products.publish_due() == 1
    assert (await services.catalog.storefront.product(buyer(), "soon")).slug == "soon"
    assert await services.catalog.storefront.version() > version
    assert (await services.catalog.products.get(desk.actor, product)).state is ProductState.SHOWN
    assert await services.catalog.products.publish_due() == 0


async def test_a_copy_is_hidden_and_added_once(services: Services, desk: Desk, add_one: AddOne) -> None:
    product = await add_one()
    await import_rows(services.catalog, [variant("private-vpn", "month"), variant("private-vpn", "year", "50")])
    for _ in range(2):
        copied = await desk.page.post(f"/admin/catalogue/products/{product}/copy", data={"intent": INTENT})
        assert copied.status_code == 200 and 'value="private-vpn-copy"' in copied.text
    copy = await services.catalog.products.get(desk.actor, ProductId(UUID(INTENT)))
    assert (copy.state, copy.variants, copy.draft.slug) == (ProductState.HIDDEN, 2, "private-vpn-copy")


async def test_an_archived_product_never_sells_and_comes_back_hidden(
    services: Services, desk: Desk, add_one: AddOne
) -> None:
    product = await add_one()
    await import_rows(services.catalog, [variant("private-vpn")])
    await import_keys(services.catalog, "private-vpn/one", ["KEY-1234-5678"])
    bought = (await services.catalog.storefront.product(buyer(), "private-vpn")).variants[0].id
    asked = await desk.page.post(f"/admin/catalogue/products/{product}/archive")
    assert "Archive this product?" in plain(asked.text)
    assert (await services.catalog.products.get(desk.actor, product)).archived_at is None
    archived = await desk.page.post(f"/admin/catalogue/products/{product}/archive", data={"sure": "on"})
    assert "Bring back" in plain(archived.text)
    assert (await desk.page.get("/shop/private-vpn")).status_code == 404
    # From a page that was open before.
    order = {"variant": str(bought), "quantity": "1", "intent": "intent-12345"}
    assert (await desk.page.post("/orders", data=order)).status_code == 404
    # A save of the open form doesn't bring it back.
    stale = await desk.page.post(f"/admin/catalogue/products/{product}", data={**FORM, "version": "1"})
    assert stale.status_code == 409
    back = await desk.page.post(f"/admin/catalogue/products/{product}/restore")
    assert back.status_code == 200
    assert (await services.catalog.products.get(desk.actor, product)).state is ProductState.HIDDEN


async def test_an_admin_whose_right_has_ended_saves_nothing(
    services: Services, desk: Desk, add_one: AddOne, root: Visitor
) -> None:
    product = await add_one()
    chief = await arrive(services, root)
    await services.identity.admins.set_permissions(chief, desk.actor.id, [Permission.STOCK])
    sent = {**FORM, "version": "1", "hue": "red"}
    # The session ends with the right; in the one that follows there is no such right.
    for status in (401, 403):
        refused = await desk.page.post(f"/admin/catalogue/products/{product}", data=sent)
        assert refused.status_code == status
        desk.page.token = None
    async with services.uow.read() as tx:
        assert not await audit.list_entries(tx, "catalogue.change_product", limit=5)
    with pytest.raises(Forbidden):
        stored = await services.catalog.products.get(Actor.system(), product)
        await services.catalog.products.save(buyer(), product, stored.draft, version=1)


@pytest.mark.parametrize("kind", ["course", "credits"])
async def test_products_of_other_slices_are_not_edited_here(services: Services, desk: Desk, kind: str) -> None:
    await import_rows(services.catalog, [product_row("theirs", kind=kind)])
    (row,) = (await services.catalog.products.list_managed(desk.actor, ProductFilter())).items
    path = f"/admin/catalogue/products/{row.id}"
    page = await desk.page.get(path)
    assert "has its own editor" in plain(page.text) and "<form" not in page.text
    for action, data in (("", FORM), ("/archive", {"sure": "on"}), ("/copy", {"intent": INTENT})):
        assert (await desk.page.post(path + action, data={**data, "version": "1"})).status_code == 409
    assert (await desk.page.post("/admin/catalogue", data={**FORM, "kind": kind})).status_code == 422
