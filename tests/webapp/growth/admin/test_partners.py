"""Partners in the back office: added, counted, stopped; and links that bring people."""

from __future__ import annotations

import pytest

from backend.bootstrap import Services
from backend.growth.domain import attribution
from backend.infra.settings import Settings
from tests.factories.courses import add_course, add_teacher, tariffs_of
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive


@pytest.mark.parametrize("language", ["en", "ar", "ru"])
async def test_a_partner_is_added_counted_and_stopped(
    services: Services, visitor: MakeVisitor, settings: Settings, language: str
) -> None:
    root = visitor(settings.root_admin_id, language_code=language)
    admin = await arrive(services, root)
    assert "/admin/partners" in (await root.get("/admin/payments")).text
    assert (await root.get("/admin/partners/new")).status_code == 200
    for form in ({}, {"name": "Anna", "code": "a"}, {"code": "anna"}, {"name": "Anna", "code": "c_anna"}):
        assert (await root.post("/admin/partners", data=form)).status_code == 422
    added = await root.post("/admin/partners", data={"name": "Anna <b>", "code": "Anna"})
    assert (added.status_code, "p_Anna" in added.text, "<b>" in added.text) == (200, True, False)
    again = await root.post("/admin/partners", data={"name": "Anna", "code": "aNNa"})
    assert again.status_code == 422

    teacher = await add_teacher(services.uow)
    course = await add_course(services.uow, teacher)
    basic = (await tariffs_of(services.uow, teacher, course))["basic"]
    buyer = await arrive(services, visitor(81), 5000)
    async with services.uow() as tx:
        assert await attribution.note_touch(tx, buyer.id, "c_calm-p_anna", tx.now)
    await services.orders.checkout.place(buyer, basic.variant_id, 1, "tap-0000001")
    (partner,) = await services.growth.partners.list_all(admin)
    assert await services.courses.students.count_brought(admin, [partner.id]) == {partner.id: 1}
    assert (await root.get("/admin/partners")).text.count("/stop") == 1
    stopped = await root.post(f"/admin/partners/{partner.id}/stop")
    assert (stopped.status_code, "/start" in stopped.text) == (200, True)
    assert "/stop" in (await root.post(f"/admin/partners/{partner.id}/start")).text


async def test_partners_are_no_business_of_others(services: Services, visitor: MakeVisitor) -> None:
    stranger = visitor(82)
    await arrive(services, stranger)
    assert (await stranger.get("/admin/partners")).status_code == 403
    assert (await stranger.post("/admin/partners", data={"name": "Me", "code": "me"})).status_code == 403
