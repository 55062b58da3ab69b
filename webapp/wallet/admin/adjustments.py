"""A person's wallet: its history, an admin's credit or debit of it, and a second admin's word on that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.identity.types import Permission
from backend.infra.formatting import format_money
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.wallet.errors import InsufficientFunds
from backend.wallet.types import Adjustment, AdjustmentId, AdjustmentStatus
from webapp.core import forms
from webapp.core.answers import asked_for_more, replaced, say, to_app
from webapp.core.back_office import manage_page
from webapp.core.confirming import question
from webapp.core.guards import requires
from webapp.core.limits import PURCHASE, WRITE, limited
from webapp.core.parts import AmountError, ReasonSheet, address
from webapp.core.responses import FORM_ERROR, Html, fragment, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.payments.admin.payments import PAYMENTS
from webapp.payments.admin.refunds import AmountForm
from webapp.payments.screens.admin_parts import amount_error
from webapp.wallet.screens import admin as present
from webapp.wallet.screens.admin import AdjustmentsPage, AdjustmentView, AdjustSheet, PersonWallet

_MONEY = requires(Permission.MONEY)
_PERSON: Final = "/admin/people/{user_id:uuid}"
_WAITING: Final = "/admin/adjustments"
_ONE: Final = _WAITING + "/{adjustment_id:uuid}"


class PageQuery(msgspec.Struct, frozen=True):
    """Where the next page of the history starts."""

    cursor: Annotated[str, Meta(max_length=400)] = ""


class AdjustForm(AmountForm, frozen=True):
    """An amount with its reason, and whether it is credited or debited."""

    direction: Literal["credit", "debit"] = "credit"


class ReasonForm(msgspec.Struct, frozen=True):
    """A reason."""

    reason: forms.Reason


@get(_PERSON + "/wallet", name="admin:wallet", guards=[_MONEY])
async def wallet(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """A person's balance, its adjustments and its history; a next page comes as rows only. Raises NotFound."""
    query = forms.read_query(request, PageQuery)
    return await _wallet_page(request, UserId(user_id), query.cursor)


@get(_PERSON + "/adjust", name="admin:adjust-sheet", guards=[_MONEY])
async def adjust_sheet(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """The form of a balance adjustment. Raises NotFound."""
    return sheet(request, "wallet/admin/_adjust.html", await _adjust_view(request, UserId(user_id), forms.Form()))


@post(_PERSON + "/adjust", name="admin:adjust", guards=[_MONEY, limited(PURCHASE)], status_code=200)
async def adjust(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Adjust a balance, or ask a second admin to approve it; the same form again changes nothing. Raises NotFound."""
    form = await forms.read(request, AdjustForm)
    error = amount_error(form)
    if form.value is not None:
        try:
            return await _adjust(request, UserId(user_id), form.value)
        except InsufficientFunds:
            error = "spent"
        except Invalid:
            error = "not_a_number"
    view = await _adjust_view(request, UserId(user_id), form, error)
    return sheet(request, "wallet/admin/_adjust.html", view, status=FORM_ERROR)


async def _adjust(request: SoukRequest, user_id: UserId, form: AdjustForm) -> Html:
    """The confirmation, or the wallet after its adjustment. Raises NotFound, Invalid, InsufficientFunds."""
    amount = -form.amount if form.direction == "debit" else form.amount
    if form.ask:
        return await _ask(request, user_id, amount)
    done = await site_of(request).services.wallet.adjustments.adjust(
        request.user, user_id, amount, form.reason, idempotency_key=f"admin:{form.intent}"
    )
    text = _("Sent to another admin for approval") if done.status is AdjustmentStatus.WAITING else _("Done")
    shown = await _wallet_page(request, user_id)
    return _done(request, replaced(shown, f"/admin/people/{user_id}/wallet"), text)


async def _ask(request: SoukRequest, user_id: UserId, amount: Money) -> Html:
    name, balance = await _name_and_balance(request, user_id)
    viewer = site_of(request).viewer(request.user)
    say, title = viewer.words.gettext, present.adjust_question(amount, name, viewer)
    after = {"balance": format_money(balance + amount, viewer.locale)}
    text = say(_("New balance: %(balance)s. We'll message the customer.")) % after
    return await question(request, title, say(_("Adjust balance")), text, danger=amount.amount < 0)


@get(_WAITING, name="admin:adjustments", guards=[_MONEY])
async def adjustments(request: SoukRequest) -> Html:
    """Adjustments to approve, the oldest first."""
    return await _waiting_page(request)


@post(_ONE + "/approve", name="admin:approve", guards=[_MONEY, limited(WRITE)], status_code=200)
async def approve(request: SoukRequest, adjustment_id: FromPath[UUID]) -> Html:
    """Approve an adjustment. Raises NotFound, SecondAdminNeeded for one's own, AdjustmentClosed."""
    try:
        await site_of(request).services.wallet.adjustments.approve(request.user, AdjustmentId(adjustment_id))
    except InsufficientFunds:
        words = site_of(request).viewer(request.user).words
        return toast(
            await _waiting_page(request), words.gettext("Their balance is too low. The request stays pending"), "bad"
        )
    return _done(request, await _waiting_page(request), _("Done"))


@get(_ONE + "/refuse", name="admin:refuse-sheet", guards=[_MONEY])
async def refuse_sheet(request: SoukRequest, adjustment_id: FromPath[UUID]) -> Html:
    """The form that asks for the reason of a rejection. Raises NotFound."""
    return sheet(request, "core/_reason.html", await _refuse_view(request, AdjustmentId(adjustment_id)))


@post(_ONE + "/refuse", name="admin:refuse", guards=[_MONEY, limited(WRITE)], status_code=200)
async def refuse(request: SoukRequest, adjustment_id: FromPath[UUID]) -> Html:
    """Reject or withdraw an adjustment. Raises NotFound, AdjustmentClosed."""
    try:
        form = await forms.read_form(request, ReasonForm)
    except Invalid:
        view = await _refuse_view(request, AdjustmentId(adjustment_id), error=True)
        return sheet(request, "core/_reason.html", view, status=FORM_ERROR)
    await site_of(request).services.wallet.adjustments.refuse(request.user, AdjustmentId(adjustment_id), form.reason)
    return _done(request, await _waiting_page(request), _("Rejected"))


async def _refuse_view(request: SoukRequest, adjustment_id: AdjustmentId, *, error: bool = False) -> ReasonSheet:
    site, actor = site_of(request), request.user
    item = await site.services.wallet.adjustments.get(actor, adjustment_id)
    names = await site.services.identity.people.names_of(actor, [item.user_id])
    title = present.refuse_question(item, names.get(item.user_id, "—"), actor, site.viewer(actor))
    return ReasonSheet("refuse", f"{_WAITING}/{adjustment_id}/refuse", error, title)


async def _waiting_page(request: SoukRequest) -> Html:
    waiting = await site_of(request).services.wallet.adjustments.waiting(request.user)
    view = AdjustmentsPage(await _views(request, waiting))
    return replaced(
        to_app(manage_page(request, "wallet/admin/adjustments.html", view, "payments", back=PAYMENTS)), _WAITING
    )


async def _views(request: SoukRequest, adjustments: Sequence[Adjustment]) -> tuple[AdjustmentView, ...]:
    site, actor = site_of(request), request.user
    names = await site.services.identity.people.names_of(
        actor, [id_ for item in adjustments for id_ in (item.user_id, item.asked_by)]
    )
    return tuple(present.adjustment(item, names, actor, site.viewer(actor)) for item in adjustments)


async def _name_and_balance(request: SoukRequest, user_id: UserId) -> tuple[str, Money]:
    site, actor = site_of(request), request.user
    names = await site.services.identity.people.names_of(actor, [user_id])
    if user_id not in names:
        raise NotFound("no such person")
    balances = await site.services.wallet.statement.balances_of(actor, [user_id])
    return names[user_id], balances.get(user_id, Money.zero(site.settings.shop_currency))


async def _wallet_page(request: SoukRequest, user_id: UserId, cursor: str = "") -> Html:
    site, actor = site_of(request), request.user
    here = f"/admin/people/{user_id}"
    name, balance = await _name_and_balance(request, user_id)
    history = await site.services.wallet.statement.history_of(actor, user_id, cursor or None)
    viewer = site.viewer(actor)
    view = PersonWallet(
        person_id=str(user_id),
        name=name,
        balance=balance,
        entries=tuple(present.wallet_entry(row, actor, viewer) for row in history.items),
        next_url=address(f"{here}/wallet", cursor=history.next_cursor) if history.next_cursor else None,
    )
    if asked_for_more(request, cursor):
        return fragment(request, "wallet/admin/_wallet_rows.html", view)
    adjustments = await _views(request, await site.services.wallet.adjustments.of(actor, user_id))
    view = msgspec.structs.replace(view, adjustments=adjustments)
    back = here if actor.may(Permission.USERS) else PAYMENTS
    return manage_page(request, "wallet/admin/wallet.html", view, "people", back=back)


async def _adjust_view(
    request: SoukRequest, user_id: UserId, form: forms.Form[AdjustForm], error: AmountError = ""
) -> AdjustSheet:
    name, balance = await _name_and_balance(request, user_id)
    return AdjustSheet(
        action=f"/admin/people/{user_id}/adjust",
        name=name,
        balance=balance,
        limit=await site_of(request).services.approvals.limit_on(request.user, Permission.MONEY, user_id),
        intent=form.text("intent") or forms.new_intent(),
        debit=form.text("direction") == "debit",
        typed=form.text("amount"),
        reason=form.text("reason"),
        amount_error=error,
        reason_error="reason" in form.errors,
    )


def _done(request: SoukRequest, response: Html, text: str) -> Html:
    return say(request, response, text)


HANDLERS: Final = (wallet, adjust_sheet, adjust, adjustments, approve, refuse_sheet, refuse)
