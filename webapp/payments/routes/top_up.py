"""Topping up: how much, and by which way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from msgspec import Meta

from backend.kernel.errors import Invalid, Unavailable
from backend.kernel.ids import IntentId
from backend.kernel.money import Money
from backend.payments.types import Way
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


class TopUpQuery(msgspec.Struct, frozen=True):
    """What leads to the form: a payment method that was tapped, an open payment that another one is to replace."""

    way: _Typed = ""
    instead: UUID | None = None


class TopUpForm(msgspec.Struct, frozen=True):
    """What the form holds; ``amount`` goes before ``preset``."""

    intent: Annotated[str, Meta(max_length=64)] = ""
    preset: _Typed = ""
    amount: _Typed = ""
    way: _Typed = ""
    instead: UUID | None = None


@get("/wallet/topup", name="wallet:topup")
async def top_up(request: SoukRequest) -> Html:
    """How much, and by which way."""
    query = forms.read_query(request, TopUpQuery)
    return await top_up_page(request, way=query.way, instead=query.instead)


@get("/wallet/topup/quote", name="wallet:topup-quote")
async def quote(request: SoukRequest) -> Html:
    """The parts of the form that follow the amount, while it is typed."""
    form = forms.read_query(request, TopUpForm)
    ways = await site_of(request).services.payments.methods.enabled(request.user)
    amount, error = _read(request, form, ways)
    return fragment(request, "payments/_quote.html", await _view(request, form, ways, amount, error))


@post("/wallet/topup", name="wallet:topup-start", guards=[limited(PURCHASE)], status_code=200)
async def start(request: SoukRequest) -> Html:
    """Begin the payment and show it. The same ``intent`` again shows the same payment."""
    form = await forms.read_form(request, TopUpForm)
    services, actor = site_of(request).services, request.user
    ways = await services.payments.methods.enabled(actor)
    amount, error = _read(request, form, ways)
    if amount is None or error:
        return await _refused(request, form, ways, amount, error)
    key = form.intent or forms.new_intent()
    try:
        intent = await services.payments.intents.start_top_up(
            actor,
            form.way,
            amount,
            # The same tap again is the same payment, but of another sum or by another method it is another one.
            idempotency_key=f"{key}-{form.way}-{amount.amount}",
            instead=IntentId(form.instead) if form.instead else None,
        )
    except Unavailable:
        # What was begun is opened by the worker, or expires; another try is another payment.
        view = await _view(request, msgspec.structs.replace(form, intent=""), ways, amount, "")
        words = site_of(request).viewer(actor).words
        answer = page(request, "payments/top_up.html", view, tab="me", back=_WALLET)
        return toast(answer, words.gettext("This way does not answer just now. Try another one"), "bad")
    except Invalid as refusal:
        if "amount" not in refusal.fields:
            raise
        return await _refused(request, form, ways, amount, top_up_screens.amount_error(refusal.fields["amount"]))
    if is_invoice(intent):
        return invoice(nothing(request), intent)
    return await payment_page(request, intent)


async def top_up_page(request: SoukRequest, *, way: str = "", instead: UUID | None = None) -> Html:
    """The form; with the amount of the payment that another one is to replace."""
    services = site_of(request).services
    ways = await services.payments.methods.enabled(request.user)
    replaced = await services.payments.intents.intent(request.user, IntentId(instead)) if instead else None
    view = top_up_screens.top_up(
        services.payments.methods.limits,
        ways,
        site_of(request).viewer(request.user),
        intent=forms.new_intent(),
        amount=replaced.amount if replaced else None,
        way=way,
        instead=instead,
    )
    view = msgspec.structs.replace(view, bonus=await _bonus(request, chosen(ways, way), view.amount) or None)
    return page(request, "payments/top_up.html", view, tab="me", back=_WALLET)


def _read(
    request: SoukRequest, form: TopUpForm, ways: Sequence[Way]
) -> tuple[Money | None, top_up_screens.AmountError]:
    """The amount that is meant, and what is wrong with it, by the limits of the chosen way."""
    methods = site_of(request).services.payments.methods
    limits = chosen(ways, form.way) or methods.limits
    try:
        amount = methods.read_amount(form.amount or form.preset)
    except Invalid:
        return None, "not_a_number"
    if amount < limits.minimum:
        return amount, "too_small"
    return amount, "too_large" if amount > limits.maximum else ""


async def _view(
    request: SoukRequest, form: TopUpForm, ways: Sequence[Way], amount: Money | None, error: top_up_screens.AmountError
) -> TopUpPage:
    methods = site_of(request).services.payments.methods
    good = amount if amount is not None and not error else None
    return top_up_screens.top_up(
        methods.limits,
        ways,
        site_of(request).viewer(request.user),
        intent=form.intent or forms.new_intent(),
        amount=amount if amount is not None else Money.zero(methods.limits.minimum.currency),
        typed=form.amount,
        way=form.way,
        error=error,
        instead=form.instead,
        bonus=await _bonus(request, chosen(ways, form.way), good),
    )


async def _bonus(request: SoukRequest, way: Way | None, amount: Money | None) -> Money | None:
    """What the shop puts on top."""
    if way is None or amount is None:
        return None
    return await site_of(request).services.growth.bonuses.promised(request.user, way.name, amount)


async def _refused(
    request: SoukRequest, form: TopUpForm, ways: Sequence[Way], amount: Money | None, error: top_up_screens.AmountError
) -> Html:
    view = await _view(request, form, ways, amount, error)
    return page(request, "payments/top_up.html", view, tab="me", back=_WALLET, status=FORM_ERROR)


TOPUP_HANDLERS: Final = (top_up, quote, start)
