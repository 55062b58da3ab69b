"""The web process under measurement: the real app, and beside it bare Litestar pages of a constant body."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from uuid import UUID

from litestar import Litestar, Response, get
from litestar.types import ASGIApp, Receive, Scope, Send

from backend.bootstrap import Services, build
from backend.courses.repository import access
from backend.infra.environment import load_settings
from backend.infra.rate_limit import Limit
from backend.infra.settings import Settings
from backend.kernel.ids import UserId
from backend.kernel.text import Locale
from webapp.asgi import Lifespan, create_app
from webapp.core.limits import Limits

_NO_LIMIT = Limit("bench", 10**9, 60)


COURSE, LESSON = "calm-in-seven-days", "a-place-to-sit"
"""A lesson of the demo's course, without an assignment."""


def _constant_pages(services: Services) -> Litestar:
    @get("/constant/{size:int}", sync_to_thread=False)
    def constant(size: int) -> Response[bytes]:
        return Response(b"x" * size, media_type="text/html; charset=utf-8")

    @get("/constant/lesson/{user_id:uuid}/{size:int}")
    async def after_statement(user_id: UUID, size: int) -> Response[bytes]:
        """The same after the one statement that a lesson's page asks."""
        async with services.uow.read() as tx:
            await access.list_around(tx, UserId(user_id), COURSE, LESSON, Locale.EN)
        return Response(b"x" * size, media_type="text/html; charset=utf-8")

    return Litestar([constant, after_statement], openapi_config=None, logging_config=None)


def app() -> ASGIApp:
    """The factory for granian: the shop without limits, and the pages that it is held against."""
    settings = load_settings(os.environ)
    services = build(settings)

    @contextlib.asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        async with services.running():
            yield

    return both(services, settings, running)


def both(services: Services, settings: Settings, *lifespan: Lifespan) -> ASGIApp:
    """The shop on ``services`` without limits, and pages of a constant body beside it."""
    free = Limits(read=_NO_LIMIT, stranger=_NO_LIMIT, login=_NO_LIMIT, login_person=_NO_LIMIT, login_failed=_NO_LIMIT)
    shop = create_app(services, settings, limits=free, lifespan=lifespan)
    bare = _constant_pages(services)

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        chosen: ASGIApp = bare if scope["type"] == "http" and scope["path"].startswith("/constant/") else shop
        await chosen(scope, receive, send)

    return either
