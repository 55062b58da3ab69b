"""Failed messages and jobs, and the action to retry them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.identity.types import Permission
from backend.kernel.ids import JobId
from backend.kernel.paging import Page
from webapp.core import forms
from webapp.core.answers import asked_for_more
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.parts import Chip, address
from webapp.core.responses import Html, fragment, toast
from webapp.core.site import SoukRequest, site_of
from webapp.notifications import screens as delivery_screens
from webapp.notifications.screens import DeliveriesPage

_SETTINGS = requires(Permission.SETTINGS)


class Shown(StrEnum):
    """Failed for good, or to be retried."""

    DEAD = "dead"
    RETRYING = "retrying"


class DeliveriesQuery(msgspec.Struct, frozen=True):
    """The filter and the page of the list."""

    state: Shown = Shown.DEAD
    cursor: Annotated[str, Meta(max_length=200)] = ""


@get("/admin/deliveries", name="admin:deliveries", guards=[_SETTINGS])
async def deliveries(request: SoukRequest) -> Html:
    """Jobs that failed for good, or that are being retried; a next page is rows only."""
    query = forms.read_query(request, DeliveriesQuery)
    admin, actor = site_of(request).services.admin, request.user
    if query.state is Shown.DEAD:
        page = await admin.dead_letters(actor, query.cursor or None)
    else:
        page = Page(await admin.failing_jobs(actor))
    view = DeliveriesPage(
        filters=tuple(
            Chip(href=address("/admin/deliveries", state=item), active=item is query.state, key=item.value)
            for item in Shown
        ),
        rows=tuple(delivery_screens.delivery(job) for job in page.items),
        next_url=address("/admin/deliveries", state=query.state, cursor=page.next_cursor) if page.next_cursor else None,
    )
    if asked_for_more(request, query.cursor):
        return fragment(request, "notifications/admin/_delivery_rows.html", view)
    return manage_page(request, "notifications/admin/deliveries.html", view, "deliveries")


@post("/admin/deliveries/{job_id:uuid}/retry", name="admin:retry", guards=[_SETTINGS, limited(WRITE)], status_code=200)
async def retry(request: SoukRequest, job_id: FromPath[UUID]) -> Html:
    """Try one that failed again, now; it leaves the list. Raises NotFound for one that did not."""
    site, actor = site_of(request), request.user
    await site.services.admin.retry_dead_letter(actor, JobId(job_id))
    gone = Html(b"", media_type="text/html")
    return toast(gone, site.viewer(actor).words.gettext("Retrying"))


HANDLERS: Final = (deliveries, retry)
