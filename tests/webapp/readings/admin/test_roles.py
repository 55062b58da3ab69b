"""Every page of the reading room in the back office is closed to everybody without its permission."""

from __future__ import annotations

import re
from collections.abc import Iterator

from litestar import Litestar

from backend.identity.types import Permission
from tests.webapp.back_office import MakeAdmin
from tests.webapp.conftest import MakeVisitor
from tests.webapp.readings.admin.conftest import ROOM, Desk
from tests.webapp.sale import arrive

_VALUES = {"uuid": "0199c0de-0000-7000-8000-000000000000", "str": "en", "int": "1"}
_ROUTES = 29


def routes(app: Litestar) -> Iterator[tuple[str, str]]:
    """Methods and addresses of the room."""
    for route in app.routes:
        if route.path.startswith(ROOM):
            address = re.sub(r"\{\w+:(\w+)\}", lambda match: _VALUES[match[1]], route.path)
            for method in sorted({"GET", "POST"} & set(route.methods)):
                yield method, address


async def test_every_route_refuses_lesser_roles(
    app: Litestar, desk: Desk, visitor: MakeVisitor, make_admin: MakeAdmin
) -> None:
    buyer = visitor(42)
    await arrive(desk.services, buyer)
    others = [one for one in Permission if one not in {Permission.READINGS, Permission.SETTINGS, Permission.MONEY}]
    helper = await make_admin(82, *others)
    checked = list(routes(app))
    assert len(checked) >= _ROUTES
    for method, address in checked:
        for person in (buyer, helper):
            answer = await person.ask(method, address)
            assert answer.status_code == 403, (method, address)


async def test_settings_need_their_own_permission(desk: Desk, make_admin: MakeAdmin) -> None:
    assert (await desk.page.get(f"{ROOM}/settings")).status_code == 403
    assert (await desk.page.post(f"{ROOM}/settings")).status_code == 403
    assert "/admin/readings/settings" not in (await desk.page.get(ROOM)).text
    chief = await make_admin(83, Permission.SETTINGS, Permission.READINGS)
    assert "/admin/readings/settings" in (await chief.get(ROOM)).text
    assert (await chief.get(f"{ROOM}/settings")).status_code == 200
