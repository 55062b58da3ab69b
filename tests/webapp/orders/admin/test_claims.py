"""Admins decide claims under the warranty, and stop bad batches."""

from __future__ import annotations

import re

from sqlalchemy import text

from backend.bootstrap import Services
from backend.catalog import domain as catalog
from backend.identity.types import Permission
from backend.infra.jobs import list_open
from tests.webapp.back_office import MakeAdmin
from tests.webapp.conftest import MakeVisitor
from tests.webapp.orders.claims import bought, claim
from tests.webapp.sale import plain


async def test_an_admin_decides_what_waits(services: Services, visitor: MakeVisitor, make_admin: MakeAdmin) -> None:
    buyer = visitor()
    number, _ = await bought(services, buyer, 3)
    await claim(buyer, number)
    await claim(buyer, number)
    assert (await buyer.get("/admin/orders/claims")).status_code == 403
    admin = await make_admin(81, Permission.ORDERS)
    assert "Warranty claims" in plain((await admin.get("/admin")).text)
    listed = await admin.get("/admin/orders/claims")
    match = re.search(r"/admin/orders/claims/([0-9a-f-]{36})/replace", listed.text)
    assert match is not None
    path = f"/admin/orders/claims/{match.group(1)}"
    assert (await admin.post(f"{path}/replace")).status_code == 409
    assert (await admin.post(f"{path}/reject", data={})).status_code == 422
    assert "Reject this claim?" in plain((await admin.get(f"{path}/reject")).text)
    done = await admin.post(f"{path}/reject", data={"reason": "It works here"})
    assert "No claims to review" in plain(done.text)
    page = plain((await buyer.get(f"/orders/{number}")).text)
    assert "Claim rejected" in page
    assert "It works here" in page
    assert (await admin.post(f"{path}/refund")).status_code == 409


async def test_a_bad_batch_is_stopped(services: Services, visitor: MakeVisitor, make_admin: MakeAdmin) -> None:
    buyer = visitor()
    number, thing = await bought(services, buyer, 1, keys=4)
    await claim(buyer, number)
    admin = await make_admin(81, Permission.STOCK)
    listed = await admin.get("/admin/stock")
    assert "Sold: 1" in plain(listed.text)
    assert "Faulty: 1 (100%)" in plain(listed.text)
    async with services.uow.read() as tx:
        batch = (await tx.execute(text("SELECT id FROM stock_batches"))).scalar_one()
    stopped = await admin.post(f"/admin/stock/{batch}/stop")
    assert "Sell again" in plain(stopped.text)
    assert "Sell again" in plain((await admin.get(f"/admin/stock/batches/{batch}")).text)
    assert "Stopped" in plain((await admin.get("/admin/stock")).text)
    async with services.uow.read() as tx:
        ((job, _),) = await list_open(tx, "catalog.switch_batch")
    await services.catalog.batches.move_keys(job["batch_id"])
    assert "Sold out" in plain((await buyer.get(f"/shop/{thing.slug}")).text)
    await admin.post(f"/admin/stock/{batch}/resume")
    await services.catalog.batches.move_keys(batch)
    async with services.uow.read() as tx:
        assert await catalog.count_available(tx, thing.variant_id) == 3
