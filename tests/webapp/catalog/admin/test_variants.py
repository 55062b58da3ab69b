"""Variants of a product in the back office."""

from __future__ import annotations

import html
import re
from uuid import UUID

import msgspec
import pytest

from backend.bootstrap import Services
from backend.catalog.types import ProductId, VariantId
from backend.catalog.types.variants import VariantRecord
from backend.identity.types import Actor, Permission
from tests.factories.catalog import buyer, category, import_keys, import_rows, product, variant
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import plain

FORM = {"name_en": "6 months", "price": "6.20", "warranty_days": "30", "low_stock_at": "5"}


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """A product with two variants, and an admin of the catalogue."""

    services: Services
    page: Visitor
    product_id: ProductId

    @property
    def path(self) -> str:
        """Where its variants are."""
        return f"/admin/catalogue/products/{self.product_id}/variants"

    async def listed(self) -> list[VariantRecord]:
        """Its variants in their order."""
        return (await self.services.catalog.variants.list_of(Actor.system(), self.product_id)).variants

    async def one(self, code: str) -> VariantRecord:
        """A variant by its code."""
        return next(one for one in await self.listed() if one.code == code)

    async def new(self, **changes: str) -> tuple[int, str]:
        """Fill in the form of a new variant; the status and the page."""
        form = (await self.page.get(f"{self.path}/new")).text
        intent = re.search(r'name="intent" value="([0-9a-f]+)"', form)
        assert intent is not None
        answer = await self.page.post(self.path, data={**FORM, "intent": intent[1], **changes})
        return answer.status_code, html.unescape(answer.text)


@pytest.fixture
async def desk(services: Services, make_admin: MakeAdmin) -> Desk:
    """A product that differs in its duration."""
    rows = [
        category(), product("vpn", choice="duration"),
        variant("vpn", "month", "2.99", name_en="1 month", name_ar="شهر", name_ru="1 месяц"),
        variant("vpn", "quarter", "7.20", name_en="3 months", reseller_price="5.90"),
    ]  # fmt: skip
    report = await import_rows(services.catalog, rows)
    assert report.applied, report.problems
    await import_keys(services.catalog, "vpn/month", [f"KEY-VPN-{number:06}" for number in range(3)])
    shown = await services.catalog.storefront.product(buyer(), "vpn")
    return Desk(services=services, page=await make_admin(91, Permission.CATALOGUE), product_id=shown.id)


async def test_the_list_says_what_each_costs_and_how_many_are_left(desk: Desk) -> None:
    text = plain((await desk.page.get(desk.path)).text)
    assert "1 month" in text and "$2.99" in text and "3 left" in text
    assert "Reseller $5.90" in text and "Sold out" in text
    assert "No name in: العربية, Русский" in text


async def test_a_variant_is_added_once_however_often_it_is_tapped(desk: Desk) -> None:
    form = (await desk.page.get(f"{desk.path}/new")).text
    intent = re.search(r'name="intent" value="([0-9a-f]+)"', form)
    assert intent is not None
    data = {
        **FORM,
        "intent": intent[1],
        "name_ar": "٦ أشهر",
        "price": "١٢٫٥",
        "step_from": ["10", "2"],
        "step_each": ["9", "11,5"],
    }
    for _ in range(2):
        answer = await desk.page.post(desk.path, data=data)
        assert answer.status_code == 200, answer.text[:400]
    added = (await desk.listed())[-1]
    assert [one.code for one in await desk.listed()] == ["month", "quarter", "6-months"]
    assert added.draft.price.amount == 1250 and added.draft.name == {"en": "6 months", "ar": "٦ أشهر"}
    assert [(step.quantity, step.price.amount) for step in added.draft.quantity_prices] == [(2, 1150), (10, 900)]
    shown = await desk.services.catalog.storefront.product(buyer(), "vpn")
    assert [one.code for one in shown.variants] == ["month", "quarter", "6-months"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name_en": ""}, "Fill this in."),
        ({"price": ""}, "Fill this in."),
        ({"price": "much"}, "Enter a number"),
        ({"price": "-1"}, "Value is out of range."),
        ({"price": str(2**63)}, "Enter a number"),
        ({"price": "10000000001"}, "Value is out of range."),
        ({"reseller_price": "7"}, "Must not be above the price."),
        ({"min_quantity": "5", "max_quantity": "4"}, "Must not be below the least"),
        ({"min_quantity": "5", "per_person_limit": "4"}, "Must not be below the least"),
        ({"min_quantity": "0"}, "Value is out of range."),
        ({"max_quantity": "1001"}, "Value is out of range."),
        ({"warranty_days": "3651"}, "Value is out of range."),
        ({"step_from": "10", "step_each": "6.20"}, "Each price must be below the one before."),
        ({"step_from": "1", "step_each": "5"}, "Value is out of range."),
        ({"step_from": "ten", "step_each": "5"}, "Enter a number"),
        ({"step_from": "10", "step_each": ""}, "Fill this in."),
        ({"name_en": "#NAME?"}, "This looks like an error of a spreadsheet."),
    ],
)
async def test_what_is_wrong_stands_beside_the_field(desk: Desk, changes: dict[str, str], said: str) -> None:
    status, page = await desk.new(note_ru="на три устройства", **changes)
    assert status == 422 and said in page
    assert 'aria-invalid="true"' in page and "на три устройства" in page
    assert len(await desk.listed()) == 2


async def test_a_rising_ladder_keeps_what_was_typed(desk: Desk) -> None:
    form = {**FORM, "intent": UUID(int=7).hex, "step_from": ["2", "10"], "step_each": ["5", "5.50"]}
    page = await desk.page.post(desk.path, data=form)
    assert page.status_code == 422 and "Each price must be below the one before." in page.text
    assert 'value="5.50"' in page.text and 'id="each_1"' in page.text
    assert await desk.services.catalog.variants.list_of(Actor.system(), desk.product_id)


async def test_hints_come_while_one_types(desk: Desk) -> None:
    form = {**FORM, "reseller_price": "6.50", "step_from": "10", "step_each": "5"}
    page = await desk.page.post(f"{desk.path}/live", data=form)
    text = plain(page.text)
    assert "6 months would be cheaper than 3 months." in text
    assert "The reseller price is above the price." in text
    assert "From 10" in text and "$5.00" in text
    assert "cheaper" not in plain((await desk.page.post(f"{desk.path}/live", data={**FORM, "price": "12"})).text)
    assert plain((await desk.page.post(f"{desk.path}/live", data={**FORM, "price": "1x"})).text).strip() == ""


async def test_rows_of_the_ladder_come_and_go_without_the_page(desk: Desk) -> None:
    form = {**FORM, "step_from": ["2", "10"], "step_each": ["6", "5"]}
    more = (await desk.page.post(f"{desk.path}/ladder", data=form)).text
    assert more.count('name="step_from"') == 3 and "<html" not in more
    fewer = (await desk.page.post(f"{desk.path}/ladder", data={**form, "remove": "0"})).text
    assert fewer.count('name="step_from"') == 1 and 'value="10"' in fewer and "From 2<" not in fewer


async def test_the_later_of_two_admins_sees_the_difference(desk: Desk, make_admin: MakeAdmin) -> None:
    one = await desk.one("quarter")
    other = await make_admin(92, Permission.CATALOGUE)
    path = f"{desk.path}/{one.id}"
    first = {**FORM, "name_en": "3 months", "price": "8", "version": str(one.version)}
    assert (await other.post(path, data=first)).status_code == 200
    late = await desk.page.post(path, data={**first, "price": "9", "note_en": "for two"})
    assert late.status_code == 409
    text = plain(late.text)
    assert "Another admin has changed this variant" in text
    assert "Stored now: 8" in text, text[300:1200] and "You typed: 9" in text and "You typed: for two" in text
    assert (await desk.one("quarter")).draft.price.amount == 800
    version = re.search(r'name="version" value="(\d+)"', late.text)
    assert version is not None
    assert (await desk.page.post(path, data={**first, "price": "9", "version": version[1]})).status_code == 200
    assert (await desk.one("quarter")).draft.price.amount == 900


async def test_hidden_and_archived_come_back_by_the_toast(desk: Desk) -> None:
    one = await desk.one("month")
    for verb, back in (("hide", "show"), ("archive", "restore")):
        answer = (await desk.page.post(f"{desk.path}/{one.id}/{verb}")).text
        assert f'hx-post="{desk.path}/{one.id}/{back}"' in answer
        shown = await desk.services.catalog.storefront.product(buyer(), "vpn")
        assert [item.code for item in shown.variants] == ["quarter"]
        await desk.page.post(f"{desk.path}/{one.id}/{back}")
        shown = await desk.services.catalog.storefront.product(buyer(), "vpn")
        assert [item.code for item in shown.variants] == ["month", "quarter"]


async def test_what_was_hidden_comes_back_hidden_and_an_archived_one_is_not_edited(desk: Desk) -> None:
    one = await desk.one("month")
    for verb in ("hide", "archive"):
        assert (await desk.page.post(f"{desk.path}/{one.id}/{verb}")).status_code == 200
    assert "Bring it back" in plain((await desk.page.get(f"{desk.path}/{one.id}")).text)
    data = {**FORM, "version": str(one.version + 2)}
    refused = await desk.page.post(f"{desk.path}/{one.id}", data=data)
    assert refused.status_code == 409 and refused.headers["x-error-code"] == "variant_archived"
    assert (await desk.page.post(f"{desk.path}/{one.id}/show")).status_code == 409
    await desk.page.post(f"{desk.path}/{one.id}/restore")
    assert (await desk.one("month")).hidden


async def test_order_copy_and_a_name_of_markup(desk: Desk) -> None:
    month, quarter = await desk.listed()
    assert (await desk.page.post(f"{desk.path}/order", data={"item": str(quarter.id), "to": "1"})).status_code == 200
    assert [one.code for one in await desk.listed()] == ["quarter", "month"]
    intent = UUID(int=9).hex
    for _ in range(2):
        assert (await desk.page.post(f"{desk.path}/{month.id}/copy", data={"intent": intent})).status_code == 200
    copies = [one for one in await desk.listed() if one.id == VariantId(UUID(intent))]
    assert len(copies) == 1 and copies[0].hidden and copies[0].draft.price == month.draft.price
    status, page = await desk.new(name_en="<b>=1+1</b>")
    assert status == 200 and page
    raw = (await desk.page.get(desk.path)).text
    assert "<b>=1+1" not in raw and "&lt;b&gt;=1+1" in raw


async def test_only_admins_of_the_catalogue_may(desk: Desk, visitor: MakeVisitor, make_admin: MakeAdmin) -> None:
    one = await desk.one("month")
    for somebody in (await make_admin(93, Permission.ORDERS), visitor(94)):
        assert (await somebody.get(desk.path)).status_code == 403
        assert (await somebody.post(f"{desk.path}/{one.id}/archive")).status_code == 403
    assert not (await desk.one("month")).hidden


async def test_the_recycle_bin_gives_back(desk: Desk) -> None:
    one = await desk.one("month")
    assert "The recycle bin is empty" in plain((await desk.page.get("/admin/bin")).text)
    await desk.page.post(f"{desk.path}/{one.id}/archive")
    shown = plain((await desk.page.get("/admin/bin")).text)
    assert "1 month" in shown and "Vpn" in shown and "Stays until" in shown
    back = await desk.page.post(f"/admin/bin/variant/{one.id}/restore")
    assert back.status_code == 200 and "The recycle bin is empty" in plain(back.text)
    assert not (await desk.one("month")).hidden
    assert (await desk.page.post(f"/admin/bin/order/{one.id}/restore")).status_code == 404


async def test_only_who_fills_the_stock_finds_the_way_to_the_file(services: Services, make_admin: MakeAdmin) -> None:
    report = await import_rows(
        services.catalog,
        [category(), product("guide", kind="file"), variant("guide", "pdf", "5"), product("vpn"), variant("vpn")],
    )
    assert report.applied, report.problems
    both = await make_admin(95, Permission.CATALOGUE, Permission.STOCK)
    catalogue_only = await make_admin(96, Permission.CATALOGUE)
    shown = {}
    for slug in ("guide", "vpn"):
        base = f"/admin/catalogue/products/{(one := await services.catalog.storefront.product(buyer(), slug)).id}"
        (listed,) = (await services.catalog.variants.list_of(Actor.system(), ProductId(one.id))).variants
        upload = f"/admin/catalogue/variants/{listed.id}/file"
        for page in (both, catalogue_only):
            texts = [(await page.get(path)).text for path in (base, f"{base}/variants/{listed.id}")]
            shown[slug, page is both] = ('"/admin/stock/files"' in texts[0], f'"{upload}"' in texts[1])
        assert (await catalogue_only.get(upload)).status_code == 403
    assert shown == {
        ("guide", True): (True, True), ("guide", False): (False, False),
        ("vpn", True): (False, False), ("vpn", False): (False, False),
    }  # fmt: skip


async def test_an_archived_product_comes_back_from_the_recycle_bin(desk: Desk, make_admin: MakeAdmin) -> None:
    await desk.services.catalog.products.archive(Actor.system(), desk.product_id)
    page = await desk.page.get("/admin/bin")
    assert "Vpn" in plain(page.text) and '"/admin/stock/removed"' not in page.text
    back = await desk.page.post(f"/admin/bin/product/{desk.product_id}/restore")
    assert back.status_code == 200 and "The recycle bin is empty" in plain(back.text)
    assert (await desk.services.catalog.products.get(Actor.system(), desk.product_id)).archived_at is None
    both = await make_admin(97, Permission.CATALOGUE, Permission.STOCK)
    assert '"/admin/stock/removed"' in (await both.get("/admin/bin")).text
