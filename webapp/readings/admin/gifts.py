"""Credits that admins give to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import UserId
from webapp.core import forms
from webapp.core.answers import say, to_app
from webapp.core.fields import Fields
from webapp.core.guards import requires
from webapp.core.limits import PURCHASE, limited
from webapp.core.responses import FORM_ERROR, Html, sheet
from webapp.core.site import SoukRequest, site_of
from webapp.readings.admin.common import ROOM, room_page
from webapp.readings.screens.gifts import GiftSheet, GiftsPage, gift_rows

GIFTS: Final = ROOM + "/gifts"
_MONEY: Final = requires(Permission.MONEY)
_PERSON: Final = GIFTS + "/{user_id:uuid}"


class GiftForm(msgspec.Struct, frozen=True, kw_only=True):
    """How many credits, and why. The same ``intent`` again gives nothing."""

    credits: forms.Count
    reason: forms.Reason
    intent: Annotated[str, Meta(min_length=8, max_length=64)]


@get(GIFTS, name="admin:credit-gifts", guards=[_MONEY])
async def gifts(request: SoukRequest) -> Html:
    """The last gifts of credits."""
    return await _list(request)


@get(_PERSON, name="admin:credit-gift-sheet", guards=[_MONEY])
async def gift_sheet(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """The form of a gift. Raises NotFound."""
    return await _sheet(request, UserId(user_id), {"intent": forms.new_intent()}, status=200)


@post(_PERSON, name="admin:give-credits", guards=[_MONEY, limited(PURCHASE)], status_code=200)
async def give(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Give a person credits. Raises NotFound, SecondAdminNeeded for oneself."""
    form = await forms.read(request, GiftForm)
    if form.value is None:
        return await _sheet(request, UserId(user_id), form.typed, form.errors)
    key = f"admin:{form.value.intent}"
    try:
        await site_of(request).services.readings.gifts.give(
            request.user, UserId(user_id), form.value.credits, form.value.reason, idempotency_key=key
        )
    except Invalid as refusal:
        return await _sheet(request, UserId(user_id), form.typed, dict(refusal.fields))
    shown = to_app(await _list(request))
    shown.headers["hx-push-url"] = GIFTS
    return say(request, shown, _("Credits given"))


async def _list(request: SoukRequest) -> Html:
    services, actor = site_of(request).services, request.user
    latest = await services.readings.gifts.list_latest(actor)
    people = [person for one in latest for person in (one.user_id, one.given_by) if person]
    names = await services.identity.people.names_of(actor, people)
    view = GiftsPage(rows=gift_rows(latest, names), people=actor.may(Permission.USERS))
    return room_page(request, "gifts.html", view, back=ROOM if actor.may(Permission.READINGS) else "/admin")


async def _sheet(
    request: SoukRequest,
    user_id: UserId,
    typed: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    *,
    status: int = FORM_ERROR,
) -> Html:
    services, actor = site_of(request).services, request.user
    names = await services.identity.people.names_of(actor, [user_id])
    if user_id not in names:
        raise NotFound("no such person")
    view = GiftSheet(
        action=f"{GIFTS}/{user_id}",
        name=names[user_id],
        balance=await services.readings.gifts.balance_of(actor, user_id),
        form=Fields(typed, errors or {}),
        limit=await services.approvals.limit_on(actor, Permission.MONEY, user_id),
    )
    return sheet(request, "readings/admin/_gift.html", view, status=status)


HANDLERS: Final = (gifts, gift_sheet, give)
