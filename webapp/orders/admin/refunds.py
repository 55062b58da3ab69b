"""Admins refund an order, whole or in part, or cancel an unpaid one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.approvals.types import ValueKind
from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.kernel.money import Money
from backend.kernel.text import fill, whole_number
from backend.orders.types import RefundTarget
from backend.orders.types.lines import LineQuantity
from backend.orders.types.refunds import Refundable
from backend.payments.errors import RefundTooMuch
from webapp.core import forms
from webapp.core.answers import replaced
from webapp.core.guards import requires
from webapp.core.limits import PURCHASE, WRITE, limited
from webapp.core.parts import AmountError, ReasonSheet
from webapp.core.responses import FORM_ERROR, Html, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.orders.admin.orders import order_page
from webapp.payments.admin.refunds import ask_refund
from webapp.payments.screens import admin_parts as part_screens
from webapp.payments.screens import admin_refunds as refund_screens
from webapp.payments.screens.admin_refunds import RefundSheet

_ORDERS = requires(Permission.ORDERS)
_PATH: Final = "/admin/orders/{number:str}"


class OrderRefundForm(msgspec.Struct, frozen=True):
    """Why, where to, and an amount, unless lines are chosen; ``ask``: the last question comes first.

    ``intent`` is the key of the sheet that all was typed into.
    """

    reason: forms.Reason
    amount: forms.PositiveAmount | None = None
    target: RefundTarget = RefundTarget.WALLET
    ask: bool = False
    intent: Annotated[str, Meta(max_length=64)] = ""


class CancelForm(msgspec.Struct, frozen=True):
    """Why an order is cancelled."""

    reason: forms.Reason


@get(_PATH + "/refund", name="admin:order-refund-sheet", guards=[_ORDERS])
async def refund_sheet(request: SoukRequest, number: FromPath[str]) -> Html:
    """Before an order's money goes back: how much, where to, and why. Raises NotFound."""
    back = await site_of(request).services.orders.refunds.refundable(request.user, number)
    # Where lines can be chosen nothing is typed ahead: both together would be two answers.
    typed = str(back.most.decimal()) if back.most and not refund_screens.has_choice(back) else ""
    form = forms.Form[OrderRefundForm]({"amount": typed})
    return sheet(request, "payments/admin/_refund.html", await _view(request, number, back, form))


@post(_PATH + "/refund", name="admin:order-refund", guards=[_ORDERS, limited(PURCHASE)], status_code=200)
async def refund(request: SoukRequest, number: FromPath[str]) -> Html:
    """Refund it; the same sheet again refunds nothing. Raises NotFound, OrderNotPayable, RefundNotPossible."""
    form = await forms.read(request, OrderRefundForm)
    back = await site_of(request).services.orders.refunds.refundable(request.user, number)
    chosen = _chosen(back, await forms.posted(request))
    error = part_screens.amount_error(form)
    if form.value is not None and not error:
        amount = form.value.amount
        if (amount is None) == (not chosen):
            error = "both" if chosen else "required"
        else:
            try:
                return await _refund(request, number, form.value, amount or chosen)
            except RefundTooMuch:
                error = "too_much"
    back = await site_of(request).services.orders.refunds.refundable(request.user, number)
    view = await _view(request, number, back, form, error)
    return sheet(request, "payments/admin/_refund.html", view, status=FORM_ERROR)


def _chosen(back: Refundable, values: Mapping[str, object]) -> list[LineQuantity]:
    """How many of which lines were chosen. Raises Invalid for what no stepper sends."""
    chosen = []
    for place, line in enumerate(back.lines):
        try:
            quantity = whole_number(str(values.get(refund_screens.line_field(place)) or "0"))
        except ValueError as error:
            raise Invalid("a quantity that is no number") from error
        if quantity:
            chosen.append(LineQuantity(line.id, quantity))
    return chosen


async def _refund(
    request: SoukRequest, number: str, form: OrderRefundForm, requested: Money | list[LineQuantity]
) -> Html:
    """The last question, or the order after its refund. Raises RefundTooMuch."""
    services, actor = site_of(request).services, request.user
    order = await services.orders.history.find_by_number(actor, number) if form.ask else None
    if order is not None:
        amount = await services.orders.refunds.amount_of(actor, number, requested)
        return await ask_refund(request, amount, order.buyer_id)
    before = (await services.orders.refunds.refundable(actor, number)).used_up
    done = await services.orders.refunds.refund(
        actor, number, requested, form.target, form.reason, idempotency_key=form.intent
    )
    if await services.approvals.first(actor, ValueKind.REFUND, str(done.id)) is not None:
        return await _done(request, number, _("A second admin must approve this refund"))
    after = (await services.orders.refunds.refundable(actor, number)).used_up
    if before is not None and after is not None:
        said = site_of(request).viewer(actor).words.gettext("Refunded. Credits taken back: {count}")
        return await _done(request, number, fill(said, {"count": str(after.taken - before.taken)}))
    text = _("Refunded to their balance") if form.target is RefundTarget.WALLET else _("Refund sent")
    return await _done(request, number, text)


@get(_PATH + "/cancel", name="admin:order-cancel-sheet", guards=[_ORDERS])
async def cancel_sheet(request: SoukRequest, number: FromPath[str]) -> Html:
    """Before an order is cancelled: why."""
    return sheet(request, "core/_reason.html", ReasonSheet("cancel", f"/admin/orders/{number}/cancel"))


@post(_PATH + "/cancel", name="admin:order-cancel", guards=[_ORDERS, limited(WRITE)], status_code=200)
async def cancel(request: SoukRequest, number: FromPath[str]) -> Html:
    """Cancel an unpaid order. Raises NotFound, OrderNotPayable."""
    try:
        form = await forms.read_form(request, CancelForm)
    except Invalid:
        view = ReasonSheet("cancel", f"/admin/orders/{number}/cancel", error=True)
        return sheet(request, "core/_reason.html", view, status=FORM_ERROR)
    await site_of(request).services.orders.reservations.cancel_for(request.user, number, form.reason)
    return await _done(request, number, _("Order cancelled"))


async def _view(
    request: SoukRequest, number: str, back: Refundable, form: forms.Form[OrderRefundForm], error: AmountError = ""
) -> RefundSheet:
    services, viewer = site_of(request).services, site_of(request).viewer(request.user)
    order = await services.orders.history.find_by_number(request.user, number)
    buyer_id = order.buyer_id if order else None
    lines = refund_screens.line_rows(back, form.typed, viewer)
    return RefundSheet(
        action=f"/admin/orders/{number}/refund",
        title=viewer.words.gettext("Refund"),
        most=back.most,
        presets=part_screens.presets(back.most, form.text("amount")),
        intent=form.text("intent") or forms.new_intent(),
        obstacle="" if back.most else viewer.words.gettext("Nothing left to refund."),
        lines=lines,
        typed=form.text("amount"),
        reason=form.text("reason"),
        targets=refund_screens.order_targets(back, viewer),
        target=form.text("target") or RefundTarget.WALLET,
        amount_error=error,
        reason_error="reason" in form.errors,
        limit=await services.approvals.limit_on(request.user, Permission.ORDERS, buyer_id, back.most),
        unused=back.used_up,
    )


async def _done(request: SoukRequest, number: str, text: str) -> Html:
    words = site_of(request).viewer(request.user).words
    return toast(replaced(await order_page(request, number), f"/admin/orders/{number}"), words.gettext(text))


HANDLERS: Final = (refund_sheet, refund, cancel_sheet, cancel)
