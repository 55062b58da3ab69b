"""The sessions of an admin, for those who watch over admins."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath

from backend.identity.types import Permission
from backend.kernel.ids import UserId
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html, toast
from webapp.core.site import SoukRequest, site_of
from webapp.identity.screens.person import full_name
from webapp.identity.screens.sessions import sessions_page

_ADMINS = requires(Permission.ADMINS)
_ALL: Final = "/admin/admins/{user_id:uuid}/sessions"


@get(_ALL, name="admin:sessions", guards=[_ADMINS])
async def sessions(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Where an admin has the shop open. Raises NotFound."""
    return await _page(request, UserId(user_id))


@post(_ALL + "/end", name="admin:end-sessions", guards=[_ADMINS, limited(WRITE)], status_code=200)
async def end_all(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """End all sessions of an admin. Raises NotFound, RootProtected, NotYourself, Forbidden."""
    return await _end(request, UserId(user_id), None)


@post(_ALL + "/{session_id:uuid}/end", name="admin:end-session", guards=[_ADMINS, limited(WRITE)], status_code=200)
async def end(request: SoukRequest, user_id: FromPath[UUID], session_id: FromPath[UUID]) -> Html:
    """End one session of an admin. Raises NotFound, RootProtected, NotYourself, Forbidden."""
    return await _end(request, UserId(user_id), session_id)


async def _end(request: SoukRequest, user_id: UserId, session_id: UUID | None) -> Html:
    await site_of(request).services.identity.sessions.end_of(request.user, user_id, session_id)
    words = site_of(request).viewer(request.user).words
    return toast(await _page(request, user_id), words.gettext("Session ended"))


async def _page(request: SoukRequest, user_id: UserId) -> Html:
    identity, actor = site_of(request).services.identity, request.user
    person = await identity.people.user_detail(actor, user_id)
    rows = await identity.sessions.list_of(actor, user_id)
    name = full_name(person.first_name, person.last_name) or str(person.telegram_id)
    own, path = user_id == actor.user_id, f"/admin/admins/{user_id}/sessions"
    view = sessions_page(rows, "/me/sessions" if own else path, actor, name=name, may=not own and not person.is_root)
    return manage_page(request, "identity/admin/sessions.html", view, "admins", back="/admin/admins")


HANDLERS: Final = (sessions, end_all, end)
