"""The list of people: found by anything, filtered, counted, saved as segments, written into a file."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Stream
from msgspec import Meta

from backend.audience.errors import SegmentNameTaken
from backend.audience.types import Bought, PeopleFilter
from backend.identity.types import Actor, Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId
from backend.kernel.text import Locale, searched
from webapp.core import forms
from webapp.core.answers import asked_by, asked_for_more, say, to_sheet
from webapp.core.back_office import manage_page
from webapp.core.downloads import csv_file, downloader
from webapp.core.guards import PUBLIC, requires
from webapp.core.limits import WRITE, limited
from webapp.core.parts import Chip
from webapp.core.responses import FORM_ERROR, Html, fragment, sheet, signed_url
from webapp.core.site import Site, SoukRequest, site_of
from webapp.identity.screens import finding as present
from webapp.identity.screens import person as person_screens
from webapp.identity.screens.finding import ManagePeople, SegmentSheet, SegmentsPage

_USERS = requires(Permission.USERS)
SEGMENTS: Final = "/admin/segments"
_ONE: Final = SEGMENTS + "/{segment_id:uuid}"


class PeopleQuery(msgspec.Struct, frozen=True):
    """A search for people and its filters, as an address has them."""

    q: str = ""
    blocked: bool = False
    premium: bool = False
    reseller: bool = False
    bought: Bought | None = None
    over: forms.Amount | None = None
    language: Locale | None = None
    source: Annotated[str, Meta(max_length=64)] = ""
    select: bool = False
    """Rows can be chosen."""
    cursor: Annotated[str, Meta(max_length=200)] = ""

    def filter(self) -> PeopleFilter:
        """What is asked for."""
        return PeopleFilter(
            text=searched(self.q).removeprefix("@"),
            blocked=self.blocked,
            premium=self.premium,
            reseller=self.reseller,
            bought=self.bought,
            over=self.over.amount if self.over is not None else None,
            language=self.language,
            source=self.source,
        )


class SegmentForm(msgspec.Struct, frozen=True):
    """The name of a segment, and whether other admins see it."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    shared: bool = False


@get("/admin/people", name="admin:people", guards=[_USERS])
async def people(request: SoukRequest) -> Html:
    """People, newest first; a search and a next page get rows only."""
    query, site, actor = forms.read_query(request, PeopleQuery), site_of(request), request.user
    chosen, audience = query.filter(), site.services.audience
    also = await buyers(site, actor, chosen.text)
    results = await audience.people.find(actor, chosen, query.cursor or None, also)
    ids = [person.id for person in results.items]
    balances = await site.services.wallet.statement.balances_of(actor, ids)
    figures = await site.services.orders.reports.figures_of(actor, ids)
    currency, more = site.settings.shop_currency, asked_for_more(request, query.cursor)
    rows = tuple(person_screens.person_row(person, balances, figures, currency) for person in results.items)
    select = query.select
    following = present.next_address(chosen, currency, results.next_cursor, select=select)
    if more:
        view = ManagePeople(chosen.text, rows, following, more=True, select=select)
        return fragment(request, "identity/admin/_people_rows.html", view)
    export = signed_url(request, present.path_of(chosen, currency, "/admin/people.csv"))
    view = ManagePeople(
        query=chosen.text,
        rows=rows,
        next_url=following,
        count=await audience.people.count(actor, chosen, also),
        chips=present.chips(chosen, currency, site.viewer(actor), select=select),
        segments=present.segment_chips(await audience.segments.list_all(actor), chosen, currency),
        hidden=present.hidden(chosen, currency, select=select),
        select=select,
        choosing=Chip(href=present.path_of(chosen, currency, select=not select), active=select),
        filters=present.parameters(chosen, currency),
        export_url=export,
        save_url=present.path_of(chosen, currency, f"{SEGMENTS}/new") if chosen != PeopleFilter() else "",
    )
    if asked_by(request, "results"):
        return fragment(request, "identity/admin/_people_rows.html", view)
    return manage_page(request, "identity/admin/people.html", view, "people")


@get("/admin/people.csv", name="admin:people-csv", opt=PUBLIC)
async def people_csv(request: Request[Any, Any, Any]) -> Stream:
    """The people of the list as a file, by signed address. Raises Forbidden."""
    actor, site = await downloader(request), site_of(request)
    chosen = forms.read_query(request, PeopleQuery).filter()
    header = present.header(site.viewer(actor))
    also = await buyers(site, actor, chosen.text)
    pieces = await site.services.audience.people.export(actor, chosen, header=header, also=also)
    return csv_file(pieces, "souk-people.csv")


@get(SEGMENTS, name="admin:segments", guards=[_USERS])
async def segments(request: SoukRequest) -> Html:
    """One's own segments and shared ones, each with how many people it means now."""
    return await _segments(request)


@get(SEGMENTS + "/new", name="admin:new-segment", guards=[_USERS])
async def new_segment(request: SoukRequest) -> Html:
    """The sheet that saves the list's filter."""
    chosen, currency = forms.read_query(request, PeopleQuery).filter(), site_of(request).settings.shop_currency
    return sheet(request, "identity/admin/_segment.html", SegmentSheet(present.path_of(chosen, currency, SEGMENTS)))


@post(SEGMENTS, name="admin:save-segment", guards=[_USERS, limited(WRITE)], status_code=200)
async def save_segment(request: SoukRequest) -> Html:
    """Save the filter in the address under a name."""
    site, chosen = site_of(request), forms.read_query(request, PeopleQuery).filter()
    form = await forms.read(request, SegmentForm)
    action = present.path_of(chosen, site.settings.shop_currency, SEGMENTS)
    if form.value is None:
        return _wrong(request, SegmentSheet(action, form.text("name"), form.text("shared") == "on", error="required"))
    try:
        await site.services.audience.segments.save(request.user, form.value.name, chosen, shared=form.value.shared)
    except SegmentNameTaken:
        return _wrong(request, SegmentSheet(action, form.value.name, form.value.shared, error="taken"))
    except Invalid:
        return _wrong(request, SegmentSheet(action, form.value.name, form.value.shared, error="required"))
    return _saved(request, await _segments(request))


@get(_ONE, name="admin:segment", guards=[_USERS])
async def segment(request: SoukRequest, segment_id: FromPath[UUID]) -> Html:
    """The sheet of one's own segment. Raises Forbidden, NotFound."""
    one = await site_of(request).services.audience.segments.get(request.user, segment_id)
    path = f"{SEGMENTS}/{segment_id}"
    return sheet(
        request, "identity/admin/_segment.html", SegmentSheet(path, one.name, one.shared, delete=f"{path}/delete")
    )


@post(_ONE, name="admin:change-segment", guards=[_USERS, limited(WRITE)], status_code=200)
async def change_segment(request: SoukRequest, segment_id: FromPath[UUID]) -> Html:
    """Rename one's own segment, share it or stop. Raises Forbidden, NotFound."""
    form, path = await forms.read(request, SegmentForm), f"{SEGMENTS}/{segment_id}"
    error, name, shared = "required", form.text("name"), form.text("shared") == "on"
    if form.value is not None:
        try:
            await site_of(request).services.audience.segments.change(
                request.user, segment_id, form.value.name, shared=form.value.shared
            )
        except SegmentNameTaken:
            error = "taken"
        except Invalid:
            pass
        else:
            return _saved(request, await _segments(request))
    return _wrong(request, SegmentSheet(path, name, shared, delete=f"{path}/delete", error=error))


@post(_ONE + "/delete", name="admin:delete-segment", guards=[_USERS, limited(WRITE)], status_code=200)
async def delete_segment(request: SoukRequest, segment_id: FromPath[UUID]) -> Html:
    """Delete one's own segment. Raises Forbidden, NotFound."""
    await site_of(request).services.audience.segments.remove(request.user, segment_id)
    return _saved(request, await _segments(request))


async def buyers(site: Site, actor: Actor, text: str) -> list[UserId]:
    """Whose the order or the payment is that the text names, for those who may see either."""
    named = actor.may(Permission.ORDERS) or actor.may(Permission.MONEY)
    return await site.services.orders.search.find_buyers(actor, text) if text and named else []


async def _segments(request: SoukRequest) -> Html:
    site, actor = site_of(request), request.user
    rows = await site.services.audience.segments.list_all(actor, counted=True)
    names = await site.services.identity.people.names_of(actor, [row.owner_id for row in rows])
    view = SegmentsPage(present.segment_rows(rows, names, actor, site.settings.shop_currency))
    return manage_page(request, "identity/admin/segments.html", view, "people", back="/admin/people")


def _wrong(request: SoukRequest, view: SegmentSheet) -> Html:
    return to_sheet(fragment(request, "identity/admin/_segment.html", view, status=FORM_ERROR))


def _saved(request: SoukRequest, response: Html) -> Html:
    response.headers["hx-push-url"] = SEGMENTS
    return say(request, response, _("Saved"))


HANDLERS: Final = (
    people, people_csv, segments, new_segment, save_segment, segment, change_segment, delete_segment,
)  # fmt: skip
