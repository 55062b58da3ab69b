"""Every route of the back office for everybody who may not use it: refused, recorded, nothing changed.

The routes are the app's own table: a new one is tested without a line here, and fails without a guard.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from backend.infra.settings import Settings
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, plain
from webapp.core.limits import Limits

_EXAMPLES = {"uuid": "0199c0de-0000-7000-8000-000000000000", "int": "1", "str": "x", "path": "x", "date": "2026-01-01"}
# A table of its own for each refusal, and what the test itself changes: sign-ins.
_OWN = {"audit_entries", "alembic_version"}


# A transfer receipt: its sender, too, has an address signed for them.
_OPEN = {("GET", "/admin/payments/proofs/{name}")}


class Route(NamedTuple):
    """One method of one route; ``asks_for`` is the permission, or None where every admin may.

    A ``signed`` one is a file that a browser fetches by an address signed for one person: its service asks who it is.
    """

    method: str
    template: str
    address: str
    asks_for: Permission | None
    guarded: bool
    signed: bool


def _routes(app: Litestar) -> Iterator[Route]:
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or not (route.path_format + "/").startswith("/admin/"):
            continue
        for handler in route.route_handlers:
            guards = [guard for guard in (handler.guards or ()) if hasattr(guard, "asks_for")]
            asks_for = guards[0].asks_for if guards else None  # type: ignore[attr-defined]
            for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                if (method, route.path_format) not in _OPEN:
                    signed = bool(handler.opt.get("public"))
                    # What is fetched by a signed address has an ending; the rest is answered with the shell.
                    examples = _EXAMPLES | ({"str": "keys.csv"} if signed else {})
                    address = re.sub(r"\{[^:}]+:([a-z]+)\}", lambda match, of=examples: of[match[1]], route.path)
                    yield Route(str(method), route.path_format, address, asks_for, bool(guards), signed)


@pytest.fixture
def routes(app: Litestar) -> list[Route]:
    """All routes of the back office."""
    table = list(_routes(app))
    assert len(table) > 150
    return table


@pytest.fixture
def app(services: Services, make_web: Callable[..., Litestar]) -> Litestar:
    """The app, which lets one person ask for everything at once."""
    wide = Limits()
    return make_web(services, limits=Limits(read=type(wide.read)("read", 10_000, 60)))


def test_every_route_has_a_guard(routes: list[Route]) -> None:
    assert [f"{route.method} {route.template}" for route in routes if not route.guarded and not route.signed] == []


async def _state(services: Services) -> dict[str, object]:
    """Each table's number of rows and a sum over their contents."""
    async with services.uow.read() as tx:
        names = (await tx.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))).scalars().all()
        parts = " UNION ALL ".join(
            f"SELECT '{name}' AS name, count(*) AS many, sum(hashtext(t::text)) AS said FROM \"{name}\" t"
            for name in sorted(set(names) - _OWN)
        )
        return {row.name: (row.many, row.said) for row in await tx.execute(text(parts))}


async def _subjects(services: Services, user_id: object) -> set[str]:
    async with services.uow.read() as tx:
        mine = "SELECT subject FROM audit_entries WHERE action = 'access.refused' AND actor_id = :id"
        return set((await tx.execute(text(mine), {"id": user_id})).scalars())


async def _walk(app: Litestar, visitor: Visitor, actor: Actor, routes: list[Route], status: int) -> None:
    """Ask for every route, with bodies that no form accepts."""
    for route in routes:
        if route.signed:
            answer = await visitor.client.get(app.state.site.addresses.sign(route.address, actor))
        elif route.method == "GET":
            answer = await visitor.ask("GET", route.address, html=False)
        else:
            broken = {"content": b'{"x": [', "headers": {"Content-Type": "application/json"}}
            answer = await visitor.ask(route.method, route.address, html=False, **broken)
        assert answer.status_code == status, (route, answer.text[:200])


@pytest.fixture
async def redis_flush(services: Services) -> None:
    """Count from nothing."""
    await services.redis.flushdb()


Refused = Callable[..., Awaitable[None]]


@pytest.fixture
def refused(app: Litestar, services: Services, redis_flush: None) -> Refused:
    """Walks through routes as somebody who may use none of them, and looks at what that left behind."""

    async def walk(who: Visitor, actor: Actor, routes: list[Route], status: int = 403) -> None:
        before = await _state(services)
        await _walk(app, who, actor, routes, status)
        assert await _state(services) == before
        whole = [route for route in routes if status == 403 or route.signed]
        # Only the room is known of what a blocked person asks for.
        rooms = ["/".join(f"{route.method} {route.address}".split("/")[:3]) for route in routes if route not in whole]
        subjects = {*rooms, *(f"{route.method} {route.template}" for route in whole)}
        assert await _subjects(services, actor.id) == {f"route:{subject}" for subject in subjects}

    return walk


async def test_strangers(client: httpx.AsyncClient, routes: list[Route], services: Services, redis_flush: None) -> None:
    before = await _state(services)
    for route in routes:
        answer = await client.request(route.method, route.address, headers={"HX-Request": "true"})
        assert answer.status_code == (403 if route.signed else 401), route
    assert await _state(services) == before


async def test_buyers(services: Services, visitor: MakeVisitor, routes: list[Route], refused: Refused) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    await refused(buyer, actor, routes, 403)


@pytest.mark.parametrize("held", list(Permission))
async def test_admins_with_another_permission(
    services: Services,
    visitor: MakeVisitor,
    settings: Settings,
    routes: list[Route],
    refused: Refused,
    held: Permission,
) -> None:
    chief, helper = await arrive(services, visitor(settings.root_admin_id)), visitor(81)
    actor = await arrive(services, helper)
    await services.identity.admins.set_permissions(chief, actor.id, [held])
    helper.token = None
    actor = await arrive(services, helper)
    closed = [route for route in routes if route.guarded and route.asks_for not in {None, held}]
    await refused(helper, actor, closed)


async def test_blocked_admins(
    services: Services, visitor: MakeVisitor, settings: Settings, routes: list[Route], refused: Refused
) -> None:
    chief, helper = await arrive(services, visitor(settings.root_admin_id)), visitor(81)
    actor = await arrive(services, helper)
    await services.identity.admins.set_permissions(chief, actor.id, list(Permission))
    helper.token = None
    await arrive(services, helper)
    await services.identity.people.block(chief, actor.id, "left the shop")
    # Nobody who is blocked is let in at all: they see the page that says so.
    await refused(helper, actor, routes, 401)


async def test_admins_whose_rights_ended_while_their_page_was_open(
    services: Services, visitor: MakeVisitor, settings: Settings, routes: list[Route], refused: Refused
) -> None:
    chief, helper = await arrive(services, visitor(settings.root_admin_id)), visitor(81)
    actor = await arrive(services, helper)
    await services.identity.admins.set_permissions(chief, actor.id, list(Permission))
    helper.token = None
    await arrive(services, helper)
    assert (await helper.get("/admin/orders")).status_code == 200
    await services.identity.admins.set_permissions(chief, actor.id, [])
    # The open page's session has ended; app.js signs in again by itself, as the buyer they are now.
    stale = await helper.post("/admin/admins/new")
    assert (stale.status_code, stale.headers["x-error-code"]) == (401, "session_expired")
    helper.token = None
    page = await helper.get("/admin/orders")
    assert page.status_code == 403 and 'data-code="forbidden"' in page.text
    assert "You don't have access" in plain(page.text)
    await refused(helper, await arrive(services, helper), routes, 403)


async def test_a_loop_leaves_one_row_a_minute_that_counts(
    services: Services, visitor: MakeVisitor, redis_flush: None
) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    for _ in range(25):
        assert (await buyer.get("/admin/orders")).status_code == 403
    assert len(await _rows(services)) == 1
    await services.redis.delete(f"refused:{actor.id}:GET /admin/orders")
    await buyer.get("/admin/orders")
    rows = await _rows(services)
    assert [row.params for row in rows] == [
        {"code": "forbidden", "permission": "orders"},
        {"code": "forbidden", "permission": "orders", "more": 24},
    ]
    assert {(row.via, row.network, row.subject) for row in rows} == {
        ("page", "203.0.113.0/24", "route:GET /admin/orders")
    }


async def _rows(services: Services) -> list[Any]:
    async with services.uow.read() as tx:
        return list(await tx.execute(text("SELECT * FROM audit_entries WHERE action = 'access.refused' ORDER BY id")))
