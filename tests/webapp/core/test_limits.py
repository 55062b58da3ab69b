"""How often somebody may ask: by person, by address, and behind a proxy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from backend.bootstrap import Services, build
from backend.infra.rate_limit import Limit
from backend.infra.settings import Settings
from tests.fakes.clock import FakeClock
from tests.webapp.client import Visitor, browser
from tests.webapp.conftest import MakeVisitor, MakeWeb
from webapp.core.limits import Limits

LOW = Limits(
    read=Limit("read", 5, 60),
    stranger=Limit("stranger", 8, 60),
    login=Limit("login", 6, 60),
    login_person=Limit("login_person", 3, 60),
    login_failed=Limit("login_failed", 4, 60),
)


@pytest.mark.parametrize("redis", ["up", "down"])
async def test_limits_hold_with_redis_and_without(
    settings: Settings,
    make_web: MakeWeb,
    committed_db: None,
    clock: FakeClock,
    other_settings: Callable[..., Settings],
    redis: str,
) -> None:
    chosen = settings if redis == "up" else other_settings(redis_url="redis://127.0.0.1:1/0")
    services = build(chosen, clock=clock)
    async with services.running(listen=False), AsyncExitStack() as stack:
        if redis == "up":
            await services.redis.flushdb()
        app = make_web(services, chosen, limits=LOW)

        async def client(address: str) -> httpx.AsyncClient:
            return await stack.enter_async_context(browser(app, address))

        now = clock.now().timestamp()
        # Reads, by person.
        layla = Visitor(await client("203.0.113.1"), settings.bot_token, now, 96)
        statuses = [(await layla.get("/me")).status_code for _ in range(8)]
        assert statuses == [200] * 6 + [429] * 2
        response = await layla.get("/me")
        assert 1 <= int(response.headers["retry-after"]) <= 60
        assert 'data-code="rate_limited"' in response.text
        response = await layla.get("/me", html=False)
        assert response.json()["error"]["params"]["retry_after"] >= 1
        # Bad logins, by address; another address is not punished.
        far = await client("203.0.113.2")
        statuses = [(await far.get("/me", headers={"Authorization": "tma x=1&hash=0"})).status_code for _ in range(6)]
        assert statuses == [401] * 4 + [429] * 2
        assert (await (await client("203.0.113.3")).get("/shop")).status_code == 200
        # Good logins, by person.
        omar = Visitor(await client("203.0.113.4"), settings.bot_token, now, 97)
        statuses = []
        for _ in range(5):
            omar.token = None
            statuses.append((await omar.get("/me")).status_code)
        assert statuses == [200] * 3 + [429] * 2
        # An IPv6 line is its /64 network; strangers by address.
        statuses = [(await (await client(f"2001:db8::{n}")).get("/shop")).status_code for n in range(10)]
        assert statuses == [200] * 8 + [429] * 2
        assert (await far.get("/static/nothing.css")).status_code == 404


async def test_a_named_limit_counts_by_person(visitor: MakeVisitor) -> None:
    omar, layla = visitor(98), visitor(99)
    statuses = [(await omar.post("/me/settings/language", data={"language": "en"})).status_code for _ in range(125)]
    assert statuses.count(200) == 120
    assert statuses[-1] == 429
    assert (await layla.post("/me/settings/language", data={"language": "en"})).status_code == 200


async def test_the_address_of_a_trusted_proxy_is_looked_behind(
    services: Services, make_web: MakeWeb, other_settings: Callable[..., Settings]
) -> None:
    app = make_web(services, other_settings(trusted_proxies="203.0.113.0/28, 10.0.0.1"), limits=LOW)
    async with browser(app, "203.0.113.7") as caddy, browser(app, "198.51.100.9") as direct:
        for number in range(12):
            answer = await caddy.get("/shop", headers={"X-Forwarded-For": f"192.0.2.{number}"})
            assert answer.status_code == 200
        statuses = [
            (await direct.get("/shop", headers={"X-Forwarded-For": f"192.0.2.{n}"})).status_code for n in range(10)
        ]
        assert statuses == [200] * 8 + [429] * 2
