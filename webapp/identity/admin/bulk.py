"""Admins act on many people: they choose, see what would happen, confirm, watch it, and may undo it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath

from backend.audience.errors import TooManyPeople
from backend.audience.types import (
    MOST_PEOPLE,
    PeopleAction,
    PeopleBulk,
    PeopleBulkId,
    PeopleFilter,
    PeopleTerms,
)
from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId
from webapp.core import forms
from webapp.core.answers import asked_by, pushed, say, to_app
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, sheet
from webapp.core.site import SoukRequest, site_of
from webapp.identity.admin.finding import PeopleQuery, buyers
from webapp.identity.screens import bulk as present
from webapp.identity.screens import finding
from webapp.identity.screens.bulk import BULK, CrowdPage, CrowdRow, CrowdSheet, CrowdsPage

_USERS: Final = requires(Permission.USERS)
_PEOPLE: Final = "/admin/people"
_ONE: Final = BULK + "/{bulk_id:uuid}"


class CrowdForm(msgspec.Struct, frozen=True, kw_only=True):
    """What to do to the chosen people."""

    action: PeopleAction
    intent: forms.IdempotencyKey
    reason: str = ""


class UntilForm(msgspec.Struct, frozen=True):
    """The last day of a block, in the admin's time zone."""

    until: forms.Day | None = None


def _chosen(request: SoukRequest, values: dict[str, Any]) -> PeopleFilter | list[UserId]:
    """The people who were ticked, or the filter of all that match it. Raises Invalid."""
    if "every" in values:
        narrowed = {name: value for name, value in values.items() if name in PeopleQuery.__struct_fields__}
        return forms.decode(narrowed, PeopleQuery, site_of(request).settings.shop_currency).filter()
    try:
        return [UserId(UUID(one)) for one in forms.ticked(values)]
    except ValueError as error:
        raise Invalid("no id of a person") from error


@post(BULK + "/choose", name="admin:people-choose", guards=[_USERS], status_code=200)
async def choose(request: SoukRequest) -> Html:
    """What can be done to the chosen people."""
    return await _sheet(request, await forms.posted(request))


@post(BULK, name="admin:people-plan", guards=[_USERS, limited(WRITE)], status_code=200)
async def plan(request: SoukRequest) -> Html:
    """Show what would happen to each; nothing happens yet."""
    values = await forms.posted(request)
    form = forms.decode({name: values[name] for name in CrowdForm.__struct_fields__ if name in values}, CrowdForm)
    try:
        until = _until(request, values) if form.action is PeopleAction.BLOCK else None
    except Invalid:
        return await _sheet(request, values, error="until")
    chosen, site = _chosen(request, values), site_of(request)
    also = await buyers(site, request.user, chosen.text) if isinstance(chosen, PeopleFilter) else []
    terms = PeopleTerms(action=form.action, reason=form.reason, until=until)
    try:
        bulk_id = await site.services.audience.bulk.plan(
            request.user, chosen, terms, idempotency_key=form.intent, also=also
        )
    except TooManyPeople:
        return await _sheet(request, values, error="too_many")
    except Invalid as refusal:
        wrong = next((name for name in ("reason", "until", "people") if name in refusal.fields), None)
        if wrong is None:
            raise
        return await _sheet(request, values, error=wrong)
    return pushed(to_app(await _page(request, bulk_id)), f"{BULK}/{bulk_id}")


def _until(request: SoukRequest, values: dict[str, Any]) -> datetime | None:
    given = {"until": values["until"]} if values.get("until") else {}
    day = forms.decode(given, UntilForm).until
    return forms.day_ends(day, site_of(request).viewer(request.user).timezone) if day else None


async def _sheet(request: SoukRequest, values: dict[str, Any], *, error: str = "") -> Html:
    site, actor = site_of(request), request.user
    chosen = _chosen(request, values)
    if isinstance(chosen, PeopleFilter):
        also = await buyers(site, actor, chosen.text)
        count = await site.services.audience.people.count(actor, chosen, also)
        hidden = (("every", "on"), *finding.parameters(chosen, site.settings.shop_currency))
    else:
        count, hidden = len(chosen), (("only", ",".join(str(one) for one in chosen)),)
    text = {name: str(values.get(name) or "") for name in ("reason", "action", "until", "intent")}
    view = CrowdSheet(
        intent=text["intent"] or forms.new_intent(),
        hidden=hidden,
        count=count,
        action=text["action"] or PeopleAction.BLOCK,
        reason=text["reason"],
        until=text["until"],
        error=error or ("" if count else "people"),  # type: ignore[arg-type]
        most=MOST_PEOPLE,
    )
    return sheet(request, "identity/admin/_crowd_actions.html", view, status=FORM_ERROR if error else 200)


@get(BULK, name="admin:people-bulks", guards=[_USERS])
async def bulks(request: SoukRequest) -> Html:
    """The latest actions, by anybody."""
    views = await _views(request, await site_of(request).services.audience.bulk.list_recent(request.user))
    rows = tuple(CrowdRow(view, f"{BULK}/{view.id}") for view in views)
    return manage_page(request, "identity/admin/crowds.html", CrowdsPage(rows), "people", back=_PEOPLE)


@get(_ONE, name="admin:people-bulk", guards=[_USERS])
async def bulk(request: SoukRequest, bulk_id: FromPath[UUID]) -> Html:
    """One action; only its changing part when that asks for itself. Raises NotFound."""
    return await _page(request, PeopleBulkId(bulk_id))


@post(_ONE + "/start", name="admin:people-start", guards=[_USERS, limited(WRITE)], status_code=200)
async def start(request: SoukRequest, bulk_id: FromPath[UUID]) -> Html:
    """Do what was shown. Raises NotFound."""
    await site_of(request).services.audience.bulk.start(request.user, PeopleBulkId(bulk_id))
    return await _said(request, PeopleBulkId(bulk_id), _("Started"))


@post(_ONE + "/stop", name="admin:people-stop", guards=[_USERS, limited(WRITE)], status_code=200)
async def stop(request: SoukRequest, bulk_id: FromPath[UUID]) -> Html:
    """Leave the rest alone. Raises NotFound."""
    await site_of(request).services.audience.bulk.stop(request.user, PeopleBulkId(bulk_id))
    return await _said(request, PeopleBulkId(bulk_id), _("Stopped"))


@post(_ONE + "/undo", name="admin:people-undo", guards=[_USERS, limited(WRITE)], status_code=200)
async def undo(request: SoukRequest, bulk_id: FromPath[UUID]) -> Html:
    """Take back what it changed of those who still are as it left them. Raises NotFound, Invalid for too late."""
    await site_of(request).services.audience.bulk.undo(request.user, PeopleBulkId(bulk_id))
    return await _said(request, PeopleBulkId(bulk_id), _("Started"))


async def _said(request: SoukRequest, bulk_id: PeopleBulkId, text: str) -> Html:
    return say(request, to_app(await _page(request, bulk_id)), text)


async def _page(request: SoukRequest, bulk_id: PeopleBulkId) -> Html:
    shown = await site_of(request).services.audience.bulk.get(request.user, bulk_id)
    view = (await _views(request, [shown]))[0]
    if asked_by(request, "crowd"):
        return fragment(request, "identity/admin/_crowd_state.html", view)
    return manage_page(request, "identity/admin/crowd.html", view, "people", back=_PEOPLE)


async def _views(request: SoukRequest, listed: list[PeopleBulk]) -> list[CrowdPage]:
    site, actor = site_of(request), request.user
    ids = {one for item in listed for one in present.people_in(item)}
    names = await site.services.identity.people.names_of(actor, ids)
    return [present.crowd_page(one, names, actor, site.viewer(actor)) for one in listed]


HANDLERS: Final = (choose, plan, bulks, bulk, start, stop, undo)
