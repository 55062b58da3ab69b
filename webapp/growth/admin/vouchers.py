"""Vouchers: made, shown once, stopped."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.growth.types import NewVouchers, VoucherBatchId
from backend.identity.types import Permission
from backend.kernel.errors import Invalid
from backend.kernel.text import whole_number
from webapp.core import forms
from webapp.core.answers import replaced
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.growth import screens as present
from webapp.growth.screens import CodesPage, NewVouchersPage, VoucherSheet, VouchersPage
from webapp.payments.admin.payments import PAYMENTS

_MONEY = requires(Permission.MONEY)
_PATH: Final = "/admin/vouchers"
_Typed = Annotated[str, Meta(max_length=32)]


class VoucherForm(msgspec.Struct, frozen=True):
    """One code for ``count`` people, or ``count`` codes for one each; ``until`` is the last day, as 2026-11-21."""

    intent: Annotated[str, Meta(max_length=64)] = ""
    preset: _Typed = ""
    amount: _Typed = ""
    kind: Literal["one", "many"] = "one"
    count: _Typed = ""
    until: _Typed = ""
    note: Annotated[str, Meta(max_length=200)] = ""


@get(_PATH, name="admin:vouchers", guards=[_MONEY])
async def vouchers(request: SoukRequest) -> Html:
    """The batches, the latest first."""
    return await _list_page(request)


@get(_PATH + "/new", name="admin:new-vouchers", guards=[_MONEY])
async def new_vouchers(request: SoukRequest) -> Html:
    """What they are to be worth, and to whom."""
    return await _form(request, VoucherForm(), {})


@post(_PATH, name="admin:make-vouchers", guards=[_MONEY, limited(WRITE)], status_code=200)
async def make(request: SoukRequest) -> Html:
    """Make them and show the codes, this once. The same ``intent`` again makes and shows nothing more."""
    form = await forms.read_form(request, VoucherForm)
    site = site_of(request)
    try:
        made = await _make(request, form)
    except Invalid as refusal:
        return await _form(request, form, refusal.fields)
    view = CodesPage(present.voucher_row(made.batch, site.now()), made.codes)
    return replaced(manage_page(request, "growth/admin/codes.html", view, "payments", back=_PATH), _PATH)


@get(_PATH + "/{batch_id:uuid}", name="admin:voucher-sheet", guards=[_MONEY])
async def voucher(request: SoukRequest, batch_id: FromPath[UUID]) -> Html:
    """One batch, and the way to stop it. Raises NotFound."""
    site = site_of(request)
    batch = await site.services.growth.vouchers.get(request.user, VoucherBatchId(batch_id))
    return sheet(request, "growth/admin/_voucher.html", VoucherSheet(present.voucher_row(batch, site.now())))


@post(_PATH + "/{batch_id:uuid}/stop", name="admin:stop-vouchers", guards=[_MONEY, limited(WRITE)], status_code=200)
async def stop(request: SoukRequest, batch_id: FromPath[UUID]) -> Html:
    """Let none of its codes be redeemed from now on. Raises NotFound."""
    site = site_of(request)
    await site.services.growth.vouchers.stop(request.user, VoucherBatchId(batch_id))
    shown = replaced(await _list_page(request), _PATH)
    return toast(shown, site.viewer(request.user).words.gettext("Nobody can redeem it any more"))


async def _make(request: SoukRequest, form: VoucherForm) -> NewVouchers:
    """Make what the form says. Raises Invalid with every field that is wrong."""
    site, wrong = site_of(request), dict[str, str]()
    services, viewer = site.services, site.viewer(request.user)
    count, until, amount = 1, None, None
    try:
        amount = services.payments.methods.read_amount(form.amount or form.preset)
    except Invalid:
        wrong["amount"] = "not_a_number" if form.amount or form.preset else "required"
    try:
        count = whole_number(form.count or "1", most_digits=9)
    except ValueError:
        wrong["count"] = "not_a_number"
    try:
        until = present.read_day(form.until, viewer, after=True)
    except (ValueError, OverflowError):
        wrong["until"] = "not_a_day"
    if wrong or amount is None:
        raise Invalid("vouchers", fields=wrong)
    many = form.kind == "many"
    return await services.growth.vouchers.make(
        request.user,
        amount,
        people=1 if many else count,
        codes=count if many else 1,
        expires_at=until,
        note=form.note,
        idempotency_key=form.intent or forms.new_intent(),
    )


_FIELDS: Final = {"people": "count", "codes": "count", "expires": "until"}


async def _form(request: SoukRequest, form: VoucherForm, wrong: dict[str, str]) -> Html:
    limits = site_of(request).services.growth.vouchers.limits
    view = NewVouchersPage(
        presets=present.presets(limits, form.amount or form.preset),
        maximum=limits.maximum,
        limit=await site_of(request).services.approvals.limit_on(request.user, Permission.MONEY, None),
        intent=form.intent or forms.new_intent(),
        amount=form.amount,
        kind=form.kind,
        count=form.count,
        until=form.until,
        note=form.note,
        errors={_FIELDS.get(name, name): code for name, code in wrong.items()},
    )
    status = FORM_ERROR if wrong else 200
    return manage_page(request, "growth/admin/new_vouchers.html", view, "payments", back=_PATH, status=status)


async def _list_page(request: SoukRequest) -> Html:
    site = site_of(request)
    found = await site.services.growth.vouchers.list_all(request.user)
    view = VouchersPage(tuple(present.voucher_row(batch, site.now()) for batch in found))
    return manage_page(request, "growth/admin/vouchers.html", view, "payments", back=PAYMENTS)


HANDLERS: Final = (vouchers, new_vouchers, make, voucher, stop)
