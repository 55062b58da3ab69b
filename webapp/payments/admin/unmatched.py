"""Unmatched payments: provider events that belong to no payment. Each is assigned, accepted or dismissed."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.approvals.types import ValueKind
from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import OrderId, UserId
from backend.kernel.text import searched
from backend.payments.errors import PaymentClosed
from backend.payments.types import Intent, PaymentEventId, ProviderEvent
from webapp.approvals.admin import first_of
from webapp.core import forms
from webapp.core.answers import asked_by, asked_for_more, replaced, to_app
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import PURCHASE, WRITE, limited
from webapp.core.parts import AmountError, ReasonSheet, address
from webapp.core.responses import FORM_ERROR, Html, fragment, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.identity.screens.person import AssigneeRow, PickPage, assignee, assignee_named
from webapp.payments.admin.payments import PAYMENTS, payment_page
from webapp.payments.screens import admin_events as event_screens
from webapp.payments.screens import admin_parts as part_screens
from webapp.payments.screens.admin_events import AssignSheet, EventPage, UnmatchedPage

_MONEY = requires(Permission.MONEY)
UNMATCHED: Final = PAYMENTS + "/unmatched"
_ONE: Final = UNMATCHED + "/{event_id:uuid}"
_ERRORS: Final[dict[str, AmountError]] = {"above_maximum": "too_much", "no_price": "no_price"}


class PageQuery(msgspec.Struct, frozen=True):
    """The page of the list."""

    cursor: Annotated[str, Meta(max_length=200)] = ""


class SearchQuery(PageQuery, frozen=True):
    """The search for a person."""

    q: str = ""


class ReceiverForm(msgspec.Struct, frozen=True):
    """Who gets the money: a person by id, or else the buyer of an order by its number."""

    person: UUID | None = None
    order: Annotated[str, Meta(max_length=32)] = ""


class AssignForm(msgspec.Struct, frozen=True):
    """How much they get."""

    amount: forms.PositiveAmount


class ReasonForm(msgspec.Struct, frozen=True):
    """Why the event is dismissed."""

    reason: forms.Reason


@get(UNMATCHED, name="admin:unmatched", guards=[_MONEY])
async def unmatched(request: SoukRequest) -> Html:
    """Unmatched payments, the latest first; a next page is rows only."""
    query = forms.read_query(request, PageQuery)
    view = await _unmatched_view(request, query.cursor)
    if asked_for_more(request, query.cursor):
        return fragment(request, "payments/admin/_unmatched_rows.html", view)
    return manage_page(request, "payments/admin/unmatched.html", view, "payments", back=PAYMENTS)


@get(_ONE, name="admin:event", guards=[_MONEY])
async def event(request: SoukRequest, event_id: FromPath[UUID]) -> Html:
    """One provider event, and what can be done about it. Raises NotFound."""
    site, actor = site_of(request), request.user
    unmatched = await _event(request, event_id)
    viewer = site.viewer(actor)
    view = EventPage(
        event=event_screens.unmatched(unmatched, viewer),
        facts=event_screens.event_facts(unmatched, viewer),
        can=unmatched.actions,
        payment_href=f"{PAYMENTS}/{unmatched.intent_id}" if unmatched.intent_id else None,
        first=await first_of(request, ValueKind.UNMATCHED, unmatched.id)
        or await first_of(request, ValueKind.WAIVED_REFUND, unmatched.id),
    )
    return manage_page(request, "payments/admin/event.html", view, "payments", back=UNMATCHED)


@get(_ONE + "/people", name="admin:assignees", guards=[_MONEY])
async def people(request: SoukRequest, event_id: FromPath[UUID]) -> Html:
    """Choose the person who gets the money; a search or a next page is rows only."""
    query = forms.read_query(request, SearchQuery)
    searched_for = searched(query.q).removeprefix("@")
    page = await site_of(request).services.identity.people.find_users(request.user, searched_for, query.cursor or None)
    more, here = asked_for_more(request, query.cursor), f"{UNMATCHED}/{event_id}"
    view = PickPage(
        purpose="money",
        path=f"{here}/people",
        pick=f"{here}/assign?person=",
        query=searched_for,
        rows=tuple(assignee(person) for person in page.items),
        next_url=address(f"{here}/people", q=searched_for, cursor=page.next_cursor) if page.next_cursor else None,
        more=more,
    )
    if more or asked_by(request, "results"):
        return fragment(request, "identity/admin/_pick_rows.html", view)
    return manage_page(request, "identity/admin/pick.html", view, "payments", back=here)


@get(_ONE + "/assign", name="admin:assign-sheet", guards=[_MONEY])
async def assign_sheet(request: SoukRequest, event_id: FromPath[UUID]) -> Html:
    """Ask how much of the shop's currency is credited, and to whom. Raises NotFound."""
    receiver = forms.read_query(request, ReceiverForm)
    unmatched = await _event(request, event_id)
    return sheet(request, "payments/admin/_assign.html", await _assign_view(request, unmatched, receiver, forms.Form()))


@post(_ONE + "/assign", name="admin:assign", guards=[_MONEY, limited(PURCHASE)], status_code=200)
async def assign(request: SoukRequest, event_id: FromPath[UUID]) -> Html:
    """Credit it to a person, or to an order's buyer for the order.

    Raises NotFound, PaymentClosed once it is settled.
    """
    receiver = await forms.read_form(request, ReceiverForm)
    form = await forms.read(request, AssignForm)
    unmatched = await _event(request, event_id)
    user_id, order_id = await _receiver(request, receiver)
    if form.value is None or user_id is None:
        error = part_screens.amount_error(form)
        view = await _assign_view(request, unmatched, receiver, form, error, no_order=user_id is None)
        return sheet(request, "payments/admin/_assign.html", view, status=FORM_ERROR)
    inbox = site_of(request).services.payments.inbox
    try:
        intent = await inbox.assign(request.user, unmatched.id, user_id, form.value.amount, order_id)
    except Invalid as refusal:
        error = _ERRORS.get(refusal.fields.get("amount", ""), "not_a_number")
        view = await _assign_view(request, unmatched, receiver, form, error)
        return sheet(request, "payments/admin/_assign.html", view, status=FORM_ERROR)
    if intent is None:
        return await _settled(request, _("Awaiting second approval"))
    return await _credited(request, intent)


@post(_ONE + "/accept", name="admin:accept-refund", guards=[_MONEY, limited(WRITE)], status_code=200)
async def accept(request: SoukRequest, event_id: FromPath[UUID]) -> Html:
    """Record a refund that was made at the provider. Raises NotFound, PaymentClosed for any other event."""
    await site_of(request).services.payments.inbox.accept_refund(request.user, PaymentEventId(event_id))
    return await _settled(request, _("Refund recorded"))


@get(_ONE + "/dismiss", name="admin:dismiss-sheet", guards=[_MONEY])
async def dismiss_sheet(request: SoukRequest, event_id: FromPath[UUID]) -> Html:
    """Ask why the event is dismissed. Raises NotFound."""
    return sheet(request, "core/_reason.html", await _dismiss_view(request, event_id))


@post(_ONE + "/dismiss", name="admin:dismiss", guards=[_MONEY, limited(WRITE)], status_code=200)
async def dismiss(request: SoukRequest, event_id: FromPath[UUID]) -> Html:
    """Dismiss the event. Raises NotFound, PaymentClosed once it is settled."""
    try:
        form = await forms.read_form(request, ReasonForm)
    except Invalid:
        view = msgspec.structs.replace(await _dismiss_view(request, event_id), error=True)
        return sheet(request, "core/_reason.html", view, status=FORM_ERROR)
    done = await site_of(request).services.payments.inbox.dismiss(request.user, PaymentEventId(event_id), form.reason)
    return await _settled(request, _("Dismissed") if done else _("Awaiting second approval"))


async def _dismiss_view(request: SoukRequest, event_id: UUID) -> ReasonSheet:
    services, unmatched = site_of(request).services, await _event(request, event_id)
    limit = None
    if "accept" in unmatched.actions:  # the buyer keeps the money of a refund that is dismissed
        limit = await services.approvals.limit_on(request.user, Permission.MONEY, None)
    return ReasonSheet("dismiss", f"{UNMATCHED}/{event_id}/dismiss", limit=limit)


async def _event(request: SoukRequest, event_id: UUID) -> ProviderEvent:
    return await site_of(request).services.payments.inbox.event(request.user, PaymentEventId(event_id))


async def _receiver(request: SoukRequest, form: ReceiverForm) -> tuple[UserId | None, OrderId | None]:
    """The person who gets the money, and the order that it pays for."""
    if form.person is not None:
        return UserId(form.person), None
    order = await site_of(request).services.orders.history.find_by_number(request.user, form.order)
    return (order.buyer_id, order.id) if order else (None, None)


async def _assign_view(
    request: SoukRequest,
    unmatched: ProviderEvent,
    receiver: ReceiverForm,
    form: forms.Form[AssignForm],
    error: AmountError = "",
    *,
    no_order: bool = False,
) -> AssignSheet:
    if unmatched.amount is None or "person" not in unmatched.actions:
        raise PaymentClosed(unmatched.outcome)
    services = site_of(request).services
    worth = services.payments.inbox.worth(unmatched)
    most = worth.most if worth else None
    to = None if receiver.person is None else UserId(receiver.person)
    return AssignSheet(
        action=f"{UNMATCHED}/{unmatched.id}/assign",
        received=unmatched.amount,
        currency=site_of(request).settings.shop_currency,
        most=most,
        person=None if to is None else await _person(request, to),
        typed=form.text("amount") or (str(worth.amount.decimal()) if worth and not error else ""),
        typed_order=receiver.order,
        amount_error=error,
        order_error="" if not no_order else "not_found" if receiver.order else "required",
        limit=await services.approvals.limit_on(request.user, Permission.MONEY, to, most),
    )


async def _person(request: SoukRequest, user_id: UserId) -> AssigneeRow:
    names = await site_of(request).services.identity.people.names_of(request.user, [user_id])
    if user_id not in names:
        raise NotFound("no such person")
    return assignee_named(user_id, names[user_id])


async def _unmatched_view(request: SoukRequest, cursor: str) -> UnmatchedPage:
    site, actor = site_of(request), request.user
    page = await site.services.payments.inbox.unmatched(actor, cursor or None)
    viewer = site.viewer(actor)
    return UnmatchedPage(
        rows=tuple(event_screens.unmatched(row, viewer) for row in page.items),
        next_url=address(UNMATCHED, cursor=page.next_cursor) if page.next_cursor else None,
    )


async def _credited(request: SoukRequest, intent: Intent) -> Html:
    words = site_of(request).viewer(request.user).words
    shown = replaced(to_app(await payment_page(request, intent.id)), f"{PAYMENTS}/{intent.id}")
    return toast(shown, words.gettext("Assigned and credited"))


async def _settled(request: SoukRequest, message: str) -> Html:
    view = await _unmatched_view(request, "")
    shown = manage_page(request, "payments/admin/unmatched.html", view, "payments", back=PAYMENTS)
    words = site_of(request).viewer(request.user).words
    return toast(replaced(to_app(shown), UNMATCHED), words.gettext(message))


HANDLERS: Final = (unmatched, event, people, assign_sheet, assign, accept, dismiss_sheet, dismiss)
