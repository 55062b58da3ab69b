"""Admins by a link: the permissions are chosen first, the link is shown once, and can be revoked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath

from backend.identity.types import Permission, Role
from webapp.core import forms
from webapp.core.answers import replaced, to_app
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.identity.admin.admins import (
    ADMINS,
    PermissionsForm,
    RoleQuery,
    admins_page,
    chosen_in,
    offered_to,
)
from webapp.identity.screens import permissions as present
from webapp.identity.screens.admin import InviteSheet, LinkSheet

_ADMINS = requires(Permission.ADMINS)
_INVITE: Final = ADMINS + "/invite"
_START: Final = "a_"


@get(_INVITE, name="admin:invite-sheet", guards=[_ADMINS])
async def invite_sheet(request: SoukRequest) -> Html:
    """The sheet that asks what the invited person may do."""
    query = forms.read_query(request, RoleQuery)
    roles = await site_of(request).services.identity.roles.list_all(request.user)
    chosen = present.chosen(query.role, roles)
    return sheet(request, "identity/admin/_invite.html", _view(request, chosen, roles))


@post(_INVITE, name="admin:invite", guards=[_ADMINS, limited(WRITE)], status_code=200)
async def invite(request: SoukRequest) -> Html:
    """Make a link and show it, this once. Raises Forbidden."""
    chosen = chosen_in(request, await forms.read_form(request, PermissionsForm))
    if not chosen:
        roles = await site_of(request).services.identity.roles.list_all(request.user)
        view = _view(request, chosen, roles, error=True)
        return sheet(request, "identity/admin/_invite.html", view, status=FORM_ERROR)
    site = site_of(request)
    token = await site.services.identity.invitations.invite(request.user, chosen)
    bot, viewer = site.settings.bot_url, site.viewer(request.user)
    link = f"{bot}?start={_START}{token}" if bot else f"{site.settings.public_url.rstrip('/')}/invitation?code={token}"
    return sheet(request, "identity/admin/_invite_link.html", LinkSheet(link, present.named(chosen, viewer)))


@post(
    ADMINS + "/invitations/{invitation_id:uuid}/revoke",
    name="admin:revoke-invitation",
    guards=[_ADMINS, limited(WRITE)],
    status_code=200,
)
async def revoke(request: SoukRequest, invitation_id: FromPath[UUID]) -> Html:
    """Let nobody accept an invitation any more. Raises NotFound."""
    await site_of(request).services.identity.invitations.revoke(request.user, invitation_id)
    words = site_of(request).viewer(request.user).words
    return toast(to_app(replaced(await admins_page(request), ADMINS)), words.gettext("Invitation revoked"))


def _view(
    request: SoukRequest, chosen: frozenset[Permission], roles: Sequence[Role], *, error: bool = False
) -> InviteSheet:
    viewer = site_of(request).viewer(request.user)
    offered = offered_to(request)
    rows = present.rows(offered, chosen, viewer)
    return InviteSheet(rows=rows, roles=present.roles(offered, _INVITE, chosen, viewer, roles), error=error)


HANDLERS: Final = (invite_sheet, invite, revoke)
