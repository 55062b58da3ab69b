"""From a product to its order: the confirmation, the purchase, and the payment of what the balance does not cover."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.catalog.errors import SoldOut
from backend.catalog.types import StockKind, VariantId
from backend.growth.errors import PromoCodeRefused
from backend.infra.i18n import mark as _
from backend.kernel.errors import Unavailable
from backend.kernel.money import Money
from backend.orders.errors import (
    AnswersInvalid,
    PriceChanged,
    ReservationsPaused,
    ReservationTooLarge,
    TooManyReservations,
)
from backend.orders.types import Quote
from backend.wallet.errors import InsufficientFunds
from webapp.catalog.routes import Choice, product_page
from webapp.core import forms
from webapp.core.answers import invoice, is_invoice, pushed, to_app
from webapp.core.limits import PURCHASE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, page, pictures, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.courses.routes.course import joined_page, show_course
from webapp.courses.screens.links import bought_href
from webapp.orders.routes.asking import typed, with_questions
from webapp.orders.routes.orders import order_page
from webapp.orders.routes.quoting import PromoText, admit, quote_with
from webapp.orders.screens import checkout as present
from webapp.orders.screens.checkout import ConfirmSheet, MethodsSheet
from webapp.orders.screens.orders import sum_title, title
from webapp.orders.screens.promo_codes import PromoField
from webapp.payments.routes.payments import payment_page
from webapp.readings.routes.asking import after_credits
from webapp.readings.screens.links import credits_href

Total = Annotated[int, Meta(ge=0, le=10**15)] | None
"""The minor units that a sheet has shown."""
PRICE_CHANGED: Final = _("The price has changed. You haven't been charged.")
"""What a toast says where the sheet asks again."""
CHECK_ANSWERS: Final = _("Check your answers. You haven't been charged.")
_NO_ERRORS: Final = AnswersInvalid(fields={})
"""Shows what was typed again where something else was wrong."""


class Purchase(msgspec.Struct, frozen=True):
    """What the confirmation posts; ``intent`` is the idempotency key, ``total`` the minor units that it showed."""

    variant: UUID
    intent: forms.IdempotencyKey
    quantity: forms.Quantity = 1
    total: Total = None
    promo: PromoText = ""


class QuoteQuery(Choice, frozen=True):
    """What is to be bought; without ``use_balance`` it is all paid by a payment method."""

    use_balance: bool = True
    promo: PromoText = ""


class Payment(msgspec.Struct, frozen=True):
    """What the sheet of payment methods posts for an unpaid order when one is tapped."""

    intent: forms.IdempotencyKey
    method: Annotated[str, Meta(max_length=32)]


class Reservation(Payment, frozen=True, kw_only=True):
    """What the sheet of payment methods posts for a product when one is tapped."""

    variant: UUID
    quantity: forms.Quantity = 1
    use_balance: bool = True
    total: Total = None
    promo: PromoText = ""


@get("/shop/{slug:str}/confirm", name="shop:confirm")
async def confirm(request: SoukRequest) -> Html:
    """The sheet before the purchase: what, for how much, and a new key that makes a double tap buy once."""
    query = forms.read_query(request, QuoteQuery)
    variant = VariantId(query.variant)
    quote, promo = await quote_with(request, variant, query.quantity, query.promo, use_balance=query.use_balance)
    if quote.sold_out:
        return await sold_out(request, quote.line.slug, variant)
    name, view = await _sheet_of(request, quote, variant, forms.new_intent(), promo, use_balance=query.use_balance)
    return sheet(request, f"orders/_{name}.html", view, status=FORM_ERROR if promo.error else 200)


@get("/shop/{slug:str}/reserved", name="shop:reserved")
async def reserved(request: SoukRequest, slug: FromPath[str]) -> Html:
    """What the page of a sold-out product adds for a buyer who has it reserved: the way to their order."""
    services, actor = site_of(request).services, request.user
    product = await services.catalog.storefront.product(actor, slug)
    number = await services.orders.checkout.find_unpaid(actor, [item.id for item in product.variants])
    return fragment(request, "orders/_reserved.html", present.ReservedLink(number))


@get("/checkout", name="shop:checkout")
async def checkout(request: SoukRequest) -> Html:
    """The confirmation as a page of its own, for links from a chat."""
    choice = forms.read_query(request, QuoteQuery)
    variant = VariantId(choice.variant)
    quote, promo = await quote_with(request, variant, choice.quantity, choice.promo)
    back = f"/shop/{quote.line.slug}"
    if quote.sold_out:
        return await _goods_page(request, quote.line.slug, variant)
    name, view = await _sheet_of(request, quote, variant, forms.new_intent(), promo)
    return page(request, f"orders/checkout_{name}.html", view, tab="shop", back=back)


@post("/orders", name="orders:place", guards=[limited(PURCHASE)], status_code=200)
async def place(request: SoukRequest) -> Html:
    """Buy from the balance and show the order. The same ``intent`` again shows the same order."""
    form = await forms.read_form(request, Purchase)
    orders, variant = site_of(request).services.orders, VariantId(form.variant)
    try:
        order = await orders.checkout.place(
            request.user,
            variant,
            form.quantity,
            form.intent,
            confirmed=_confirmed(request, form),
            codes=await admit(request, form.promo),
            answers=await typed(request, variant),
        )
    except InsufficientFunds:
        quote, promo = await quote_with(request, variant, form.quantity, form.promo)
        if not quote.due.rest:
            raise
        name, view = await _sheet_of(request, quote, variant, form.intent, promo, why=_NO_ERRORS)
        return sheet(request, f"orders/_{name}.html", view, status=402)
    except (AnswersInvalid, PriceChanged, PromoCodeRefused) as why:
        return await _again(request, form, why)
    except SoldOut:
        quote = await orders.checkout.quote(request.user, variant, form.quantity)
        return await sold_out(request, quote.line.slug, variant)
    if href := bought_href(order.lines[0]):
        # Nothing stands between the payment and the first lesson; the receipt is among the orders.
        return pushed(await joined_page(request, order.lines[0].slug), href)
    if credits_href(order.lines[0]):
        return await after_credits(request)
    return pushed(await order_page(request, order, fresh=True), f"/orders/{order.number}")


@post("/orders/reserve", name="orders:reserve", guards=[limited(PURCHASE)], status_code=200)
async def reserve(request: SoukRequest) -> Html:
    """Reserve the goods, put the balance's part on hold, and start the payment of the rest."""
    form = await forms.read_form(request, Reservation)
    orders, variant = site_of(request).services.orders, VariantId(form.variant)
    try:
        ref = await orders.checkout.reserve(
            request.user,
            variant,
            form.quantity,
            form.intent,
            hold=form.use_balance,
            confirmed=_confirmed(request, form),
            codes=await admit(request, form.promo),
            answers=await typed(request, variant),
        )
    except (AnswersInvalid, PriceChanged, PromoCodeRefused) as why:
        return await _again(request, form, why, use_balance=form.use_balance)
    except SoldOut:
        quote = await orders.checkout.quote(request.user, variant, form.quantity)
        return await sold_out(request, quote.line.slug, variant)
    except (TooManyReservations, ReservationTooLarge, ReservationsPaused) as refusal:
        answer = sheet(request, "orders/_unpaid.html", present.unpaid(refusal), status=409)
        answer.headers["x-error-code"] = refusal.code
        return answer
    return await start_payment(request, ref.number, form, use_balance=form.use_balance)


@post("/orders/{number:str}/topup", name="orders:topup", guards=[limited(PURCHASE)], status_code=200)
async def pay_order(request: SoukRequest, number: FromPath[str]) -> Html:
    """Pay the rest of an unpaid order by the payment method that was tapped."""
    return await start_payment(request, number, await forms.read_form(request, Payment))


async def start_payment(request: SoukRequest, number: str, form: Payment, *, use_balance: bool = True) -> Html:
    """The payment for an order, or the order itself when nothing is due.

    Raises NotFound, OrderNotPayable, PaymentTooLate, Invalid for a payment method that is not enabled or does not take
    the amount.
    """
    services, actor = site_of(request).services, request.user
    begun = await services.orders.checkout.begin_payment(
        actor, number, form.method, form.intent, use_balance=use_balance
    )
    order = await services.orders.history.detail(actor, number)
    back = f"/orders/{order.number}"
    if begun is None:
        return pushed(await order_page(request, order), back)
    try:
        intent = await services.payments.intents.start_top_up(
            actor,
            begun.method,
            begun.amount,
            begun.order_id,
            idempotency_key=begun.idempotency_key,
            until=begun.until,
            title=sum_title(order.lines, actor.language),
        )
    except Unavailable:
        words = site_of(request).viewer(actor).words
        answer = pushed(await order_page(request, order), back)
        return toast(answer, words.gettext("This payment method isn't answering. Choose another one."), "bad")
    if is_invoice(intent):
        # The order is shown below Telegram's invoice: once that is paid, only the key is missing.
        return invoice(pushed(await order_page(request, order), back), intent)
    return await payment_page(request, intent)


async def sold_out(request: SoukRequest, slug: str, variant: VariantId) -> Html:
    """The product's page as it is now, with a toast that it has sold out and nothing was charged."""
    site = site_of(request)
    answer = to_app(await _goods_page(request, slug, variant, status=409))
    answer.headers["x-error-code"] = SoldOut.code
    return toast(answer, site.viewer(request.user).words.gettext("Just sold out. You haven't been charged."), "bad")


async def _goods_page(request: SoukRequest, slug: str, variant: VariantId, status: int = 200) -> Html:
    """The page of what is sold under this slug: of a course, or of any other product."""
    product = await site_of(request).services.catalog.storefront.product(request.user, slug)
    if product.kind is StockKind.COURSE:
        return await show_course(request, slug, status=status)
    return await product_page(request, product, variant, status=status)


def _confirmed(request: SoukRequest, form: Purchase | Reservation) -> Money | None:
    return None if form.total is None else Money(form.total, site_of(request).settings.shop_currency)


async def _again(
    request: SoukRequest,
    form: Purchase | Reservation,
    why: AnswersInvalid | PriceChanged | PromoCodeRefused,
    *,
    use_balance: bool = True,
) -> Html:
    """The sheet again, at the current price and with what is asked now: it needs a new yes. Nothing was charged."""
    variant, words = VariantId(form.variant), site_of(request).viewer(request.user).words
    quote, promo = await quote_with(request, variant, form.quantity, form.promo, use_balance=use_balance)
    unanswered = why if isinstance(why, AnswersInvalid) else None
    name, view = await _sheet_of(
        request, quote, variant, forms.new_intent(), promo, use_balance=use_balance, why=unanswered or _NO_ERRORS
    )
    answer = sheet(request, f"orders/_{name}.html", view, status=FORM_ERROR if unanswered else 409)
    answer.headers["x-error-code"] = why.code
    return toast(answer, words.gettext(CHECK_ANSWERS if unanswered else PRICE_CHANGED), "bad")


async def _sheet_of(
    request: SoukRequest,
    quote: Quote,
    variant: VariantId,
    intent: str,
    promo: PromoField,
    *,
    use_balance: bool = True,
    why: AnswersInvalid | None = None,
) -> tuple[Literal["confirm", "methods"], ConfirmSheet | MethodsSheet]:
    """Which sheet a quote is shown in, and its view: the payment methods where the balance does not pay all of it.

    ``why``: with what was typed for the questions, and what is wrong with it.
    """
    titles = {variant: title(quote.line, request.user.language)}
    site = site_of(request)
    viewer = site.viewer(request.user)
    if not quote.due.rest:
        sure = present.confirm(quote, variant, intent, promo, request.user, pictures(request), viewer.words)
        return "confirm", await with_questions(request, sure, variant.hex, titles, why)
    minutes = site.services.live.current.order_reservation // 60
    view = present.methods(quote, variant, intent, promo, viewer, minutes=minutes, use_balance=use_balance)
    return "methods", await with_questions(request, view, variant.hex, titles, why)


CHECKOUT_HANDLERS: Final = (confirm, reserved, checkout, place, reserve, pay_order)
