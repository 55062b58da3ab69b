"""The web process: Litestar's router inside our pipeline, and the factory that granian calls."""

from __future__ import annotations

import webapp.lean  # noqa: F401 - before anything that would import what it forbids

# isort: split

import asyncio
import contextlib
import hashlib
import multiprocessing
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NamedTuple, cast

import structlog
from granian.utils.proxies import wrap_asgi_with_proxy_headers
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Reference, SecurityScheme
from litestar.response import Response
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, ControllerRouterHandler, Receive, Scope, Send
from sqlalchemy.exc import DBAPIError

from backend.bootstrap import Services, build
from backend.identity.types import Actor
from backend.infra.environment import load_settings
from backend.infra.i18n import translator
from backend.infra.logging import setup_logging
from backend.infra.roots import die_with_parent
from backend.infra.settings import Settings
from backend.kernel.errors import AppError
from backend.kernel.text import Locale
from webapp.core import errors
from webapp.core.assets import Assets, build_assets
from webapp.core.exchange import Asked, locale_of, wants_html
from webapp.core.guards import PUBLIC, signed_in
from webapp.core.health import healthz, readyz
from webapp.core.limits import Limits
from webapp.core.live import Streams, closed_on_signals, live
from webapp.core.media import media
from webapp.core.middleware import Pipeline
from webapp.core.page_cache import PageCache
from webapp.core.places import Places
from webapp.core.rendered import RenderedPages
from webapp.core.rendering import Templates
from webapp.core.security import security_headers
from webapp.core.session import InitDataCheck, SessionTokens, SignedAddresses
from webapp.core.site import Site, SoukRequest, site_of
from webapp.routers import ROUTERS

MAX_BODY: Final = 1024 * 1024
_ROOT_RETRY_SECONDS: Final = 2.0
log = structlog.get_logger(__name__)
_CREDENTIALS: Final[dict[str, SecurityScheme | Reference]] = {
    "session": SecurityScheme(type="http", scheme="bearer", description="The token of the header X-Session-Token."),
    "init_data": SecurityScheme(type="http", scheme="tma", description="Telegram's initData, as the Mini App got it."),
}
_HANDLERS: Final[tuple[ControllerRouterHandler, ...]] = (
    healthz,
    readyz,
    live,
    media,
    *ROUTERS,
)
Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


class _Built(NamedTuple):
    """The parts of an app that depend on no services."""

    router: ASGIApp
    assets: Assets
    templates: Templates


def make_site(services: Services, settings: Settings, built: _Built) -> Site:
    """The parts that handlers and pipeline share."""
    clock, pages = services.clock, PageCache(services.signals)
    words = [translator(locale) for locale in Locale]
    return Site(
        services=services,
        settings=settings,
        clock=clock,
        assets=built.assets,
        templates=built.templates,
        init_data=InitDataCheck(
            settings.bot_token, clock, max_age=settings.init_data_max_age, ed25519_key=settings.telegram_ed25519_key
        ),
        tokens=SessionTokens(settings.secret_key, clock, lifetime=settings.session_lifetime),
        addresses=SignedAddresses(settings.secret_key, clock),
        pages=pages,
        rendered=RenderedPages(),
        places=Places(
            {"learn": services.courses.learning.has_courses, "readings": services.readings.shelf.has_spreads},
            services.signals,
            pages.clear,
        ),
        shell=built.templates.shell(
            words, clock.now(), telegram_script_url=settings.telegram_script_url, bot_url=settings.bot_url
        ),
    )


def provide_actor(request: SoukRequest) -> Actor:
    """Who asks; on a shared page nobody in particular."""
    return request.user


def tell_error(request: SoukRequest, error: Exception) -> Response[bytes]:
    """Any error of a handler, a guard or the router, as webapp.core.errors tells it."""
    site, asked = site_of(request), Asked(request.scope["headers"])
    answer = errors.answer(
        site,
        error,
        actor=request.scope.get("user"),
        locale=locale_of(asked.language, site.default_locale),
        html=wants_html(request.scope["path"], asked),
        reference=request.scope["souk.reference"],  # type: ignore[typeddict-item]
    )
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    # As a header: to a media type that is text Litestar would add the charset a second time.
    return Response(answer.body, status_code=answer.status, headers=headers)


def _shared_paths(app: Litestar) -> re.Pattern[str] | None:
    shared, own = [], []
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            path = re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(route.path_format))
            handlers = [handler for handler in route.route_handlers if "GET" in handler.http_methods]
            if any(handler.opt.get("shared") for handler in handlers):
                shared.append(path)
            elif handlers and "{" not in route.path_format:
                own.append(path)  # /shop/new is not a /shop/{slug}
    return re.compile(f"(?!(?:{'|'.join(own)})/?\\Z)(?:{'|'.join(shared)})/?\\Z") if shared else None


def _openapi(settings: Settings) -> OpenAPIConfig:
    return OpenAPIConfig(
        title=settings.shop_name,
        version="1",
        components=Components(security_schemes=_CREDENTIALS),
        security=[{name: []} for name in _CREDENTIALS],
        render_plugins=[JsonRenderPlugin(path="/")],
        # Its own room: Litestar answers whatever else is asked for in there with a page of its own.
        openapi_router=Router(path="/api/v1/openapi.json", route_handlers=[], opt=PUBLIC),
    )


def _pipeline(app: Litestar, site: Site, limits: Limits) -> ASGIApp:
    """The way of every request around the router of ``app``, behind the proxies that are trusted."""
    etag = '"' + hashlib.sha256(site.shell).hexdigest()[:16] + '"'
    pipeline = Pipeline(
        app.state.built.router,
        site,
        headers=security_headers(site.settings),
        shared=_shared_paths(app),
        limits=limits,
        shell_etag=etag.encode(),
    )
    trusted = [item.strip() for item in site.settings.trusted_proxies.split(",") if item.strip()]
    return _proxied(pipeline, trusted) if trusted else pipeline


def make_app(
    settings: Settings, *, lifespan: Sequence[Lifespan] = (), handlers: Sequence[ControllerRouterHandler] = ()
) -> Litestar:
    """Build routes and templates, which takes longer than a hundred requests; ``serve`` adds what a request needs."""

    @contextlib.asynccontextmanager
    async def streaming(served: Litestar) -> AsyncIterator[None]:
        try:
            yield
        finally:
            served.state.streams.close()

    app = Litestar(
        route_handlers=[*_HANDLERS, *handlers],
        guards=[signed_in],
        dependencies={"actor": Provide(provide_actor, sync_to_thread=False)},
        exception_handlers={Exception: tell_error},
        lifespan=[*lifespan, streaming],
        logging_config=None,
        include_in_schema=False,
        request_max_body_size=MAX_BODY,
        openapi_config=_openapi(settings),
        debug=False,
    )
    assets = build_assets()
    app.state.built = _Built(app.asgi_handler, assets, Templates(assets))
    return app


def serve(app: Litestar, services: Services, settings: Settings, limits: Limits | None = None) -> Litestar:
    """Put ``services``, which the caller or the lifespan runs, behind ``app``, in place of those before."""
    built: _Built = app.state.built
    site = make_site(services, settings, built)
    app.state = State({"built": built, "site": site, "streams": Streams(services.signals)})
    app.asgi_handler = _pipeline(app, site, limits or Limits())
    return app


def create_app(
    services: Services,
    settings: Settings,
    *,
    limits: Limits | None = None,
    lifespan: Sequence[Lifespan] = (),
    handlers: Sequence[ControllerRouterHandler] = (),
) -> Litestar:
    """The web app on ``services``, which the caller or ``lifespan`` runs. ``handlers`` come beside the usual ones."""
    return serve(make_app(settings, lifespan=lifespan, handlers=handlers), services, settings, limits)


def _proxied(inner: ASGIApp, trusted: list[str]) -> ASGIApp:
    wrapped = cast(Any, wrap_asgi_with_proxy_headers(inner, trusted_hosts=trusted))

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        await wrapped(scope, receive, send)

    return outer


async def _ensure_basics(services: Services) -> None:
    # The database may come up, or be migrated, after this process: it is asked until it has a root admin and spreads.
    while True:
        try:
            await services.identity.access.ensure_root()
            await services.readings.upkeep.ensure_spreads()
        except (AppError, DBAPIError) as error:
            log.warning("start.not_ensured", error=repr(error))
            await asyncio.sleep(_ROOT_RETRY_SECONDS)
        else:
            return


def _end_with_granian() -> None:
    # granian killed with -9 must not leave a worker behind that answers at the port beside the next one's.
    granian = multiprocessing.parent_process()
    if granian is not None:
        die_with_parent()
        if not granian.is_alive():
            os.kill(os.getpid(), signal.SIGTERM)


def app() -> Litestar:
    """The factory for granian: ``granian --interface asgi --factory webapp.asgi:app``. Raises SettingsError."""
    _end_with_granian()
    settings = load_settings()
    setup_logging(settings, "web")
    services = build(settings)

    @contextlib.asynccontextmanager
    async def running(served: Litestar) -> AsyncIterator[None]:
        with closed_on_signals(served.state.streams):
            async with services.running():
                basics = asyncio.create_task(_ensure_basics(services))
                try:
                    yield
                finally:
                    basics.cancel()

    return create_app(services, settings, lifespan=[running])
