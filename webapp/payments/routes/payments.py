"""One payment with its transfer receipts, and the list of the person's payments."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.kernel.errors import Invalid, Unavailable
from backend.kernel.ids import OrderId
from backend.orders.types import OrderFilter, OrderRow, OrderStatus
from backend.payments.types import ActionKind, Intent, IntentId
from webapp.core import forms, uploads
from webapp.core.answers import asked_by, pushed, replaced, to_app
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, live_url, nothing, page, sheet, signed_url, toast
from webapp.core.site import SoukRequest, site_of
from webapp.core.uploads import LARGEST_FORM
from webapp.orders.routes.orders import methods, order_page, order_view
from webapp.orders.routes.subscriptions import subscription_page
from webapp.payments.screens import deposit as deposit_screens
from webapp.payments.screens import history as history_screens
from webapp.payments.screens import payments as present
from webapp.payments.screens.deposit import ProofError, SendReceiptSheet
from webapp.payments.screens.payments import Around, PaymentPage

_WALLET: Final = "/wallet"


class PaymentQuery(msgspec.Struct, frozen=True):
    """What the page that asks again already shows."""

    seen: Annotated[str, Meta(max_length=32)] = ""


@get("/wallet/payments", name="wallet:payments")
async def payments(request: SoukRequest) -> Html:
    """The person's latest payments."""
    site = site_of(request)
    own = await site.services.payments.intents.list_mine(request.user)
    return page(
        request,
        "payments/payments.html",
        history_screens.listed(own, site.viewer(request.user), request.user),
        tab="me",
        back=_WALLET,
    )


@get("/wallet/payments/{intent_id:uuid}", name="wallet:payment")
async def payment(request: SoukRequest, intent_id: FromPath[UUID]) -> Html:
    """A payment, checked with its provider while it is open. Raises NotFound, also for another person's."""
    query = forms.read_query(request, PaymentQuery)
    intent = await site_of(request).services.payments.intents.refresh(request.user, IntentId(intent_id))
    asked_again = asked_by(request, "payment")
    if asked_again and (landed := await _landed(request, intent)):
        return landed
    if not asked_again:
        return await _page(request, intent)
    view = await _view(request, intent)
    # The page asks every few seconds: nothing is swapped for its like under a finger that copies an address.
    if query.seen and view.head.refresh_url.endswith(f"={query.seen}"):
        return nothing(request)
    return fragment(request, "payments/_payment.html", view)


@post("/wallet/payments/{intent_id:uuid}/look", name="wallet:look", guards=[limited(WRITE)], status_code=200)
async def look(request: SoukRequest, intent_id: FromPath[UUID]) -> Html:
    """Ask the provider now, also long after the payment has expired. Raises NotFound, also for another person's."""
    services, words = site_of(request).services, site_of(request).viewer(request.user).words
    before = await services.payments.intents.intent(request.user, IntentId(intent_id))
    try:
        current = await services.payments.intents.poll_now(request.user, before.id)
    except Unavailable:
        answer = fragment(request, "payments/_payment.html", await _view(request, before))
        return toast(answer, words.gettext("The provider isn't responding. Try again shortly"), "bad")
    if landed := await _landed(request, current):
        return landed
    answer = fragment(request, "payments/_payment.html", await _view(request, current))
    return answer if current.status is not before.status else toast(answer, words.gettext("No payment received yet"))


@get("/wallet/payments/{intent_id:uuid}/receipt", name="wallet:receipt-sheet")
async def receipt_sheet(request: SoukRequest, intent_id: FromPath[UUID]) -> Html:
    """Ask for the file of a transfer receipt. Raises NotFound, also for another person's payment."""
    intent = await site_of(request).services.payments.intents.intent(request.user, IntentId(intent_id))
    return sheet(request, "payments/_send_receipt.html", SendReceiptSheet(str(intent.id)))


@post(
    "/wallet/payments/{intent_id:uuid}/proofs",
    name="wallet:proof",
    guards=[limited(WRITE)],
    status_code=200,
    request_max_body_size=LARGEST_FORM,
)
async def add_receipt(request: SoukRequest, intent_id: FromPath[UUID]) -> Html:
    """Accept a transfer receipt: a picture or a PDF. Raises NotFound, PaymentClosed."""
    services = site_of(request).services
    data = (await uploads.posted(request, "proof")).data
    error: ProofError = "" if data else "nothing"
    if data:
        try:
            await services.payments.deposits.add_receipt(request.user, IntentId(intent_id), data)
        except Invalid as refusal:
            error = deposit_screens.proof_error(refusal.fields.get("proof", ""))
    if error:
        view = SendReceiptSheet(str(intent_id), error)
        return sheet(request, "payments/_send_receipt.html", view, status=FORM_ERROR)
    intent = await services.payments.intents.intent(request.user, IntentId(intent_id))
    words = site_of(request).viewer(request.user).words
    return toast(await payment_page(request, intent), words.gettext("Receipt received"))


class Closed(msgspec.Struct, frozen=True):
    """How Telegram's invoice was closed, as the Mini App heard it: a hint of what to show, no proof of money."""

    status: Literal["paid", "failed", "cancelled", "pending"]


@get("/wallet/payments/{intent_id:uuid}/closed", name="wallet:closed")
async def closed(request: SoukRequest, intent_id: FromPath[UUID]) -> Html:
    """What follows Telegram's invoice: the order or the payment, or the payment methods again and a word why.

    Raises NotFound, also for another's.
    """
    status = forms.read_query(request, Closed).status
    services, words = site_of(request).services, site_of(request).viewer(request.user).words
    intent = await services.payments.intents.intent(request.user, IntentId(intent_id))
    if intent.subscription_id is not None and status in {"paid", "pending"}:
        path = f"/me/subscriptions/{intent.subscription_id}"
        return to_app(replaced(await subscription_page(request, intent.subscription_id), path))
    row = await _order(request, intent.order_id)
    if status in {"paid", "pending"}:
        if row is None:
            return to_app(await payment_page(request, intent))
        order = await services.orders.history.detail(request.user, row.number)
        return to_app(replaced(await order_page(request, order, fresh=True, paid=True), f"/orders/{row.number}"))
    failed, cancelled = words.gettext("Payment failed. You weren't charged."), words.gettext("Payment cancelled.")
    said = failed if status == "failed" else cancelled
    if row is None:
        return toast(nothing(request), said, "bad")
    return toast(await methods(request, row.number), said, "bad")


async def payment_page(request: SoukRequest, intent: Intent) -> Html:
    """A payment that has just been started, at its own address."""
    return pushed(await _page(request, intent), f"/wallet/payments/{intent.id}")


async def _page(request: SoukRequest, intent: Intent) -> Html:
    view = await _view(request, intent)
    back = f"/orders/{view.head.order}" if view.head.order else _WALLET
    return page(request, "payments/payment.html", view, tab="me", back=back)


async def _view(request: SoukRequest, intent: Intent) -> PaymentPage:
    site = site_of(request)
    services = site.services
    by_hand = intent.action is not None and intent.action.kind is ActionKind.DEPOSIT
    proofs = await services.payments.deposits.receipts(request.user, intent.id) if by_hand else []
    order = await _order(request, intent.order_id)
    around = Around(
        next_href=f"/orders/{order.number}" if order else "/orders" if intent.order_id else "/shop",
        live_url=live_url(request, f"payment:{intent.id}", *([f"order:{order.id}"] if order else ())),
        order=order,
        balance=(await services.wallet.statement.overview(request.user)).balance if intent.credited else None,
        proofs=proofs,
        takes_proof=services.payments.deposits.takes_receipt(intent, proofs),
        sign=lambda target: signed_url(request, target),
        explorer_url=services.payments.methods.explorer_url(intent),
    )
    return present.payment(intent, site.viewer(request.user), around)


async def _landed(request: SoukRequest, intent: Intent) -> Html | None:
    """The order that the payment has just bought, in place of the payment's page; None while it has bought nothing."""
    if intent.subscription_id is not None and intent.credited:
        path = f"/me/subscriptions/{intent.subscription_id}"
        return to_app(replaced(await subscription_page(request, intent.subscription_id), path))
    row = await _order(request, intent.order_id) if intent.credited else None
    if row is None:
        return None
    order = await site_of(request).services.orders.history.detail(request.user, row.number)
    view = await order_view(request, order, fresh=True)
    if view.status not in {OrderStatus.PAID, OrderStatus.DELIVERED} and not view.settling:
        return None
    answer = page(request, "orders/detail.html", view, tab="me", back="/orders")
    return to_app(replaced(answer, f"/orders/{order.number}"))


async def _order(request: SoukRequest, order_id: OrderId | None) -> OrderRow | None:
    """The order that a payment is for, where it is one of the latest."""
    if order_id is None:
        return None
    latest = await site_of(request).services.orders.history.list_mine(request.user, OrderFilter.ALL, None)
    return next((row for row in latest.items if row.id == order_id), None)


PAYMENT_HANDLERS: Final = (payments, payment, closed, look, receipt_sheet, add_receipt)
