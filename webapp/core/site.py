"""What the web process is made of, put together once in webapp.asgi and found by handlers in ``app.state.site``."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from litestar.connection import ASGIConnection, Request
from litestar.datastructures import State

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.infra.formatting import timezone
from backend.infra.i18n import Translator, translator
from backend.infra.settings import Settings
from backend.kernel.clock import Clock
from backend.kernel.text import Locale
from webapp.core.assets import Assets
from webapp.core.page_cache import PageCache
from webapp.core.parts import Chrome, Place, Tab
from webapp.core.places import Places
from webapp.core.rendered import RenderedPages
from webapp.core.rendering import Templates, Viewer
from webapp.core.session import InitDataCheck, Session, SessionTokens, SignedAddresses


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of the web process that handlers and middleware share."""

    services: Services
    settings: Settings
    """The environment's; where admins may change one, ``services.live`` has it."""
    clock: Clock
    assets: Assets
    templates: Templates
    init_data: InitDataCheck
    tokens: SessionTokens
    addresses: SignedAddresses
    pages: PageCache
    rendered: RenderedPages
    places: Places
    shell: bytes

    @property
    def default_locale(self) -> Locale:
        """The shop's own language, for whom nothing better is known."""
        return Locale.closest(self.settings.default_language)

    @property
    def support_link(self) -> str:
        """Where people can ask the shop, or an empty text."""
        return self.services.live.current.support_link

    def viewer(self, actor: Actor | None, locale: Locale | None = None) -> Viewer:
        """The reader's language and timezone: the actor's, or ``locale`` and UTC for an unknown visitor."""
        words = words_of(actor, locale or self.default_locale)
        return Viewer(words, self.now(), timezone(actor.timezone if actor else "UTC"))

    def now(self) -> datetime:
        """The present moment."""
        return self.clock.now()

    def chrome(self, actor: Actor, active: Place, back: str | None = None, *, manages: bool | None = None) -> Chrome:
        """The bottom tabs; ``back`` is one level up, ``manages`` is for shared pages, which have no actor."""
        hidden = {"manage"} if not (actor.is_admin if manages is None else manages) else set()
        hidden |= {"learn", "readings"} - self.places.open
        return Chrome(tabs=tuple(tab for tab in _TABS if tab.key not in hidden), active=active, back=back)


_TABS: Final = (
    Tab(key="shop", href="/shop"),
    Tab(key="learn", href="/learn"),
    Tab(key="readings", href="/readings"),
    Tab(key="cart", href="/cart"),
    Tab(key="me", href="/me"),
    Tab(key="manage", href="/admin"),
)

SoukRequest = Request[Actor, Session, State]
"""A request past the guards: ``request.user`` is the actor."""
Connection = ASGIConnection[Any, Any, Any, Any]


def site_of(connection: Connection) -> Site:
    """The site that serves this connection."""
    site: Site = connection.app.state.site
    return site


def manages(connection: Connection) -> bool:
    """Whether the back office has a tab for this reader; also known on a shared page, which has no actor."""
    actor: Actor | None = connection.scope.get("user")
    return bool(connection.scope.get("souk.manages", actor is not None and actor.is_admin))


def words_of(actor: Actor | None, default: Locale) -> Translator:
    """The translator for the actor's language, or for ``default``."""
    return translator(actor.language if actor else default)
