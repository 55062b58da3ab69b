"""Refunds of payments through their providers, in full or in part."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.identity.types import Permission
from backend.infra.formatting import format_money
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.payments.errors import RefundNotPossible, RefundTooMuch
from backend.payments.types import IntentId
from backend.wallet.errors import InsufficientFunds
from webapp.core import forms
from webapp.core.answers import replaced
from webapp.core.confirming import isolated, question
from webapp.core.guards import requires
from webapp.core.limits import PURCHASE, limited
from webapp.core.parts import AmountError
from webapp.core.responses import FORM_ERROR, Html, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.payments.admin.payments import PAYMENTS, payment_page
from webapp.payments.screens import admin_events as event_screens
from webapp.payments.screens import admin_parts as part_screens
from webapp.payments.screens import admin_refunds as refund_screens
from webapp.payments.screens.admin_refunds import RefundSheet

_MONEY = requires(Permission.MONEY)
_PATH: Final = PAYMENTS + "/{intent_id:uuid}/refund"


class AmountForm(msgspec.Struct, frozen=True):
    """An amount, why, and the key of the sheet that both were typed into; ``ask``: the last question comes first."""

    amount: forms.PositiveAmount
    reason: forms.Reason
    ask: bool = False
    intent: Annotated[str, Meta(max_length=64)] = ""


@get(_PATH, name="admin:refund-sheet", guards=[_MONEY])
async def refund_sheet(request: SoukRequest, intent_id: FromPath[UUID]) -> Html:
    """Ask how much is refunded, and why. Raises NotFound."""
    return sheet(request, "payments/admin/_refund.html", await _view(request, IntentId(intent_id)))


@post(_PATH, name="admin:refund", guards=[_MONEY, limited(PURCHASE)], status_code=200)
async def refund(request: SoukRequest, intent_id: FromPath[UUID]) -> Html:
    """Refund it; the same sheet again refunds nothing more. Raises NotFound."""
    form = await forms.read(request, AmountForm)
    error = part_screens.amount_error(form)
    if form.value is not None:
        try:
            return await _refund(request, IntentId(intent_id), form.value)
        except RefundTooMuch:
            error = "too_much"
        except InsufficientFunds:
            error = "spent"
        except RefundNotPossible:
            error = ""  # the sheet says why
    view = await _view(request, IntentId(intent_id), form, error)
    return sheet(request, "payments/admin/_refund.html", view, status=FORM_ERROR)


async def _refund(request: SoukRequest, intent_id: IntentId, form: AmountForm) -> Html:
    """The last question, or the payment after its refund.

    Raises RefundTooMuch, InsufficientFunds, RefundNotPossible.
    """
    services, actor = site_of(request).services, request.user
    if form.ask:
        most = (await services.payments.refunds.choice(actor, intent_id)).most
        if form.amount > most:
            raise RefundTooMuch(most=most)
        payment = (await services.payments.inbox.payment(actor, intent_id)).intent
        return await ask_refund(request, form.amount, payment.user_id)
    key = f"admin:{form.intent}"
    await services.payments.refunds.refund_top_up(actor, intent_id, form.amount, form.reason, idempotency_key=key)
    words = site_of(request).viewer(actor).words
    done = replaced(await payment_page(request, intent_id), f"{PAYMENTS}/{intent_id}")
    return toast(done, words.gettext("Refund started"))


async def ask_refund(request: SoukRequest, amount: Money, user_id: UserId) -> Html:
    """The confirmation before a refund, with the amount and the buyer's name."""
    names = await site_of(request).services.identity.people.names_of(request.user, [user_id])
    viewer = site_of(request).viewer(request.user)
    values = {"amount": format_money(amount, viewer.locale), "name": isolated(names.get(user_id, "—"))}
    title = viewer.words.gettext("Refund %(amount)s to %(name)s?") % values
    button = viewer.words.gettext("Refund %(amount)s") % values
    return await question(request, title, button, viewer.words.gettext("This can't be undone."), danger=True)


async def _view(
    request: SoukRequest, intent_id: IntentId, form: forms.Form[AmountForm] | None = None, error: AmountError = ""
) -> RefundSheet:
    services, viewer = site_of(request).services, site_of(request).viewer(request.user)
    choice = await services.payments.refunds.choice(request.user, intent_id)
    intent = (await services.payments.inbox.payment(request.user, intent_id)).intent
    form = form or forms.Form({"amount": str(choice.most.decimal()) if choice.most else ""})
    return RefundSheet(
        action=f"{PAYMENTS}/{intent_id}/refund",
        title=viewer.words.gettext("Refund"),
        most=choice.most,
        presets=() if choice.whole_only else part_screens.presets(choice.most, form.text("amount")),
        intent=form.text("intent") or forms.new_intent(),
        obstacle=refund_screens.obstacle(choice, viewer),
        sent=event_screens.sent_for(intent, choice.most),
        whole_only=choice.whole_only,
        typed=form.text("amount"),
        reason=form.text("reason"),
        amount_error=error,
        reason_error="reason" in form.errors,
    )


HANDLERS: Final = (refund_sheet, refund)
