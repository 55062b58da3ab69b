"""Topping up: how much, and by which way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from litestar import get, post
from msgspec import Meta

from backend.kernel.errors import Invalid, NotFound, Unavailable
from backend.kernel.money import Money
from backend.orders.types import OrderStatus, OrderView
from backend.payments.types import Way
from webapp import forms
from webapp.limits import PURCHASE, limited
from webapp.pages.payments import payment_page
from webapp.presenters import payments as present
from webapp.presenters.checkout import enough, missing_of
from webapp.presenters.ways import chosen
from webapp.responses import FORM_ERROR, Html, fragment, page, toast
from webapp.site import SoukRequest, site_of
from webapp.views import TopUpPage

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
    ways = await site_of(request).services.payments.ways(request.user)
    amount, error = _read(request, form, ways)
    return fragment(request, "wallet/_quote.html", await _view(request, form, ways, amount, error))


@post("/wallet/topup", name="wallet:topup-start", guards=[limited(PURCHASE)], status_code=200)
async def start(request: SoukRequest) -> Html:
    """Begin the payment and show it. The same ``intent`` again shows the same payment."""
    form = await forms.read_form(request, TopUpForm)
    services, actor = site_of(request).services, request.user
    ways = await services.payments.ways(actor)
    amount, error = _read(request, form, ways)
    if amount is None or error:
        return await _refused(request, form, ways, amount, error)
    order = await _waiting_order(request, form.order)
    key = form.intent or forms.new_intent()
    until = await services.orders.begin_payment(actor, order.number, form.way) if order else None
    try:
        intent = await services.payments.start_top_up(
            actor, form.way, amount, order.id if order else None, idempotency_key=key, until=until
        )
    except Unavailable:
        # What was begun is opened by the worker, or expires; another try is another payment.
        view = await _view(request, msgspec.structs.replace(form, intent=""), ways, amount, "")
        words = site_of(request).viewer(actor).words
        answer = page(request, "wallet/topup.html", view, tab="me", back=_WALLET)
        return toast(answer, words.gettext("This way does not answer just now. Try another one"), "bad")
    except Invalid as refusal:
        if "amount" not in refusal.fields:
            raise
        return await _refused(request, form, ways, amount, present.amount_error(refusal.fields["amount"]))
    return await payment_page(request, intent)


async def top_up_page(request: SoukRequest, *, order: str = "", way: str = "") -> Html:
    """The form; for an order that waits, what it still needs is filled in."""
    services = site_of(request).services
    waiting = await _waiting_order(request, order)
    ways = await services.payments.ways(request.user)
    amount: Money | None = None
    picked = chosen(ways, way)
    if waiting is not None and picked is not None:
        balance = (await services.wallet.overview(request.user)).balance
        amount = min(enough(missing_of(waiting, balance), picked), picked.maximum, key=lambda money: money.amount)
    view = present.top_up(
        services.payments.limits,
        ways,
        site_of(request).viewer(request.user),
        intent=forms.new_intent(),
        amount=amount,
        way=way,
        order=waiting.number if waiting else "",
    )
    if waiting is None:
        view = msgspec.structs.replace(view, bonus=await _bonus(request, picked, view.amount) or None)
    back = f"/orders/{waiting.number}" if waiting else _WALLET
    return page(request, "wallet/topup.html", view, tab="me", back=back)


def _read(request: SoukRequest, form: TopUpForm, ways: Sequence[Way]) -> tuple[Money | None, present.AmountError]:
    """The amount that is meant, and what is wrong with it, by the limits of the chosen way."""
    payments = site_of(request).services.payments
    limits = chosen(ways, form.way) or payments.limits
    try:
        amount = payments.read_amount(form.amount or form.preset)
    except Invalid:
        return None, "not_a_number"
    if amount < limits.minimum:
        return amount, "too_small"
    return amount, "too_large" if amount > limits.maximum else ""


async def _view(
    request: SoukRequest, form: TopUpForm, ways: Sequence[Way], amount: Money | None, error: present.AmountError
) -> TopUpPage:
    payments = site_of(request).services.payments
    good = amount if amount is not None and not error and not form.order else None
    return present.top_up(
        payments.limits,
        ways,
        site_of(request).viewer(request.user),
        intent=form.intent or forms.new_intent(),
        amount=amount if amount is not None else Money.zero(payments.limits.minimum.currency),
        typed=form.amount,
        way=form.way,
        error=error,
        order=form.order,
        bonus=await _bonus(request, chosen(ways, form.way), good),
    )


async def _bonus(request: SoukRequest, way: Way | None, amount: Money | None) -> Money | None:
    """What the shop puts on top; payments for an order bring nothing."""
    if way is None or amount is None:
        return None
    return await site_of(request).services.bonuses.promised(request.user, way.name, amount)


async def _refused(
    request: SoukRequest, form: TopUpForm, ways: Sequence[Way], amount: Money | None, error: present.AmountError
) -> Html:
    view = await _view(request, form, ways, amount, error)
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


TOPUP_HANDLERS: Final = (top_up, quote, start)
