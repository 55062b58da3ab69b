"""Vouchers: creating them, showing their codes once, stopping them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.growth.types import NewVouchers, VoucherBatchId
from backend.identity.types import Permission
from backend.kernel.errors import Invalid
from webapp.core import forms
from webapp.core.answers import replaced
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.growth.admin.value_form import ValueFields, value_form
from webapp.growth.screens import admin as present
from webapp.growth.screens.admin import CodesPage, NewVouchersPage, VoucherSheet, VouchersPage
from webapp.payments.admin.payments import PAYMENTS

_MONEY = requires(Permission.MONEY)
_PATH: Final = "/admin/vouchers"


class VoucherForm(ValueFields, frozen=True, kw_only=True):
    """``one`` code for ``count`` people, or ``many``: ``count`` codes for one person each."""

    intent: Annotated[str, Meta(max_length=64)] = ""
    kind: Literal["one", "many"] = "one"
    count: forms.Count = 1
    note: Annotated[str, Meta(max_length=200)] = ""


@get(_PATH, name="admin:vouchers", guards=[_MONEY])
async def vouchers(request: SoukRequest) -> Html:
    """The batches, the latest first."""
    return await _list_page(request)


@get(_PATH + "/new", name="admin:new-vouchers", guards=[_MONEY])
async def new_vouchers(request: SoukRequest) -> Html:
    """The form for new vouchers."""
    return await _form(request, forms.Form(), status=200)


@post(_PATH, name="admin:make-vouchers", guards=[_MONEY, limited(WRITE)], status_code=200)
async def make(request: SoukRequest) -> Html:
    """Create vouchers and show their codes, only this once. The same ``intent`` again creates and shows no more."""
    form = await forms.read(request, VoucherForm)
    if form.value is None:
        return await _form(request, form)
    site = site_of(request)
    try:
        new = await _make(request, form.value)
    except Invalid as refusal:
        return await _form(request, form, refusal.fields)
    view = CodesPage(present.voucher_row(new.batch, site.now()), new.codes)
    return replaced(manage_page(request, "growth/admin/codes.html", view, "payments", back=_PATH), _PATH)


@get(_PATH + "/{batch_id:uuid}", name="admin:voucher-sheet", guards=[_MONEY])
async def voucher(request: SoukRequest, batch_id: FromPath[UUID]) -> Html:
    """One batch, with the button that stops it. Raises NotFound."""
    site = site_of(request)
    batch = await site.services.growth.vouchers.get(request.user, VoucherBatchId(batch_id))
    return sheet(request, "growth/admin/_voucher.html", VoucherSheet(present.voucher_row(batch, site.now())))


@post(_PATH + "/{batch_id:uuid}/stop", name="admin:stop-vouchers", guards=[_MONEY, limited(WRITE)], status_code=200)
async def stop(request: SoukRequest, batch_id: FromPath[UUID]) -> Html:
    """Stop a batch, so that its codes can no longer be redeemed. Raises NotFound."""
    site = site_of(request)
    await site.services.growth.vouchers.stop(request.user, VoucherBatchId(batch_id))
    shown = replaced(await _list_page(request), _PATH)
    return toast(shown, site.viewer(request.user).words.gettext("Vouchers stopped"))


async def _make(request: SoukRequest, form: VoucherForm) -> NewVouchers:
    site, many = site_of(request), form.kind == "many"
    return await site.services.growth.vouchers.make(
        request.user,
        form.amount,
        people=1 if many else form.count,
        codes=form.count if many else 1,
        expires_at=forms.day_ends(form.ends, site.viewer(request.user).timezone) if form.ends else None,
        note=form.note,
        idempotency_key=form.intent or forms.new_intent(),
    )


async def _form(
    request: SoukRequest,
    form: forms.Form[VoucherForm],
    refused: Mapping[str, str] | None = None,
    *,
    status: int = FORM_ERROR,
) -> Html:
    services = site_of(request).services
    view = NewVouchersPage(
        form=value_form(request, form, refused),
        maximum=services.growth.vouchers.limits.maximum,
        limit=await services.approvals.limit_on(request.user, Permission.MONEY, None),
        intent=form.text("intent") or forms.new_intent(),
    )
    return manage_page(request, "growth/admin/new_vouchers.html", view, "payments", back=_PATH, status=status)


async def _list_page(request: SoukRequest) -> Html:
    site = site_of(request)
    batches = await site.services.growth.vouchers.list_all(request.user)
    view = VouchersPage(tuple(present.voucher_row(batch, site.now()) for batch in batches))
    return manage_page(request, "growth/admin/vouchers.html", view, "payments", back=PAYMENTS)


HANDLERS: Final = (vouchers, new_vouchers, make, voucher, stop)
