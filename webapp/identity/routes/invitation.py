"""What an invitation of an admin leads to: a page that says what it gives, and one tap that takes it."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import get, post
from msgspec import Meta

from webapp.core import forms
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html, page
from webapp.core.site import SoukRequest, site_of
from webapp.identity.screens import permissions as present
from webapp.identity.screens.permissions import InvitationPage

_PATH: Final = "/invitation"


class CodeQuery(msgspec.Struct, frozen=True):
    """The token of the link; in the query, since paths are logged."""

    code: Annotated[str, Meta(max_length=64)] = ""


@get(_PATH, guards=[limited(WRITE)])
async def invitation(request: SoukRequest) -> Html:
    """Who invites, and to what. Raises InvitationClosed."""
    query = forms.read_query(request, CodeQuery)
    site = site_of(request)
    opened, author = await site.services.identity.invitations.read(request.user, query.code)
    viewer = site.viewer(request.user)
    rows = present.rows(sorted(opened.permissions), opened.permissions, viewer)
    view = InvitationPage(
        code=query.code, author=author, shop=site.services.live.current.shop_name, rows=rows, until=opened.expires_at
    )
    return page(request, "identity/invitation.html", view, tab="me", back="/me")


@post(_PATH, guards=[limited(WRITE)], status_code=200)
async def accept(request: SoukRequest) -> Html:
    """Become an admin. Raises InvitationClosed, RootProtected."""
    form = await forms.read_form(request, CodeQuery)
    await site_of(request).services.identity.invitations.accept(request.user, form.code)
    return page(request, "identity/invitation_accepted.html", InvitationPage(code=""), tab="me", back="/me")


INVITATION_HANDLERS: Final = (invitation, accept)
