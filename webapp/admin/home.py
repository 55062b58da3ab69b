"""The back office's first page: what needs attention, today's figures, whether the ledger is balanced."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import structlog
from litestar import get

from backend.identity.types import Permission
from backend.infra.formatting import joined, timezone
from backend.kernel.money import Money
from backend.kernel.text import pick
from backend.orders.types import OrderStatus
from backend.orders.types.reports import SalesFigures
from backend.wallet.types import LedgerReport
from webapp.admin import screens as present
from webapp.admin.screens import ChartView, HandRow, ManageHome, Range, StatView
from webapp.core import forms
from webapp.core.back_office import manage_page, open_rooms
from webapp.core.guards import admins_only
from webapp.core.responses import Html, fragment
from webapp.core.site import SoukRequest, site_of
from webapp.orders.admin.hand_work import QUEUE
from webapp.orders.screens import admin as order_screens
from webapp.orders.screens.admin import ManageOrderRow
from webapp.payments.admin.attention import money_hands
from webapp.wallet.screens import admin as ledger_screens
from webapp.wallet.screens.admin import LedgerStat

_LATEST: Final = 8
_DAYS: Final = 8
"""Of the lines below the figures: today and the seven days before, of which the first is the same weekday."""
_MONTH_DAYS: Final = 30
_MONTHS: Final = 12
_LOW: Final = "/admin/stock/low"
_BOOKS_AGE: Final = timedelta(hours=1)
_BOOKS_SECONDS: Final = 3.0
log = structlog.get_logger(__name__)


class HomeQuery(msgspec.Struct, frozen=True):
    """How far the chart reaches back."""

    range: Range = Range.WEEK


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
    stats, chart = await _today(request, forms.read_query(request, HomeQuery).range)
    view = ManageHome(
        hands=await _hands(request),
        stats=stats,
        chart=chart,
        books=await _books(request),
        latest=latest,
        rooms=open_rooms(actor),
        no_contact=not site.support_link,
    )
    return manage_page(request, "admin/home.html", view, "home")


@get("/admin/counts", name="admin:counts", guards=[admins_only])
async def counts(request: SoukRequest) -> Html:
    """How much open work each room has, for the list of rooms beside a page."""
    return fragment(request, "admin/_counts.html", present.counts(await _hands(request), open_rooms(request.user)))


async def _hands(request: SoukRequest) -> tuple[HandRow, ...]:
    services, actor = site_of(request).services, request.user
    rows = []
    if actor.may(Permission.ORDERS):
        if (work := await services.catalog.hand_work.count(actor)).open:
            rows.append(HandRow("work", QUEUE, work.open, urgent=bool(work.overdue), since=work.oldest))
        if claims := await services.orders.warranty.count_in_review(actor):
            rows.append(HandRow("claims", "/admin/orders/claims", claims, urgent=True))
    if actor.may(Permission.TICKETS) and (tickets := await services.support.tickets.counts(actor)).open:
        rows.append(HandRow("tickets", "/admin/tickets", tickets.open, since=tickets.oldest))
    dead = (await services.admin.overview(actor)).dead_letters
    if dead and actor.may(Permission.SETTINGS):
        rows.append(HandRow("deliveries", "/admin/deliveries", dead, urgent=True))
    rows += await money_hands(request)
    if actor.may(Permission.MONEY):
        refunds, oldest = await services.payments.refunds.count_pending(actor)
        if oldest is not None:
            rows.append(HandRow("refunds", f"/admin/payments/{oldest}", refunds))
    if actor.may(Permission.STOCK) and (low := await services.catalog.stock.count_low(actor)):
        rows.append(await _low(request, low))
    if actor.may(Permission.TEACHING) and (left := await services.assignments.review.count(actor)).open:
        rows.append(HandRow("assignments", "/admin/assignments", left.open, urgent=bool(left.overdue)))
    waiting = await services.orders.reports.count_waiting(actor) if actor.may(Permission.ORDERS) else 0
    if waiting:
        rows.append(HandRow("orders_waiting", f"/admin/orders?status={OrderStatus.AWAITING_PAYMENT}", waiting))
    return present.ordered(rows)


async def _low(request: SoukRequest, count: int) -> HandRow:
    """Low stock, with the name of what sells best of it."""
    first = await site_of(request).services.catalog.stock.find_low(request.user)
    if first is None:
        return HandRow("stock_low", _LOW, count)
    names = [pick(first.name, request.user.language), pick(first.variant_name, request.user.language)]
    about = joined([name for name in names if name], request.user.language)
    return HandRow("stock_low", _LOW, count, about=about, left=first.available)


async def _today(request: SoukRequest, chosen: Range) -> tuple[tuple[StatView, ...], ChartView | None]:
    """Today beside the same weekday last week, and the chart. Two statements, or three for another range."""
    site, actor = site_of(request), request.user
    if not actor.may(Permission.ORDERS):
        return (), None
    zone, reports = timezone(actor.timezone), site.services.orders.reports
    now = site.now().astimezone(zone)
    days = [_midnight(now.date() - timedelta(days=back), zone) for back in range(_DAYS - 1, -1, -1)]
    # Until the same time a week ago; where the clocks changed since, that is the clock's time.
    cut = (now - timedelta(days=_DAYS - 1)).replace(second=0, microsecond=0)
    starts = [days[0], cut, *days[1:]] if cut > days[0] else days
    sales = await reports.sales(actor, starts)
    came = await site.services.identity.people.count_between(actor, starts)
    read = await _readings(request, starts)
    early = SalesFigures(Money.zero(site.settings.shop_currency), 0), 0, 0
    if len(starts) > len(days):
        early, (second, *others) = (sales[0], came[0], read[0] if read else 0), sales[1:]
        whole = SalesFigures(early[0].revenue + second.revenue, early[0].orders + second.orders)
        sales, came = [whole, *others], _merged(came)
        read = _merged(read) if read else None
    stats = [
        present.sales_stat([one.revenue for one in sales], early[0].revenue),
        present.stat("orders", [one.orders for one in sales], early[0].orders),
        present.stat("people", came, early[1]),
    ]
    if read is not None:
        stats.append(present.stat("readings", read, early[2]))
    if chosen is Range.WEEK:
        sales, days = sales[1:], days[1:]
    else:
        days = _buckets(chosen, now, zone)
        sales = await reports.sales(actor, days)
    return tuple(stats), present.chart(chosen, days, [one.revenue for one in sales], actor.language)


async def _readings(request: SoukRequest, starts: Sequence[datetime]) -> list[int] | None:
    """How many readings were asked for; None where there is no reading room, or the admin may not see it."""
    site, actor = site_of(request), request.user
    if not actor.may(Permission.READINGS) or "readings" not in site.places.open:
        return None
    return await site.services.readings.figures.count_between(actor, starts)


def _merged(counted: Sequence[int]) -> list[int]:
    """The first day, which was counted in two parts, as one."""
    return [counted[0] + counted[1], *counted[2:]]


def _buckets(chosen: Range, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """The beginnings of a range's hours, days or months on the reader's clock, the last of which has ``now``."""
    if chosen is Range.DAY:
        midnight = _midnight(now.date(), zone)
        hours = int((now - midnight) / timedelta(hours=1))
        return [(midnight.astimezone(UTC) + timedelta(hours=hour)).astimezone(zone) for hour in range(hours + 1)]
    if chosen is Range.MONTH:
        return [_midnight(now.date() - timedelta(days=back), zone) for back in range(_MONTH_DAYS - 1, -1, -1)]
    months = [now.year * _MONTHS + now.month - 1 - back for back in range(_MONTHS - 1, -1, -1)]
    return [_midnight(date(month // _MONTHS, month % _MONTHS + 1, 1), zone) for month in months]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


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
