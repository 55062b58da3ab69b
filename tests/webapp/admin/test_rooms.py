"""The back office: who may open which section, and what it shows."""

from __future__ import annotations

import gzip
import re

import pytest
from sqlalchemy import text, update

from backend.bootstrap import Services
from backend.catalog.domain import search_index
from backend.identity.types import Actor, Permission
from backend.infra.outbox import OutboxJob
from backend.infra.settings import Settings
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, goods, number_of

ROOMS = {
    "/admin/orders": Permission.ORDERS,
    "/admin/people": Permission.USERS,
    "/admin/courses": Permission.TEACHING,
    "/admin/readings": Permission.READINGS,
    "/admin/payments": Permission.MONEY,
    "/admin/books": Permission.MONEY,
    "/admin/settings/payments": Permission.SETTINGS,
    "/admin/deliveries": Permission.SETTINGS,
    "/admin/admins": Permission.ADMINS,
}


@pytest.fixture
def root(visitor: MakeVisitor, settings: Settings) -> Visitor:
    """A web view of the root admin."""
    return visitor(settings.root_admin_id, first_name="Ruth")


async def admin(services: Services, root: Visitor, visitor: Visitor, *permissions: Permission) -> Actor:
    """Give the visitor permissions and sign them in again."""
    chief, guest = await arrive(services, root), await arrive(services, visitor)
    await services.identity.admins.set_permissions(chief, guest.id, permissions)
    visitor.token = None
    return await arrive(services, visitor)


async def test_buyers_see_no_section(visitor: MakeVisitor) -> None:
    buyer = visitor()
    assert 'href="/admin"' not in (await buyer.get("/shop")).text
    for path in ("/admin", *ROOMS):
        response = await buyer.get(path)
        assert response.status_code == 403
        assert "<main" in response.text


@pytest.mark.parametrize("held", list(Permission))
async def test_each_section_needs_its_permission(
    services: Services, visitor: MakeVisitor, root: Visitor, held: Permission
) -> None:
    helper = visitor(81)
    await admin(services, root, helper, held)
    home = await helper.get("/admin")
    assert home.status_code == 200
    assert 'href="/admin"' in (await helper.get("/shop")).text
    for path, needed in ROOMS.items():
        assert (await helper.get(path)).status_code == (200 if needed is held else 403)
        assert (f'href="{path}"' in home.text) == (needed is held)
    posts = {
        "/admin/books/check": Permission.MONEY,
        "/admin/deliveries/0199c0de-0000-7000-8000-000000000000/retry": Permission.SETTINGS,
        "/admin/people/0199c0de-0000-7000-8000-000000000000/unblock": Permission.USERS,
        "/admin/admins/0199c0de-0000-7000-8000-000000000000": Permission.ADMINS,
    }
    for path, needed in posts.items():
        status = (await helper.post(path)).status_code
        assert (status == 403) == (needed is not held), (path, status)


@pytest.mark.parametrize("language", ["en", "ar", "ru"])
async def test_the_sections_are_in_the_admins_language(
    services: Services, visitor: MakeVisitor, settings: Settings, language: str
) -> None:
    thing, buyer = await goods(services, price=720, keys=2, low_stock_at=5), visitor(first_name="Omar")
    actor = await arrive(services, buyer, cents=5000)
    await buy(buyer, thing)
    chief = visitor(settings.root_admin_id, language_code=language)
    root_actor = await arrive(services, chief)
    from backend.kernel.text import Locale

    await services.identity.profile.set_language(root_actor, Locale(language))
    paths = (
        "/admin", *ROOMS, f"/admin/people/{actor.id}", f"/admin/people/{actor.id}/block", "/admin/admins/new",
        f"/admin/people/{actor.id}/wallet", f"/admin/people/{actor.id}/adjust", "/admin/adjustments",
        "/admin/payments/unmatched", "/admin/payments/deposits", "/admin/payments/reconciliation",
        "/admin/settings/payments/fake",
    )  # fmt: skip
    for path in paths:
        response = await chief.get(path)
        assert response.status_code == 200, (path, response.text[:300])
        assert f'lang="{language}"' in response.text
        assert len(gzip.compress(response.content)) < 6 * 1024
        if language != "en":
            for word in ("Orders", "People", "Messages and jobs", "Balance<", "Delivered", "Block", "Reason"):
                assert f">{word}" not in response.text, (path, word)


async def test_home_shows_work_and_todays_figures(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    thing, buyer = await goods(services, price=720, keys=2, low_stock_at=5), visitor(first_name="Omar")
    actor = await arrive(services, buyer, cents=5000)
    number = number_of(await buy(buyer, thing))
    other = await goods(services, price=100)
    await services.orders.checkout.reserve(actor, other.variant_id, 1, "waiting-order")
    async with services.uow() as tx:
        await tx.execute(update(OutboxJob).values(dead_at=tx.now, attempts=8, last_error="Traceback\nBoom: gone"))
    home = await root.get("/admin")
    assert home.status_code == 200
    assert "$7.20" in home.text
    assert number in home.text
    assert "Orders awaiting payment" in home.text
    assert "Low stock" in home.text
    assert "Failed messages" in home.text
    assert "Balanced" in home.text


async def test_orders_are_found_and_never_show_keys(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    thing, buyer = await goods(services, price=720), visitor(first_name="Omar")
    async with services.uow() as tx:
        await search_index.refresh(tx, [thing.product_id])
    await arrive(services, buyer, cents=5000)
    number = number_of(await buy(buyer, thing, 2))
    response = await root.get(f"/admin/orders?q={number[2:].lower()}", headers={"HX-Target": "results"})
    assert "<main" not in response.text
    assert "Omar" in response.text
    assert f'href="/admin/orders/{number}"' in response.text
    for part in (number[:4], number[3:6], "vpn", "7.20", "14.40", thing.keys[0]):
        shown = f'href="/admin/orders/{number}"' in (await root.get("/admin/orders", params={"q": part})).text
        assert shown == (part != "7.20"), part
    for odd in ("nothing at all", "%", "9" * 20, "'\"", "x" * 5_000, "\u202e"):
        assert (await root.get("/admin/orders", params={"q": odd})).status_code == 200
        assert (await root.get("/admin/payments", params={"q": odd})).status_code == 200
        assert (await root.get("/admin/people", params={"q": odd})).status_code == 200
    assert "No orders found" in (await root.get("/admin/orders?q=nothing at all")).text
    assert "Omar" in (await root.get(f"/admin/people?q={number}")).text
    assert number not in (await root.get("/admin/orders?status=cancelled")).text
    detail = await root.get(f"/admin/orders/{number}")
    assert detail.status_code == 200
    assert "Omar" in detail.text
    assert not any(key in detail.text for key in thing.keys)
    assert "/reveal" not in detail.text
    assert "files/" not in detail.text
    assert (await root.get("/admin/orders/S-000000")).status_code == 404


async def test_a_person_is_blocked_and_unblocked(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    buyer = visitor(91, first_name="Omar", username="omar91")
    actor = await arrive(services, buyer, cents=1234)
    response = await root.get("/admin/people?q=@omar9", headers={"HX-Target": "results"})
    assert "Omar" in response.text
    assert "$12.34" in response.text
    page = await root.get(f"/admin/people/{actor.id}")
    assert "$12.34" in page.text
    path = f"/admin/people/{actor.id}"
    silent = await root.post(f"{path}/block", data={"reason": "  "})
    assert silent.status_code == 422
    assert silent.headers["hx-retarget"] == "#sheet"
    assert "Enter a reason." in silent.text
    assert (await buyer.get("/shop")).status_code == 200
    blocked = await root.post(f"{path}/block", data={"reason": "stolen cards"})
    assert blocked.status_code == 200
    assert "stolen cards" in blocked.text
    refused = await buyer.get("/shop")
    assert refused.status_code == 401
    assert "stolen cards" not in refused.text
    assert (await root.post(f"{path}/unblock")).status_code == 200
    again = visitor(91)
    assert (await again.get("/shop")).status_code == 200
    async with services.uow.read() as tx:
        actions = (await tx.execute(text("SELECT action FROM audit_entries ORDER BY id"))).scalars().all()
    assert actions == ["users.blacklist", "users.unblacklist"]


async def test_standing_is_two_switches(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    actor = await arrive(services, visitor(92))
    path = f"/admin/people/{actor.id}"
    assert (await root.post(f"{path}/standing", data={"reseller": "on"})).status_code == 204
    person = await services.identity.access.actor_by_telegram_id(92)
    assert person is not None
    assert (person.is_reseller, person.is_premium) == (True, False)
    assert (await root.post(f"{path}/standing", data={"premium": "on"})).status_code == 204
    person = await services.identity.access.actor_by_telegram_id(92)
    assert person is not None
    assert (person.is_reseller, person.is_premium) == (False, True)


async def test_root_cannot_be_touched(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    helper = visitor(81)
    await admin(services, root, helper, *Permission)
    chief = await arrive(services, root)
    for method, path, data in (
        ("POST", f"/admin/people/{chief.id}/block", {"reason": "coup"}),
        ("POST", f"/admin/admins/{chief.id}", {}),
        ("DELETE", f"/admin/admins/{chief.id}", None),
    ):
        response = await helper.ask(method, path, data=data)
        assert response.status_code == 403
        assert response.headers["x-error-code"] == "root_protected"
    assert "all permissions, can't be removed" in (await helper.get("/admin/admins")).text
    assert f"/admin/admins/{chief.id}" not in (await helper.get("/admin/admins")).text


async def test_an_admin_is_made_changed_and_removed(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    helper = visitor(81, first_name="Huda", username="huda_s")
    actor = await arrive(services, helper)
    path = f"/admin/admins/{actor.id}"
    for typed in ("81", "@huda_s", "hud"):
        listed = await root.get("/admin/admins/new", params={"q": typed}, headers={"hx-target": "results"})
        assert f'hx-get="{path}"' in listed.text, typed
    assert f'hx-get="{path}"' in (await root.get(f"/admin/people/{actor.id}")).text
    refused = await root.post(path, data={})
    assert refused.status_code == 422
    assert refused.headers["hx-retarget"] == "#sheet"
    assert "Choose at least one permission" in refused.text
    response = await root.post(path, data={"permission_orders": "on"})
    assert response.status_code == 200
    assert "Huda" in response.text
    sheet = await root.get(f"/admin/admins/{actor.id}")
    assert 'name="permission_orders" value="on" checked' in sheet.text
    await root.post(f"/admin/admins/{actor.id}", data={"permission_users": "on", "permission_money": "on"})
    person = await services.identity.access.actor_by_telegram_id(81)
    assert person is not None
    assert person.permissions == {Permission.USERS, Permission.MONEY}
    gone = await root.ask("DELETE", f"/admin/admins/{actor.id}")
    assert gone.status_code == 200
    assert "Huda" not in gone.text


async def test_only_rights_that_open_something_are_offered_and_others_stay(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    helper, other = visitor(81), visitor(83)
    await admin(services, root, helper, Permission.ADMINS, Permission.ORDERS)
    actor = await admin(services, root, other, Permission.BROADCAST, Permission.MONEY)
    sheet = await root.get(f"/admin/admins/{actor.id}")
    offered = set(re.findall(r'name="permission_(\w+)"', sheet.text))
    assert offered == {str(one) for one in Permission} - {"broadcast"}
    await root.post(f"/admin/admins/{actor.id}", data={"permission_users": "on"})
    person = await services.identity.access.actor_by_telegram_id(83)
    assert person is not None
    assert person.permissions == {Permission.BROADCAST, Permission.USERS}
    mine = await helper.get(f"/admin/admins/{actor.id}")  # nobody gives what they do not hold
    assert set(re.findall(r'name="permission_(\w+)"', mine.text)) == {"orders", "admins"}


async def test_the_ledger_is_checked_again_on_request(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    await arrive(services, visitor(), cents=1000)
    assert "The ledger is balanced" in (await root.get("/admin/books")).text
    await arrive(services, visitor(43), cents=500)
    again = await root.post("/admin/books/check")
    assert again.status_code == 200
    assert "$15.00" in again.text
    assert "2 transfers" in again.text


async def test_a_dead_letter_is_sent_again(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    thing, buyer = await goods(services, price=100), visitor()
    await arrive(services, buyer, cents=1000)
    assert "No failed deliveries" in (await root.get("/admin/deliveries")).text
    await buy(buyer, thing)
    async with services.uow() as tx:
        await tx.execute(update(OutboxJob).values(dead_at=tx.now, attempts=8, last_error="Traceback\nBoom: gone"))
    page = await root.get("/admin/deliveries")
    assert "Boom: gone" in page.text
    job = page.text.split('id="delivery-')[1].split('"')[0]
    before = page.text.count('id="delivery-')
    answer = await root.post(f"/admin/deliveries/{job}/retry")
    assert answer.status_code == 200
    assert answer.content == b""
    assert (await root.get("/admin/deliveries")).text.count('id="delivery-') == before - 1
    assert (await root.post(f"/admin/deliveries/{job}/retry")).status_code == 404


async def test_a_page_says_where_focus_goes(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    page = (await root.get("/admin")).text
    assert page.count("autofocus") == 1
    assert '<h1 tabindex="-1" autofocus' in page
    wrong = (await root.post("/admin/vouchers", data={"amount": "much", "count": "1"})).text
    assert wrong.count("autofocus") == 1
    assert 'aria-invalid="true" autofocus' in wrong
