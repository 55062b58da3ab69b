"""Health: what is down is told, and Redis is never a reason to stay away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import build
from backend.infra.settings import Settings
from tests.factories.init_data import init_data
from tests.webapp.client import browser
from tests.webapp.conftest import MakeWeb

OtherSettings = Callable[..., Settings]
CLOSED = "redis://127.0.0.1:1/0"
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@asynccontextmanager
async def _running(make_web: MakeWeb, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    services = build(settings)
    async with services.running(listen=False), browser(make_web(services, settings)) as client:
        yield client


async def test_all_is_well(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ready", "database": "ok", "redis": "ok", "migrations": "head"},
    )
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert answer.headers["cache-control"] == "no-store"


async def test_redis_down_is_degraded_and_ready(make_web: MakeWeb, other_settings: OtherSettings) -> None:
    async with _running(make_web, other_settings(redis_url=CLOSED)) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["redis"]) == (200, "degraded")


async def test_redis_down_lets_people_in(make_web: MakeWeb, other_settings: OtherSettings, committed_db: None) -> None:
    settings = other_settings(redis_url=CLOSED)
    async with _running(make_web, settings) as client:
        services = client._transport.app.state.site.services  # type: ignore[attr-defined]
        text = init_data(settings.bot_token, services.clock.now().timestamp(), 300)
        answer = await client.get("/me", headers={"Authorization": f"tma {text}"})
        assert answer.status_code == 200


async def test_database_down_is_not_ready_and_every_door_says_so(
    make_web: MakeWeb, other_settings: OtherSettings
) -> None:
    settings = other_settings(database_url=NOWHERE)
    async with _running(make_web, settings) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["database"]) == (503, "down")
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/shop")).status_code == 200  # the shell needs nothing
        services = client._transport.app.state.site.services  # type: ignore[attr-defined]
        text = init_data(settings.bot_token, services.clock.now().timestamp(), 301)
        answer = await client.get("/me", headers={"Authorization": f"tma {text}", "HX-Request": "true"})
        assert (answer.status_code, answer.headers["x-error-code"]) == (503, "unavailable")
        assert 'data-code="unavailable"' in answer.text
        assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(("revision", "status", "state"), [("", 503, "behind"), ("0000_from_tomorrow", 200, "ahead")])
async def test_migrations_are_compared(
    client: httpx.AsyncClient, database_url: str, revision: str, status: int, state: str
) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        before = await connection.fetchval("SELECT version_num FROM alembic_version")
        await connection.execute("DELETE FROM alembic_version")
        if revision:
            await connection.execute("INSERT INTO alembic_version VALUES ($1)", revision)
        answer = await client.get("/readyz")
        await connection.execute("DELETE FROM alembic_version")
        await connection.execute("INSERT INTO alembic_version VALUES ($1)", before)
    finally:
        await connection.close()
    assert (answer.status_code, answer.json()["migrations"]) == (status, state)


async def test_connections_that_died_with_the_server_are_replaced(
    client: httpx.AsyncClient, database_url: str, engine: AsyncEngine
) -> None:
    assert (await client.get("/readyz")).status_code == 200
    connection = await asyncpg.connect(database_url)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'souk'"
    await connection.execute(cut + " AND datname = current_database() AND pid <> pg_backend_pid()")
    await connection.close()
    await engine.dispose()  # the tests' own were cut too
    answers = [await client.get("/readyz") for _ in range(3)]
    # One may meet the dead connection; it is told as a pause, and the pool is renewed.
    assert [answer.status_code for answer in answers[1:]] == [200, 200]
    assert answers[0].status_code in {200, 503}


async def test_watchers_may_ask_for_the_headers_only(client: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/readyz"):
        answer = await client.head(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
