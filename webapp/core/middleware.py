"""The way of every request, in plain ASGI: who asks, the shell or an answer, the log line."""

from __future__ import annotations

import gzip
import itertools
import logging
import re
import secrets
import time
from typing import Any, Final

import msgspec
import structlog
from litestar.types import ASGIApp, Receive, Send

from backend.identity.errors import Blocked
from backend.identity.types import Actor
from backend.infra import origin
from backend.infra.origin import Origin, Via, acting_from, network_of
from webapp.core import errors
from webapp.core.exchange import REFUSED, Asked, Exchange, Headers, locale_of, wants_html
from webapp.core.guards import passerby
from webapp.core.limits import Limits, address_of
from webapp.core.maintenance import Maintenance, UnderMaintenance
from webapp.core.page_cache import PageKey, tier
from webapp.core.patience import timed
from webapp.core.session import MAX_INIT_DATA, MAX_TOKEN, Unauthenticated, platform_of, session_id_of
from webapp.core.site import Site

log = structlog.get_logger("webapp.access")
_level = logging.getLogger("webapp.access")

_SLOW_SECONDS: Final = 1.0
# First segments of what is no page of the app: a plain GET of anything else is answered with the shell.
_NO_PAGES: Final = frozenset(
    {"api", "hooks", "healthz", "readyz", "live", "media", "static", "metrics", "verify", "trusted"}
)
_PROOF: Final = re.compile("/readings/[0-9a-f-]{36}/proof")
_HOOK: Final = re.compile("/hooks/[a-z0-9_-]{1,40}")
_BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def is_page(path: str) -> bool:
    """Whether ``path`` is a page of the app: none of the technical rooms, no file name at its end, no public proof."""
    first, _, _ = path[1:].partition("/")
    return first not in _NO_PAGES and "." not in path.rpartition("/")[2] and not _PROOF.fullmatch(path)


def is_back_office(path: str) -> bool:
    """Whether ``path`` belongs to the back office."""
    return path == "/admin" or path.startswith("/admin/")


def is_hook(path: str) -> bool:
    """Whether ``path`` is a webhook: no login, no limit for verified calls, open during maintenance."""
    return _HOOK.fullmatch(path) is not None


class Pipeline:
    """Wraps Litestar's router. ``shared`` matches the paths whose pages are the same for everybody."""

    def __init__(
        self,
        app: ASGIApp,
        site: Site,
        *,
        headers: Headers,
        shared: re.Pattern[str] | None,
        limits: Limits,
        shell_etag: bytes,
    ) -> None:
        self._app = app
        self._site = site
        self._headers = headers
        self._shared = shared
        self._limits = limits
        self._shell_etag = shell_etag
        # Unique without asking the system for randomness at each request: a word of this process, then a count.
        self._maintenance = Maintenance(site.settings.data_dir)
        self._process = secrets.token_hex(4)
        self._count = itertools.count(1)
        self._shell_gzipped = gzip.compress(site.shell, 9, mtime=0)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request; whatever goes wrong ends in an answer of webapp.core.errors."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        asked = Asked(scope["headers"])
        exchange = Exchange(send, asked, self._headers, f"{self._process}{next(self._count):08x}")
        scope["souk.reference"] = exchange.reference
        scope["souk.began"] = time.time()
        structlog.contextvars.bind_contextvars(request_id=exchange.reference)
        if scope["method"] not in _BODILESS:
            receive = timed(receive)
        try:
            await self._serve(scope, receive, exchange)
        except Exception as error:
            if exchange.status:
                log.error("request.broken_off", exc_info=error)
                raise
            await self._refuse(scope, exchange, error)
        finally:
            if exchange.status in REFUSED and is_back_office(scope["path"]):
                await self._note_refusal(scope, exchange)
            self._log(scope, exchange, time.perf_counter() - started)

    async def _serve(self, scope: Any, receive: Receive, exchange: Exchange) -> None:
        path, method = scope["path"], scope["method"]
        if path.startswith("/static/"):
            await self._static(path, method, exchange)
            return
        if method == "POST" and is_hook(path):
            await self._app(scope, receive, exchange.send)
            return
        with acting_from(_origin(scope)):
            await self._let_in(scope, receive, exchange)

    async def _let_in(self, scope: Any, receive: Receive, exchange: Exchange) -> None:
        path, method, asked = scope["path"], scope["method"], exchange.asked
        if asked.authorization is None:
            self._site.services.limiter.hit_here(self._limits.stranger, address_of(scope))
            if method in {"GET", "HEAD"} and not asked.htmx and is_page(path):
                await self._shell(method, exchange)
                return
            await self._app(scope, receive, exchange.send)
            return
        actor = await self._sign_in(scope, asked.authorization, exchange)
        scope["user"] = actor
        origin.of_session(actor.session_id)
        await self._site.places.look()
        if self._maintenance.on and not actor.is_admin:
            raise UnderMaintenance("closed by the operator")
        if method == "GET" and self._shared is not None and self._shared.match(path):
            await self._share(scope, receive, exchange, actor)
            return
        await self._app(scope, receive, exchange.send)

    async def _note_refusal(self, scope: Any, exchange: Exchange) -> None:
        """Have the audit trail say who tried what in the back office: somebody without the right, or a blocked one."""
        actor: Actor | None = scope.get("user")
        who = actor.user_id if actor is not None else scope.get("souk.signer") or scope.get("souk.blocked")
        if who is None:
            return
        # A blocked person comes no further than the door: only the room is known.
        route = f"{scope['method']} {scope.get('path_template') or '/'.join(scope['path'].split('/')[:3])}"
        with acting_from(_origin(scope)):
            lacks, code = scope.get("souk.lacks"), exchange.error_code
            await self._site.services.identity.refusals.note(who, route, lacks=lacks, code=code)

    async def _share(self, scope: Any, receive: Receive, exchange: Exchange, actor: Actor) -> None:
        cache = self._site.pages
        key = PageKey(scope["path"], scope["query_string"], exchange.asked.target, actor.language, tier(actor))
        page = cache.get(key) or await cache.wait(key)
        if page is not None:
            await exchange.reply_shared(page)
            return
        ticket = cache.ticket
        scope["souk.manages"] = actor.is_admin
        scope["souk.person"] = str(actor.id)  # for counting only
        scope["user"] = passerby(actor, self._site.settings.default_timezone)
        exchange.capture = True
        try:
            await self._app(scope, receive, exchange.send)
            if exchange.captured is not None:
                cache.put(key, exchange.captured, ticket)
        finally:
            cache.done(key)
            scope["user"] = actor

    async def _sign_in(self, scope: Any, authorization: bytes, exchange: Exchange) -> Actor:
        try:
            return await self._identify(scope, authorization, exchange)
        except Blocked as error:
            scope["souk.blocked"] = error.user_id
            raise

    async def _identify(self, scope: Any, authorization: bytes, exchange: Exchange) -> Actor:
        services, limits = self._site.services, self._limits
        scheme, _, credentials = authorization.partition(b" ")
        kind = scheme.lower()
        if kind == b"bearer":
            try:
                session = self._site.tokens.read(credentials[: MAX_TOKEN + 1].decode("latin-1"))
            except Unauthenticated:
                services.limiter.hit_here(limits.login_failed, address_of(scope))
                raise
            services.limiter.hit_here(limits.read, session.user_id.hex)
            actor = await services.identity.access.actor_by_id(session.user_id, session.role_version, session.id)
            if session.id is not None:
                await services.identity.sessions.touch(session.id)
            scope["auth"] = session
            token = self._site.tokens.renewed(session)
        elif kind == b"tma":
            actor = await self._log_in(scope, credentials[: MAX_INIT_DATA + 1], exchange.asked)
            token = self._site.tokens.issue(actor)
        else:
            services.limiter.hit_here(limits.login_failed, address_of(scope))
            raise Unauthenticated("neither tma nor Bearer")
        if token is not None:
            exchange.personal = (*exchange.personal, (b"x-session-token", token.encode()))
        return actor

    async def _log_in(self, scope: Any, init_data: bytes, asked: Asked) -> Actor:
        services, limits, address = self._site.services, self._limits, address_of(scope)
        await services.limiter.hit(limits.login, address)
        timezone = asked.timezone.decode("latin-1")[:64] or None
        try:
            contact = self._site.init_data.contact(init_data.decode("latin-1"), timezone=timezone)
        except Unauthenticated:
            await services.limiter.hit(limits.login_failed, address)
            raise
        await services.limiter.hit(limits.login_person, str(contact.telegram_id))
        if contact.start_param is None and asked.start:  # some clients tell it beside initData only
            contact = msgspec.structs.replace(contact, start_param=asked.start.decode("latin-1"))
        actor = await services.identity.access.authenticate(contact)
        agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"").decode("latin-1")
        session_id, network = session_id_of(init_data.decode("latin-1")), _origin(scope).network
        return await services.identity.sessions.open(actor, session_id, platform_of(agent), network)

    async def _shell(self, method: str, exchange: Exchange) -> None:
        headers: Headers = (
            (b"content-type", b"text/html; charset=utf-8"),
            # The same address answers differently with credentials: nobody may mix the two up.
            (b"vary", b"Authorization, HX-Request, Accept-Encoding"),
            (b"cache-control", b"public, no-cache"),
            (b"etag", self._shell_etag),
        )
        if self._shell_etag in exchange.asked.etag:
            await exchange.reply(304, headers, b"")
            return
        await self._send_file(method, exchange, headers, self._site.shell, self._shell_gzipped)

    async def _static(self, path: str, method: str, exchange: Exchange) -> None:
        asset = self._site.assets.find(path.removeprefix("/static/"))
        if asset is None or method not in {"GET", "HEAD"}:
            headers: Headers = (
                (b"content-type", b"text/plain"),
                (b"content-length", b"9"),
                (b"cache-control", b"no-store"),
            )
            await exchange.reply(404, headers, b"not found")
            return
        headers = (
            (b"content-type", asset.content_type.encode()),
            (b"vary", b"Accept-Encoding"),
            (b"cache-control", b"public, max-age=31536000, immutable"),
            (b"etag", b'"' + asset.hash[:16].encode() + b'"'),
        )
        await self._send_file(method, exchange, headers, asset.body, asset.gzipped)

    @staticmethod
    async def _send_file(method: str, exchange: Exchange, headers: Headers, plain: bytes, packed: bytes) -> None:
        body = plain
        if exchange.asked.gzip:
            body, headers = packed, (*headers, (b"content-encoding", b"gzip"))
        length = (b"content-length", str(len(body)).encode())
        await exchange.reply(200, (*headers, length), b"" if method == "HEAD" else body)

    async def _refuse(self, scope: Any, exchange: Exchange, error: Exception) -> None:
        theirs = error.language if isinstance(error, Blocked) else None
        answer = errors.answer(
            self._site,
            error,
            actor=scope.get("user"),
            locale=theirs or locale_of(exchange.asked.language, self._site.default_locale),
            html=wants_html(scope["path"], exchange.asked),
            reference=exchange.reference,
        )
        length = (b"content-length", str(len(answer.body)).encode())
        await exchange.reply(answer.status, (*answer.headers, length), answer.body)

    def _log(self, scope: Any, exchange: Exchange, seconds: float) -> None:
        # A read that went well is told at DEBUG only: writing its line would cost more than answering it from memory.
        dull = exchange.status < 400 and scope["method"] in {"GET", "HEAD"} and seconds < _SLOW_SECONDS
        # What a provider's door refuses, it tells in samples itself.
        dull = dull or (400 <= exchange.status < 500 and is_hook(scope["path"]))
        if dull and not _level.isEnabledFor(logging.DEBUG):
            return
        actor = scope.get("user")
        log.log(
            logging.DEBUG if dull else logging.INFO,
            "request",
            method=scope["method"],
            # The query stays out: signed addresses carry their signature there.
            path=scope["path"][:200],
            status=exchange.status,
            ms=round(seconds * 1000, 1),
            user=str(actor.user_id) if actor is not None else None,
            address=address_of(scope),
        )


def _origin(scope: Any) -> Origin:
    """From where a request comes, for what it has recorded."""
    client = scope.get("client")
    via = Via.API if scope["path"].startswith("/api/") else Via.PAGE
    return Origin(via, network_of(client[0]) if client else None)
