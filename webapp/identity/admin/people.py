"""People: finding, blocking and unblocking them, and marking resellers and premium members."""

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
from backend.kernel.money import Money
from webapp.core import forms
from webapp.core.answers import asked_by, asked_for_more, replaced, to_sheet
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.parts import address
from webapp.core.responses import FORM_ERROR, Html, fragment, nothing, pictures, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.growth.screens.premium import premium_rows
from webapp.identity.routes.me import LANGUAGES
from webapp.identity.screens import person as person_screens
from webapp.identity.screens import timeline as timeline_screens
from webapp.identity.screens.admin import BlockSheet, ManagePerson
from webapp.identity.screens.person import ManagePersonRow
from webapp.identity.screens.timeline import TimelineView
from webapp.orders.screens import subscriptions as subscription_screens
from webapp.orders.screens.subscriptions import SubscriptionRow

_USERS = requires(Permission.USERS)
PersonAction = Literal["block", "unblock", "standing", "money", "admin", "write"]


class BlockForm(msgspec.Struct, frozen=True):
    """Why a person is blocked, and on which day at the latest, in the admin's time zone; none for without an end."""

    reason: forms.Reason
    until: forms.Day | None = None


class PersonQuery(msgspec.Struct, frozen=True):
    """Which entries of a person's timeline are shown."""

    kinds: Annotated[str, Meta(max_length=200)] = ""
    cursor: Annotated[str, Meta(max_length=200)] = ""


class StandingForm(msgspec.Struct, frozen=True):
    """Two switches; browsers do not send those that are off."""

    reseller: bool = False
    premium: bool = False


@get("/admin/people/{user_id:uuid}", name="admin:person", guards=[_USERS])
async def person(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """One person; a filter and a next page of their timeline get its rows only. Raises NotFound."""
    query = forms.read_query(request, PersonQuery)
    if asked_for_more(request, query.cursor) or asked_by(request, "timeline"):
        view = await timeline_of(request, UserId(user_id), query.kinds, query.cursor)
        return fragment(request, "identity/admin/_timeline.html", view)
    return await _person_page(request, UserId(user_id), query.kinds)


@get("/admin/people/{user_id:uuid}/block", name="admin:block-sheet", guards=[_USERS])
async def block_sheet(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """The sheet that asks why a person is blocked."""
    detail = await site_of(request).services.identity.people.user_detail(request.user, UserId(user_id))
    return sheet(request, "identity/admin/_block.html", BlockSheet(str(detail.id), _name(detail)))


@post("/admin/people/{user_id:uuid}/block", name="admin:block", guards=[_USERS, limited(WRITE)], status_code=200)
async def block(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Block a person in the shop and the bot, on every device."""
    identity, form = site_of(request).services.identity, await forms.read(request, BlockForm)
    errors = dict(form.errors)
    if form.value is not None:
        zone = site_of(request).viewer(request.user).timezone
        until = forms.day_ends(form.value.until, zone) if form.value.until else None
        try:
            await identity.people.block(request.user, UserId(user_id), form.value.reason, until)
        except Invalid as refusal:
            errors = dict(refusal.fields)
        else:
            return await changed_person(request, UserId(user_id))
    detail = await identity.people.user_detail(request.user, UserId(user_id))
    view = BlockSheet(str(detail.id), _name(detail), form.text("reason"), form.text("until"), errors)
    return to_sheet(fragment(request, "identity/admin/_block.html", view, status=FORM_ERROR))


@post("/admin/people/{user_id:uuid}/unblock", name="admin:unblock", guards=[_USERS, limited(WRITE)], status_code=200)
async def unblock(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Unblock a person."""
    await site_of(request).services.identity.people.unblock(request.user, UserId(user_id))
    return await changed_person(request, UserId(user_id))


@post("/admin/people/{user_id:uuid}/standing", name="admin:standing", guards=[_USERS, limited(WRITE)], status_code=200)
async def standing(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Make a person a reseller or a premium member, or no longer."""
    form = await forms.read_form(request, StandingForm)
    identity, who = site_of(request).services.identity, UserId(user_id)
    before = await identity.people.user_detail(request.user, who)
    if before.is_reseller != form.reseller:
        await identity.people.set_reseller(request.user, who, form.reseller)
    if before.is_premium != form.premium:
        await identity.people.set_premium(request.user, who, form.premium)
    return _saved(request, nothing(request))


async def person_row_of(request: SoukRequest, user_id: UserId) -> ManagePersonRow:
    """The person as a row of a list. Raises Forbidden, NotFound."""
    return await _row(request, await site_of(request).services.identity.people.user_detail(request.user, user_id))


async def _row(request: SoukRequest, detail: UserDetail) -> ManagePersonRow:
    site, actor = site_of(request), request.user
    balances = await site.services.wallet.statement.balances_of(actor, [detail.id])
    figures = await site.services.orders.reports.figures_of(actor, [detail.id])
    return person_screens.person_row(detail, balances, figures, site.settings.shop_currency)


async def _person_page(request: SoukRequest, user_id: UserId, kinds: str = "") -> Html:
    site, actor = site_of(request), request.user
    services = site.services
    detail = await services.identity.people.user_detail(actor, user_id)
    row = await _row(request, detail)
    figures = (await services.orders.reports.figures_of(actor, [user_id])).get(user_id)
    record = await services.growth.premium.of(actor, user_id)
    givers = await services.identity.people.names_of(actor, [item.by for item in record.grants if item.by])
    view = ManagePerson(
        person=row,
        telegram_id=detail.telegram_id,
        language=LANGUAGES[detail.language],
        since=detail.created_at,
        spent=figures.spent if figures else Money.zero(row.balance.currency),
        subscriptions=await _subscriptions(request, user_id),
        block_reason=detail.block_reason or "",
        blocked_until=detail.blocked_until,
        seen=detail.seen_at,
        timeline=await timeline_of(request, user_id, kinds),
        reseller=detail.is_reseller,
        premium=detail.is_premium,
        months=premium_rows(record, givers),
        admin=bool(detail.permissions),
        seller=await services.identity.sellers.mark_of(actor, user_id) is not None,
        can=_can(detail, actor),
    )
    return manage_page(request, "identity/admin/person.html", view, "people", back="/admin/people")


async def timeline_of(request: SoukRequest, user_id: UserId, kinds: str, cursor: str = "") -> TimelineView:
    """What happened to a person, of these kinds or of all; rows only where ``cursor`` asks for more."""
    services, actor = site_of(request).services, request.user
    viewer, path = site_of(request).viewer(actor), f"/admin/people/{user_id}"
    chosen = timeline_screens.split(kinds)
    page = await services.audience.timeline.of(actor, user_id, chosen, cursor or None)
    names = await services.identity.people.names_of(actor, [entry.by for entry in page.entries if entry.by])
    following = address(path, kinds=timeline_screens.joined(chosen), cursor=page.next_cursor)
    return TimelineView(
        path=path,
        chips=timeline_screens.chips(path, services.audience.timeline.kinds(actor), chosen, viewer),
        rows=tuple(timeline_screens.row(entry, names, actor, viewer) for entry in page.entries),
        next_url=following if page.next_cursor else None,
        more=asked_for_more(request, cursor),
    )


async def _subscriptions(request: SoukRequest, user_id: UserId) -> tuple[SubscriptionRow, ...]:
    actor = request.user
    if not actor.may(Permission.ORDERS):
        return ()
    views = await site_of(request).services.orders.subscriptions.list_for(actor, user_id)
    return tuple(subscription_screens.row(view, actor, pictures(request)) for view in views)


def _can(detail: UserDetail, actor: Actor) -> frozenset[PersonAction]:
    actions: set[PersonAction] = {"standing"}
    if actor.may(Permission.MONEY):
        actions.add("money")
    if actor.may(Permission.TICKETS) and detail.id != actor.user_id:
        actions.add("write")
    if not detail.is_root and detail.id != actor.user_id:
        actions.add("unblock" if detail.blocked else "block")
        if actor.may(Permission.ADMINS) and not detail.blocked:
            actions.add("admin")
    return frozenset(actions)


def _name(detail: UserDetail) -> str:
    return person_screens.full_name(detail.first_name, detail.last_name) or str(detail.telegram_id)


async def changed_person(request: SoukRequest, user_id: UserId) -> Html:
    """The page of a person who was changed, and a word that they were."""
    return _saved(request, replaced(await _person_page(request, user_id), f"/admin/people/{user_id}"))


def _saved(request: SoukRequest, response: Html) -> Html:
    return toast(response, site_of(request).viewer(request.user).words.gettext("Saved"))


HANDLERS: Final = (person, block_sheet, block, unblock, standing)
