"""Admins and their permissions; a new admin is found by a search for people. The root admin cannot be changed."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.identity.errors import RootProtected
from backend.identity.types import Permission, UserDetail
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
from webapp.identity.screens.admin import AdminSheet, AdminsPage
from webapp.identity.screens.person import PickPage, assignee

_ADMINS = requires(Permission.ADMINS)
_LIST: Final = "/admin/admins"
_NEW: Final = _LIST + "/new"
_ONE: Final = _LIST + "/{user_id:uuid}"
# Permissions for which there are pages or messages.
OFFERED: Final = frozenset(
    {
        Permission.CATALOGUE,
        Permission.STOCK,
        Permission.ORDERS,
        Permission.MONEY,
        Permission.USERS,
        Permission.TEACHING,
        Permission.SETTINGS,
        Permission.ADMINS,
    }
)

PermissionsForm: Any = msgspec.defstruct(
    "PermissionsForm", [(f"permission_{permission}", bool, False) for permission in Permission], frozen=True
)


class SearchQuery(msgspec.Struct, frozen=True):
    """A search for people."""

    q: Annotated[str, Meta(max_length=64)] = ""
    cursor: Annotated[str, Meta(max_length=200)] = ""


@get(_LIST, name="admin:admins", guards=[_ADMINS])
async def admins(request: SoukRequest) -> Html:
    """Every admin, the root admin first."""
    return await _page(request)


@get(_NEW, name="admin:new-admin", guards=[_ADMINS])
async def new(request: SoukRequest) -> Html:
    """Choose who becomes an admin; a search and a next page get rows only."""
    query = forms.read_query(request, SearchQuery)
    text = fold(query.q).removeprefix("@")
    people = await site_of(request).services.identity.people.find_users(request.user, text, query.cursor or None)
    view = PickPage(
        purpose="admin",
        path=_NEW,
        pick=f"{_LIST}/",
        query=text,
        rows=tuple(assignee(person) for person in people.items),
        next_url=address(_NEW, q=text, cursor=people.next_cursor) if people.next_cursor else None,
        more=asked_for_more(request, query.cursor),
    )
    if view.more or asked_by(request, "results"):
        return fragment(request, "identity/admin/_pick_rows.html", view)
    return manage_page(request, "identity/admin/pick.html", view, "admins", back=_LIST)


@get(_ONE, name="admin:admin-sheet", guards=[_ADMINS])
async def admin_sheet(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """What a person may do in the back office. Raises NotFound, RootProtected."""
    person = await _find(request, user_id)
    return sheet(request, "identity/admin/_admin.html", _view(request, person, person.permissions))


@post(_ONE, name="admin:set-permissions", guards=[_ADMINS, limited(WRITE)], status_code=200)
async def save(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Give a person exactly these permissions; those that are not offered do not change.

    Raises NotFound, RootProtected, NotYourself, Forbidden.
    """
    form = await forms.read_form(request, PermissionsForm)
    person = await _find(request, user_id)
    offered = _offered(request)
    chosen = {permission for permission in offered if getattr(form, f"permission_{permission}")}
    if not chosen and not person.permissions:
        return sheet(
            request, "identity/admin/_admin.html", _view(request, person, chosen, error=True), status=FORM_ERROR
        )
    others = {permission for permission in person.permissions if permission not in offered}
    await site_of(request).services.identity.admins.set_permissions(request.user, person.id, chosen | others)
    return _saved(request, await _page(request))


@delete(_ONE, name="admin:remove-admin", guards=[_ADMINS, limited(WRITE)], status_code=200)
async def remove(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Remove all permissions from an admin."""
    await site_of(request).services.identity.admins.set_permissions(request.user, UserId(user_id), ())
    return _saved(request, await _page(request))


def _offered(request: SoukRequest) -> tuple[Any, ...]:
    """The permissions that the actor can give and remove: those that they hold."""
    offered = OFFERED & request.user.permissions
    return tuple(permission for permission in Permission if permission in offered)


async def _find(request: SoukRequest, user_id: UUID) -> UserDetail:
    person = await site_of(request).services.identity.people.user_detail(request.user, UserId(user_id))
    if person.is_root:
        raise RootProtected("the root admin")
    return person


def _view(request: SoukRequest, person: UserDetail, chosen: Any, *, error: bool = False) -> AdminSheet:
    return AdminSheet(
        permissions=_offered(request),
        admin=admin_screens.admin_row(person, chosen, request.user),
        is_new=not person.permissions,
        error=error,
    )


async def _page(request: SoukRequest) -> Html:
    admins = await site_of(request).services.identity.admins.list_admins(request.user)
    view = AdminsPage(tuple(admin_screens.admin_row(item, item.permissions, request.user) for item in admins))
    return manage_page(request, "identity/admin/admins.html", view, "admins")


def _saved(request: SoukRequest, response: Html) -> Html:
    words = site_of(request).viewer(request.user).words
    return toast(replaced(response, _LIST), words.gettext("Saved"))


HANDLERS: Final = (admins, new, admin_sheet, save, remove)
