"""Anybody checks a draw: a page without a session, with no question and no text in it."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Response

from backend.infra.i18n import translator
from backend.infra.rate_limit import Limit
from backend.kernel.text import Locale
from backend.readings.types import ReadingId
from backend.readings.types.rooms import Proof
from webapp.core.exchange import Asked, locale_of
from webapp.core.guards import PUBLIC
from webapp.core.limits import address_of
from webapp.core.rendering import Viewer
from webapp.core.site import site_of
from webapp.readings.screens.proof import proof_page, proof_values

PROOF: Final = Limit("proof", 60, 60)
"""Proofs that are looked at; by address."""
_HEADERS: Final = {"x-robots-tag": "noindex, nofollow, noarchive", "cache-control": "no-store"}
Plain = Request[Any, Any, Any]


@get("/readings/{reading_id:uuid}/proof", name="readings:proof", opt=PUBLIC)
async def proof(request: Plain, reading_id: FromPath[UUID]) -> Response[bytes]:
    """Everything that a draw follows from, in the reader's language or in the one of ``?lang=``. Raises NotFound."""
    site, shown = site_of(request), await _find(request, reading_id)
    view = proof_page(shown, _locale(request), site.settings.shop_name)
    text = site.templates.render("readings/proof.html", Viewer(translator(view.locale), site.now()), page=view)
    return Response(text.encode(), media_type="text/html", headers=_HEADERS)


@get("/readings/{reading_id:uuid}/proof.json", name="readings:proof-values", opt=PUBLIC)
async def values(request: Plain, reading_id: FromPath[UUID]) -> Response[bytes]:
    """The values of a draw as a file, for the script that checks it at home. Raises NotFound."""
    shown = await _find(request, reading_id)
    headers = {**_HEADERS, "content-disposition": 'attachment; filename="proof.json"'}
    return Response(proof_values(shown), media_type="application/json", headers=headers)


async def _find(request: Plain, reading_id: UUID) -> Proof:
    services = site_of(request).services
    await services.limiter.hit(PROOF, address_of(request.scope))
    return await services.readings.proofs.get(ReadingId(reading_id))


def _locale(request: Plain) -> Locale:
    asked = request.query_params.get("lang", "")
    if asked in list(Locale):
        return Locale(asked)
    return locale_of(Asked(request.scope["headers"]).language, site_of(request).default_locale)


HANDLERS: Final = (proof, values)
