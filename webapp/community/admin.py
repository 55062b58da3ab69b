"""Teachers see the groups that the bot is in, and link them to plans."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.community.types import GroupId, People
from backend.courses.types import TariffId
from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from webapp.community.screens import groups as present
from webapp.community.screens.groups import GROUPS
from webapp.core import forms
from webapp.core.answers import replaced, say, to_app
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html, fragment, sheet
from webapp.core.site import SoukRequest, site_of

_TEACHING: Final = requires(Permission.TEACHING)
_WRITES: Final = [_TEACHING, limited(WRITE)]
_ONE: Final = GROUPS + "/{group_id:uuid}"
_PLAN: Final = _ONE + "/plans/{tariff_id:uuid}"


class PeopleQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The list of people that is shown, and its page."""

    people: People = People.INSIDE
    page: Annotated[int, Meta(ge=0, le=10_000)] = 0


class ChangeForm(msgspec.Struct, frozen=True):
    """What was asked before: a tap on an old sheet must not do the opposite."""

    verb: Literal["link", "unlink"]


@get(GROUPS, name="admin:groups", guards=[_TEACHING])
async def groups(request: SoukRequest) -> Html:
    """All groups."""
    site, service = site_of(request), site_of(request).services.community.groups
    rows, promised = await service.list_all(request.user), await service.broken_promises(request.user)
    view = present.groups_page(rows, promised, site.viewer(request.user))
    return manage_page(request, "community/admin/groups.html", view, "groups")


@get(_ONE, name="admin:group", guards=[_TEACHING])
async def group(request: SoukRequest, group_id: FromPath[UUID]) -> Html:
    """A group; a next page is rows only. Raises NotFound."""
    return await _page(request, GroupId(group_id))


@get(_ONE + "/plans", name="admin:group-plans", guards=[_TEACHING])
async def offer_plans(request: SoukRequest, group_id: FromPath[UUID]) -> Html:
    """The plans that could open a group."""
    site = site_of(request)
    plans = await site.services.community.groups.offered_plans(request.user, GroupId(group_id))
    view = present.plans_sheet(plans, f"{GROUPS}/{group_id}", site.viewer(request.user))
    return sheet(request, "community/admin/_plans.html", view)


@get(_PLAN, name="admin:group-change", guards=[_TEACHING])
async def preview(request: SoukRequest, group_id: FromPath[UUID], tariff_id: FromPath[UUID]) -> Html:
    """Who gains and loses by linking a plan, or by unlinking one that is linked. Raises NotFound."""
    site = site_of(request)
    shown = await site.services.community.groups.preview(request.user, GroupId(group_id), TariffId(tariff_id))
    return sheet(request, "community/admin/_change.html", present.change_sheet(shown, site.viewer(request.user)))


@post(_PLAN, name="admin:link-group", guards=_WRITES, status_code=200)
async def change(request: SoukRequest, group_id: FromPath[UUID], tariff_id: FromPath[UUID]) -> Html:
    """Link a plan, or unlink it. Raises NotFound."""
    form, service = await forms.read_form(request, ChangeForm), site_of(request).services.community.groups
    if form.verb == "link":
        await service.link(request.user, GroupId(group_id), TariffId(tariff_id))
        return await _done(request, group_id, _("Plan linked. Students are let in and invited."))
    await service.unlink(request.user, GroupId(group_id), TariffId(tariff_id))
    return await _done(request, group_id, _("Plan unlinked"))


@post(_ONE + "/check", name="admin:check-group", guards=_WRITES, status_code=200)
async def check(request: SoukRequest, group_id: FromPath[UUID]) -> Html:
    """Compare a group with Telegram now. Raises NotFound."""
    await site_of(request).services.community.groups.refresh(request.user, GroupId(group_id))
    return await _done(request, group_id, _("Checking. Reload in a moment."))


@post(_ONE + "/link", name="admin:new-group-link", guards=_WRITES, status_code=200)
async def new_link(request: SoukRequest, group_id: FromPath[UUID]) -> Html:
    """Have students ask by another link. Raises NotFound."""
    await site_of(request).services.community.groups.refresh(request.user, GroupId(group_id), new_link=True)
    return await _done(request, group_id, _("A new link is being made"))


async def _done(request: SoukRequest, group_id: UUID, said: str) -> Html:
    shown = to_app(replaced(await _page(request, GroupId(group_id)), f"{GROUPS}/{group_id}"))
    return say(request, shown, said)


async def _page(request: SoukRequest, group_id: GroupId) -> Html:
    site, query = site_of(request), forms.read_query(request, PeopleQuery)
    service = site.services.community.groups
    detail = await service.get(request.user, group_id)
    people = await service.people(request.user, group_id, query.people, page=query.page)
    full = len(people) == service.page_size
    viewer = site.viewer(request.user)
    view = present.group_page(detail, people, query.people, viewer, page=query.page, full=full)
    if query.page and request.headers.get("hx-target") != "app":
        return fragment(request, "community/admin/_people.html", view)
    return manage_page(request, "community/admin/group.html", view, "groups", back=GROUPS)


HANDLERS: Final = (groups, group, offer_plans, preview, change, check, new_link)
