"""The shop's own roles: sets of permissions under a name, which fill the switches where an admin is made."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.identity.errors import RoleNameTaken
from backend.identity.types import Permission, Role
from backend.kernel.errors import Invalid, NotFound
from webapp.core import forms
from webapp.core.answers import replaced, to_app
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.identity.admin.admins import ADMINS, PERMISSION_FIELDS, admins_page, chosen_in, offered_to
from webapp.identity.screens import permissions as present
from webapp.identity.screens.admin import RoleError, RoleSheet

_ADMINS = requires(Permission.ADMINS)
_ROLES: Final = ADMINS + "/roles"
_NEW: Final = _ROLES + "/new"
_ONE: Final = _ROLES + "/{role_id:uuid}"

_Text = Annotated[str, Meta(max_length=40)]
_STARTS: Final = [("name", Annotated[str, Meta(max_length=200)], ""), ("role", _Text, ""), ("back", _Text, "")]
# Which sheet opens again afterwards: a person's, by their id, or the one of an invitation.
RoleForm: Any = msgspec.defstruct("RoleForm", [*PERMISSION_FIELDS, *_STARTS], frozen=True)


@get(_NEW, name="admin:new-role", guards=[_ADMINS])
async def new_role(request: SoukRequest) -> Html:
    """The sheet of a new role: with the switches of the sheet before it, or with those of another role."""
    query = forms.read_query(request, RoleForm)
    roles = await _roles(request)
    chosen = present.chosen(query.role, roles) if query.role else chosen_in(request, query)
    return sheet(request, "identity/admin/_role.html", _view(request, roles, query, chosen))


@post(_ROLES, name="admin:create-role", guards=[_ADMINS, limited(WRITE)], status_code=200)
async def create_role(request: SoukRequest) -> Html:
    """Save a role; then the sheet from which it was made opens again, with the role. Raises Forbidden."""
    form = await forms.read_form(request, RoleForm)
    chosen = chosen_in(request, form)
    try:
        role_id = await site_of(request).services.identity.roles.create(request.user, form.name, chosen)
    except (Invalid, RoleNameTaken) as problem:
        view = _view(request, await _roles(request), form, chosen, error=_error(problem))
        return sheet(request, "identity/admin/_role.html", view, status=FORM_ERROR)
    page = await admins_page(request, opens=f"{ADMINS}/{form.back}?role={role_id}" if _known(form.back) else "")
    return _saved(request, page, site_of(request).viewer(request.user).words.gettext("Saved"))


@get(_ONE, name="admin:role", guards=[_ADMINS])
async def role_sheet(request: SoukRequest, role_id: FromPath[UUID]) -> Html:
    """The sheet of a role; with another role, what it would hold. Raises NotFound."""
    query, roles = forms.read_query(request, RoleForm), await _roles(request)
    one = _find(roles, role_id)
    chosen = present.chosen(query.role, roles) if query.role else one.permissions
    query = msgspec.structs.replace(query, name=query.name or one.name)
    return sheet(request, "identity/admin/_role.html", _view(request, roles, query, chosen, one=one))


@post(_ONE, name="admin:change-role", guards=[_ADMINS, limited(WRITE)], status_code=200)
async def change_role(request: SoukRequest, role_id: FromPath[UUID]) -> Html:
    """Rename a role, or change what it holds; nobody's permissions change. Raises Forbidden, NotFound."""
    form, roles = await forms.read_form(request, RoleForm), await _roles(request)
    one, chosen = _find(roles, role_id), chosen_in(request, form)
    try:
        await site_of(request).services.identity.roles.change(request.user, role_id, form.name, chosen)
    except (Invalid, RoleNameTaken) as problem:
        view = _view(request, roles, form, chosen, one=one, error=_error(problem))
        return sheet(request, "identity/admin/_role.html", view, status=FORM_ERROR)
    words = present.saved_role(one, chosen, site_of(request).viewer(request.user))
    return _saved(request, await admins_page(request), words)


@post(_ONE + "/delete", name="admin:delete-role", guards=[_ADMINS, limited(WRITE)], status_code=200)
async def delete_role(request: SoukRequest, role_id: FromPath[UUID]) -> Html:
    """Delete a role; nobody's permissions change. Raises Forbidden, NotFound."""
    await site_of(request).services.identity.roles.remove(request.user, role_id)
    words = site_of(request).viewer(request.user).words
    return _saved(request, await admins_page(request), words.gettext("Role deleted"))


async def _roles(request: SoukRequest) -> list[Role]:
    return await site_of(request).services.identity.roles.list_all(request.user)


def _find(roles: list[Role], role_id: UUID) -> Role:
    for role in roles:
        if role.id == role_id:
            return role
    raise NotFound("no such role")


def _known(back: str) -> bool:
    try:
        return back == "invite" or str(UUID(back)) == back
    except ValueError:
        return False


def _error(problem: Invalid | RoleNameTaken) -> RoleError:
    """Which words the sheet has for it: of a name, or that nothing is switched on."""
    if isinstance(problem, RoleNameTaken):
        return "taken"
    return "name" if "name" in problem.fields else "permissions"


def _view(
    request: SoukRequest,
    roles: list[Role],
    form: Any,
    chosen: frozenset[Permission],
    *,
    one: Role | None = None,
    error: RoleError = "",
) -> RoleSheet:
    viewer, offered = site_of(request).viewer(request.user), offered_to(request)
    path = f"{_ROLES}/{one.id}" if one else _NEW
    others = [role for role in roles if one is None or role.id != one.id]
    return RoleSheet(
        rows=present.rows(offered, chosen, viewer),
        roles=present.roles(offered, path, chosen, viewer, others),
        action=path if one else _ROLES,
        name=form.name,
        back=form.back if _known(form.back) else "",
        delete=f"{path}/delete" if one else "",
        holders=one.holders if one else 0,
        error=error,
    )


def _saved(request: SoukRequest, response: Html, words: str) -> Html:
    return toast(to_app(replaced(response, ADMINS)), words)


HANDLERS: Final = (new_role, create_role, role_sheet, change_role, delete_role)
