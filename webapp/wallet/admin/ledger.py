"""Whether the ledger is balanced."""

from __future__ import annotations

from typing import Final

from litestar import get, post

from backend.identity.types import Permission
from backend.wallet.types import LedgerReport
from webapp.admin.home import check_books, last_report
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html
from webapp.core.site import SoukRequest, site_of
from webapp.wallet.screens import admin as ledger_screens

_MONEY = requires(Permission.MONEY)


@get("/admin/books", name="admin:books", guards=[_MONEY])
async def ledger(request: SoukRequest) -> Html:
    """The latest proof of the ledger, or the first one."""
    return _page(request, last_report(request) or await check_books(request))


@post("/admin/books/check", name="admin:check-books", guards=[_MONEY, limited(WRITE)], status_code=200)
async def check(request: SoukRequest) -> Html:
    """Verify the ledger again."""
    return _page(request, await check_books(request))


def _page(request: SoukRequest, report: LedgerReport) -> Html:
    view = ledger_screens.ledger_page(report, site_of(request).viewer(request.user))
    return manage_page(request, "wallet/admin/ledger.html", view, "books")


HANDLERS: Final = (ledger, check)
