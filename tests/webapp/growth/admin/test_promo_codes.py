"""Promo codes in the back office: made, approved, looked at and stopped."""

from __future__ import annotations

import re

import pytest

from backend.bootstrap import Services
from backend.growth.types.promos import PromoStatus
from backend.identity.types import Permission
from backend.infra.settings import Settings
from tests.factories.wallet import usd
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, field, goods, plain

FORM = {"code": "spring-25", "kind": "percent", "value": "12.5", "note": "ads"}


@pytest.mark.parametrize("language", ["en", "ar", "ru"])
async def test_a_code_is_made_used_and_stopped(
    services: Services, visitor: MakeVisitor, settings: Settings, language: str
) -> None:
    root = visitor(settings.root_admin_id, language_code=language)
    admin = await arrive(services, root)
    buyer, thing = visitor(81), await goods(services, price=800, keys=5)
    actor = await arrive(services, buyer, 5000)
    assert "/admin/promos" in (await root.get("/admin/payments")).text
    form = {**FORM, "intent": field(await root.get("/admin/promos/new"), "intent")}
    form |= {"goods": "product", "product": f"https://shop.example/shop/{thing.slug}?x=1", "uses": "3"}
    response = await root.post("/admin/promos", data=form)
    assert (response.status_code, "SPRING25" in response.text) == (200, True), response.text
    assert (await root.post("/admin/promos", data=form)).status_code == 200
    ((promo, _),) = await services.growth.promos.list_all(admin)
    codes = await services.growth.promos.admit(actor, ["SPRING25"])
    held = await services.orders.checkout.reserve(actor, thing.variant_id, 1, "tap-0000001", codes=codes)
    await services.orders.reservations.cancel(actor, held.number)
    order = await services.orders.checkout.place(actor, thing.variant_id, 1, "tap-0000002", codes=codes)
    page = await root.get(f"/admin/promos/{promo.id}")
    assert f"/admin/orders/{order.number}" in page.text
    assert f"/admin/orders/{held.number}" in page.text
    assert "SPRING25" in (await root.get("/admin/promos")).text
    assert (await root.post(f"/admin/promos/{promo.id}/stop")).status_code == 200
    assert "/stop" not in (await root.get(f"/admin/promos/{promo.id}")).text
    ((promo, figures),) = await services.growth.promos.list_all(admin)
    assert (figures.status(promo, services.clock.now()), figures.used, figures.saved) == (
        PromoStatus.STOPPED, 1, usd(100),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"value": ""}, "Enter an amount"), ({"value": "x"}, "Enter a number"), ({"value": "0"}, "out of range"),
        ({"value": "101"}, "out of range"), ({"kind": "fixed", "value": "-5"}, "Enter a number"),
        ({"code": "A!"}, "3 to 24"), ({"code": "СКИДКА"}, "3 to 24"), ({"codes": "2"}, "one code"),
        ({"code": "", "codes": "501"}, "Up to 500"), ({"uses": "0"}, "out of range"), ({"uses": "many"}, "a number"),
        ({"per_person": "9999999999999"}, "out of range"), ({"minimum": "x"}, "Enter a number"),
        ({"goods": "product"}, "No such product"), ({"goods": "category"}, "Choose a category"),
        ({"goods": "product", "product": "/shop/nothing"}, "No such"),
        ({"ends": "2020-01-01"}, "today or a later day"), ({"ends": "soon"}, "a later day"),
        ({"starts": "2099-01-02", "ends": "2099-01-01"}, "before the first"), ({"note": "n" * 150}, "Up to 120"),
    ],
)  # fmt: skip
async def test_codes_that_are_refused(
    services: Services, visitor: MakeVisitor, settings: Settings, form: dict[str, str], message: str
) -> None:
    root = visitor(settings.root_admin_id)
    actor = await arrive(services, root)
    answer = await root.post("/admin/promos", data={"intent": "k" * 16, **FORM, **form})
    assert answer.status_code == 422
    assert message in plain(answer.text)
    assert await services.growth.promos.list_all(actor) == []


async def test_a_code_that_exists_is_refused_in_every_spelling(
    services: Services, visitor: MakeVisitor, settings: Settings
) -> None:
    root = visitor(settings.root_admin_id)
    await arrive(services, root)
    assert (await root.post("/admin/promos", data={**FORM, "code": "LOOK10"})).status_code == 200
    refused = await root.post("/admin/promos", data={**FORM, "code": "l00k-1o"})
    assert (refused.status_code, "exists already" in refused.text) == (422, True)


async def test_random_codes_are_listed(services: Services, visitor: MakeVisitor, settings: Settings) -> None:
    root = visitor(settings.root_admin_id)
    await arrive(services, root)
    form = {"kind": "fixed", "value": "5", "code": "", "codes": "12", "uses": "1", "intent": "k" * 16}
    page = await root.post("/admin/promos", data=form)
    assert len(set(re.findall(r"\b[0-9A-HJKMNP-TV-Z]{10}\b", page.text))) == 12


async def two_admins(services: Services, visitor: MakeVisitor, settings: Settings) -> tuple[Visitor, Visitor]:
    root, helper = visitor(settings.root_admin_id), visitor(82)
    chief, actor = await arrive(services, root), await arrive(services, helper)
    await services.identity.admins.set_permissions(chief, actor.id, [Permission.MONEY])
    helper.token = None
    return root, helper


async def test_what_gives_without_end_needs_a_second_admin(
    services: Services, visitor: MakeVisitor, settings: Settings
) -> None:
    root, helper = await two_admins(services, visitor, settings)
    assert "second admin" in (await root.post("/admin/promos", data={**FORM, "intent": "k" * 16})).text
    chief = await arrive(services, root)
    assert await services.growth.promos.list_all(chief) == []
    ((first, _),) = await services.growth.promos.awaiting_approval(chief)
    assert (await root.post(f"/admin/promos/{first.id}/approve")).status_code == 403
    waiting = (await helper.get("/admin/approvals")).text
    assert ("/admin/promos" in waiting, "12.5%, SPRING25, ads" in waiting, "$0.00" in waiting) == (True, True, False)
    assert f"/admin/promos/{first.id}/approve" in (await helper.get("/admin/promos")).text
    assert "SPRING25" in (await helper.post(f"/admin/promos/{first.id}/approve")).text
    ((promo, _),) = await services.growth.promos.list_all(chief)
    assert promo.created_by == chief.id
    # Nobody profits from what they made.
    thing = await goods(services, price=800, keys=5)
    codes = await services.growth.promos.admit(chief, ["SPRING25"])
    quote = await services.orders.checkout.quote(chief, thing.variant_id, 1, codes=codes)
    assert (quote.promo, quote.refused is not None) == (None, True)


async def test_what_ends_below_the_limit_needs_one_admin(
    services: Services, visitor: MakeVisitor, settings: Settings
) -> None:
    root, _ = await two_admins(services, visitor, settings)
    form = {"kind": "fixed", "value": "5", "code": "FIVE", "uses": "20"}
    assert "FIVE" in (await root.post("/admin/promos", data=form)).text
    assert "second admin" in (await root.post("/admin/promos", data={**form, "code": "MORE", "uses": "1"})).text


async def test_only_admins_for_money_see_codes(services: Services, visitor: MakeVisitor, settings: Settings) -> None:
    root, helper = visitor(settings.root_admin_id), visitor(82)
    chief, actor = await arrive(services, root), await arrive(services, helper)
    await services.identity.admins.set_permissions(chief, actor.id, [Permission.ORDERS])
    helper.token = None
    for path in ("/admin/promos", "/admin/promos/new"):
        assert (await helper.get(path)).status_code == 403
    assert (await helper.post("/admin/promos", data=FORM)).status_code == 403


@pytest.mark.parametrize("kind", ["unique_keys", "shared_key"])
async def test_a_code_for_a_kind_and_one_for_a_category(
    services: Services, visitor: MakeVisitor, settings: Settings, kind: str
) -> None:
    root, buyer = visitor(settings.root_admin_id), visitor(81)
    await arrive(services, root)
    actor, thing = await arrive(services, buyer), await goods(services, price=800, keys=5)
    form = await root.get("/admin/promos/new")
    (category,) = re.findall(r'name="category" value="([^"]+)"', form.text)
    await root.post("/admin/promos", data={**FORM, "goods": kind, "code": "KIND"})
    await root.post("/admin/promos", data={**FORM, "goods": "category", "category": category, "code": "SHELF"})
    for code, total in (("KIND", 700 if kind == "unique_keys" else 800), ("SHELF", 700)):
        codes = await services.growth.promos.admit(actor, [code])
        quote = await services.orders.checkout.quote(actor, thing.variant_id, 1, codes=codes)
        assert quote.due.total == usd(total), code
