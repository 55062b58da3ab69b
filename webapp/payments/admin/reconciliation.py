"""Reconciliation: every provider compared with the ledger."""

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
    """The latest reconciliation of each provider; running ones are followed live."""
    return await _page(request)


@post(_PATH, name="admin:compare", guards=[_MONEY, limited(WRITE)], status_code=200)
async def compare(request: SoukRequest) -> Html:
    """Have the worker reconcile every provider; the page follows it."""
    await site_of(request).services.payments.reconciliation.request(request.user)
    return await _page(request)


async def _page(request: SoukRequest) -> Html:
    site, actor = site_of(request), request.user
    service, viewer = site.services.payments.reconciliation, site.viewer(actor)
    latest, waiting, methods = await asyncio.gather(
        service.latest(actor), service.pending(actor), site.services.payments.methods.enabled(actor)
    )
    latest_of = present.latest_of_each(latest)
    reconcilable = {method.name: method.reconcilable for method in methods}
    names = [*dict.fromkeys([*reconcilable, *latest_of])]
    view = ReconciliationPage(
        rows=tuple(
            present.comparison(
                name, latest_of.get(name), viewer, waiting=name in waiting, reconcilable=reconcilable.get(name, True)
            )
            for name in names
        ),
        done=len(methods) - len(waiting),
        total=len(methods),
        live_url=live_url(request, "reconciliation:all") if waiting else None,
    )
    if asked_by(request, "comparisons"):
        return fragment(request, "payments/admin/_comparisons_answer.html", view)
    return manage_page(request, "payments/admin/reconciliation.html", view, "payments", back=PAYMENTS)


HANDLERS: Final = (reconciliation, compare)
