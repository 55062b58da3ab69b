"""The web process under measurement: the real app, and beside it a bare Litestar page of a constant body."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator

from litestar import Litestar, Response, get
from litestar.types import ASGIApp, Receive, Scope, Send

from backend.bootstrap import Services, build
from backend.infra.rate_limit import Limit
from backend.infra.settings import Settings, load_settings
from webapp.asgi import Lifespan, create_app
from webapp.core.limits import Limits

_NO_LIMIT = Limit("bench", 10**9, 60)


def _constant_page() -> Litestar:
    @get("/constant/{size:int}", sync_to_thread=False)
    def constant(size: int) -> Response[bytes]:
        return Response(b"x" * size, media_type="text/html; charset=utf-8")

    return Litestar([constant], openapi_config=None, logging_config=None)


def app() -> ASGIApp:
    """The factory for granian: the shop without limits, and the page that it is held against."""
    settings = load_settings(os.environ)
    services = build(settings)

    @contextlib.asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        async with services.running():
            yield

    return both(services, settings, running)


def both(services: Services, settings: Settings, *lifespan: Lifespan) -> ASGIApp:
    """The shop on ``services`` without limits, and a page of a constant body beside it."""
    free = Limits(read=_NO_LIMIT, stranger=_NO_LIMIT, login=_NO_LIMIT, login_person=_NO_LIMIT, login_failed=_NO_LIMIT)
    shop = create_app(services, settings, limits=free, lifespan=lifespan)
    bare = _constant_page()

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        chosen: ASGIApp = bare if scope["type"] == "http" and scope["path"].startswith("/constant/") else shop
        await chosen(scope, receive, send)

    return either
