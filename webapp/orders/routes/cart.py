"""The cart: what is in it, and from there to its order."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.catalog.errors import PurchaseRefused, SoldOut
from backend.catalog.types import VariantId
from backend.growth.errors import PromoCodeRefused
from backend.kernel.errors import AppError, Invalid, NotFound
from backend.kernel.money import Money
from backend.orders.errors import (
    AnswersInvalid,
    CartChanged,
    PersonLimitReached,
    PremiumOnly,
    PriceChanged,
    QuantityNotAllowed,
    ReservationsPaused,
    ReservationTooLarge,
    TooManyReservations,
)
from backend.orders.types import RequestedLine
from backend.orders.types.cart import Cart, CartQuote
from backend.wallet.errors import InsufficientFunds
from webapp.catalog.routes import Choice
from webapp.core import forms
from webapp.core.answers import asked_by, overtaken, pushed, say, to_app
from webapp.core.errors import message, problem_of
from webapp.core.limits import PURCHASE, WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, live_url, page, pictures, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.orders.routes.asking import typed_all, with_questions
from webapp.orders.routes.checkout import CHECK_ANSWERS, PRICE_CHANGED, Payment, Total, start_payment
from webapp.orders.routes.orders import order_page
from webapp.orders.routes.quoting import PromoText, admit, quote_cart_with
from webapp.orders.screens import cart as present
from webapp.orders.screens.checkout import unpaid
from webapp.orders.screens.promo_codes import PromoField

_Lines = Annotated[str, Meta(max_length=50 * 42)]
_Version = Annotated[int, Meta(ge=0, le=2**62)]
_OVERTAKEN: Final = (
    CartChanged, NotFound, PersonLimitReached, PremiumOnly, PriceChanged, PromoCodeRefused, PurchaseRefused,
    QuantityNotAllowed, SoldOut,
)  # fmt: skip
"""The cart that was confirmed is not what can be bought now."""
_NO_ERRORS: Final = AnswersInvalid(fields={})


class Quantity(msgspec.Struct, frozen=True):
    """What a line's stepper posts."""

    quantity: forms.Quantity


class CheckoutQuery(msgspec.Struct, frozen=True):
    """Without ``use_balance`` all of the cart is paid by a payment method."""

    use_balance: bool = True
    promo: PromoText = ""


class CartPurchase(msgspec.Struct, frozen=True):
    """What the confirmation of a cart posts: ``lines`` of the version ``cart`` of it, and the total that it showed."""

    intent: forms.IdempotencyKey
    lines: _Lines
    cart: _Version
    total: Total = None
    promo: PromoText = ""


class CartReservation(Payment, frozen=True, kw_only=True):
    """What the payment methods of a cart post when one is tapped."""

    lines: _Lines
    cart: _Version
    use_balance: bool = True
    total: Total = None
    promo: PromoText = ""


@get("/cart", name="cart:show")
async def cart(request: SoukRequest) -> Html:
    """The cart. When its page reloads itself after a change on another device, only the part that changed is sent."""
    shown = await site_of(request).services.orders.cart.show(request.user)
    return _changed(request, shown) if asked_by(request, "cart") else _page(request, shown)


@get("/cart/count", name="cart:count")
async def count(request: SoukRequest) -> Html:
    """How many lines the cart has, for its tab."""
    lines = await site_of(request).services.orders.cart.count(request.user)
    return fragment(request, "orders/_cart_count.html", present.CartLink(lines))


@get("/cart/resume", name="cart:resume")
async def resume(request: SoukRequest) -> Html:
    """The way back to a cart that waits, after a top-up: it is bought on the buyer's word only."""
    shown = await site_of(request).services.orders.cart.show(request.user)
    return fragment(request, "orders/_cart_resume.html", present.CartLink(len(shown.lines), shown.total))


@post("/cart", name="cart:add", guards=[limited(WRITE)], status_code=200)
async def add(request: SoukRequest) -> Html:
    """Put a variant into the cart."""
    choice = await forms.read_form(request, Choice)
    services = site_of(request).services
    changed = await services.orders.cart.add(request.user, VariantId(choice.variant), choice.quantity)
    return fragment(
        request, "orders/_cart_added.html", present.AddedToast(len(changed.lines) + len(changed.unavailable))
    )


@post("/cart/{variant:uuid}/quantity", name="cart:quantity", guards=[limited(WRITE)], status_code=200)
async def set_quantity(request: SoukRequest, variant: FromPath[UUID]) -> Html:
    """Have more or fewer of a line."""
    form = await forms.read_form(request, Quantity)
    services = site_of(request).services
    changed = await services.orders.cart.set_quantity(request.user, VariantId(variant), form.quantity)
    return _changed(request, changed)


@post("/cart/{variant:uuid}/remove", name="cart:remove", guards=[limited(WRITE)], status_code=200)
async def remove(request: SoukRequest, variant: FromPath[UUID]) -> Html:
    """Remove a line; a toast offers to undo that."""
    services = site_of(request).services
    changed = await services.orders.cart.remove(request.user, VariantId(variant))
    return _changed(request, changed, removed=str(variant))


@post("/cart/{variant:uuid}/restore", name="cart:restore", guards=[limited(WRITE)], status_code=200)
async def restore(request: SoukRequest, variant: FromPath[UUID]) -> Html:
    """Put a removed line back."""
    site = site_of(request)
    changed = await site.services.orders.cart.put_back(request.user, VariantId(variant))
    return toast(_page(request, changed), site.viewer(request.user).words.gettext("Back in your cart"))


@get("/cart/checkout", name="cart:checkout")
async def checkout(request: SoukRequest) -> Html:
    """The sheet before the cart is bought: its lines, for how much, and how to pay."""
    query = forms.read_query(request, CheckoutQuery)
    quote, promo = await quote_cart_with(request, query.promo, use_balance=query.use_balance)
    if not quote.cart.lines:
        return to_app(_page(request, quote.cart))
    status = FORM_ERROR if promo.error else 200
    return await _sheet(request, quote, promo, use_balance=query.use_balance, status=status)


@post("/cart/orders", name="cart:place", guards=[limited(PURCHASE)], status_code=200)
async def place(request: SoukRequest) -> Html:
    """Buy the cart from the balance and show the order. The same ``intent`` again shows the same order."""
    form = await forms.read_form(request, CartPurchase)
    orders = site_of(request).services.orders
    try:
        order = await orders.checkout.place_all(
            request.user,
            await _requested(request, form.lines),
            form.intent,
            confirmed=_confirmed(request, form.total),
            codes=await admit(request, form.promo),
            cart=form.cart,
        )
    except AnswersInvalid as why:
        return await _unanswered(request, why, form.promo)
    except InsufficientFunds:
        quote, promo = await quote_cart_with(request, form.promo)
        if not quote.due.rest or not quote.cart.lines:
            raise
        return await _sheet(request, quote, promo, status=402, why=_NO_ERRORS)
    except _OVERTAKEN as refusal:
        return await _overtaken(request, refusal, form.promo)
    return pushed(await order_page(request, order, fresh=True), f"/orders/{order.number}")


@post("/cart/reserve", name="cart:reserve", guards=[limited(PURCHASE)], status_code=200)
async def reserve(request: SoukRequest) -> Html:
    """Reserve all of the cart or nothing, put the balance's part on hold, and start the payment of the rest."""
    form = await forms.read_form(request, CartReservation)
    try:
        ref = await site_of(request).services.orders.checkout.reserve_all(
            request.user,
            await _requested(request, form.lines),
            form.intent,
            hold=form.use_balance,
            confirmed=_confirmed(request, form.total),
            codes=await admit(request, form.promo),
            cart=form.cart,
        )
    except AnswersInvalid as why:
        return await _unanswered(request, why, form.promo, use_balance=form.use_balance)
    except (TooManyReservations, ReservationTooLarge, ReservationsPaused) as refusal:
        answer = sheet(request, "orders/_unpaid.html", unpaid(refusal), status=409)
        answer.headers["x-error-code"] = refusal.code
        return answer
    except _OVERTAKEN as refusal:
        return await _overtaken(request, refusal, form.promo, use_balance=form.use_balance)
    return await start_payment(request, ref.number, form, use_balance=form.use_balance)


async def _requested(request: SoukRequest, lines: str) -> list[RequestedLine]:
    """The lines that a checkout posts, with their answers: each a variant's id, an asterisk and how many.

    Raises Invalid.
    """
    answers, requested = await typed_all(request), []
    for line in lines.split():
        variant, _, quantity = line.partition("*")
        try:
            one = VariantId(UUID(variant))
            count = msgspec.convert(quantity, forms.Quantity, strict=False)
        except ValueError as error:
            raise Invalid("not the lines of a cart", fields={"lines": forms.INVALID}) from error
        requested.append(RequestedLine(one, count, answers.get(one, ())))
    return requested


def _confirmed(request: SoukRequest, total: int | None) -> Money | None:
    return None if total is None else Money(total, site_of(request).settings.shop_currency)


async def _unanswered(request: SoukRequest, why: AnswersInvalid, typed: str, *, use_balance: bool = True) -> Html:
    """The sheet again with the questions as they are asked now, what was typed, and what is wrong with it."""
    quote, promo = await quote_cart_with(request, typed, use_balance=use_balance)
    if not quote.cart.lines:
        return to_app(_page(request, quote.cart, status=409))
    answer = await _sheet(request, quote, promo, use_balance=use_balance, status=FORM_ERROR, why=why)
    answer.headers["x-error-code"] = why.code
    return say(request, answer, CHECK_ANSWERS, "bad")


async def _sheet(
    request: SoukRequest,
    quote: CartQuote,
    promo: PromoField,
    *,
    use_balance: bool = True,
    status: int = 200,
    why: AnswersInvalid | None = None,
) -> Html:
    site, intent = site_of(request), forms.new_intent()
    viewer = site.viewer(request.user)
    titles = {line.offer.variant_id: present.line_name(line, viewer) for line in quote.cart.lines}
    if not quote.due.rest:
        view = present.confirm_cart(quote, intent, promo, request.user, pictures(request), viewer)
        return sheet(
            request, "orders/_confirm.html", await with_questions(request, view, "cart", titles, why), status=status
        )
    minutes = site.services.live.current.order_reservation // 60
    methods = present.pay_cart(quote, intent, promo, viewer, minutes=minutes, use_balance=use_balance)
    methods = await with_questions(request, methods, "cart", titles, why)
    return sheet(request, "orders/_methods.html", methods, status=status)


async def _overtaken(request: SoukRequest, why: AppError, typed: str, *, use_balance: bool = True) -> Html:
    """The cart as it is now, and why it was not bought.

    With a promo code the sheet is shown again where the price has changed, as the cart does not store the code.
    """
    if typed and isinstance(why, (PriceChanged, PromoCodeRefused)):
        quote, promo = await quote_cart_with(request, typed, use_balance=use_balance)
        if quote.cart.lines:
            again = await _sheet(request, quote, promo, use_balance=use_balance, status=409, why=_NO_ERRORS)
            again.headers["x-error-code"] = why.code
            return say(request, again, PRICE_CHANGED, "bad")
    cart = await site_of(request).services.orders.cart.show(request.user)
    return overtaken(request, _page(request, cart, status=409), why)


def _view(request: SoukRequest, shown: Cart, removed: str = "") -> present.CartPage:
    site, actor = site_of(request), request.user
    live = live_url(request, f"cart:{actor.id}")

    def tell(refusal: AppError) -> str:
        return message(site, problem_of(refusal), actor, actor.language)

    return present.cart_page(shown, actor, site.viewer(actor), pictures(request), live, tell, removed=removed)


def _page(request: SoukRequest, shown: Cart, *, removed: str = "", status: int = 200) -> Html:
    full = shown.lines or shown.unavailable
    back = "/shop" if full else None
    return page(request, "orders/cart.html", _view(request, shown, removed), tab="cart", back=back, status=status)


def _changed(request: SoukRequest, changed: Cart, *, removed: str = "") -> Html:
    """The part of the page that a change of its lines touches: all of it, once the cart is empty."""
    if not changed.lines and not changed.unavailable:
        return to_app(_page(request, changed, removed=removed))
    return fragment(request, "orders/_cart_answer.html", _view(request, changed, removed))


CART_HANDLERS: Final = (cart, count, resume, add, set_quantity, remove, restore, checkout, place, reserve)
"""The cart and its checkout."""
