"""The payment methods as the operator configured them."""

from __future__ import annotations

from typing import Final

from litestar import get
from litestar.params import FromPath

from backend.identity.types import Permission
from backend.kernel.errors import NotFound
from webapp.core.back_office import ROOMS, manage_page
from webapp.core.guards import requires
from webapp.core.responses import Html, sheet
from webapp.core.site import SoukRequest, site_of
from webapp.payments.screens import control as present
from webapp.payments.screens.control import SetupSheet, SetupsPage

_SETTINGS = requires(Permission.SETTINGS)
_PATH: Final = ROOMS["methods"][0]


@get(_PATH, name="admin:methods", guards=[_SETTINGS])
async def methods(request: SoukRequest) -> Html:
    """Every payment method: enabled, disabled, half configured or misconfigured."""
    site, actor = site_of(request), request.user
    rows = present.setup_rows(await site.services.payments.methods.setups(actor), site.viewer(actor))
    return manage_page(request, "payments/admin/methods.html", SetupsPage(rows), "methods")


@get(_PATH + "/{name:str}", name="admin:method", guards=[_SETTINGS])
async def method(request: SoukRequest, name: FromPath[str]) -> Html:
    """One payment method with its variables and its webhook URL. Raises NotFound."""
    site, actor = site_of(request), request.user
    setup = next((item for item in await site.services.payments.methods.setups(actor) if item.name == name), None)
    if setup is None:
        raise NotFound("no such payment method")
    notes = await site.services.payments.methods.examine(actor, name)
    return sheet(
        request, "payments/admin/_method.html", SetupSheet(present.setup_row(setup, site.viewer(actor)), tuple(notes))
    )


HANDLERS: Final = (methods, method)
