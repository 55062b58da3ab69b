"""Months of premium that an admin gives to a person or takes from them."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.growth.errors import PremiumTooLong
from backend.identity.types import Permission
from backend.kernel.ids import UserId
from webapp.catalog.screens.product import QuantityView
from webapp.core import forms
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, sheet
from webapp.core.site import SoukRequest, site_of
from webapp.growth.screens.premium import MOST_AT_ONCE, PremiumSheet, membership
from webapp.identity.admin.people import changed_person

_USERS = requires(Permission.USERS)
_PATH: Final = "/admin/people/{user_id:uuid}/premium"


class PremiumForm(msgspec.Struct, frozen=True):
    """How many months are given or taken, and why."""

    months: Annotated[int, Meta(ge=1, le=MOST_AT_ONCE)]
    reason: forms.Reason
    direction: Literal["give", "take"] = "give"


@get(_PATH, name="admin:premium-sheet", guards=[_USERS])
async def premium_sheet(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """The form. Raises NotFound."""
    return sheet(request, "growth/admin/_premium.html", await _view(request, UserId(user_id)))


@post(_PATH, name="admin:premium", guards=[_USERS, limited(WRITE)], status_code=200)
async def change_premium(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Give or take the months, and show the person. Raises NotFound, NotYourself."""
    who = UserId(user_id)
    form = await forms.read(request, PremiumForm)
    if form.value is None:
        return await _again(request, who, form, "reason")
    premium = site_of(request).services.growth.premium
    change = premium.take if form.value.direction == "take" else premium.give
    try:
        await change(request.user, who, form.value.months, form.value.reason)
    except PremiumTooLong:
        return await _again(request, who, form, "too_long")
    return await changed_person(request, who)


async def _again(
    request: SoukRequest, user_id: UserId, form: forms.Form[PremiumForm], error: Literal["reason", "too_long"]
) -> Html:
    view = msgspec.structs.replace(
        await _view(request, user_id),
        months=QuantityView(_typed_months(form), 1, MOST_AT_ONCE),
        direction="take" if form.text("direction") == "take" else "give",
        reason=form.text("reason"),
        error=error,
    )
    return sheet(request, "growth/admin/_premium.html", view, status=FORM_ERROR)


def _typed_months(form: forms.Form[PremiumForm]) -> int:
    typed = form.text("months")
    return min(max(int(typed), 1), MOST_AT_ONCE) if typed.isascii() and typed.isdigit() and len(typed) < 4 else 1


async def _view(request: SoukRequest, user_id: UserId) -> PremiumSheet:
    services, actor = site_of(request).services, request.user
    record = await services.growth.premium.of(actor, user_id)
    names = await services.identity.people.names_of(actor, [user_id])
    return PremiumSheet(
        name=names.get(user_id, "—"),
        action=f"/admin/people/{user_id}/premium",
        membership=membership(record.membership),
    )


HANDLERS: Final = (premium_sheet, change_premium)
