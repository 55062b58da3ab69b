"""Codes and gift cards: redeem one, buy one, give it away."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.growth.errors import CodeNotValid
from backend.growth.types import GiftCard, GiftCardId
from backend.infra.formatting import format_money
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid, RateLimited
from backend.kernel.money import Money
from backend.wallet.errors import InsufficientFunds
from webapp.core import forms
from webapp.core.answers import pushed, replaced
from webapp.core.confirming import question
from webapp.core.limits import PURCHASE, WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, page, toast
from webapp.core.site import SoukRequest, site_of
from webapp.growth import screens as present
from webapp.growth.screens import GiftsPage, GrowthError, NewGiftPage, RedeemedPage, RedeemPage

_WALLET: Final = "/wallet"
_GIFTS: Final = "/wallet/gifts"
# A pasted link is longer than the code in it.
_Code = Annotated[str, Meta(max_length=300)]
_Typed = Annotated[str, Meta(max_length=32)]


class RedeemForm(msgspec.Struct, frozen=True):
    """A code, or a link with one in it."""

    code: _Code = ""


class GiftForm(msgspec.Struct, frozen=True):
    """What a gift card is to be worth; ``amount`` goes before ``preset``. ``ask``: the last question comes first."""

    intent: Annotated[str, Meta(max_length=64)] = ""
    preset: _Typed = ""
    amount: _Typed = ""
    ask: bool = False


@get(present.REDEEM, name="wallet:redeem")
async def redeem_form(request: SoukRequest) -> Html:
    """A field for the code; one that a link brought stands in it already."""
    form = forms.read_query(request, RedeemForm)
    return page(request, "growth/redeem.html", RedeemPage(form.code), tab="me", back=_WALLET)


@post(present.REDEEM, name="wallet:redeem-code", status_code=200)
async def redeem(request: SoukRequest) -> Html:
    """Turn the code into money. The same person and code again show the same."""
    form = await forms.read_form(request, RedeemForm)
    if not form.code:
        return _refused(request, RedeemPage(error="required"))
    try:
        done = await site_of(request).services.growth.codes.redeem(request.user, form.code)
    except CodeNotValid:
        return _refused(request, RedeemPage(form.code, "not_valid"))
    except RateLimited as much:
        return _refused(request, RedeemPage(form.code, "too_many", timedelta(seconds=much.retry_after)))
    view = RedeemedPage(done.kind.value, done.amount, done.balance, done.again)
    return replaced(page(request, "growth/redeemed.html", view, tab="me", back=_WALLET), present.REDEEM)


def _refused(request: SoukRequest, view: RedeemPage) -> Html:
    return page(request, "growth/redeem.html", view, tab="me", back=_WALLET, status=FORM_ERROR)


@get(_GIFTS, name="wallet:gifts")
async def gifts(request: SoukRequest) -> Html:
    """The person's gift cards, and what became of each."""
    return await _gifts_page(request)


@get(_GIFTS + "/new", name="wallet:new-gift")
async def new_gift(request: SoukRequest) -> Html:
    """How much the card is to be worth."""
    presets = site_of(request).services.growth.gifts.limits.presets
    first = present.plain(presets[0]) if presets else ""
    return await _form(request, GiftForm(amount=first))


@post(_GIFTS, name="wallet:buy-gift", guards=[limited(PURCHASE)], status_code=200)
async def buy_gift(request: SoukRequest) -> Html:
    """Buy it and show what is given away. The same ``intent`` again shows the same card."""
    form = await forms.read_form(request, GiftForm)
    services = site_of(request).services
    if form.ask:
        return await _ask(request, form)
    try:
        amount = services.payments.methods.read_amount(form.amount or form.preset)
        gift = await services.growth.gifts.buy(request.user, amount, idempotency_key=form.intent or forms.new_intent())
    except Invalid as refusal:
        error = present.amount_error(refusal.fields.get("amount", ""))
        return await _form(request, form, error if form.amount or form.preset else "required")
    except InsufficientFunds as short:
        return await _form(request, form, missing=short.missing)
    return pushed(_gift(request, gift, fresh=True), f"{_GIFTS}/{gift.id}")


@get(_GIFTS + "/{gift_id:uuid}", name="wallet:gift")
async def gift_card(request: SoukRequest, gift_id: FromPath[UUID]) -> Html:
    """One gift card: its code and link while it can be given away. Raises NotFound, also for another's."""
    return _gift(request, await site_of(request).services.growth.gifts.get(request.user, GiftCardId(gift_id)))


@post(_GIFTS + "/{gift_id:uuid}/back", name="wallet:take-gift-back", guards=[limited(WRITE)], status_code=200)
async def take_back(request: SoukRequest, gift_id: FromPath[UUID]) -> Html:
    """Put an unredeemed card's money back into the wallet. Raises NotFound, GiftRedeemed."""
    site = site_of(request)
    gift = await site.services.growth.gifts.take_back(request.user, GiftCardId(gift_id))
    words = site.viewer(request.user).words
    return toast(_gift(request, gift), words.gettext("The money is back in your wallet"))


async def _gifts_page(request: SoukRequest) -> Html:
    found = await site_of(request).services.growth.gifts.mine(request.user)
    view = GiftsPage(tuple(map(present.gift_row, found)))
    return page(request, "growth/gifts.html", view, tab="me", back=_WALLET)


async def _ask(request: SoukRequest, form: GiftForm) -> Html:
    view = await _view(request, form)
    if view.error or view.missing:
        return await _form(request, form, view.error, view.missing)
    viewer = site_of(request).viewer(request.user)
    told = {
        "amount": format_money(view.amount, viewer.locale, trim=True),
        "balance": format_money(view.balance - view.amount, viewer.locale),
    }
    say = viewer.words.gettext
    title, button = say(_("Buy a gift card for %(amount)s?")) % told, say(_("Buy for %(amount)s")) % told
    return await question(request, title, button, say(_("Your balance will be %(balance)s.")) % told)


@get(_GIFTS + "/quote", name="wallet:gift-quote")
async def gift_quote(request: SoukRequest) -> Html:
    """The parts of the form that follow the amount, while it is typed."""
    return fragment(request, "growth/_gift_quote.html", await _view(request, forms.read_query(request, GiftForm)))


async def _view(
    request: SoukRequest, form: GiftForm, error: GrowthError = "", missing: Money | None = None
) -> NewGiftPage:
    services = site_of(request).services
    limits = services.growth.gifts.limits
    typed = form.amount or form.preset
    balance = (await services.wallet.statement.overview(request.user)).balance
    amount = Money.zero(balance.currency)
    if typed:
        try:
            amount = services.payments.methods.read_amount(typed)
        except Invalid:
            error = error or "not_a_number"
        else:
            if not error and not limits.minimum <= amount <= limits.maximum:
                error = "too_small" if amount < limits.minimum else "too_large"
            if not error and amount > balance:
                missing = amount - balance
    elif form.intent:
        error = error or "required"
    return NewGiftPage(
        balance=balance,
        amount=amount,
        presets=present.presets(limits, typed),
        minimum=limits.minimum,
        maximum=limits.maximum,
        intent=form.intent or forms.new_intent(),
        typed=form.amount,
        error=error,
        missing=missing,
    )


async def _form(request: SoukRequest, form: GiftForm, error: GrowthError = "", missing: Money | None = None) -> Html:
    view = await _view(request, form, error, missing)
    status = FORM_ERROR if error or missing else 200
    return page(request, "growth/new_gift.html", view, tab="me", back=_GIFTS, status=status)


def _gift(request: SoukRequest, gift: GiftCard, *, fresh: bool = False) -> Html:
    site = site_of(request)
    view = present.gift_page(
        gift,
        site.viewer(request.user),
        bot_url=site.settings.bot_url,
        public_url=site.settings.public_url,
        fresh=fresh,
    )
    return page(request, "growth/gift.html", view, tab="me", back=_GIFTS)


GROWTH_HANDLERS: Final = (redeem_form, redeem, gifts, new_gift, gift_quote, buy_gift, gift_card, take_back)
