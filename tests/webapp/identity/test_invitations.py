"""Admins by a link: chosen before, shown once, taken once, void where its author may no longer give it."""

from __future__ import annotations

import asyncio
import re

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.errors import InvitationClosed, RootProtected
from backend.identity.types import Actor, Permission
from backend.infra.settings import Settings
from backend.kernel.errors import AppError, Forbidden
from tests.fakes.clock import FakeClock
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, plain

_CHOICE = {"permission_stock": "on", "permission_orders": "on"}


@pytest.fixture
def root(visitor: MakeVisitor, settings: Settings) -> Visitor:
    """A web view of the root admin."""
    return visitor(settings.root_admin_id, first_name="Ruth")


async def _token(root: Visitor, **choice: str) -> str:
    answer = await root.post("/admin/admins/invite", data=choice or _CHOICE)
    assert answer.status_code == 200, answer.text[:300]
    match = re.search(r"(?:start=a_|code=)([A-Za-z0-9_-]{32})", answer.text)
    assert match
    return match[1]


async def _held(services: Services, actor: Actor) -> frozenset[Permission]:
    person = await services.identity.access.actor_by_telegram_id(actor.telegram_id)
    assert person is not None
    return person.permissions


async def test_a_link_makes_one_admin_after_a_tap(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    token = await _token(root)
    guest = visitor(42, first_name="Omar")
    actor = await arrive(services, guest)
    page = await guest.get(f"/invitation?code={token}")
    said = plain(page.text)
    assert page.status_code == 200 and "Ruth" in said and "Stock" in said and "Orders" in said and "Money" not in said
    assert await _held(services, actor) == frozenset()  # looking gives nothing
    assert "Stock" in plain((await root.get("/admin/admins")).text).split("Open invitations")[1]
    done = await guest.post("/invitation", data={"code": token})
    assert done.status_code == 200 and "You're an admin now" in plain(done.text)
    assert await _held(services, actor) == {Permission.STOCK, Permission.ORDERS}
    for again in (
        await root.get(f"/invitation?code={token}"),
        await visitor(43).post("/invitation", data={"code": token}),
    ):
        assert again.status_code == 409
    assert "Open invitations" not in (await root.get("/admin/admins")).text
    assert "Became an admin by invitation" in (await root.get("/admin/audit")).text


async def test_the_token_is_stored_nowhere(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    token = await _token(root)
    guest = visitor(42, start_param=f"a_{token}")
    landed = await guest.get("/", headers={"X-Start-Param": f"a_{token}"})
    assert landed.headers["location"] == f"/invitation?code={token}"
    async with services.uow.read() as tx:
        names = (await tx.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))).scalars().all()
        for name in names:
            rows = (await tx.execute(text(f'SELECT t::text FROM "{name}" t'))).scalars().all()
            assert not [row for row in rows if token in row], name


async def test_of_two_people_at_once_one_becomes_an_admin(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    chief = await arrive(services, root)
    token = await services.identity.invitations.invite(chief, [Permission.STOCK])
    guests = [await arrive(services, visitor(number)) for number in (42, 43, 44, 45)]
    outcomes = await asyncio.gather(
        *(services.identity.invitations.accept(guest, token) for guest in guests), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["InvitationClosed"] * 3 + ["NoneType"]
    assert sum([bool(await _held(services, guest)) for guest in guests]) == 1


async def test_it_expires_and_can_be_revoked(
    services: Services, visitor: MakeVisitor, root: Visitor, clock: FakeClock
) -> None:
    chief, guest = await arrive(services, root), await arrive(services, visitor(42))
    token = await _token(root)
    page = await root.get("/admin/admins")
    path = re.search(r'hx-post="(/admin/admins/invitations/[0-9a-f-]{36}/revoke)"', page.text)
    assert path and (await root.post(path[1])).status_code == 200
    assert (await root.post(path[1])).status_code == 404
    with pytest.raises(InvitationClosed):
        await services.identity.invitations.accept(guest, token)
    old = await services.identity.invitations.invite(chief, [Permission.STOCK])
    clock.move(hours=24)
    with pytest.raises(InvitationClosed):
        await services.identity.invitations.accept(guest, old)
    for odd in ("", "x" * 32, "\0" * 32, "é" * 32, "a" * 31):
        with pytest.raises(InvitationClosed):
            await services.identity.invitations.accept(guest, odd)


async def test_nobody_gives_by_a_link_what_they_do_not_hold(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    chief, boss = await arrive(services, root), visitor(81)
    other = await arrive(services, boss)
    await services.identity.admins.set_permissions(chief, other.id, [Permission.ADMINS, Permission.STOCK])
    boss.token = None
    other = await arrive(services, boss)
    with pytest.raises(Forbidden):
        await services.identity.invitations.invite(other, [Permission.MONEY])
    # Forged: the form does not offer money, and what is posted anyway is not taken.
    token = await _token(boss, permission_money="on", permission_stock="on")
    guest = await arrive(services, visitor(42))
    invitation, _author = await services.identity.invitations.read(guest, token)
    assert invitation.permissions == {Permission.STOCK}
    # Its author loses the right before it is accepted.
    await services.identity.admins.set_permissions(chief, other.id, [Permission.ADMINS])
    with pytest.raises(InvitationClosed):
        await services.identity.invitations.accept(guest, token)
    assert await _held(services, guest) == frozenset()


async def test_the_authors_right_ends_while_the_link_is_accepted(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    """Whichever comes first: afterwards nobody holds what only the former admin has given after losing it."""
    chief, author = await arrive(services, root), visitor(81)
    other = await arrive(services, author)
    for number in range(42, 48):
        await services.identity.admins.set_permissions(chief, other.id, [Permission.ADMINS, Permission.STOCK])
        author.token = None
        other = await arrive(services, author)
        token = await services.identity.invitations.invite(other, [Permission.STOCK])
        guest = await arrive(services, visitor(number))
        taken, accepted = await asyncio.gather(
            services.identity.admins.set_permissions(chief, other.id, []),
            services.identity.invitations.accept(guest, token),
            return_exceptions=True,
        )
        assert taken is None
        assert accepted is None or isinstance(accepted, AppError)
        assert bool(await _held(services, guest)) == (accepted is None)
    async with services.uow.read() as tx:
        lines = text("SELECT action, id FROM audit_entries WHERE action LIKE 'admins.%' ORDER BY id")
        assert len(list(await tx.execute(lines))) > 12


async def test_root_needs_no_invitation(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    token, chief = await _token(root), await arrive(services, root)
    assert (await root.post("/invitation", data={"code": token})).status_code == 403
    with pytest.raises(RootProtected):
        await services.identity.invitations.accept(chief, token)


async def test_ready_roles_fill_the_switches_and_say_what_they_allow(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    guest = await arrive(services, visitor(42, first_name="Omar"))
    path = f"/admin/admins/{guest.id}"
    sheet = (await root.get(f"{path}?role=stock")).text
    on = re.findall(r'name="permission_(\w+)" value="on" checked', sheet)
    assert sorted(on) == ["catalogue", "stock"]
    assert "Add and move keys" in sheet and "permission_readings" in sheet and "permission_broadcast" not in sheet
    assert re.search(r'chip--on" type="button" aria-pressed="true"[^>]*role=stock', sheet)
    assert "checked" not in (await root.get(f"{path}?role=nothing")).text
    assert (await root.get("/admin/admins?make=" + str(guest.id))).text.count(f'hx-get="{path}"') == 1
    empty = await root.post("/admin/admins/invite", data={})
    assert empty.status_code == 422 and "Choose at least one permission." in empty.text
