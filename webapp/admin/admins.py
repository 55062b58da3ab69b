"""Admins and what each may do. The root admin cannot be touched."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.identity.errors import Blacklisted
from backend.identity.types import Permission, UserDetail
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import UserId
from webapp import forms
from webapp.admin.chrome import manage_page
from webapp.guards import requires
from webapp.limits import WRITE, limited
from webapp.pages.answers import replaced, to_sheet
from webapp.presenters import manage as present
from webapp.responses import FORM_ERROR, Html, fragment, sheet, toast
from webapp.site import SoukRequest, site_of
from webapp.views import AdminSheet, AdminsPage

_ADMINS = requires(Permission.ADMINS)
_KEYS: Final[tuple[Any, ...]] = tuple(permission.value for permission in Permission)

PermissionsForm: Any = msgspec.defstruct(
    "PermissionsForm", [(f"permission_{permission}", bool, False) for permission in Permission], frozen=True
)


class NewAdminForm(msgspec.Struct, frozen=True):
    """Whom to make an admin."""

    telegram_id: Annotated[int, Meta(ge=1, le=2**52)]


@get("/admin/admins", name="admin:admins", guards=[_ADMINS])
async def admins(request: SoukRequest) -> Html:
    """Every admin, root first."""
    return await _page(request)


@get("/admin/admins/new", name="admin:new-admin", guards=[_ADMINS])
async def new_sheet(request: SoukRequest) -> Html:
    """Who, and what he may do."""
    return sheet(request, "manage/_admin.html", AdminSheet(_KEYS))


@post("/admin/admins/new", name="admin:add-admin", guards=[_ADMINS, limited(WRITE)], status_code=200)
async def add(request: SoukRequest) -> Html:
    """Make a person whom the shop has met an admin."""
    typed = str((await forms.posted(request)).get("telegram_id") or "")[:20]
    permissions = await _permissions(request)
    try:
        form = await forms.read_form(request, NewAdminForm)
    except Invalid:
        return _refused(request, AdminSheet(_KEYS, typed=typed, error="invalid"))
    identity = site_of(request).services.identity
    try:
        found = await identity.actor_by_telegram_id(form.telegram_id)
    except Blacklisted:
        found = None
    if found is None:
        return _refused(request, AdminSheet(_KEYS, typed=typed, error="not_found"))
    await identity.set_permissions(request.user, found.id, permissions)
    return _saved(request, await _page(request))


@get("/admin/admins/{user_id:uuid}", name="admin:admin-sheet", guards=[_ADMINS])
async def edit_sheet(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """What one admin may do. Raises NotFound."""
    found = await _find(request, UserId(user_id))
    return sheet(
        request, "manage/_admin.html", AdminSheet(_KEYS, present.admin_row(found, found.permissions, request.user))
    )


@post("/admin/admins/{user_id:uuid}", name="admin:set-permissions", guards=[_ADMINS, limited(WRITE)], status_code=200)
async def save(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Give an admin exactly these permissions."""
    permissions = await _permissions(request)
    await site_of(request).services.identity.set_permissions(request.user, UserId(user_id), permissions)
    return _saved(request, await _page(request))


@delete("/admin/admins/{user_id:uuid}", name="admin:remove-admin", guards=[_ADMINS, limited(WRITE)], status_code=200)
async def remove(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Take all permissions from an admin."""
    await site_of(request).services.identity.set_permissions(request.user, UserId(user_id), ())
    return _saved(request, await _page(request))


async def _permissions(request: SoukRequest) -> list[Permission]:
    form = await forms.read_form(request, PermissionsForm)
    return [permission for permission in Permission if getattr(form, f"permission_{permission}")]


async def _find(request: SoukRequest, user_id: UserId) -> UserDetail:
    listed = await site_of(request).services.identity.list_admins(request.user)
    found = next((item for item in listed if item.id == user_id), None)
    if found is None:
        raise NotFound("not an admin")
    return found


async def _page(request: SoukRequest) -> Html:
    listed = await site_of(request).services.identity.list_admins(request.user)
    view = AdminsPage(tuple(present.admin_row(item, item.permissions, request.user) for item in listed))
    return manage_page(request, "manage/admins.html", view, "admins")


def _refused(request: SoukRequest, view: AdminSheet) -> Html:
    return to_sheet(fragment(request, "manage/_admin.html", view, status=FORM_ERROR))


def _saved(request: SoukRequest, response: Html) -> Html:
    words = site_of(request).viewer(request.user).words
    return toast(replaced(response, "/admin/admins"), words.gettext("Saved"))


HANDLERS: Final = (admins, new_sheet, add, edit_sheet, save, remove)
