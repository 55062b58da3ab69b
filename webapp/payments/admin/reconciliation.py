"""Every provider compared with the books."""

from __future__ import annotations

import asyncio
from typing import Final

from litestar import get, post

from backend.identity.types import Permission
from webapp.core.answers import asked_by
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html, fragment, live_url
from webapp.core.site import SoukRequest, site_of
from webapp.payments.admin.payments import PAYMENTS
from webapp.payments.screens import control as present
from webapp.payments.screens.control import ReconciliationPage

_MONEY = requires(Permission.MONEY)
_PATH: Final = PAYMENTS + "/reconciliation"


@get(_PATH, name="admin:reconciliation", guards=[_MONEY])
async def reconciliation(request: SoukRequest) -> Html:
    """The latest comparison of each provider; those under way are followed live."""
    return await _page(request)


@post(_PATH, name="admin:compare", guards=[_MONEY, limited(WRITE)], status_code=200)
async def compare(request: SoukRequest) -> Html:
    """Have the worker compare every provider; the page follows it."""
    await site_of(request).services.payments.reconciliation.request(request.user)
    return await _page(request)


async def _page(request: SoukRequest) -> Html:
    site, actor = site_of(request), request.user
    service, viewer = site.services.payments.reconciliation, site.viewer(actor)
    found, waiting, ways = await asyncio.gather(
        service.latest(actor), service.pending(actor), site.services.payments.methods.enabled(actor)
    )
    latest = present.latest_of_each(found)
    reconcilable = {way.name: way.reconcilable for way in ways}
    names = [*dict.fromkeys([*reconcilable, *latest])]
    view = ReconciliationPage(
        rows=tuple(
            present.comparison(
                name, latest.get(name), viewer, waiting=name in waiting, reconcilable=reconcilable.get(name, True)
            )
            for name in names
        ),
        done=len(ways) - len(waiting),
        total=len(ways),
        live_url=live_url(request, "reconciliation:all") if waiting else None,
    )
    if asked_by(request, "comparisons"):
        return fragment(request, "payments/admin/_comparisons_answer.html", view)
    return manage_page(request, "payments/admin/reconciliation.html", view, "payments", back=PAYMENTS)


HANDLERS: Final = (reconciliation, compare)
