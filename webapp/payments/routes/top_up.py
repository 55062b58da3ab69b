"""Topping up: how much, and by which payment method."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from msgspec import Meta

from backend.kernel.errors import Invalid, Unavailable
from backend.kernel.money import Money
from backend.payments.types import IntentId
from webapp.core import forms
from webapp.core.answers import invoice, is_invoice
from webapp.core.limits import PURCHASE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, nothing, page, toast
from webapp.core.site import SoukRequest, site_of
from webapp.payments.routes.payments import payment_page
from webapp.payments.screens import top_up as top_up_screens
from webapp.payments.screens.methods import chosen
from webapp.payments.screens.top_up import TopUpPage

_Typed = Annotated[str, Meta(max_length=32)]
_WALLET: Final = "/wallet"


class TopUpChoice(msgspec.Struct, frozen=True):
    """What is chosen on the form, and by the links that lead to it, beside the amount."""

    method: _Typed = ""
    instead: UUID | None = None
    """The open payment that this one replaces."""
    intent: Annotated[str, Meta(max_length=64)] = ""
    """The idempotency key of the form."""


class TopUpForm(msgspec.Struct, frozen=True):
    """The amount that was typed, or else the ready one."""

    amount: forms.AmountOrPreset


@get("/wallet/topup", name="wallet:topup")
async def top_up(request: SoukRequest) -> Html:
    """How much, and by which payment method; with the amount of the payment that this one replaces."""
    choice = forms.read_query(request, TopUpChoice)
    payments = site_of(request).services.payments.intents
    replaced = await payments.intent(request.user, IntentId(choice.instead)) if choice.instead else None
    return _page(request, await _view(request, choice, replaced.amount if replaced else None))


@get("/wallet/topup/quote", name="wallet:topup-quote")
async def quote(request: SoukRequest) -> Html:
    """The parts of the form that follow the amount, while it is typed."""
    choice, form = forms.read_query(request, TopUpChoice), forms.read_typing(request, TopUpForm)
    return fragment(request, "payments/_quote.html", await _view_of(request, choice, form))


@post("/wallet/topup", name="wallet:topup-start", guards=[limited(PURCHASE)], status_code=200)
async def start(request: SoukRequest) -> Html:
    """Start the payment and show it. The same ``intent`` again shows the same payment."""
    choice, form = await forms.read_form(request, TopUpChoice), await forms.read(request, TopUpForm)
    if form.value is None:
        return _page(request, await _view_of(request, choice, form), FORM_ERROR)
    key, amount = choice.intent or forms.new_intent(), form.value.amount
    try:
        intent = await site_of(request).services.payments.intents.start_top_up(
            request.user,
            choice.method,
            amount,
            # The same tap again is the same payment, but of another sum or by another method it is another one.
            idempotency_key=f"{key}-{choice.method}-{amount.amount}",
            instead=IntentId(choice.instead) if choice.instead else None,
        )
    except Unavailable:
        # What was started is opened by the worker, or expires; another try is another payment.
        view = await _view_of(request, msgspec.structs.replace(choice, intent=""), form)
        words = site_of(request).viewer(request.user).words
        return toast(_page(request, view), words.gettext("This payment method is down. Try another one"), "bad")
    except Invalid as refusal:
        if "amount" not in refusal.fields:
            raise
        return _page(request, await _view_of(request, choice, form), FORM_ERROR)
    if is_invoice(intent):
        return invoice(nothing(request), intent)
    return await payment_page(request, intent)


async def _view_of(request: SoukRequest, choice: TopUpChoice, form: forms.Form[TopUpForm]) -> TopUpPage:
    """The form as it was filled in, with what is wrong with its amount."""
    amount = form.value.amount if form.value else None
    return await _view(request, choice, amount, typed=form.text("amount"), sent=True)


async def _view(
    request: SoukRequest, choice: TopUpChoice, amount: Money | None, *, typed: str = "", sent: bool = False
) -> TopUpPage:
    services = site_of(request).services
    methods = await services.payments.methods.enabled(request.user)
    view = top_up_screens.top_up(
        services.payments.methods.limits,
        methods,
        site_of(request).viewer(request.user),
        intent=choice.intent or forms.new_intent(),
        amount=amount,
        typed=typed,
        method=choice.method,
        sent=sent,
        instead=choice.instead,
    )
    method = chosen(methods, choice.method)
    if method is None or view.error:
        return view
    bonus = await services.growth.bonuses.promised(request.user, method.name, view.amount)
    return msgspec.structs.replace(view, bonus=bonus or None)


def _page(request: SoukRequest, view: TopUpPage, status: int = 200) -> Html:
    return page(request, "payments/top_up.html", view, tab="me", back=_WALLET, status=status)


TOPUP_HANDLERS: Final = (top_up, quote, start)
