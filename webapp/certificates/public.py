"""Anybody checks a certificate: a page without a session, which no search engine keeps."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Redirect, Response

from backend.infra.i18n import translator
from backend.infra.rate_limit import Limit
from backend.kernel.errors import RateLimited
from backend.kernel.text import Locale
from webapp.certificates.screens.public import VerifyPage, verify_page
from webapp.core.exchange import Asked, locale_of
from webapp.core.guards import PUBLIC
from webapp.core.limits import address_of
from webapp.core.rendering import Viewer
from webapp.core.site import site_of

VERIFY: Final = Limit("verify", 60, 60)
"""Codes that are checked; by address."""
_LONGEST: Final = 100
# Names of people are for who has the code.
_HEADERS: Final = {"x-robots-tag": "noindex, nofollow, noarchive", "cache-control": "no-store"}
Plain = Request[Any, Any, Any]


@get("/verify", name="certificates:verify-form", opt=PUBLIC)
async def verify_form(request: Plain) -> Response[bytes] | Redirect:
    """Where a code is typed; a typed one leads to its page."""
    typed = request.query_params.get("code", "").strip()[:_LONGEST]
    if typed:
        return Redirect(f"/verify/{quote(typed, safe='')}", status_code=303, headers=_HEADERS)
    return _page(request, VerifyPage(state="ask", locale=_locale(request), shop=_shop(request)))


@get("/verify/{code:path}", name="certificates:verify", opt=PUBLIC)
async def verify(request: Plain, code: FromPath[str]) -> Response[bytes]:
    """What a certificate says and whether it is valid; a code that was never given is not found (404)."""
    site, code = site_of(request), code.removeprefix("/")
    try:
        await site.services.limiter.hit(VERIFY, address_of(request.scope))
    except RateLimited as refusal:
        busy = VerifyPage(state="busy", locale=_locale(request), shop=_shop(request), typed=code[:_LONGEST])
        return _page(request, busy, status=429, headers={"retry-after": str(refusal.retry_after)})
    if code.endswith(".png"):
        return await _picture(request, code.removesuffix(".png"))
    held = await site.services.certificates.verifying.find(code)
    if held is None:
        missing = VerifyPage(state="missing", locale=_locale(request), shop=_shop(request), typed=code[:_LONGEST])
        return _page(request, missing, status=404)
    return _page(request, verify_page(held, site.settings.public_url.rstrip("/")))


async def _picture(request: Plain, code: str) -> Response[bytes]:
    """The picture that chats show beside a link to a valid certificate. Raises NotFound."""
    content = await site_of(request).services.certificates.verifying.picture(code)
    return Response(content.data, media_type=content.mime, headers=_HEADERS)


def _locale(request: Plain) -> Locale:
    return locale_of(Asked(request.scope["headers"]).language, site_of(request).default_locale)


def _shop(request: Plain) -> str:
    return site_of(request).settings.shop_name


def _page(
    request: Plain, view: VerifyPage, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response[bytes]:
    site = site_of(request)
    text = site.templates.render("certificates/verify.html", Viewer(translator(view.locale), site.now()), page=view)
    headers = {**_HEADERS, **(headers or {})}
    return Response(text.encode(), status_code=status, media_type="text/html", headers=headers)


HANDLERS: Final = (verify_form, verify)
