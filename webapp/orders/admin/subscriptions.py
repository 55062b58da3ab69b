"""A person's subscription, as an admin sees and ends it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath
from msgspec.structs import replace

from backend.identity.types import Permission
from backend.kernel.errors import Invalid
from backend.payments.types import SubscriptionId
from webapp.core import forms
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.parts import ReasonSheet
from webapp.core.responses import FORM_ERROR, Html, pictures, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.identity.admin.people import person_row_of
from webapp.orders.admin.refunds import CancelForm
from webapp.orders.screens import subscriptions as present

_ORDERS: Final = requires(Permission.ORDERS)
_PATH: Final = "/admin/subscriptions/{subscription_id:uuid}"


@get(_PATH, name="admin:subscription", guards=[_ORDERS])
async def subscription(request: SoukRequest, subscription_id: FromPath[UUID]) -> Html:
    """One subscription with its person and its orders. Raises NotFound."""
    return await _page(request, subscription_id)


@get(_PATH + "/end", name="admin:subscription-end-sheet", guards=[_ORDERS])
async def end_sheet(request: SoukRequest, subscription_id: FromPath[UUID]) -> Html:
    """Before a subscription is ended: why."""
    return sheet(request, "core/_reason.html", _reason(subscription_id))


@post(_PATH + "/end", name="admin:subscription-end", guards=[_ORDERS, limited(WRITE)], status_code=200)
async def end(request: SoukRequest, subscription_id: FromPath[UUID]) -> Html:
    """End it at once. Raises NotFound, SubscriptionHasEnded."""
    try:
        form = await forms.read_form(request, CancelForm)
    except Invalid:
        return sheet(request, "core/_reason.html", replace(_reason(subscription_id), error=True), status=FORM_ERROR)
    site = site_of(request)
    await site.services.orders.subscriptions.end(request.user, SubscriptionId(subscription_id), form.reason)
    words = site.viewer(request.user).words
    return toast(await _page(request, subscription_id), words.gettext("Subscription ended"))


def _reason(subscription_id: UUID) -> ReasonSheet:
    return ReasonSheet("end_subscription", f"/admin/subscriptions/{subscription_id}/end")


async def _page(request: SoukRequest, subscription_id: UUID) -> Html:
    site, actor = site_of(request), request.user
    detail = await site.services.orders.subscriptions.admin_detail(actor, SubscriptionId(subscription_id))
    buyer = detail.subscription.user_id
    names = await site.services.identity.people.names_of(actor, [buyer])
    person = await person_row_of(request, buyer) if actor.may(Permission.USERS) else None
    view = present.detail(detail, actor, site.viewer(actor), pictures(request))
    view = replace(view, buyer=names.get(buyer, "—"), person=person)
    back = f"/admin/people/{buyer}" if person else "/admin/orders"
    return manage_page(request, "orders/admin/subscription.html", view, "orders", back=back)


HANDLERS: Final = (subscription, end_sheet, end)
