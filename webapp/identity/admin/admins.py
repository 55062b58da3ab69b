"""Admins and their permissions; a new admin is found by a search for people. The root admin cannot be changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.identity.errors import RootProtected
from backend.identity.types import ALL_PERMISSIONS, Permission, Role, UserDetail
from backend.kernel.ids import UserId
from backend.kernel.text import fold
from webapp.core import forms
from webapp.core.answers import asked_by, asked_for_more, replaced
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.parts import address
from webapp.core.responses import FORM_ERROR, Html, fragment, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.identity.screens import admin as admin_screens
from webapp.identity.screens import permissions as present
from webapp.identity.screens.admin import AdminSheet, AdminsPage, InvitationRow
from webapp.identity.screens.person import PickPage, assignee

_ADMINS = requires(Permission.ADMINS)
ADMINS: Final = "/admin/admins"
_NEW: Final = ADMINS + "/new"
_ONE: Final = ADMINS + "/{user_id:uuid}"
OFFERED: Final = ALL_PERMISSIONS - {Permission.BROADCAST}
"""The permissions for which there are pages or messages."""

PERMISSION_FIELDS: Final = [(f"permission_{permission}", bool, False) for permission in Permission]
PermissionsForm: Any = msgspec.defstruct("PermissionsForm", PERMISSION_FIELDS, frozen=True)


class MakeQuery(msgspec.Struct, frozen=True):
    """Who is to become an admin."""

    make: UUID | None = None


class RoleQuery(msgspec.Struct, frozen=True):
    """A role whose permissions are put in: a ready one by its name, one of the shop's own by its id."""

    role: Annotated[str, Meta(max_length=40)] = ""


class SearchQuery(msgspec.Struct, frozen=True):
    """A search for people."""

    q: Annotated[str, Meta(max_length=64)] = ""
    cursor: Annotated[str, Meta(max_length=200)] = ""


@get(ADMINS, name="admin:admins", guards=[_ADMINS])
async def admins(request: SoukRequest) -> Html:
    """Every admin, the root admin first; with ``make`` the sheet of that person opens, as from the chat."""
    make = forms.read_query(request, MakeQuery).make
    return await admins_page(request, opens=f"{ADMINS}/{make}" if make else "")


@get(_NEW, name="admin:new-admin", guards=[_ADMINS])
async def new(request: SoukRequest) -> Html:
    """Choose who becomes an admin; a search and a next page get rows only."""
    query = forms.read_query(request, SearchQuery)
    text = fold(query.q).removeprefix("@")
    people = await site_of(request).services.identity.people.find_users(request.user, text, query.cursor or None)
    view = PickPage(
        purpose="admin",
        path=_NEW,
        pick=f"{ADMINS}/",
        query=text,
        rows=tuple(assignee(person) for person in people.items),
        next_url=address(_NEW, q=text, cursor=people.next_cursor) if people.next_cursor else None,
        more=asked_for_more(request, query.cursor),
    )
    if view.more or asked_by(request, "results"):
        return fragment(request, "identity/admin/_pick_rows.html", view)
    return manage_page(request, "identity/admin/pick.html", view, "admins", back=ADMINS)


@get(_ONE, name="admin:admin-sheet", guards=[_ADMINS])
async def admin_sheet(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """What a person may do in the back office; with a role, what it would be. Raises NotFound, RootProtected."""
    person, role = await _find(request, user_id), forms.read_query(request, RoleQuery).role
    roles = await site_of(request).services.identity.roles.list_all(request.user)
    chosen = present.chosen(role, roles) if role else person.permissions
    return sheet(request, "identity/admin/_admin.html", _view(request, person, chosen, roles))


@post(_ONE, name="admin:set-permissions", guards=[_ADMINS, limited(WRITE)], status_code=200)
async def save(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Give a person exactly these permissions; those that are not offered do not change.

    Raises NotFound, RootProtected, NotYourself, Forbidden.
    """
    form = await forms.read_form(request, PermissionsForm)
    person = await _find(request, user_id)
    offered, chosen = offered_to(request), chosen_in(request, form)
    if not chosen and not person.permissions:
        roles = await site_of(request).services.identity.roles.list_all(request.user)
        view = _view(request, person, chosen, roles, error=True)
        return sheet(request, "identity/admin/_admin.html", view, status=FORM_ERROR)
    others = {permission for permission in person.permissions if permission not in offered}
    await site_of(request).services.identity.admins.set_permissions(request.user, person.id, chosen | others)
    return _saved(request, await admins_page(request))


@delete(_ONE, name="admin:remove-admin", guards=[_ADMINS, limited(WRITE)], status_code=200)
async def remove(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Remove all permissions from an admin."""
    await site_of(request).services.identity.admins.set_permissions(request.user, UserId(user_id), ())
    return _saved(request, await admins_page(request))


def chosen_in(request: SoukRequest, form: Any) -> frozenset[Permission]:
    """The permissions that a form has switched on, of those that the actor can give."""
    return frozenset(one for one in offered_to(request) if getattr(form, f"permission_{one}"))


def offered_to(request: SoukRequest) -> tuple[Permission, ...]:
    """The permissions that the actor can give and remove: those that they hold."""
    offered = OFFERED & request.user.permissions
    return tuple(permission for permission in Permission if permission in offered)


async def _find(request: SoukRequest, user_id: UUID) -> UserDetail:
    person = await site_of(request).services.identity.people.user_detail(request.user, UserId(user_id))
    if person.is_root:
        raise RootProtected("the root admin")
    return person


def _view(
    request: SoukRequest,
    person: UserDetail,
    chosen: frozenset[Permission],
    roles: Sequence[Role],
    *,
    error: bool = False,
) -> AdminSheet:
    viewer, offered = site_of(request).viewer(request.user), offered_to(request)
    return AdminSheet(
        rows=present.rows(offered, chosen, viewer),
        roles=present.roles(offered, f"{ADMINS}/{person.id}", chosen, viewer, roles),
        admin=admin_screens.admin_row(person, chosen, request.user),
        is_new=not person.permissions,
        error=error,
    )


async def admins_page(request: SoukRequest, *, opens: str = "") -> Html:
    """Every admin, the shop's own roles, and the invitations that are open; ``opens`` is the address of a sheet."""
    identity, viewer = site_of(request).services.identity, site_of(request).viewer(request.user)
    admins = await identity.admins.list_admins(request.user)
    invitations = await identity.invitations.list_open(request.user)
    roles = await identity.roles.list_all(request.user)
    view = AdminsPage(
        tuple(admin_screens.admin_row(item, item.permissions, request.user) for item in admins),
        tuple(
            InvitationRow(str(one.id), present.named(one.permissions, viewer), one.expires_at) for one in invitations
        ),
        roles=tuple(present.role_row(role, offered_to(request), viewer) for role in roles),
        opens=opens,
    )
    return manage_page(request, "identity/admin/admins.html", view, "admins")


def _saved(request: SoukRequest, response: Html) -> Html:
    words = site_of(request).viewer(request.user).words
    return toast(replaced(response, ADMINS), words.gettext("Saved"))


HANDLERS: Final = (admins, new, admin_sheet, save, remove)
