"""Where a link leads in the Mini App: to its course or product if there is one, else to the shop."""

from __future__ import annotations

from backend.bootstrap import Services
from tests.factories.catalog import add_variant
from tests.factories.courses import add_course, add_teacher
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive


async def test_a_link_leads_to_what_is_there(services: Services, visitor: MakeVisitor) -> None:
    teacher = await add_teacher(services.uow)
    await add_course(services.uow, teacher)
    await add_course(services.uow, teacher, "secret", published=False)
    await add_variant(services.catalog, "netflix", keys=1)
    reader = visitor(91)
    await arrive(services, reader)
    places = {
        "c_calm": "/learn/calm",
        "c_calm-p_anna": "/learn/calm",
        "c_secret": "/shop",
        "c_nothing-p_anna": "/shop",
        "p_netflix": "/shop/netflix",
        "p_anna": "/shop",
        "anna": "/shop",
        "c_" + "a" * 63: "/shop",
        "c_calm-p_": "/learn/calm",
    }
    for start_param, place in places.items():
        answer = await reader.get("/", headers={"x-start-param": start_param}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, place), start_param
