"""The reader's time zone."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import get, post
from msgspec import Meta

from backend.identity.types import Actor
from backend.kernel.errors import Invalid
from webapp.core import forms
from webapp.core.answers import to_app
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, page, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.core.zones import zone_choice, zones_part
from webapp.identity.routes.me import settings_view
from webapp.identity.screens.me import ZoneSheet

_SETTINGS: Final = "/me/settings"


class ZoneQuery(msgspec.Struct, frozen=True):
    """The zone that is chosen in the form."""

    timezone: Annotated[str, Meta(max_length=64)] = ""


class ZoneForm(msgspec.Struct, frozen=True):
    """The zone that the reader chooses; nothing for that of their device."""

    timezone: Annotated[str, Meta(max_length=64)] = ""


@get(_SETTINGS + "/zones", name="me:zones")
async def zones(request: SoukRequest) -> Html:
    """The time zones for a form: they would be half of its page."""
    chosen = forms.read_query(request, ZoneQuery).timezone or request.user.timezone
    viewer = site_of(request).viewer(request.user)
    return fragment(request, "core/_zones.html", zones_part(chosen, viewer.locale, viewer.now))


@get(_SETTINGS + "/timezone", name="me:timezone-sheet")
async def zone_sheet(request: SoukRequest) -> Html:
    """The time zone, to be chosen."""
    return sheet(request, "identity/_timezone.html", _view(request, request.user))


@post(_SETTINGS + "/timezone", name="me:timezone", guards=[limited(WRITE)], status_code=200)
async def set_zone(request: SoukRequest) -> Html:
    """Use the chosen time zone, or let the device say it again."""
    form = await forms.read_form(request, ZoneForm)
    profile, actor = site_of(request).services.identity.profile, request.user
    try:
        changed = await (profile.set_timezone(actor, form.timezone) if form.timezone else profile.follow_device(actor))
    except Invalid:
        return sheet(request, "identity/_timezone.html", _view(request, actor, error=True), status=FORM_ERROR)
    request.scope["user"] = changed
    viewer = site_of(request).viewer(changed)
    answer = page(request, "identity/settings.html", settings_view(changed), tab="me", back="/me")
    return toast(to_app(answer), viewer.words.gettext("Saved"))


def _view(request: SoukRequest, actor: Actor, *, error: bool = False) -> ZoneSheet:
    now = site_of(request).viewer(actor).now
    return ZoneSheet(zone_choice(actor.timezone, actor.language, now), actor.zone_source, error=error)


ZONE_HANDLERS: Final = (zones, zone_sheet, set_zone)
