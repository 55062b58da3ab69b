"""The shop's own roles: made of what one holds, they fill switches and change nobody."""

from __future__ import annotations

import asyncio
import re

import pytest

from backend.bootstrap import Services
from backend.identity.errors import RoleNameTaken, SessionRevoked, TooManyRoles
from backend.identity.service.roles import MOST_ROLES
from backend.identity.types import Actor, Permission
from backend.infra.settings import Settings
from backend.kernel.errors import Forbidden, Invalid, NotFound
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, plain

_CHOICE = {"permission_stock": "on", "permission_orders": "on"}
_HELD = {Permission.STOCK, Permission.ORDERS}


@pytest.fixture
def root(visitor: MakeVisitor, settings: Settings) -> Visitor:
    """A web view of the root admin."""
    return visitor(settings.root_admin_id, first_name="Ruth")


async def _boss(services: Services, visitor: MakeVisitor, root: Visitor, *held: Permission) -> tuple[Visitor, Actor]:
    """An admin with the permission for admins, and ``held``."""
    chief, boss = await arrive(services, root), visitor(81)
    actor = await arrive(services, boss)
    await services.identity.admins.set_permissions(chief, actor.id, {Permission.ADMINS, *held})
    boss.token = None
    return boss, await arrive(services, boss)


def _on(html: str) -> list[str]:
    return sorted(re.findall(r'name="permission_(\w+)" value="on" checked', html))


async def test_switches_become_a_role_that_fills_them(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    guest = await arrive(services, visitor(42, first_name="Omar"))
    sheet = await root.get(f"/admin/admins/roles/new?back={guest.id}&permission_stock=on&permission_orders=on")
    assert _on(sheet.text) == ["orders", "stock"] and f'name="back" value="{guest.id}"' in sheet.text
    saved = await root.post("/admin/admins/roles", data={**_CHOICE, "name": " Night  shift ", "back": str(guest.id)})
    opens = re.search(r'hx-get="(/admin/admins/[^"]+\?role=[^"]+)" hx-trigger="load"', saved.text)
    assert saved.status_code == 200 and opens, saved.text[:400]
    again = await root.get(opens[1])
    assert _on(again.text) == ["orders", "stock"]
    assert re.search(r'chip--on" type="button" aria-pressed="true"[^>]*><bdi>Night shift', again.text)
    invite = await root.get("/admin/admins/invite?role=" + opens[1].split("=")[1])
    assert _on(invite.text) == ["orders", "stock"]
    said = plain((await root.get("/admin/admins")).text).split("Roles")[1]
    assert "Night shiftOrders, Stock" in said
    assert "Created a role" in (await root.get("/admin/audit")).text


async def test_a_change_of_a_role_changes_nobody_and_says_so(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    chief, guest = await arrive(services, root), await arrive(services, visitor(42))
    role_id = await services.identity.roles.create(chief, "Night shift", _HELD)
    await services.identity.admins.set_permissions(chief, guest.id, _HELD)
    path = f"/admin/admins/roles/{role_id}"
    assert "1 admin has exactly these permissions and keeps them" in plain((await root.get(path)).text)
    changed = await root.post(path, data={"name": "Day shift", "permission_stock": "on"})
    assert changed.status_code == 200
    assert "1 admin keeps the permissions as they were" in changed.headers["hx-trigger"]
    removed = await root.post(f"{path}/delete")
    assert removed.status_code == 200 and "Day shift" not in plain(removed.text)
    person = await services.identity.access.actor_by_telegram_id(42)
    assert person is not None and person.permissions == _HELD
    assert (await root.post(f"{path}/delete")).status_code == 404
    assert (await root.get(path)).status_code == 404
    log = plain((await root.get("/admin/audit?on=role:" + str(role_id))).text)
    assert "Changed a role" in log and "Deleted a role" in log and "Night shift" in log and "Day shift" in log


async def test_what_is_wrong_is_said_beside_it(services: Services, root: Visitor) -> None:
    chief = await arrive(services, root)
    await services.identity.roles.create(chief, "Night shift", _HELD)
    other = await services.identity.roles.create(chief, "Other", _HELD)
    for path in ("/admin/admins/roles", f"/admin/admins/roles/{other}"):
        taken = await root.post(path, data={**_CHOICE, "name": "NIGHT SHIFT"})
        assert taken.status_code == 422 and "There is a role with this name" in plain(taken.text)
        assert _on(taken.text) == ["orders", "stock"]  # nothing that was switched is lost
        for name in ("", "  ", "x" * 41):
            unnamed = await root.post(path, data={**_CHOICE, "name": name})
            assert unnamed.status_code == 422 and "up to 40 characters" in plain(unnamed.text)
        empty = await root.post(path, data={"name": "Nothing"})
        assert empty.status_code == 422 and "Choose at least one permission." in plain(empty.text)


async def test_nobody_makes_or_changes_a_role_of_more_than_they_hold(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    boss, actor = await _boss(services, visitor, root, Permission.STOCK)
    roles, chief = services.identity.roles, await arrive(services, root)
    rich = await roles.create(chief, "Money", {Permission.MONEY})
    poor = await roles.create(chief, "Shelves", {Permission.STOCK})
    with pytest.raises(Forbidden):
        await roles.create(actor, "More", {Permission.MONEY})
    with pytest.raises(Forbidden):
        await roles.change(actor, poor, "Shelves", {Permission.STOCK, Permission.MONEY})
    for refused in (roles.change(actor, rich, "Mine", {Permission.STOCK}), roles.remove(actor, rich)):
        with pytest.raises(Forbidden):
            await refused
    page = (await boss.get("/admin/admins")).text
    assert f"/admin/admins/roles/{poor}" in page and f"/admin/admins/roles/{rich}" not in page
    # Forged: what the form does not offer is not taken.
    saved = await boss.post("/admin/admins/roles", data={"name": "Forged", "permission_money": "on", **_CHOICE})
    assert saved.status_code == 200
    assert {role.name: role.permissions for role in await roles.list_all(actor)}["Forged"] == {Permission.STOCK}
    # A role that holds more fills only what its reader can give.
    sheet = await boss.get(f"/admin/admins/invite?role={rich}")
    assert _on(sheet.text) == []
    await services.identity.admins.set_permissions(chief, actor.id, [Permission.STOCK])
    with pytest.raises(SessionRevoked):
        await roles.create(actor, "Late", {Permission.STOCK})
    with pytest.raises(Forbidden):
        await roles.list_all(await arrive(services, visitor(42)))


async def test_names_and_limits_hold_for_two_at_once(services: Services, root: Visitor) -> None:
    chief, roles = await arrive(services, root), services.identity.roles
    outcomes = await asyncio.gather(*(roles.create(chief, "Twin", _HELD) for _ in range(3)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["RoleNameTaken", "RoleNameTaken", "UUID"]
    with pytest.raises(RoleNameTaken):
        await roles.create(chief, "tWIN", _HELD)
    for number in range(MOST_ROLES - 1):
        await roles.create(chief, f"Role {number}", _HELD)
    with pytest.raises(TooManyRoles):
        await roles.create(chief, "One more", _HELD)
    refused = await root.post("/admin/admins/roles", data={**_CHOICE, "name": "One more"})
    assert refused.status_code == 409
    with pytest.raises(Invalid):
        await roles.create(chief, "\0", _HELD)
    with pytest.raises(NotFound):
        await roles.remove(chief, chief.id)
