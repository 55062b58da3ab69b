"""Subscriptions: begun on a product's page, shown, cancelled and resumed in Me."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.catalog.types import VariantId
from backend.infra.i18n import mark as _
from backend.kernel.errors import Unavailable
from backend.kernel.money import STARS, Money
from backend.payments.types import SubscriptionId
from webapp.core import forms
from webapp.core.answers import asked_by, invoice, is_invoice, pushed
from webapp.core.limits import PURCHASE, WRITE, limited
from webapp.core.responses import Html, fragment, live_url, page, pictures, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.orders.screens import subscriptions as present
from webapp.orders.screens.subscriptions import SubscriptionPage, SubscriptionsPage

_MINE: Final = "/me/subscriptions"


class SubscribeQuery(msgspec.Struct, frozen=True):
    """What is to be subscribed to; the quantity is always one."""

    variant: UUID


class SubscribeForm(SubscribeQuery, frozen=True):
    """What the sheet posts; ``total`` are the Stars that it showed."""

    total: Annotated[int, Meta(ge=0, le=10**9)]


@get("/shop/{slug:str}/subscribe", name="shop:subscribe")
async def subscribe_sheet(request: SoukRequest, slug: FromPath[str]) -> Html:
    """The sheet before a subscription: what, for how much, and how it is cancelled."""
    del slug  # the variant says it
    query = forms.read_query(request, SubscribeQuery)
    subscriptions = site_of(request).services.orders.subscriptions
    offer, terms = await subscriptions.quote(request.user, VariantId(query.variant))
    view = present.subscribe(offer, terms, request.user, pictures(request))
    return sheet(request, "orders/_subscribe.html", view)


@post(_MINE, name="me:subscribe", guards=[limited(PURCHASE)], status_code=200)
async def subscribe(request: SoukRequest) -> Html:
    """Agree on a subscription, and open the invoice of its first payment over its page."""
    form = await forms.read_form(request, SubscribeForm)
    services, actor = site_of(request).services, request.user
    confirmed = Money(form.total, STARS)
    new = await services.orders.subscriptions.begin(actor, VariantId(form.variant), confirmed)
    answer = pushed(await subscription_page(request, new.id), f"{_MINE}/{new.id}")
    try:
        intent = await services.payments.intents.start_top_up(
            actor,
            new.method,
            new.amount,
            idempotency_key=new.idempotency_key,
            title=present.title(new.offer, actor),
            subscription_id=new.id,
        )
    except Unavailable:
        words = site_of(request).viewer(actor).words
        return toast(answer, words.gettext("This payment method isn't answering. Try again shortly."), "bad")
    return invoice(answer, intent) if is_invoice(intent) else answer


@get(_MINE, name="me:subscriptions")
async def mine(request: SoukRequest) -> Html:
    """The reader's subscriptions, the latest first."""
    views = await site_of(request).services.orders.subscriptions.mine(request.user)
    rows = tuple(present.row(view, request.user, pictures(request)) for view in views)
    return page(request, "orders/subscriptions.html", SubscriptionsPage(rows), tab="me", back="/me")


@get(_MINE + "/{subscription_id:uuid}", name="me:subscription")
async def detail(request: SoukRequest, subscription_id: FromPath[UUID]) -> Html:
    """One subscription with its orders. Raises NotFound, also for another person's."""
    if asked_by(request, "subscription"):
        view = await _view(request, SubscriptionId(subscription_id))
        return fragment(request, "orders/_subscription_body.html", view)
    return await subscription_page(request, SubscriptionId(subscription_id))


@post(_MINE + "/{subscription_id:uuid}/cancel", name="me:cancel-subscription", guards=[limited(WRITE)], status_code=200)
async def cancel(request: SoukRequest, subscription_id: FromPath[UUID]) -> Html:
    """Stop its renewals. Raises NotFound, SubscriptionHasEnded."""
    await site_of(request).services.orders.subscriptions.cancel(request.user, SubscriptionId(subscription_id))
    return await _changed(request, subscription_id, _("Subscription cancelled"))


@post(_MINE + "/{subscription_id:uuid}/resume", name="me:resume-subscription", guards=[limited(WRITE)], status_code=200)
async def resume(request: SoukRequest, subscription_id: FromPath[UUID]) -> Html:
    """Allow its renewals again; Telegram resumes them. Raises NotFound, SubscriptionHasEnded."""
    await site_of(request).services.orders.subscriptions.resume(request.user, SubscriptionId(subscription_id))
    return await _changed(request, subscription_id, _("Now resume it in Telegram's settings"))


async def subscription_page(request: SoukRequest, subscription_id: SubscriptionId) -> Html:
    """The whole page of the reader's subscription. Raises NotFound."""
    view = await _view(request, subscription_id)
    return page(request, "orders/subscription.html", view, tab="me", back=_MINE)


async def _view(request: SoukRequest, subscription_id: SubscriptionId) -> SubscriptionPage:
    site, actor = site_of(request), request.user
    view = await site.services.orders.subscriptions.detail(actor, subscription_id)
    live = live_url(request, f"subscription:{actor.user_id}")
    return present.detail(view, actor, site.viewer(actor), pictures(request), live_url=live)


async def _changed(request: SoukRequest, subscription_id: UUID, text: str) -> Html:
    words = site_of(request).viewer(request.user).words
    return toast(await subscription_page(request, SubscriptionId(subscription_id)), words.gettext(text))


HANDLERS: Final = (subscribe_sheet, subscribe, mine, detail, cancel, resume)
