"""An admin chooses orders, sees what would happen, confirms, and reads what happened."""

from __future__ import annotations

import httpx

from backend.bootstrap import Services
from backend.identity.types import Permission
from backend.orders.types import OrderStatus
from backend.orders.types.bulk import BulkId, BulkStatus
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.orders.admin.test_listing import signed, two_orders
from tests.webapp.sale import field

REASON = "Broken batch"


async def chosen(admin: Visitor, **data: object) -> httpx.Response:
    """The sheet for what was ticked."""
    return await admin.post("/admin/orders/bulk/choose", data=data)


async def planned(admin: Visitor, sheet: httpx.Response, **data: object) -> httpx.Response:
    """The preview of a refund to the balance."""
    form = {"action": "refund", "target": "wallet", "reason": REASON, "intent": field(sheet, "intent"), **data}
    return await admin.post("/admin/orders/bulk", data=form)


def bulk_of(response: httpx.Response) -> str:
    """The address of the action that the answer shows."""
    return str(response.headers["hx-push-url"])


async def test_orders_are_chosen_shown_refunded_and_counted(
    services: Services, visitor: MakeVisitor, make_admin: MakeAdmin
) -> None:
    cheap, dear = await two_orders(services, visitor)
    admin = await make_admin(81, Permission.ORDERS)
    rows = await admin.get("/admin/orders?select=1")
    assert f'name="only" value="{cheap}"' in rows.text and 'name="every"' in rows.text

    sheet = await chosen(admin, only=[cheap, dear])
    assert "Chosen orders: 2" in sheet.text
    wrong = await planned(admin, sheet, only=f"{cheap},{dear}", reason="")
    assert wrong.status_code == 422 and "Enter a reason." in wrong.text
    preview = await planned(admin, sheet, only=f"{cheap},{dear}")
    assert "Nothing has happened yet" in preview.text and "$92.50" in preview.text and REASON in preview.text
    again = await planned(admin, sheet, only=f"{cheap},{dear}")
    assert bulk_of(again) == bulk_of(preview)

    path = bulk_of(preview)
    for _ in range(2):  # a double tap
        started = await admin.post(f"{path}/start")
        assert started.status_code == 200 and 'hx-trigger="every 2s"' in started.text
    actor = await services.identity.access.actor_by_telegram_id(81)
    assert actor is not None
    bulk_id = BulkId(path.rsplit("/", 1)[1])  # type: ignore[arg-type]
    await services.orders.bulk.run(bulk_id)
    done = await admin.get(path)
    assert "Every chosen order is counted below" in done.text
    bulk = await services.orders.bulk.get(actor, bulk_id)
    assert (bulk.status, bulk.done, bulk.failed) == (BulkStatus.DONE, 2, 0)
    assert (await services.orders.history.admin_detail(actor, dear)).status is OrderStatus.REFUNDED
    assert path in (await admin.get("/admin/orders/bulk")).text


async def test_all_that_match_the_filters_are_chosen_with_one_tick(
    services: Services, visitor: MakeVisitor, make_admin: MakeAdmin, client: httpx.AsyncClient
) -> None:
    cheap, dear = await two_orders(services, visitor)
    admin = await make_admin(81, Permission.ORDERS)
    sheet = await chosen(admin, every="on", least="50.00", only=cheap)
    assert "Chosen orders: 1" in sheet.text
    preview = await planned(admin, sheet, every="on", least="50.00")
    assert "$90.00" in preview.text
    file = await client.get(signed(sheet, "/admin/orders.csv"))
    assert dear in file.text and cheap not in file.text
    some = await client.get(signed(await chosen(admin, only=cheap), "/admin/orders.csv"))
    assert cheap in some.text and dear not in some.text


async def test_nothing_ticked_is_nobody_s_order(
    services: Services, visitor: MakeVisitor, make_admin: MakeAdmin
) -> None:
    await two_orders(services, visitor)
    admin = await make_admin(81, Permission.ORDERS)
    empty = await chosen(admin)
    assert "Choose at least one order." in empty.text
    tampered = await planned(admin, await chosen(admin, every="on"), only="")
    assert tampered.status_code == 422 and "Choose at least one order." in tampered.text


async def test_each_address_needs_the_permission(visitor: MakeVisitor, make_admin: MakeAdmin) -> None:
    lesser = await make_admin(82, Permission.MONEY)
    path = "/admin/orders/bulk"
    one = f"{path}/0199c0de-0000-7000-8000-000000000000"
    for get in (path, one):
        assert (await lesser.get(get)).status_code == 403
    for post in (path, f"{path}/choose", f"{one}/start", f"{one}/stop", "/admin/orders/S-000000/resend"):
        assert (await lesser.post(post)).status_code == 403


async def test_keys_are_sent_again_from_an_order(
    services: Services, visitor: MakeVisitor, make_admin: MakeAdmin
) -> None:
    cheap, _ = await two_orders(services, visitor)
    admin = await make_admin(81, Permission.ORDERS)
    page = await admin.get(f"/admin/orders/{cheap}")
    assert f'hx-post="/admin/orders/{cheap}/resend"' in page.text and f'data-copy="{cheap}"' in page.text
    for tap in ("tap-00001", "tap-00001", "tap-00002", "tap-00003"):
        assert (await admin.post(f"/admin/orders/{cheap}/resend", data={"intent": tap})).status_code == 200
    refused = await admin.post(f"/admin/orders/{cheap}/resend", data={"intent": "tap-00004"})
    assert refused.status_code == 409
