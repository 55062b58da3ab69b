"""The back office's list of payments: days, amounts and refunds in the address, and a file of them."""

from __future__ import annotations

import re

import httpx

from backend.bootstrap import Services
from backend.identity.types import Permission
from tests.webapp.back_office import MakeAdmin, TopUp
from tests.webapp.conftest import MakeVisitor
from tests.webapp.orders.admin.test_listing import signed
from tests.webapp.sale import arrive


def references(response: httpx.Response) -> list[str]:
    """The payments on the page, each once."""
    assert response.status_code == 200, response.text[:500]
    return list(dict.fromkeys(re.findall(r">(D-[0-9A-Z]{6})<", response.text)))


async def test_days_amounts_and_refunds_narrow_the_list_and_its_file(
    services: Services, visitor: MakeVisitor, make_admin: MakeAdmin, top_up: TopUp, client: httpx.AsyncClient
) -> None:
    actor = await arrive(services, visitor(51, first_name="=Layla"))
    small, large = await top_up(actor, 500, key="small-top-up"), await top_up(actor, 9000, key="large-top-up")
    admin = await make_admin(81, Permission.MONEY)
    path = "/admin/payments"

    assert references(await admin.get(path)) == [large.reference, small.reference]
    narrowed = await admin.get(f"{path}?most=50")
    assert references(narrowed) == [small.reference]
    assert references(await admin.get(f"{path}?least=50&since=2020-01-01&until=2099-01-01")) == [large.reference]
    for nothing in ("refunded=1", "since=2099-01-01", "until=2020-01-01"):
        assert references(await admin.get(f"{path}?{nothing}")) == []

    file = await client.get(signed(narrowed, "/admin/payments.csv"))
    assert small.reference in file.text and large.reference not in file.text
    assert "'=Layla" in file.text and ",5.00,5.00,0.00,USD," in file.text
    assert (await client.get("/admin/payments.csv")).status_code in {401, 403}


async def test_the_sheet_keeps_what_was_typed(visitor: MakeVisitor, make_admin: MakeAdmin) -> None:
    admin = await make_admin(81, Permission.MONEY)
    wrong = await admin.get("/admin/payments/filters?apply=1&least=much")
    assert wrong.status_code == 422 and 'value="much"' in wrong.text
    backwards = await admin.get("/admin/payments/filters?apply=1&least=5&most=4")
    assert backwards.status_code == 422 and "The maximum is below the minimum." in backwards.text
    applied = await admin.get("/admin/payments/filters?apply=1&least=5&method=fake")
    assert applied.headers["hx-push-url"] == "/admin/payments?method=fake&least=5.00"
