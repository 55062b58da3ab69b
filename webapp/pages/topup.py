"""Topping up: the form, and a payment on its way."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import IntentId, OrderId
from backend.kernel.money import Money
from backend.orders.types import OrderFilter, OrderStatus, OrderView
from backend.payments.types import Intent
from webapp import forms
from webapp.limits import PURCHASE, limited
from webapp.pages.answers import asked_by, pushed
from webapp.presenters import payments as present
from webapp.presenters.checkout import enough
from webapp.responses import FORM_ERROR, Html, fragment, live_url, page
from webapp.site import SoukRequest, site_of
from webapp.views import PaymentPage, TopUpPage

_Typed = Annotated[str, Meta(max_length=32)]
_WALLET: Final = "/wallet"


class TopUpQuery(msgspec.Struct, frozen=True):
    """What leads to the form: an order that waits, a way that was tapped."""

    order: _Typed = ""
    way: _Typed = ""


class TopUpForm(msgspec.Struct, frozen=True):
    """What the form holds; ``amount`` goes before ``preset``."""

    intent: Annotated[str, Meta(max_length=64)] = ""
    preset: _Typed = ""
    amount: _Typed = ""
    way: _Typed = ""
    order: _Typed = ""


@get("/wallet/topup", name="wallet:topup")
async def top_up(request: SoukRequest) -> Html:
    """How much, and by which way."""
    query = forms.read_query(request, TopUpQuery)
    return await top_up_page(request, order=query.order, way=query.way)


@get("/wallet/topup/quote", name="wallet:topup-quote")
async def quote(request: SoukRequest) -> Html:
    """The parts of the form that follow the amount, while it is typed."""
    form = forms.read_query(request, TopUpForm)
    amount, error = _read(request, form)
    return fragment(request, "wallet/_quote.html", await _view(request, form, amount, error))


@post("/wallet/topup", name="wallet:topup-start", guards=[limited(PURCHASE)], status_code=200)
async def start(request: SoukRequest) -> Html:
    """Begin the payment and show it. The same ``intent`` again shows the same payment."""
    form = await forms.read_form(request, TopUpForm)
    services, actor = site_of(request).services, request.user
    amount, error = _read(request, form)
    if amount is None or error:
        return await _refused(request, form, amount, error)
    order = await _waiting_order(request, form.order)
    key = form.intent or forms.new_intent()
    try:
        intent = await services.payments.start_top_up(
            actor, form.way, amount, order.id if order else None, idempotency_key=key
        )
    except Invalid as refusal:
        if "amount" not in refusal.fields:
            raise
        return await _refused(request, form, amount, present.amount_error(refusal.fields["amount"]))
    view = _payment(request, intent, order.number if order else "")
    return pushed(page(request, "wallet/payment.html", view, tab="me", back=_WALLET), f"/wallet/payments/{intent.id}")


@get("/wallet/payments/{intent_id:uuid}", name="wallet:payment")
async def payment(request: SoukRequest, intent_id: FromPath[UUID]) -> Html:
    """A payment as it stands, the provider asked anew while it is open. Raises NotFound, also for another's."""
    payments = site_of(request).services.payments
    intent = await payments.refresh(request.user, IntentId(intent_id))
    view = _payment(request, intent, await _order_number(request, intent.order_id))
    if asked_by(request, "payment"):
        return fragment(request, "wallet/_payment.html", view)
    return page(request, "wallet/payment.html", view, tab="me", back=_WALLET)


async def top_up_page(request: SoukRequest, *, order: str = "", way: str = "") -> Html:
    """The form; for an order that waits, what it still needs is filled in."""
    services = site_of(request).services
    waiting = await _waiting_order(request, order)
    amount: Money | None = None
    if waiting is not None:
        balance = (await services.wallet.overview(request.user)).balance
        amount = enough(waiting.total - balance, services.payments.limits)
    view = present.top_up(
        services.payments.limits,
        await services.payments.ways(request.user),
        site_of(request).viewer(request.user),
        intent=forms.new_intent(),
        amount=amount,
        way=way,
        order=waiting.number if waiting else "",
    )
    back = f"/orders/{waiting.number}" if waiting else _WALLET
    return page(request, "wallet/topup.html", view, tab="me", back=back)


def _read(request: SoukRequest, form: TopUpForm) -> tuple[Money | None, present.AmountError]:
    """The amount that is meant, and what is wrong with it."""
    payments = site_of(request).services.payments
    text = form.amount or form.preset
    try:
        amount = payments.read_amount(text)
    except Invalid:
        return None, "not_a_number"
    if amount < payments.limits.minimum:
        return amount, "too_small"
    return amount, "too_large" if amount > payments.limits.maximum else ""


async def _view(request: SoukRequest, form: TopUpForm, amount: Money | None, error: present.AmountError) -> TopUpPage:
    payments = site_of(request).services.payments
    return present.top_up(
        payments.limits,
        await payments.ways(request.user),
        site_of(request).viewer(request.user),
        intent=form.intent or forms.new_intent(),
        amount=amount if amount is not None else Money.zero(payments.limits.minimum.currency),
        typed=form.amount,
        way=form.way,
        error=error,
        order=form.order,
    )


async def _refused(request: SoukRequest, form: TopUpForm, amount: Money | None, error: present.AmountError) -> Html:
    view = await _view(request, form, amount, error)
    return page(request, "wallet/topup.html", view, tab="me", back=_WALLET, status=FORM_ERROR)


async def _waiting_order(request: SoukRequest, number: str) -> OrderView | None:
    """The actor's order of this number while it can still be paid; None for any other."""
    if not number:
        return None
    try:
        order = await site_of(request).services.orders.detail(request.user, number)
    except NotFound:
        return None
    return order if order.status is OrderStatus.AWAITING_PAYMENT else None


async def _order_number(request: SoukRequest, order_id: OrderId | None) -> str:
    """The number of the order that a payment is for, while it waits."""
    if order_id is None:
        return ""
    waiting = await site_of(request).services.orders.list_mine(request.user, OrderFilter.WAITING, None)
    return next((row.number for row in waiting.items if row.id == order_id), "")


def _payment(request: SoukRequest, intent: Intent, order: str) -> PaymentPage:
    next_href = f"/orders/{order}" if order else "/orders" if intent.order_id else _WALLET
    return present.payment(
        intent,
        site_of(request).viewer(request.user),
        live_url=live_url(request, f"payment:{intent.id}"),
        next_href=next_href,
    )


TOPUP_HANDLERS: Final = (top_up, quote, start, payment)
