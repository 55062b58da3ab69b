"""The way in over HTTP: shell, login, sessions, revocation, blacklist."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
import structlog

from backend.bootstrap import Services, build
from backend.identity.types import Permission
from backend.infra.rate_limit import Limit
from backend.infra.settings import Settings
from tests.factories.identity import admin, person
from tests.factories.init_data import init_data
from tests.factories.shop import add_goods
from tests.fakes.clock import FakeClock
from tests.webapp.client import Visitor, browser
from tests.webapp.conftest import MakeVisitor, MakeWeb
from tests.webapp.core.test_init_data import WRONG
from webapp.core.limits import Limits

PAGES = ["/", "/shop", "/shop/some-slug", "/orders/ABC123", "/wallet", "/me", "/admin/users", "/no/such/page", "/shop/"]


async def test_every_page_path_is_the_same_shell(client: httpx.AsyncClient) -> None:
    answers = [await client.get(path) for path in PAGES]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    first = answers[0]
    assert b"app." in first.content
    assert "Authorization" in first.headers["vary"]
    assert "set-cookie" not in first.headers
    again = await client.get("/shop", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await client.head("/shop")
    assert (head.status_code, head.content) == (200, b"")


async def test_what_is_no_page_is_not_the_shell(client: httpx.AsyncClient) -> None:
    for path, status in [
        ("/api/v1/me", 401),
        ("/api/v1/none", 404),
        ("/hooks/none", 405),
        ("/me.txt", 404),
        ("/media/x", 403),
    ]:
        assert (await client.get(path)).status_code == status, path
    assert (await client.get("/me", headers={"HX-Request": "true"})).status_code == 401
    assert (await client.post("/me/settings/language", data={"language": "ar"})).status_code == 401


async def test_login_gives_a_token_that_works(visitor: MakeVisitor) -> None:
    layla = visitor(42)
    answer = await layla.get("/me")
    assert answer.status_code == 200
    assert "Layla" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    token = layla.token
    assert token
    assert "set-cookie" not in answer.headers
    answer = await layla.get("/api/v1/me", html=False)
    assert answer.json()["first_name"] == "Layla"
    assert "X-Session-Token" not in answer.headers
    assert layla.token == token


async def test_every_bad_init_data_is_the_same_401(services: Services, make_web: MakeWeb, settings: Settings) -> None:
    wide = Limit("wide", 10**6, 60)
    app = make_web(services, limits=Limits(login=wide, login_person=wide, login_failed=wide))
    async with browser(app) as client:
        for case, text in WRONG.items():
            value = b"tma " + text.encode().replace(b"\n", b"").replace(b"\0", b"")
            response = await client.get("/me", headers=[(b"authorization", value)])
            page = await client.get("/me", headers=[(b"authorization", value), (b"hx-request", b"true")])
            for answer in (response, page):
                assert answer.status_code == 401, case
                assert answer.headers["x-error-code"] == "unauthenticated"
                assert "x-session-token" not in answer.headers
            assert 'data-code="unauthenticated"' in page.text
            assert set(response.json()) == {"error"}
            error = response.json()["error"]
            assert (set(error), error["code"]) == ({"code", "message", "params"}, "unauthenticated"), case
            assert error["params"] == {}


ODD = ["", "tma", "tma ", "Bearer", "Bearer ", "Bearer x", "Basic YTpi", "tma\tx", "Bearer " + "x" * 9000, "\xff\xfe"]


async def test_other_credentials_are_the_same_401(client: httpx.AsyncClient) -> None:
    for value in ODD:
        answer = await client.get("/me", headers=[(b"authorization", value.encode("latin-1"))])
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "unauthenticated"
        assert answer.headers["www-authenticate"]


async def test_two_credentials_are_none(client: httpx.AsyncClient, visitor: MakeVisitor) -> None:
    layla = visitor()
    await layla.get("/me")
    pair = [("Authorization", f"Bearer {layla.token}"), ("Authorization", f"tma {layla.init_data}")]
    assert (await client.get("/me", headers=pair)).status_code == 401


async def test_init_data_of_yesterday_still_opens_the_shop(visitor: MakeVisitor, clock: FakeClock) -> None:
    """Some clients hand out the same initData for as long as the app is open: it lasts as long as a session."""
    layla = visitor()
    clock.move(seconds=86_390)
    assert (await layla.get("/me")).status_code == 200


async def test_old_init_data_has_a_code_of_its_own(visitor: MakeVisitor, clock: FakeClock) -> None:
    layla = visitor()
    clock.move(seconds=86_402)
    answer = await layla.get("/me")
    assert (answer.status_code, answer.headers["x-error-code"]) == (401, "init_data_expired")
    assert 'data-code="init_data_expired"' in answer.text


async def test_a_session_outlives_init_data_renews_and_ends(visitor: MakeVisitor, clock: FakeClock) -> None:
    layla = visitor()
    await layla.get("/me")
    first = layla.token
    clock.move(hours=11)
    assert (await layla.get("/me")).status_code == 200
    assert layla.token == first
    clock.move(hours=2)
    assert (await layla.get("/me")).status_code == 200
    assert layla.token != first
    clock.move(hours=25)
    answer = await layla.get("/me", html=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "session_expired")


async def test_timezone_language_and_start_come_with_the_login(
    visitor: MakeVisitor, services: Services, settings: Settings
) -> None:
    omar = visitor(91, language_code="ar", extra={"start_param": "ref_9"})
    answer = await omar.get("/me/settings", headers={"X-Timezone": "Asia/Riyadh"})
    assert 'dir="rtl"' in answer.text
    assert "الرياض" in answer.text
    root = await person(services.identity, settings.root_admin_id)
    actor = await services.identity.access.actor_by_telegram_id(91)
    assert actor is not None
    assert (await services.identity.people.user_detail(root, actor.id)).start_param == "ref_9"


async def test_choosing_a_language(visitor: MakeVisitor) -> None:
    omar = visitor(92)
    await omar.get("/me")
    answer = await omar.post("/me/settings/language", data={"language": "ar"})
    assert answer.status_code == 200
    assert 'dir="rtl"' in answer.text
    assert "toast" in json.loads(answer.headers["hx-trigger"])
    assert 'dir="rtl"' in (await omar.get("/me")).text
    for data in ({"language": "xx"}, {}, {"language": ""}, {"other": "1"}):
        bad = await omar.post("/me/settings/language", data=data, html=False)
        assert (bad.status_code, bad.json()["error"]["code"]) == (400, "invalid_input"), data


async def test_bot_and_mini_app_meet_the_same_person_at_once(visitor: MakeVisitor, services: Services) -> None:
    doors = [visitor(93).get("/api/v1/me", html=False) for _ in range(4)] + [
        person(services.identity, 93) for _ in range(4)
    ]
    answers = await asyncio.gather(*doors)
    ids = {item.json()["id"] if isinstance(item, httpx.Response) else str(item.user_id) for item in answers}
    assert len(ids) == 1


async def test_blacklist_ends_a_session_and_a_replayed_login(
    visitor: MakeVisitor, services: Services, settings: Settings
) -> None:
    layla = visitor(94)
    await layla.get("/me")
    root = await person(services.identity, settings.root_admin_id)
    actor = await services.identity.access.actor_by_telegram_id(94)
    assert actor is not None
    await services.identity.people.block(root, actor.id, "a secret reason")
    by_token = await layla.get("/me", html=False)
    layla.token = None
    by_login = await layla.get("/me", html=False)
    for answer in (by_token, by_login):
        assert answer.status_code == 401
        assert set(answer.json()["error"]) == {"code", "message", "params"}
        assert answer.json()["error"]["code"] == "blacklisted"
        assert "secret reason" not in answer.text
    page = await layla.get("/me")
    assert 'data-code="blacklisted"' in page.text
    await services.identity.people.unblock(root, actor.id)
    assert (await layla.get("/me")).status_code == 200


async def test_a_blocked_person_reads_so_in_their_language(
    visitor: MakeVisitor, services: Services, settings: Settings
) -> None:
    """The language of the shop's pages until then, whatever their browser prefers."""
    layla = visitor(95, language_code="ar")
    await layla.get("/me")
    actor = await services.identity.access.actor_by_telegram_id(95)
    assert actor is not None
    root = await person(services.identity, settings.root_admin_id)
    await services.identity.people.block(root, actor.id, "a secret reason")
    page = await layla.get("/shop", headers={"accept-language": "en"})
    assert "أنت محظور" in page.text


async def _connected(services: Services) -> None:
    while not services.signals.connected:
        await asyncio.sleep(0.01)


async def test_rights_change_at_once_in_the_other_process(
    settings: Settings, make_web: MakeWeb, committed_db: None
) -> None:
    async with AsyncExitStack() as stack:
        processes = [build(settings), build(settings)]
        for services in processes:
            await stack.enter_async_context(services.running())
            await asyncio.wait_for(_connected(services), 20)
        await processes[0].redis.flushdb()
        await processes[0].identity.access.ensure_root()
        clients = [await stack.enter_async_context(browser(make_web(item))) for item in processes]
        now = processes[0].clock.now().timestamp()
        layla = Visitor(clients[0], settings.bot_token, now, 95)
        assert (await layla.get("/me")).status_code == 200
        layla.client = clients[1]
        assert (await layla.get("/me")).status_code == 200
        root = await person(processes[0].identity, settings.root_admin_id)
        actor = await processes[0].identity.access.actor_by_telegram_id(95)
        assert actor is not None

        await processes[0].identity.admins.set_permissions(root, actor.id, [Permission.STOCK])
        assert await _answers(layla, 401) == "session_expired"
        layla.token = None  # what app.js does then, without the person noticing
        assert (await layla.get("/me")).status_code == 200
        await processes[0].identity.people.block(root, actor.id, "fraud")
        assert await _answers(layla, 401) == "blacklisted"


async def _answers(visitor: Visitor, status: int) -> str:
    async def poll() -> str:
        while (answer := await visitor.get("/me", html=False)).status_code != status:
            await asyncio.sleep(0.005)
        return str(answer.json()["error"]["code"])

    return await asyncio.wait_for(poll(), 20)


async def test_secrets_never_reach_the_log(
    visitor: MakeVisitor,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A logger that was first used in another test's set-up would go on writing there.
    monkeypatch.setattr("webapp.core.middleware.log", structlog.get_logger("webapp.access"))
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, logger="httpx")  # the test's own client writes the whole address
    layla = visitor(100)
    await layla.get("/me?t=query-secret")
    await layla.get("/me")
    broken = init_data(settings.bot_token, 1, 100)
    await layla.client.get("/me", headers={"Authorization": f"tma {broken}"})
    out = capsys.readouterr()
    everything = caplog.text + out.out + out.err
    assert "request" in everything
    assert layla.token
    for secret in (
        layla.token,
        layla.init_data,
        layla.init_data[-64:],
        broken[-64:],
        "query-secret",
        settings.bot_token,
    ):
        assert secret not in everything


async def test_admin_rooms_are_for_their_admins(visitor: MakeVisitor, services: Services, settings: Settings) -> None:
    clerk = await admin(services.identity, settings.root_admin_id, Permission.STOCK)
    answer = await visitor(clerk.telegram_id).get("/me")
    assert 'href="/admin"' in answer.text
    assert 'href="/admin"' not in (await visitor(101).get("/me")).text


async def test_a_link_leads_to_what_it_names_and_is_kept(
    visitor: MakeVisitor, services: Services, settings: Settings
) -> None:
    omar = visitor(102)
    async with services.uow() as tx:
        slug = (await add_goods(tx, services.ring)).slug
    for start, target in [
        (f"p_{slug}", f"/shop/{slug}"),
        ("p_nothing-of-this-name", "/shop"),
        ("o_abc123", "/orders/ABC123"),
        ("ref_5", "/shop"),
        ("p_../admin", "/shop"),
        ("//evil.example", "/shop"),
    ]:
        answer = await omar.get("/", headers={"X-Start-Param": start})
        assert (answer.status_code, answer.headers["location"]) == (303, target)
    root = await person(services.identity, settings.root_admin_id)
    actor = await services.identity.access.actor_by_telegram_id(102)
    assert actor is not None
    assert (await services.identity.people.user_detail(root, actor.id)).start_param == f"p_{slug}"


async def test_maintenance_closes_the_shop_to_all_but_admins(
    services: Services,
    make_web: MakeWeb,
    other_settings: Callable[..., Settings],
    clock: FakeClock,
    tmp_path: Path,
) -> None:
    settings = other_settings(data_dir=str(tmp_path))
    (tmp_path / "maintenance").touch()
    async with browser(make_web(services, settings)) as client:
        now = clock.now().timestamp()
        answer = await Visitor(client, settings.bot_token, now, 103).get("/me")
        assert (answer.status_code, answer.headers["x-error-code"]) == (503, "maintenance")
        assert "retry-after" in answer.headers
        assert 'data-code="maintenance"' in answer.text
        assert (await client.get("/shop")).status_code == 200
        assert (await client.get("/healthz")).status_code == 200
        assert (await Visitor(client, settings.bot_token, now, settings.root_admin_id).get("/me")).status_code == 200
