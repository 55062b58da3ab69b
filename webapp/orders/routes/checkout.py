"""From a product to its order: the confirmation, the purchase, and what happens when the balance does not reach."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.catalog.errors import SoldOut
from backend.catalog.types import AVAILABILITY_CAP, VariantId
from backend.kernel.errors import Invalid, Unavailable
from backend.kernel.money import Money
from backend.orders.errors import PriceChanged, ReservationsPaused, ReservationTooLarge, TooManyReservations
from backend.orders.types import OrderStatus, OrderView, Quote
from backend.wallet.errors import InsufficientFunds
from webapp.catalog.routes import Choice, product_page
from webapp.core import forms
from webapp.core.answers import invoice, is_invoice, pushed, to_app
from webapp.core.limits import PURCHASE, limited
from webapp.core.responses import Html, page, pictures, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.orders.routes.orders import order_page
from webapp.orders.screens import checkout as present
from webapp.orders.screens.checkout import ConfirmSheet, MissingSheet
from webapp.orders.screens.orders import title
from webapp.payments.routes.payments import payment_page


class Purchase(msgspec.Struct, frozen=True):
    """What the confirmation posts; ``intent`` is the idempotency key, ``total`` the minor units that it showed."""

    variant: UUID
    intent: forms.IdempotencyKey
    quantity: forms.Quantity = 1
    total: Annotated[int, Meta(ge=0, le=10**15)] | None = None


class Wish(Choice, frozen=True):
    """What is to be bought; ``keep``: paid by a way alone, whatever the balance has."""

    keep: bool = False


class Reservation(msgspec.Struct, frozen=True):
    """What the sheet of the ways posts when one is tapped."""

    variant: UUID
    intent: forms.IdempotencyKey
    way: Annotated[str, Meta(max_length=32)]
    quantity: forms.Quantity = 1
    keep: bool = False


class Payment(msgspec.Struct, frozen=True):
    """The same for an order that waits."""

    intent: forms.IdempotencyKey
    way: Annotated[str, Meta(max_length=32)]


@get("/shop/{slug:str}/confirm", name="shop:confirm")
async def confirm(request: SoukRequest) -> Html:
    """The sheet before the money moves: what, for how much, and a fresh key that makes a double tap buy once."""
    wish = forms.read_query(request, Wish)
    variant = VariantId(wish.variant)
    quote = await site_of(request).services.orders.checkout.quote(request.user, variant, wish.quantity)
    if quote.available < min(wish.quantity, AVAILABILITY_CAP):
        return await sold_out(request, quote.line.slug, variant)
    if quote.missing or wish.keep:
        short = await _missing(request, quote, variant, forms.new_intent(), keep=wish.keep)
        return sheet(request, "orders/_missing.html", short)
    view = present.confirm(quote, variant, forms.new_intent(), request.user, pictures(request))
    return sheet(request, "orders/_confirm.html", view)


@get("/checkout", name="shop:checkout")
async def checkout(request: SoukRequest) -> Html:
    """The same as a page of its own, for links from a chat."""
    choice = forms.read_query(request, Choice)
    variant = VariantId(choice.variant)
    quote = await site_of(request).services.orders.checkout.quote(request.user, variant, choice.quantity)
    back = f"/shop/{quote.line.slug}"
    view: ConfirmSheet | MissingSheet
    if quote.available < min(choice.quantity, AVAILABILITY_CAP):
        found = await site_of(request).services.catalog.storefront.product(request.user, quote.line.slug)
        return await product_page(request, found, variant)
    if quote.missing:
        view = await _missing(request, quote, variant, forms.new_intent())
        return page(request, "orders/checkout_missing.html", view, tab="shop", back=back)
    view = present.confirm(quote, variant, forms.new_intent(), request.user, pictures(request))
    return page(request, "orders/checkout.html", view, tab="shop", back=back)


@post("/orders", name="orders:place", guards=[limited(PURCHASE)], status_code=200)
async def place(request: SoukRequest) -> Html:
    """Buy from the balance and show the order. The same ``intent`` again shows the same order."""
    form = await forms.read_form(request, Purchase)
    orders, variant = site_of(request).services.orders, VariantId(form.variant)
    confirmed = None if form.total is None else Money(form.total, site_of(request).settings.shop_currency)
    try:
        ref = await orders.checkout.place(request.user, variant, form.quantity, form.intent, confirmed=confirmed)
    except InsufficientFunds:
        quote = await orders.checkout.quote(request.user, variant, form.quantity)
        if not quote.missing:
            raise
        view = await _missing(request, quote, variant, form.intent)
        return sheet(request, "orders/_missing.html", view, status=402)
    except PriceChanged as changed:
        return await price_changed(request, variant, form.quantity, changed)
    except SoldOut:
        quote = await orders.checkout.quote(request.user, variant, form.quantity)
        return await sold_out(request, quote.line.slug, variant)
    order = await orders.history.detail(request.user, ref.number)
    return pushed(await order_page(request, order, fresh=True), f"/orders/{order.number}")


@post("/orders/reserve", name="orders:reserve", guards=[limited(PURCHASE)], status_code=200)
async def reserve(request: SoukRequest) -> Html:
    """Keep the goods and set the wallet's part aside, and on to the payment of the rest."""
    form = await forms.read_form(request, Reservation)
    orders, variant = site_of(request).services.orders, VariantId(form.variant)
    try:
        ref = await orders.checkout.reserve(request.user, variant, form.quantity, form.intent, hold=not form.keep)
    except SoldOut:
        quote = await orders.checkout.quote(request.user, variant, form.quantity)
        return await sold_out(request, quote.line.slug, variant)
    except (TooManyReservations, ReservationTooLarge, ReservationsPaused) as refusal:
        answer = sheet(request, "orders/_unpaid.html", present.unpaid(refusal), status=409)
        answer.headers["x-error-code"] = refusal.code
        return answer
    order = await orders.history.detail(request.user, ref.number)
    return await _pay_by(request, order, form.way, form.intent, keep=form.keep)


@post("/orders/{number:str}/topup", name="orders:topup", guards=[limited(PURCHASE)], status_code=200)
async def pay_order(request: SoukRequest, number: FromPath[str]) -> Html:
    """Pay what a waiting order still needs by the way that was tapped."""
    form = await forms.read_form(request, Payment)
    order = await site_of(request).services.orders.history.detail(request.user, number)
    return await _pay_by(request, order, form.way, form.intent)


async def _pay_by(request: SoukRequest, order: OrderView, name: str, key: str, *, keep: bool = False) -> Html:
    """The payment of what is missing for an order, or the order itself where nothing is.

    The provider's minimum may be more: then the rest stays in the balance. Raises Invalid for a way that is not
    offered or does not take so much.
    """
    site = site_of(request)
    payments, back = site.services.payments, f"/orders/{order.number}"
    way = next((item for item in await payments.methods.enabled(request.user) if item.name == name), None)
    if way is None:
        raise Invalid(f"no way called {name!r}", fields={"way": "unknown_way"})
    balance = (await site.services.wallet.statement.overview(request.user)).balance
    rest = order.total if keep else present.missing_of(order, balance)
    if order.status is not OrderStatus.AWAITING_PAYMENT or not rest:
        return pushed(await order_page(request, order), back)
    amount, line = present.enough(rest, way), order.lines[0]
    goods = title(line, request.user.language) + (f" × {line.quantity}" if line.quantity > 1 else "")
    until = await site.services.orders.reservations.begin_payment(request.user, order.number, name)
    try:
        intent = await payments.intents.start_top_up(
            request.user,
            name,
            amount,
            order.id,
            # The same tap again is the same payment, but for another sum it is another one.
            idempotency_key=f"{key}-{name}-{amount.amount}",
            until=until,
            title=goods,
        )
    except Unavailable:
        words = site.viewer(request.user).words
        answer = pushed(await order_page(request, order), back)
        return toast(answer, words.gettext("This way does not answer just now. Try another one"), "bad")
    if is_invoice(intent):
        # The order lies under the invoice: once that is paid, nothing but the key is to come.
        return invoice(pushed(await order_page(request, order), back), intent)
    return await payment_page(request, intent)


async def sold_out(request: SoukRequest, slug: str, variant: VariantId) -> Html:
    """The product's page as it is now, with the words that somebody was quicker: nothing was charged."""
    site = site_of(request)
    found = await site.services.catalog.storefront.product(request.user, slug)
    answer = to_app(await product_page(request, found, variant, status=409))
    answer.headers["x-error-code"] = SoldOut.code
    return toast(answer, site.viewer(request.user).words.gettext("Sold out a moment ago. Nothing was charged"), "bad")


async def price_changed(request: SoukRequest, variant: VariantId, quantity: int, changed: PriceChanged) -> Html:
    """The confirmation again, at the price of this moment: nothing was charged."""
    quote = await site_of(request).services.orders.checkout.quote(request.user, variant, quantity)
    if quote.missing:
        short = await _missing(request, quote, variant, forms.new_intent())
        answer = sheet(request, "orders/_missing.html", short, status=409)
    else:
        view = present.confirm(quote, variant, forms.new_intent(), request.user, pictures(request))
        answer = sheet(request, "orders/_confirm.html", view, status=409)
    answer.headers["x-error-code"] = changed.code
    return toast(
        answer, site_of(request).viewer(request.user).words.gettext("The price has changed. Nothing was charged"), "bad"
    )


async def _missing(
    request: SoukRequest, quote: Quote, variant: VariantId, intent: str, *, keep: bool = False
) -> MissingSheet:
    site = site_of(request)
    return present.missing(
        quote,
        variant,
        intent,
        await site.services.payments.methods.enabled(request.user),
        site.viewer(request.user),
        minutes=site.services.live.current.order_reservation // 60,
        keep=keep,
    )


CHECKOUT_HANDLERS: Final = (confirm, checkout, place, reserve, pay_order)
