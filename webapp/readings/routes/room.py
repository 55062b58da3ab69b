"""The first page of the reading room, the free card of the day, readings of the past."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.response import Response
from msgspec import Meta

from backend.kernel.errors import Invalid
from backend.readings.errors import FreeCardTaken, ReadingChanged, ReadingLapsed
from backend.readings.types import ReadingId
from webapp.core import forms
from webapp.core.answers import asked_for_more, pushed
from webapp.core.guards import PUBLIC, actor_of_address
from webapp.core.limits import WRITE, limited
from webapp.core.parts import SureSheet
from webapp.core.responses import Html, fragment, page, sheet, signed_url, toast
from webapp.core.site import SoukRequest, site_of
from webapp.readings.screens import home as present
from webapp.readings.screens.draws import draws_page

_EXPORT: Final = "/readings/export/readings.json"
_EXPORT_SECONDS: Final = 2 * 60 * 60
Seed = Annotated[str, Meta(max_length=200)]
"""What a reader's device adds to the shuffle, made at the tap."""


class HistoryQuery(msgspec.Struct, frozen=True):
    """Where the next rows begin."""

    after: Annotated[str, Meta(max_length=200)] = ""


class FreeForm(msgspec.Struct, frozen=True, kw_only=True):
    """The draw of the free card that is turned over, and the device's seed."""

    reading: UUID
    seed: Seed = ""


@get("/readings", name="readings:home")
async def home(request: SoukRequest) -> Html:
    """The free card of the day, the spreads, what was asked before."""
    return await home_answer(request)


async def home_answer(request: SoukRequest, *, fresh: bool = False) -> Html:
    """The page of the reading room; ``fresh``: the free card has just been turned over."""
    actor, readings = request.user, site_of(request).services.readings
    room = await readings.rooms.home(actor)
    waiting, turned = None, None
    if room.free_card is not None and room.free_card.next_at is None:
        waiting = (await readings.asking.commit_free_card(actor)).reading_id
    elif room.free_card is not None and room.free_card.reading_id is not None:
        turned = await readings.rooms.get(actor, room.free_card.reading_id)
    view = present.home_page(room, waiting, turned, actor.language, fresh=fresh)
    return page(request, "readings/home.html", view, tab="readings")


@post("/readings/free", name="readings:free", guards=[limited(WRITE)], status_code=200)
async def turn_free_card(request: SoukRequest) -> Html:
    """Turn over the free card of the day. Raises NotFound."""
    form = await forms.read_form(request, FreeForm)
    words, asking = site_of(request).viewer(request.user).words, site_of(request).services.readings.asking
    try:
        await asking.turn_free_card(
            request.user, ReadingId(form.reading), form.seed, reversed_cards=True, language=request.user.language
        )
    except FreeCardTaken:
        return toast(await home_answer(request), words.gettext("You have turned over a card already"), "bad")
    except (ReadingLapsed, ReadingChanged, Invalid):
        return toast(await home_answer(request), words.gettext("The card was shuffled again. Turn it over now."), "bad")
    return await home_answer(request, fresh=True)


@get("/readings/history", name="readings:history")
async def history(request: SoukRequest) -> Html:
    """Everything that was asked before, the latest first."""
    query = forms.read_query(request, HistoryQuery)
    listed = await site_of(request).services.readings.rooms.history(request.user, query.after or None)
    rows = present.history_rows(listed, request.user.language)
    if asked_for_more(request, query.after):
        return fragment(request, "readings/_history.html", rows)
    view = present.HistoryPage(rows=rows, export=signed_url(request, _EXPORT, seconds=_EXPORT_SECONDS))
    return page(request, "readings/history.html", view, tab="readings", back="/readings")


@get("/readings/proofs", name="readings:proofs")
async def proofs(request: SoukRequest) -> Html:
    """What became of every draw that was sealed for the reader, also of those that they never asked."""
    site, actor = site_of(request), request.user
    view = draws_page(await site.services.readings.proofs.of(actor), site.settings.public_url, actor.language)
    return page(request, "readings/proofs.html", view, tab="readings", back="/readings/history")


@get("/readings/history/delete", name="readings:delete-all-sheet")
async def ask_to_delete_all(request: SoukRequest) -> Html:
    """The last question before all readings are deleted."""
    _ = site_of(request).viewer(request.user).words.gettext
    text = _("Questions and texts of all your readings are erased for good. Credits are not affected.")
    view = SureSheet("/readings/history/delete", _("Delete all readings?"), _("Delete all"), text, danger=True)
    return sheet(request, "sheets/_sure.html", view)


@post("/readings/history/delete", name="readings:delete-all", guards=[limited(WRITE)], status_code=200)
async def delete_all(request: SoukRequest) -> Html:
    """Erase every question and text of the reader's."""
    await site_of(request).services.readings.rooms.delete_all(request.user)
    words = site_of(request).viewer(request.user).words
    return toast(pushed(await home_answer(request), "/readings"), words.gettext("All readings deleted"))


@get(_EXPORT, name="readings:export", opt=PUBLIC)
async def export(request: Request[Any, Any, Any]) -> Response[bytes]:
    """All readings of whom the address was signed for, as a file. Raises LinkExpired, SessionRevoked, Blocked."""
    actor = await actor_of_address(request)
    content = await site_of(request).services.readings.rooms.export(actor)
    headers = {"content-disposition": 'attachment; filename="readings.json"', "cache-control": "private, no-store"}
    return Response(content, media_type="application/json", headers=headers)


HANDLERS: Final = (home, turn_free_card, history, proofs, ask_to_delete_all, delete_all, export)
