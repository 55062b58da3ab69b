"""The reader's own sessions."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath

from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html, page, toast
from webapp.core.site import SoukRequest, site_of
from webapp.identity.screens.sessions import sessions_page

_SESSIONS: Final = "/me/sessions"


@get(_SESSIONS)
async def sessions(request: SoukRequest) -> Html:
    """Where the reader has the shop open."""
    return await _page(request)


@post(_SESSIONS + "/end", status_code=200, guards=[limited(WRITE)])
async def end_others(request: SoukRequest) -> Html:
    """End all sessions but this one."""
    await site_of(request).services.identity.sessions.end_own(request.user)
    return await _ended(request)


@post(_SESSIONS + "/{session_id:uuid}/end", status_code=200, guards=[limited(WRITE)])
async def end(request: SoukRequest, session_id: FromPath[UUID]) -> Html:
    """End one session. Raises NotFound."""
    await site_of(request).services.identity.sessions.end_own(request.user, session_id)
    return await _ended(request)


async def _page(request: SoukRequest) -> Html:
    rows = await site_of(request).services.identity.sessions.list_own(request.user)
    view = sessions_page(rows, _SESSIONS, request.user)
    return page(request, "identity/sessions.html", view, tab="me", back="/me/settings")


async def _ended(request: SoukRequest) -> Html:
    return toast(await _page(request), site_of(request).viewer(request.user).words.gettext("Session ended"))


SESSION_HANDLERS: Final = (sessions, end_others, end)
