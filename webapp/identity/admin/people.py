"""People: found by name, username or Telegram ID; shut out and let in again; resellers and premium."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.identity.types import Actor, Permission, UserDetail
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId
from backend.kernel.text import searched
from webapp.core import forms
from webapp.core.answers import asked_by, asked_for_more, replaced, to_sheet
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, nothing, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.identity.routes.me import LANGUAGES
from webapp.identity.screens import person as person_screens
from webapp.identity.screens.admin import BlockSheet, ManagePeople, ManagePerson
from webapp.identity.screens.person import ManagePersonRow
from webapp.orders.screens import admin as order_screens
from webapp.wallet.screens.wallet import address

_USERS = requires(Permission.USERS)
PersonAction = Literal["block", "unblock", "standing", "money", "admin"]


class PeopleQuery(msgspec.Struct, frozen=True):
    """Who is looked for."""

    q: str = ""
    cursor: Annotated[str, Meta(max_length=200)] = ""


class BlockForm(msgspec.Struct, frozen=True):
    """Why somebody is shut out."""

    reason: forms.Reason


class StandingForm(msgspec.Struct, frozen=True):
    """Two switches; one that is off is not sent."""

    reseller: bool = False
    premium: bool = False


@get("/admin/people", name="admin:people", guards=[_USERS])
async def people(request: SoukRequest) -> Html:
    """Everybody, newest first; a search or a next page comes as rows only."""
    query = forms.read_query(request, PeopleQuery)
    services, actor = site_of(request).services, request.user
    wanted = searched(query.q).removeprefix("@")
    named = actor.may(Permission.ORDERS) or actor.may(Permission.MONEY)
    also = await services.orders.search.find_buyers(actor, wanted) if wanted and named else []
    found = await services.identity.people.find_users(actor, wanted, query.cursor or None, also)
    ids = [person.id for person in found.items]
    balances = await services.wallet.statement.balances_of(actor, ids)
    figures = await services.orders.reports.figures_of(actor, ids)
    currency = site_of(request).settings.shop_currency
    more = asked_for_more(request, query.cursor)
    view = ManagePeople(
        query=wanted,
        rows=tuple(person_screens.person_row(person, balances, figures, currency) for person in found.items),
        next_url=address("/admin/people", q=wanted, cursor=found.next_cursor) if found.next_cursor else None,
        more=more,
    )
    if more or asked_by(request, "results"):
        return fragment(request, "identity/admin/_people_rows.html", view)
    return manage_page(request, "identity/admin/people.html", view, "people")


@get("/admin/people/{user_id:uuid}", name="admin:person", guards=[_USERS])
async def person(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """One person. Raises NotFound."""
    return await _person_page(request, UserId(user_id))


@get("/admin/people/{user_id:uuid}/block", name="admin:block-sheet", guards=[_USERS])
async def block_sheet(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Before somebody is shut out: why."""
    found = await site_of(request).services.identity.people.user_detail(request.user, UserId(user_id))
    return sheet(request, "identity/admin/_block.html", BlockSheet(str(found.id), _name(found)))


@post("/admin/people/{user_id:uuid}/block", name="admin:block", guards=[_USERS, limited(WRITE)], status_code=200)
async def block(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Shut somebody out, everywhere and at once."""
    identity = site_of(request).services.identity
    try:
        form = await forms.read_form(request, BlockForm)
    except Invalid:
        found = await identity.people.user_detail(request.user, UserId(user_id))
        view = BlockSheet(str(found.id), _name(found), "required")
        return to_sheet(fragment(request, "identity/admin/_block.html", view, status=FORM_ERROR))
    await identity.people.block(request.user, UserId(user_id), form.reason)
    return await _changed(request, UserId(user_id))


@post("/admin/people/{user_id:uuid}/unblock", name="admin:unblock", guards=[_USERS, limited(WRITE)], status_code=200)
async def unblock(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Let somebody in again."""
    await site_of(request).services.identity.people.unblock(request.user, UserId(user_id))
    return await _changed(request, UserId(user_id))


@post("/admin/people/{user_id:uuid}/standing", name="admin:standing", guards=[_USERS, limited(WRITE)], status_code=200)
async def standing(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Make somebody a reseller or a premium person, or no more."""
    form = await forms.read_form(request, StandingForm)
    identity, who = site_of(request).services.identity, UserId(user_id)
    before = await identity.people.user_detail(request.user, who)
    if before.is_reseller != form.reseller:
        await identity.people.set_reseller(request.user, who, form.reseller)
    if before.is_premium != form.premium:
        await identity.people.set_premium(request.user, who, form.premium)
    return _saved(request, nothing(request))


async def person_row_of(request: SoukRequest, user_id: UserId) -> ManagePersonRow:
    """The person as a list shows him. Raises Forbidden, NotFound."""
    return await _row(request, await site_of(request).services.identity.people.user_detail(request.user, user_id))


async def _row(request: SoukRequest, found: UserDetail) -> ManagePersonRow:
    site, actor = site_of(request), request.user
    balances = await site.services.wallet.statement.balances_of(actor, [found.id])
    figures = await site.services.orders.reports.figures_of(actor, [found.id])
    return person_screens.person_row(found, balances, figures, site.settings.shop_currency)


async def _person_page(request: SoukRequest, user_id: UserId) -> Html:
    site, actor = site_of(request), request.user
    services = site.services
    found = await services.identity.people.user_detail(actor, user_id)
    row = await _row(request, found)
    figures = (await services.orders.reports.figures_of(actor, [user_id])).get(user_id)
    viewer = site.viewer(actor)
    orders = await services.orders.history.list_of(actor, user_id) if actor.may(Permission.ORDERS) else []
    view = ManagePerson(
        person=row,
        telegram_id=found.telegram_id,
        language=LANGUAGES[found.language],
        since=found.created_at,
        spent=figures.spent if figures else row.balance * 0,
        orders=tuple(order_screens.order_row(item, {user_id: row.name}, actor, viewer) for item in orders),
        block_reason=found.blacklist_reason or "",
        reseller=found.is_reseller,
        premium=found.is_premium,
        admin=bool(found.permissions),
        can=_can(found, actor),
    )
    return manage_page(request, "identity/admin/person.html", view, "people", back="/admin/people")


def _can(found: UserDetail, actor: Actor) -> frozenset[PersonAction]:
    actions: set[PersonAction] = {"standing"}
    if actor.may(Permission.MONEY):
        actions.add("money")
    if not found.is_root and found.id != actor.user_id:
        actions.add("unblock" if found.blacklisted else "block")
        if actor.may(Permission.ADMINS) and not found.blacklisted:
            actions.add("admin")
    return frozenset(actions)


def _name(found: UserDetail) -> str:
    return person_screens.full_name(found.first_name, found.last_name) or str(found.telegram_id)


async def _changed(request: SoukRequest, user_id: UserId) -> Html:
    return _saved(request, replaced(await _person_page(request, user_id), f"/admin/people/{user_id}"))


def _saved(request: SoukRequest, response: Html) -> Html:
    return toast(response, site_of(request).viewer(request.user).words.gettext("Saved"))


HANDLERS: Final = (people, person, block_sheet, block, unblock, standing)
