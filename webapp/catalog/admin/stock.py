"""Batches of keys: how good each is, stopping a bad one; what customers asked for and the shop does not have."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.catalog.types.batches import BatchId
from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from webapp.catalog.screens import batches as present
from webapp.catalog.screens import search as searching
from webapp.core import forms
from webapp.core.answers import asked_for_more
from webapp.core.back_office import ROOMS, manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html, fragment, toast
from webapp.core.site import SoukRequest, site_of

_STOCK = requires(Permission.STOCK)
_PATH: Final = ROOMS["stock"][0]


class StockQuery(msgspec.Struct, frozen=True):
    """Which page of the list is asked for."""

    cursor: Annotated[str, Meta(max_length=200)] = ""


@get(_PATH, name="admin:stock", guards=[_STOCK])
async def stock(request: SoukRequest) -> Html:
    """The batches, the latest first; a next page comes as rows only."""
    query, site = forms.read_query(request, StockQuery), site_of(request)
    batches = await site.services.catalog.batches.list_batches(request.user, query.cursor or None)
    view = present.batches(batches, site.viewer(request.user))
    if asked_for_more(request, query.cursor):
        return fragment(request, "catalog/admin/_batch_rows.html", view)
    return manage_page(request, "catalog/admin/stock.html", view, "stock")


@post(_PATH + "/{batch_id:uuid}/stop", name="admin:stop-batch", guards=[_STOCK, limited(WRITE)], status_code=200)
async def stop(request: SoukRequest, batch_id: FromPath[UUID]) -> Html:
    """Sell nothing more of a batch; its row as it is then. Raises NotFound."""
    await site_of(request).services.catalog.batches.stop(request.user, BatchId(batch_id))
    return await _row(request, batch_id, _("Batch stopped"))


@post(_PATH + "/{batch_id:uuid}/resume", name="admin:resume-batch", guards=[_STOCK, limited(WRITE)], status_code=200)
async def resume(request: SoukRequest, batch_id: FromPath[UUID]) -> Html:
    """Sell a stopped batch again; its row as it is then. Raises NotFound."""
    await site_of(request).services.catalog.batches.resume(request.user, BatchId(batch_id))
    return await _row(request, batch_id, _("Batch is sold again"))


async def _row(request: SoukRequest, batch_id: UUID, text: str) -> Html:
    site = site_of(request)
    viewer = site.viewer(request.user)
    batch = await site.services.catalog.batches.batch(request.user, BatchId(batch_id))
    response = fragment(request, "catalog/admin/_batch_answer.html", present.batch(batch, viewer))
    return toast(response, viewer.words.gettext(text))


@get("/admin/wishes", name="admin:wishes", guards=[requires(Permission.CATALOGUE)])
async def wishes(request: SoukRequest) -> Html:
    """The searches whose makers wait to be told, the most wanted first."""
    rows = await site_of(request).services.catalog.searches.wishes(request.user)
    return manage_page(request, "catalog/admin/wishes.html", searching.wishes(rows), "wishes")


HANDLERS: Final = (stock, stop, resume, wishes)
