"""Sessions are seen, and ended: in every process, with what their pages have open."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
from litestar import Litestar
from sqlalchemy import text

from backend.bootstrap import Services, build
from backend.identity.types import Permission
from backend.infra.settings import Settings
from backend.kernel.ids import new_id
from tests.fakes.clock import FakeClock
from tests.webapp.client import OpenStream, Visitor, browser
from tests.webapp.conftest import MakeVisitor, MakeWeb
from tests.webapp.sale import arrive, plain


@pytest.fixture
def root(visitor: MakeVisitor, settings: Settings) -> Visitor:
    """A web view of the root admin."""
    return visitor(settings.root_admin_id, first_name="Ruth")


def _other_device(one: Visitor, settings: Settings, clock: FakeClock, telegram_id: int) -> Visitor:
    """The same person, who has opened the shop again a minute later."""
    return Visitor(one.client, settings.bot_token, clock.now().timestamp() - 60, telegram_id)


async def test_somebody_ends_a_session_of_their_own(
    visitor: MakeVisitor, settings: Settings, clock: FakeClock, services: Services
) -> None:
    phone = visitor(42)
    desk = _other_device(phone, settings, clock, 42)
    await phone.get("/shop", headers={"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0)"})
    await desk.get("/shop", headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0)"})
    page = await phone.get("/me/sessions")
    said = plain(page.text)
    assert "iPhone" in said and "Windows" in said and said.count("This device") == 1
    (path,) = re.findall(r'hx-post="(/me/sessions/[0-9a-f-]{36}/end)"', page.text)
    ended = await phone.post(path)
    assert ended.status_code == 200 and "Windows" not in plain(ended.text)
    # The other page's next tap, its signed addresses and its initData are refused alike; this one goes on.
    for _ in range(2):
        refused = await desk.get("/shop")
        assert refused.status_code == 401
        assert refused.headers["x-error-code"] == ("session_expired" if desk.token else "init_data_expired")
        desk.token = None
    assert (await phone.get("/shop")).status_code == 200
    assert (await phone.post(path)).status_code == 404
    # Opened again from the bot it is another session.
    assert (await _other_device(phone, settings, clock, 42).ask("GET", "/shop")).status_code == 401
    fresh = Visitor(phone.client, settings.bot_token, clock.now().timestamp() - 1, 42)
    assert (await fresh.get("/shop")).status_code == 200


async def test_all_others_are_ended_at_once(visitor: MakeVisitor, settings: Settings, clock: FakeClock) -> None:
    phone = visitor(42)
    others = [Visitor(phone.client, settings.bot_token, clock.now().timestamp() - n, 42) for n in (60, 120, 180)]
    for one in (phone, *others):
        assert (await one.get("/shop")).status_code == 200
    assert (await phone.post("/me/sessions/end")).status_code == 200
    assert [(await one.get("/shop")).status_code for one in (phone, *others)] == [200, 401, 401, 401]


async def test_nobody_ends_anothers_session(visitor: MakeVisitor, services: Services) -> None:
    omar, lena = visitor(42), visitor(43)
    await arrive(services, omar)
    mine = await services.identity.sessions.list_own(await arrive(services, lena))
    assert (await omar.post(f"/me/sessions/{mine[0].id}/end")).status_code == 404
    assert (await omar.post(f"/me/sessions/{new_id()}/end")).status_code == 404
    assert (await lena.get("/shop")).status_code == 200


async def test_an_admins_sessions_are_seen_and_ended_by_those_who_may(
    visitor: MakeVisitor, services: Services, root: Visitor
) -> None:
    chief, helper, boss = await arrive(services, root), visitor(81, first_name="Vera"), visitor(82)
    vera, other = await arrive(services, helper), await arrive(services, boss)
    await services.identity.admins.set_permissions(chief, vera.id, [Permission.STOCK])
    await services.identity.admins.set_permissions(chief, other.id, [Permission.ADMINS])
    helper.token = boss.token = None
    await arrive(services, helper)
    await arrive(services, boss)
    # Root is watched by nobody, and nobody ends what holds more than they do.
    for target in (chief.id, vera.id):
        assert (await boss.post(f"/admin/admins/{target}/sessions/end")).status_code == 403
    assert (await root.post(f"/admin/admins/{chief.id}/sessions/end")).status_code == 403
    page = await root.get(f"/admin/admins/{vera.id}/sessions")
    assert page.status_code == 200 and "Vera" in page.text and "203.0.113.0/24" in page.text
    assert (await helper.get("/admin/stock")).status_code == 200
    assert (await root.post(f"/admin/admins/{vera.id}/sessions/end")).status_code == 200
    helper_refused = await helper.get("/admin/stock")
    assert helper_refused.status_code == 401
    assert "Ended sessions" in (await root.get("/admin/audit")).text


async def test_the_audit_trail_names_the_session(visitor: MakeVisitor, services: Services, root: Visitor) -> None:
    omar = await arrive(services, visitor(42))
    assert (await root.post(f"/admin/people/{omar.id}/block", data={"reason": "why"})).status_code == 200
    (own,) = await services.identity.sessions.list_own(await arrive(services, root))
    async with services.uow.read() as tx:
        row = (await tx.execute(text("SELECT session_id FROM audit_entries"))).one()
    assert row.session_id == own.id


async def test_tokens_of_before_hold_until_they_expire(app: Litestar, services: Services, visitor: MakeVisitor) -> None:
    old = visitor(42)
    actor = await services.identity.access.actor_by_telegram_id(42) or await arrive(services, old)
    plain_actor = await services.identity.access.actor_by_id(actor.id, actor.role_version)
    old.token = app.state.site.tokens.issue(plain_actor)
    assert (await old.get("/me")).status_code == 200


async def test_an_end_reaches_another_process_and_its_open_streams(
    settings: Settings, committed_db: None, make_web: MakeWeb, clock: FakeClock
) -> None:
    async with AsyncExitStack() as stack:
        here, there = build(settings), build(settings)
        for services in (here, there):
            await stack.enter_async_context(services.running())
            while not services.signals.connected:
                await asyncio.sleep(0.005)
        await here.redis.flushdb()
        web = make_web(there)
        client = await stack.enter_async_context(browser(web))
        page = Visitor(client, settings.bot_token, datetime.now(UTC).timestamp(), 42)
        assert (await page.get("/shop")).status_code == 200
        person = await here.identity.access.actor_by_telegram_id(42)
        assert person is not None
        (session,) = await here.identity.sessions.list_own(person)
        actor = await there.identity.access.actor_by_id(person.id, person.role_version, session.id)
        stream = OpenStream(web, web.state.site.addresses.sign("/live?on=order:1&since=1", actor))
        assert (await stream.message())["status"] == 200
        await here.identity.sessions.end_own(person, session.id)
        while (await stream.message()).get("more_body"):  # the stream ends by itself
            pass
        await stream.leave()
        assert (await page.get("/shop")).status_code == 401


async def test_no_statement_is_run_for_a_request_within_a_session(
    settings: Settings, committed_db: None, make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as stack:
        services = build(settings)
        await stack.enter_async_context(services.running())
        while not services.signals.connected:
            await asyncio.sleep(0.005)
        client = await stack.enter_async_context(browser(make_web(services)))
        page = Visitor(client, settings.bot_token, datetime.now(UTC).timestamp(), 42)
        for _ in range(2):
            assert (await page.get("/me/sessions")).status_code == 200
        lent = 0
        lend = services.uow.lend

        async def counted() -> object:
            nonlocal lent
            lent += 1
            return await lend()

        monkeypatch.setattr(services.uow, "lend", counted)
        assert (await page.get("/me/settings")).status_code == 200
        assert lent == 0
