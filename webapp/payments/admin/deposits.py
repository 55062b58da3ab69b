"""Payments by hand: transfer receipts from buyers, and their review by an admin."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid, NotFound
from backend.payments.errors import PaymentClosed
from backend.payments.types import Intent, IntentId, TransferReceiptId
from webapp.core import forms
from webapp.core.answers import replaced
from webapp.core.back_office import manage_page
from webapp.core.guards import PUBLIC, actor_of_address, requires
from webapp.core.limits import WRITE, limited
from webapp.core.parts import AmountError, ReasonSheet
from webapp.core.responses import FORM_ERROR, Html, sheet, signed_url, toast
from webapp.core.site import SoukRequest, site_of
from webapp.payments.admin.payments import PAYMENTS, payment_page
from webapp.payments.screens import admin as present
from webapp.payments.screens import admin_events as event_screens
from webapp.payments.screens import admin_parts as part_screens
from webapp.payments.screens.admin_events import ConfirmDepositSheet, DepositsPage, ReceiptSheet
from webapp.payments.screens.deposit import proof_path

_MONEY = requires(Permission.MONEY)
_ONE: Final = PAYMENTS + "/{intent_id:uuid}"


class ReceivedForm(msgspec.Struct, frozen=True):
    """How much has been received in all."""

    amount: forms.Amount


class ReasonForm(msgspec.Struct, frozen=True):
    """Why the receipts are rejected."""

    reason: forms.Reason


@get(PAYMENTS + "/deposits", name="admin:deposits", guards=[_MONEY])
async def deposits(request: SoukRequest) -> Html:
    """Payments with receipts to review, the oldest first."""
    site, actor = site_of(request), request.user
    listed = await site.services.payments.deposits.awaiting_review(actor)
    viewer = site.viewer(actor)
    names = {deposit.intent.user_id: deposit.payer for deposit in listed}
    view = DepositsPage(tuple(present.payment_row(deposit.intent, names, viewer) for deposit in listed))
    return manage_page(request, "payments/admin/deposits.html", view, "payments", back=PAYMENTS)


@get(PAYMENTS + "/proofs/{name:str}", name="admin:proof", opt=PUBLIC)
async def proof(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """A transfer receipt, at an address signed for its sender or for one admin; the extension names its type.

    Raises LinkExpired, NotFound.
    """
    actor = await actor_of_address(request)
    proof_id = part_screens.as_id(name.partition(".")[0])
    if proof_id is None:
        raise NotFound("no such receipt")
    file = await site_of(request).services.payments.deposits.open_receipt(actor, TransferReceiptId(proof_id))
    headers = {"cache-control": "private, no-store", "content-security-policy": "default-src 'none'; sandbox"}
    return Response(file.data, media_type=file.content_type, headers=headers)


@get(_ONE + "/receipts/{proof_id:uuid}", name="admin:receipt-sheet", guards=[_MONEY])
async def receipt_sheet(request: SoukRequest, intent_id: FromPath[UUID], proof_id: FromPath[UUID]) -> Html:
    """One picture of a transfer receipt, in full screen. Raises NotFound."""
    shown = await site_of(request).services.payments.deposits.receipts(request.user, IntentId(intent_id))
    receipt = next((item for item in shown if item.id == proof_id), None)
    if receipt is None:
        raise NotFound("no such receipt")
    view = ReceiptSheet(signed_url(request, proof_path(receipt)), receipt.at, receipt.note)
    return sheet(request, "payments/admin/_receipt.html", view)


@get(_ONE + "/confirm", name="admin:confirm-sheet", guards=[_MONEY])
async def confirm_sheet(request: SoukRequest, intent_id: FromPath[UUID]) -> Html:
    """Ask how much has been received in all. Raises NotFound."""
    intent = await _intent(request, intent_id)
    return sheet(
        request, "payments/admin/_confirm_deposit.html", await _view(request, intent, str(intent.payable.decimal()))
    )


@post(_ONE + "/confirm", name="admin:confirm-deposit", guards=[_MONEY, limited(WRITE)], status_code=200)
async def confirm(request: SoukRequest, intent_id: FromPath[UUID]) -> Html:
    """Credit what has been received; the same amount again credits nothing more.

    Raises NotFound, PaymentClosed, SecondAdminNeeded for the admin's own payment.
    """
    services, intent = site_of(request).services, await _intent(request, intent_id)
    form = await forms.read(request, ReceivedForm, intent.payable.currency)
    if form.value is None:
        return await _refused(request, intent, form, "not_a_number")
    amount = form.value.amount
    try:
        confirmed = await services.payments.deposits.confirm(request.user, intent.id, amount)
    except Invalid as refusal:
        below = refusal.fields.get("amount") == "below_received"
        return await _refused(request, intent, form, "too_little" if below else "not_a_number")
    if confirmed.received < amount:
        return await _reviewed(request, intent.id, _("Awaiting second approval"))
    return await _reviewed(request, intent.id, _("Confirmed and credited"))


@get(_ONE + "/reject", name="admin:reject-sheet", guards=[_MONEY])
async def reject_sheet(request: SoukRequest, intent_id: FromPath[UUID]) -> Html:
    """Ask why the receipts are rejected; the buyer sees the reason."""
    return sheet(request, "core/_reason.html", ReasonSheet("reject", f"{PAYMENTS}/{intent_id}/reject"))


@post(_ONE + "/reject", name="admin:reject-deposit", guards=[_MONEY, limited(WRITE)], status_code=200)
async def reject(request: SoukRequest, intent_id: FromPath[UUID]) -> Html:
    """Reject the receipts: the payment was not received. Raises NotFound, PaymentClosed."""
    try:
        form = await forms.read_form(request, ReasonForm)
    except Invalid:
        view = ReasonSheet("reject", f"{PAYMENTS}/{intent_id}/reject", error=True)
        return sheet(request, "core/_reason.html", view, status=FORM_ERROR)
    await site_of(request).services.payments.deposits.reject(request.user, IntentId(intent_id), form.reason)
    return await _reviewed(request, IntentId(intent_id), _("Receipt rejected"))


async def _intent(request: SoukRequest, intent_id: UUID) -> Intent:
    intent = (await site_of(request).services.payments.inbox.payment(request.user, IntentId(intent_id))).intent
    if intent.method != event_screens.DEPOSIT:
        raise PaymentClosed(intent.method)
    return intent


async def _view(request: SoukRequest, intent: Intent, typed: str, error: AmountError = "") -> ConfirmDepositSheet:
    return ConfirmDepositSheet(
        action=f"{PAYMENTS}/{intent.id}/confirm",
        reference=intent.reference,
        payable=intent.payable,
        received=intent.received,
        limit=await site_of(request).services.approvals.limit_on(request.user, Permission.MONEY, intent.user_id),
        typed=typed,
        amount_error=error,
    )


async def _refused(request: SoukRequest, intent: Intent, form: forms.Form[ReceivedForm], error: AmountError) -> Html:
    view = await _view(request, intent, form.text("amount"), error)
    return sheet(request, "payments/admin/_confirm_deposit.html", view, status=FORM_ERROR)


async def _reviewed(request: SoukRequest, intent_id: IntentId, message: str) -> Html:
    words = site_of(request).viewer(request.user).words
    return toast(replaced(await payment_page(request, intent_id), f"{PAYMENTS}/{intent_id}"), words.gettext(message))


HANDLERS: Final = (deposits, proof, receipt_sheet, confirm_sheet, confirm, reject_sheet, reject)
