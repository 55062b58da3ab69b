"""The back office's first page: what needs attention, today's figures, whether the ledger is balanced."""

from __future__ import annotations

import asyncio
from datetime import datetime, time, timedelta
from typing import Final

import structlog
from litestar import get

from backend.identity.types import Permission
from backend.orders.types import OrderStatus
from backend.orders.types.reports import SalesFigures
from backend.wallet.types import LedgerReport
from webapp.admin import screens as present
from webapp.admin.screens import HandRow, ManageHome, StatView
from webapp.core.back_office import manage_page, open_rooms
from webapp.core.guards import admins_only
from webapp.core.responses import Html
from webapp.core.site import SoukRequest, site_of
from webapp.orders.admin.hand_work import QUEUE
from webapp.orders.screens import admin as order_screens
from webapp.orders.screens.admin import ManageOrderRow
from webapp.payments.admin.attention import money_hands
from webapp.wallet.screens import admin as ledger_screens
from webapp.wallet.screens.admin import LedgerStat

_LATEST: Final = 8
_BOOKS_AGE: Final = timedelta(hours=1)
_BOOKS_SECONDS: Final = 3.0
log = structlog.get_logger(__name__)


@get("/admin", name="admin:home", guards=[admins_only])
async def home(request: SoukRequest) -> Html:
    """The overview; each admin sees what their permissions allow."""
    site, actor = site_of(request), request.user
    latest: tuple[ManageOrderRow, ...] = ()
    if actor.may(Permission.ORDERS):
        orders = (await site.services.orders.history.list_all(actor, None, None)).items[:_LATEST]
        names = await site.services.identity.people.names_of(actor, [row.buyer_id for row in orders])
        viewer = site.viewer(actor)
        latest = tuple(order_screens.order_row(row, names, actor, viewer) for row in orders)
    view = ManageHome(
        hands=await _hands(request),
        stats=await _stats(request),
        books=await _books(request),
        latest=latest,
        rooms=open_rooms(actor),
        no_contact=not site.support_link,
    )
    return manage_page(request, "admin/home.html", view, "home")


async def _hands(request: SoukRequest) -> tuple[HandRow, ...]:
    services, actor = site_of(request).services, request.user
    rows = []
    dead = (await services.admin.overview(actor)).dead_letters
    if dead and actor.may(Permission.SETTINGS):
        rows.append(HandRow("deliveries", "/admin/deliveries", dead, urgent=True))
    rows += await money_hands(request)
    low = await services.catalog.stock.count_low(actor) if actor.may(Permission.STOCK) else 0
    if low:
        rows.append(HandRow("stock_low", "/shop?sort=popular", low))
    if actor.may(Permission.ORDERS) and (work := await services.catalog.hand_work.count(actor)).open:
        rows.append(HandRow("work", QUEUE, work.open, urgent=bool(work.overdue)))
    claims = await services.orders.warranty.count_in_review(actor) if actor.may(Permission.ORDERS) else 0
    if claims:
        rows.append(HandRow("claims", "/admin/orders/claims", claims, urgent=True))
    if actor.may(Permission.TEACHING) and (left := await services.assignments.review.count(actor)).open:
        rows.append(HandRow("assignments", "/admin/assignments", left.open, urgent=bool(left.overdue)))
    waiting = await services.orders.reports.count_waiting(actor) if actor.may(Permission.ORDERS) else 0
    if waiting:
        rows.append(HandRow("orders_waiting", f"/admin/orders?status={OrderStatus.AWAITING_PAYMENT}", waiting))
    return tuple(rows)


async def _stats(request: SoukRequest) -> tuple[StatView, ...]:
    site, actor = site_of(request), request.user
    if not actor.may(Permission.ORDERS):
        return ()
    services, viewer = site.services, site.viewer(actor)
    midnight = datetime.combine(viewer.now.astimezone(viewer.timezone).date(), time(), viewer.timezone)
    day = timedelta(days=1)
    today = await services.orders.reports.sales_since(actor, midnight)
    since_yesterday = await services.orders.reports.sales_since(actor, midnight - day)
    last_day = await services.orders.reports.sales_since(actor, viewer.now - day)
    before = SalesFigures(since_yesterday.revenue - last_day.revenue, since_yesterday.orders - last_day.orders)
    new = [
        await services.identity.people.count_new(actor, since) for since in (midnight, midnight - day, viewer.now - day)
    ]
    return present.stats(today, before, (new[0], new[1] - new[2]))


async def _books(request: SoukRequest) -> LedgerStat | None:
    site, actor = site_of(request), request.user
    if not actor.may(Permission.MONEY):
        return None
    report = last_report(request)
    if report is None or site.now() - report.at > _BOOKS_AGE:
        try:
            async with asyncio.timeout(_BOOKS_SECONDS):
                report = await check_books(request)
        except TimeoutError:
            # Checking a very long ledger takes time; only the ledger's own page waits for it.
            log.info("books.too_long_for_the_first_page")
    return ledger_screens.ledger_stat(report, site.settings.shop_currency) if report else None


def last_report(request: SoukRequest) -> LedgerReport | None:
    """The latest check of the ledger in this process, or None."""
    report: LedgerReport | None = request.app.state.get("books")
    return report


async def check_books(request: SoukRequest) -> LedgerReport:
    """Check the ledger now, and remember the result in this process."""
    report = await site_of(request).services.wallet.ledger.verify(request.user)
    request.app.state["books"] = report
    return report
