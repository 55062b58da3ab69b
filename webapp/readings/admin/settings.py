"""The settings of the reading room in the back office: free card, follow-up questions, help lines."""

from __future__ import annotations

from typing import Final

from litestar import get, post

from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from webapp.core import forms
from webapp.core.answers import say
from webapp.core.fields import Fields
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html
from webapp.core.site import SoukRequest, site_of
from webapp.readings.admin.common import ROOM, room_page
from webapp.readings.screens import settings as present

SETTINGS: Final = ROOM + "/settings"
_SETTINGS: Final = requires(Permission.SETTINGS)
_LATEST: Final = 10


@get(SETTINGS, name="admin:reading-settings", guards=[_SETTINGS])
async def settings(request: SoukRequest) -> Html:
    """The settings in force, and who changed them."""
    return await _page(request, await _stored(request))


@post(SETTINGS, name="admin:save-reading-settings", guards=[_SETTINGS, limited(WRITE)], status_code=200)
async def save(request: SoukRequest) -> Html:
    """Change what was typed otherwise than it is; what is wrong stays as it was, and is named."""
    values, service = await forms.posted(request), site_of(request).services.shop_settings
    typed = {name: str(values.get(name, "")).strip() for name in present.NAMES}
    before, wrong = await _stored(request), {}
    for name, text in present.stored(typed).items():
        if text == before.get(name):
            continue
        try:
            await service.change(request.user, name, text)
        except Invalid as refusal:
            wrong[name.lower()] = str(refusal.params.get("limits", ""))
    if wrong:
        return await _page(request, present.stored(typed), wrong, status=FORM_ERROR)
    return say(request, await _page(request, await _stored(request)), _("Saved"))


async def _stored(request: SoukRequest) -> dict[str, str]:
    in_force = await site_of(request).services.shop_settings.in_force(request.user)
    return {one.setting.name: one.value for one in in_force if one.setting.name.lower() in present.NAMES}


async def _page(
    request: SoukRequest, values: dict[str, str], wrong: dict[str, str] | None = None, *, status: int = 200
) -> Html:
    services, actor = site_of(request).services, request.user
    changes = [one for one in await services.shop_settings.history(actor) if one.name.lower() in present.NAMES]
    latest = changes[:_LATEST]
    names = await services.identity.people.names_of(actor, [one.actor_id for one in latest if one.actor_id])
    view = present.SettingsPage(
        form=Fields(present.shown(values), wrong or {}), changes=present.change_rows(latest, names)
    )
    back = ROOM if actor.may(Permission.READINGS) else "/admin"
    return room_page(request, "settings.html", view, back=back, status=status)


HANDLERS: Final = (settings, save)
