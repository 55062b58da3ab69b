"""Partners: listing and adding them, stopping their links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath

from backend.growth.errors import PartnerCodeTaken
from backend.growth.types.attribution import PartnerId
from backend.identity.types import Permission
from backend.kernel.errors import Invalid
from webapp.core import forms
from webapp.core.answers import replaced
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, toast
from webapp.core.site import SoukRequest, site_of
from webapp.growth.screens.partners import PARTNERS, NewPartnerPage, PartnerForm, PartnersPage, partner_rows
from webapp.payments.admin.payments import PAYMENTS

_MONEY = requires(Permission.MONEY)


@get(PARTNERS, name="admin:partners", guards=[_MONEY])
async def partners(request: SoukRequest) -> Html:
    """The partners, the latest first."""
    return await _list_page(request)


@get(PARTNERS + "/new", name="admin:new-partner", guards=[_MONEY])
async def new_partner(request: SoukRequest) -> Html:
    """The form for a new partner."""
    return _form(request, forms.Form(), {}, status=200)


@post(PARTNERS, name="admin:add-partner", guards=[_MONEY, limited(WRITE)], status_code=200)
async def add(request: SoukRequest) -> Html:
    """Add a partner with the code that was typed."""
    form = await forms.read(request, PartnerForm)
    if form.value is None:
        return _form(request, form, {})
    site = site_of(request)
    try:
        await site.services.growth.partners.add(request.user, form.value.code, form.value.name)
    except Invalid as refusal:
        return _form(request, form, refusal.fields)
    except PartnerCodeTaken:
        return _form(request, form, {"code": "taken"})
    words = site.viewer(request.user).words
    return toast(replaced(await _list_page(request), PARTNERS), words.gettext("Partner added"))


@post(PARTNERS + "/{partner_id:uuid}/stop", name="admin:stop-partner", guards=[_MONEY, limited(WRITE)], status_code=200)
async def stop(request: SoukRequest, partner_id: FromPath[UUID]) -> Html:
    """Have a partner's link bring nobody new. Raises NotFound."""
    return await _set_stopped(request, PartnerId(partner_id), stopped=True)


@post(
    PARTNERS + "/{partner_id:uuid}/start", name="admin:start-partner", guards=[_MONEY, limited(WRITE)], status_code=200
)
async def start(request: SoukRequest, partner_id: FromPath[UUID]) -> Html:
    """Have a partner's link bring people again. Raises NotFound."""
    return await _set_stopped(request, PartnerId(partner_id), stopped=False)


async def _set_stopped(request: SoukRequest, partner_id: PartnerId, *, stopped: bool) -> Html:
    site = site_of(request)
    await site.services.growth.partners.set_stopped(request.user, partner_id, stopped=stopped)
    _ = site.viewer(request.user).words.gettext
    return toast(replaced(await _list_page(request), PARTNERS), _("Link stopped") if stopped else _("Link started"))


def _form(
    request: SoukRequest, form: forms.Form[PartnerForm], refused: Mapping[str, str], *, status: int = FORM_ERROR
) -> Html:
    shown = msgspec.structs.replace(form, errors={**form.errors, **refused})
    return manage_page(
        request, "growth/admin/new_partner.html", NewPartnerPage(shown), "payments", back=PARTNERS, status=status
    )


async def _list_page(request: SoukRequest) -> Html:
    services = site_of(request).services
    listed = await services.growth.partners.list_all(request.user)
    enrolments = await services.courses.students.count_brought(request.user, [one.id for one in listed])
    view = PartnersPage(partner_rows(listed, enrolments))
    return manage_page(request, "growth/admin/partners.html", view, "payments", back=PAYMENTS)


HANDLERS: Final = (partners, new_partner, add, stop, start)
