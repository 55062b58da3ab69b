"""Trusted sellers: a page of the app, and one without a session for anyone who was sent a link."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request, get
from litestar.response import Response

from backend.infra.i18n import translator
from backend.infra.rate_limit import Limit
from backend.kernel.errors import RateLimited
from backend.kernel.text import Locale
from webapp.core.exchange import Asked, locale_of
from webapp.core.guards import PUBLIC
from webapp.core.limits import address_of
from webapp.core.rendering import Viewer
from webapp.core.responses import Html, page
from webapp.core.site import SoukRequest, site_of
from webapp.identity.screens.sellers import SellersPage, sellers_page

CHECK: Final = Limit("seller_check", 30, 60)
"""Names that are checked; by person, or by address."""
_LONGEST: Final = 100
_APP: Final = "/sellers"
PUBLIC_SELLERS: Final = "/trusted"
_HEADERS: Final = {"x-robots-tag": "noindex, nofollow, noarchive", "cache-control": "no-store"}
Plain = Request[Any, Any, Any]


@get(_APP, name="sellers")
async def sellers(request: SoukRequest) -> Html:
    """Whom the shop trusts; ``?name=`` is checked against them. Raises RateLimited."""
    view = await _view(request, _APP, request.user.language, str(request.user.id))
    return page(request, "identity/sellers.html", view, tab="me", back="/me")


@get(PUBLIC_SELLERS, name="sellers:public", opt=PUBLIC)
async def public_sellers(request: Plain) -> Response[bytes]:
    """The same for everybody, in the language of ``?lang=`` or of the browser."""
    site, locale = site_of(request), _locale(request)
    headers, status = dict(_HEADERS), 200
    try:
        view = await _view(request, PUBLIC_SELLERS, locale, address_of(request.scope))
    except RateLimited as refusal:
        known = await site.services.identity.sellers.list_public()
        listed = sellers_page(PUBLIC_SELLERS, site.settings.shop_name, known, locale, _typed(request))
        view, status = msgspec.structs.replace(listed, state="busy"), 429
        headers["retry-after"] = str(refusal.retry_after)
    text = site.templates.render("identity/sellers_public.html", Viewer(translator(locale), site.now()), page=view)
    return Response(text.encode(), status_code=status, media_type="text/html", headers=headers)


async def _view(request: Plain, action: str, locale: Locale, subject: str) -> SellersPage:
    services, typed = site_of(request).services, _typed(request)
    answer = None
    if typed:
        await services.limiter.hit(CHECK, subject)
        answer = await services.identity.sellers.check(typed)
    known = await services.identity.sellers.list_public()
    return sellers_page(action, site_of(request).settings.shop_name, known, locale, typed, answer)


def _typed(request: Plain) -> str:
    return request.query_params.get("name", "").replace("\0", "").strip()[:_LONGEST]


def _locale(request: Plain) -> Locale:
    asked = request.query_params.get("lang", "")
    if asked in list(Locale):
        return Locale(asked)
    return locale_of(Asked(request.scope["headers"]).language, site_of(request).default_locale)


SELLER_HANDLERS: Final = (sellers, public_sellers)
