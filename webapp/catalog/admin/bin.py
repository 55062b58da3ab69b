"""The recycle bin in the back office."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from webapp.catalog.admin.variants import CATALOGUE, ROOM, WRITES
from webapp.catalog.screens.bin import BinPage, bin_rows
from webapp.core import forms
from webapp.core.answers import asked_for_more, replaced, say
from webapp.core.back_office import manage_page
from webapp.core.responses import Html, fragment
from webapp.core.site import SoukRequest, site_of

_BIN: Final = "/admin/bin"


class BinQuery(msgspec.Struct, frozen=True):
    """Which page of the list is asked for."""

    cursor: Annotated[str, Meta(max_length=300)] = ""


@get(_BIN, name="admin:bin", guards=[CATALOGUE])
async def recycle_bin(request: SoukRequest) -> Html:
    """What was archived, the latest first; a next page comes as rows only."""
    query = forms.read_query(request, BinQuery)
    return await _page(request, query.cursor)


@post(_BIN + "/{kind:str}/{item_id:uuid}/restore", name="admin:bin-restore", guards=WRITES, status_code=200)
async def restore(request: SoukRequest, kind: FromPath[str], item_id: FromPath[UUID]) -> Html:
    """Bring something back. Raises NotFound."""
    await site_of(request).services.catalog.bin.restore(request.user, kind, item_id)
    return say(request, replaced(await _page(request), _BIN), _("Brought back"))


async def _page(request: SoukRequest, cursor: str = "") -> Html:
    site, actor = site_of(request), request.user
    listed = await site.services.catalog.bin.list_archived(actor, cursor or None)
    people = [item.archived_by for item in listed.items if item.archived_by]
    names = await site.services.identity.people.names_of(actor, people)
    following = f"{_BIN}?cursor={listed.next_cursor}" if listed.next_cursor else None
    view = BinPage(bin_rows(listed.items, names, actor.language), following, actor.may(Permission.STOCK))
    if asked_for_more(request, cursor):
        return fragment(request, "catalog/admin/_bin_rows.html", view)
    return manage_page(request, "catalog/admin/bin.html", view, ROOM)


HANDLERS: Final = (recycle_bin, restore)
