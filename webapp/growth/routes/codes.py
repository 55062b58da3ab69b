"""Redeeming codes, and buying, sharing and cancelling gift cards."""

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
from webapp.growth.screens import gifts as present
from webapp.growth.screens.gifts import GiftsPage, NewGiftPage, RedeemedPage, RedeemPage

_WALLET: Final = "/wallet"
_GIFTS: Final = "/wallet/gifts"
# A pasted link is longer than the code in it.
_Code = Annotated[str, Meta(max_length=300)]


class RedeemForm(msgspec.Struct, frozen=True):
    """A code, or a link with one in it."""

    code: _Code = ""


class GiftForm(msgspec.Struct, frozen=True, kw_only=True):
    """The amount of a gift card; ``ask``: show the confirmation before the card is bought."""

    intent: Annotated[str, Meta(max_length=64)] = ""
    amount: forms.AmountOrPreset
    ask: bool = False


@get(present.REDEEM, name="wallet:redeem")
async def redeem_form(request: SoukRequest) -> Html:
    """A field for the code, filled in with the code of a link."""
    form = forms.read_query(request, RedeemForm)
    return page(request, "growth/redeem.html", RedeemPage(form.code), tab="me", back=_WALLET)


@post(present.REDEEM, name="wallet:redeem-code", status_code=200)
async def redeem(request: SoukRequest) -> Html:
    """Redeem the code; the same person with the same code again gets the same answer."""
    form = await forms.read_form(request, RedeemForm)
    if not form.code:
        return _refused(request, RedeemPage(error="required"))
    try:
        done = await site_of(request).services.growth.codes.redeem(request.user, form.code)
    except CodeNotValid:
        return _refused(request, RedeemPage(form.code, "not_valid"))
    except RateLimited as error:
        return _refused(request, RedeemPage(form.code, "too_many", timedelta(seconds=error.retry_after)))
    view = RedeemedPage(done.kind, done.amount, done.balance, done.again)
    return replaced(page(request, "growth/redeemed.html", view, tab="me", back=_WALLET), present.REDEEM)


def _refused(request: SoukRequest, view: RedeemPage) -> Html:
    return page(request, "growth/redeem.html", view, tab="me", back=_WALLET, status=FORM_ERROR)


@get(_GIFTS, name="wallet:gifts")
async def gifts(request: SoukRequest) -> Html:
    """The person's gift cards with the status of each."""
    cards = await site_of(request).services.growth.gifts.mine(request.user)
    view = GiftsPage(tuple(map(present.gift_row, cards)))
    return page(request, "growth/gifts.html", view, tab="me", back=_WALLET)


@get(_GIFTS + "/new", name="wallet:new-gift")
async def new_gift(request: SoukRequest) -> Html:
    """The form for a gift card, filled in with the first ready amount."""
    presets = site_of(request).services.growth.gifts.limits.presets
    form: forms.Form[GiftForm] = forms.Form()
    if presets:
        form = forms.fill({"amount": present.plain(presets[0])}, GiftForm, presets[0].currency)
    return await _form(request, form, status=200)


@post(_GIFTS, name="wallet:buy-gift", guards=[limited(PURCHASE)], status_code=200)
async def buy_gift(request: SoukRequest) -> Html:
    """Buy a gift card and show its code. The same ``intent`` again shows the same card."""
    form = await forms.read(request, GiftForm)
    if form.value is None:
        return await _form(request, form)
    if form.value.ask:
        return await _ask(request, form, form.value.amount)
    try:
        gift = await site_of(request).services.growth.gifts.buy(
            request.user, form.value.amount, idempotency_key=form.value.intent or forms.new_intent()
        )
    except Invalid:
        return await _form(request, form)
    except InsufficientFunds as short:
        return await _form(request, form, missing=short.missing)
    return pushed(_gift(request, gift, fresh=True), f"{_GIFTS}/{gift.id}")


@get(_GIFTS + "/{gift_id:uuid}", name="wallet:gift")
async def gift_card(request: SoukRequest, gift_id: FromPath[UUID]) -> Html:
    """One gift card, with its code and link while it is active. Raises NotFound, also for another person's."""
    return _gift(request, await site_of(request).services.growth.gifts.get(request.user, GiftCardId(gift_id)))


@post(_GIFTS + "/{gift_id:uuid}/back", name="wallet:take-gift-back", guards=[limited(WRITE)], status_code=200)
async def cancel_gift(request: SoukRequest, gift_id: FromPath[UUID]) -> Html:
    """Cancel a gift card and return its money to the balance. Raises NotFound, GiftRedeemed."""
    site = site_of(request)
    gift = await site.services.growth.gifts.cancel(request.user, GiftCardId(gift_id))
    words = site.viewer(request.user).words
    return toast(_gift(request, gift), words.gettext("Gift card cancelled"))


@get(_GIFTS + "/quote", name="wallet:gift-quote")
async def gift_quote(request: SoukRequest) -> Html:
    """The parts of the form that depend on the amount, while it is typed."""
    return fragment(request, "growth/_gift_quote.html", await _view(request, forms.read_typing(request, GiftForm)))


async def _ask(request: SoukRequest, form: forms.Form[GiftForm], amount: Money) -> Html:
    quote = await site_of(request).services.growth.gifts.quote(request.user, amount)
    if quote.balance_after is None:
        return await _form(request, form)
    viewer = site_of(request).viewer(request.user)
    values = {
        "amount": format_money(amount, viewer.locale, trim=True),
        "balance": format_money(quote.balance_after, viewer.locale),
    }
    say = viewer.words.gettext
    title, button = say(_("Buy a %(amount)s gift card?")) % values, say(_("Buy for %(amount)s")) % values
    return await question(request, title, button, say(_("Your balance will be %(balance)s.")) % values)


async def _view(request: SoukRequest, form: forms.Form[GiftForm]) -> NewGiftPage:
    gifts = site_of(request).services.growth.gifts
    amount = form.value.amount if form.value else None
    quote = await gifts.quote(request.user, amount)
    return present.new_gift_page(form, amount, quote, gifts.limits, form.text("intent") or forms.new_intent())


async def _form(
    request: SoukRequest, form: forms.Form[GiftForm], *, missing: Money | None = None, status: int = FORM_ERROR
) -> Html:
    view = await _view(request, form)
    if missing is not None:
        view = msgspec.structs.replace(view, missing=missing)
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


GROWTH_HANDLERS: Final = (redeem_form, redeem, gifts, new_gift, gift_quote, buy_gift, gift_card, cancel_gift)
