"""The list of payments, and one payment in full."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta, tzinfo
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Stream
from msgspec import Meta

from backend.approvals.types import ValueKind
from backend.identity.types import Permission
from backend.infra.formatting import timezone
from backend.kernel.errors import Unavailable
from backend.kernel.ids import OrderId, UserId
from backend.kernel.paging import Page
from backend.kernel.text import searched
from backend.payments.types import Intent, IntentId, IntentStatus, PaymentsNarrowed
from webapp.core import forms
from webapp.core.answers import asked_by, asked_for_more, pushed, to_app
from webapp.core.back_office import manage_page
from webapp.core.downloads import csv_file, downloader
from webapp.core.guards import PUBLIC, requires
from webapp.core.limits import WRITE, limited
from webapp.core.looks import goods_tile
from webapp.core.parts import Chip, address
from webapp.core.rendering import Viewer
from webapp.core.responses import FORM_ERROR, Html, fragment, live_url, pictures, sheet, signed_url, toast
from webapp.core.site import SoukRequest, site_of
from webapp.orders.screens.orders import list_title
from webapp.payments.admin.attention import money_places
from webapp.payments.screens import admin as present
from webapp.payments.screens import admin_events as event_screens
from webapp.payments.screens import admin_parts as part_screens
from webapp.payments.screens import admin_refunds as refund_screens
from webapp.payments.screens.admin import ManagePayments, PaymentFilePage, PaymentFilters
from webapp.payments.screens.admin_events import ManageDeposit
from webapp.payments.screens.admin_parts import ManagePaymentRow
from webapp.payments.screens.methods import method_title
from webapp.payments.screens.ranges import range_labels, reversed_range

_MONEY = requires(Permission.MONEY)
PAYMENTS: Final = "/admin/payments"
_TICK: Final = timedelta(microseconds=1)
_SECONDS: Final = 3600
"""How long the file's address is good for."""


class PaymentsQuery(msgspec.Struct, frozen=True):
    """The search, or else the filters of the list."""

    q: str = ""
    method: Annotated[str, Meta(max_length=40)] = ""
    status: IntentStatus | None = None
    person: UUID | None = None
    since: forms.Day | None = None
    until: forms.Day | None = None
    least: forms.Amount | None = None
    most: forms.Amount | None = None
    refunded: bool = False
    cursor: Annotated[str, Meta(max_length=200)] = ""

    def words(self) -> dict[str, str]:
        """What narrows the list, for an address."""
        values = {
            "method": self.method,
            "status": self.status,
            "person": self.person,
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "least": None if self.least is None else self.least.decimal(),
            "most": None if self.most is None else self.most.decimal(),
            "refunded": "1" if self.refunded else None,
        }
        return {name: str(value) for name, value in values.items() if value not in {None, ""}}

    def href(self, path: str = PAYMENTS, /, **change: object) -> str:
        """The list's address with these filters changed."""
        query = msgspec.structs.replace(self, **change)
        return address(path, **query.words(), cursor=query.cursor)

    def narrowed(self, there: tzinfo) -> PaymentsNarrowed:
        """Days, amounts and refunds, for the service; days are those of the admin's time zone."""
        return PaymentsNarrowed(
            since=forms.day_starts(self.since, there) if self.since else None,
            until=forms.day_ends(self.until, there) - _TICK if self.until else None,
            least=self.least,
            most=self.most,
            refunded=self.refunded,
        )


@get(PAYMENTS, name="admin:payments", guards=[_MONEY])
async def payments(request: SoukRequest) -> Html:
    """All payments, the latest first; a search or a next page is rows only."""
    return await _list(request, forms.read_query(request, PaymentsQuery))


async def _list(request: SoukRequest, query: PaymentsQuery) -> Html:
    site, actor = site_of(request), request.user
    viewer = site.viewer(actor)
    searched_for = searched(query.q)
    if searched_for:
        orders = await site.services.orders.search.find_ids(actor, query.q)
        page = Page(await site.services.payments.inbox.find(actor, searched_for, orders))
    else:
        page = await site.services.payments.inbox.list_payments(
            actor,
            method=query.method or None,
            status=query.status,
            user_id=UserId(query.person) if query.person else None,
            narrowed=query.narrowed(timezone(actor.timezone)),
            cursor=query.cursor or None,
        )
    names = await site.services.identity.people.names_of(actor, [intent.user_id for intent in page.items])
    more = asked_for_more(request, query.cursor)
    rows = [present.payment_row(intent, names, viewer) for intent in page.items]
    view = ManagePayments(
        query=searched_for,
        methods=await _method_chips(request, query),
        statuses=_status_chips(query, request),
        rows=await _with_goods(request, page.items, rows),
        person=await _person_chip(request, query),
        filtered=bool(query.words()),
        narrowed=_narrowed_chips(query, viewer),
        refunded=Chip(query.href(refunded=not query.refunded, cursor=""), active=query.refunded),
        filters_url=query.href(PAYMENTS + "/filters", cursor=""),
        export_url=signed_url(request, query.href(PAYMENTS + ".csv", cursor=""), seconds=_SECONDS),
        next_url=query.href(cursor=page.next_cursor) if page.next_cursor else None,
        more=more,
    )
    if more or asked_by(request, "results"):
        return fragment(request, "payments/admin/_payment_rows.html", view)
    if not query.words():
        view = msgspec.structs.replace(view, places=await money_places(request))
    return manage_page(request, "payments/admin/payments.html", view, "payments")


async def _with_goods(
    request: SoukRequest, intents: Sequence[Intent], rows: Sequence[ManagePaymentRow]
) -> tuple[ManagePaymentRow, ...]:
    """The rows with the goods of their orders; a top-up has none."""
    site, actor, picture = site_of(request), request.user, pictures(request)
    orders = await site.services.orders.history.goods_of(actor, [one.order_id for one in intents if one.order_id])
    return tuple(
        msgspec.structs.replace(
            row, goods=list_title(order, actor.language), tile=goods_tile(order.line, actor, picture)
        )
        if intent.order_id and (order := orders.get(intent.order_id))
        else row
        for intent, row in zip(intents, rows, strict=True)
    )


@get(PAYMENTS + "/filters", name="admin:payments-filters", guards=[_MONEY])
async def filters(request: SoukRequest) -> Html:
    """Days and amounts that the list can be narrowed to; with ``apply`` the list as it is then."""
    form = forms.read_typing(request, PaymentsQuery)
    applied = "apply" in request.query_params
    backwards = reversed_range(form.value) if form.value else ""
    if applied and form.value is not None and not backwards:
        query = msgspec.structs.replace(form.value, q="", cursor="")
        return pushed(to_app(await _list(request, query)), query.href())
    hidden = tuple((name, form.text(name)) for name in ("method", "status", "person") if form.text(name))
    view = PaymentFilters(form, hidden, backwards)
    return sheet(request, "payments/admin/_filters.html", view, status=FORM_ERROR if applied else 200)


@get(PAYMENTS + ".csv", name="admin:payments-csv", opt=PUBLIC)
async def payments_csv(request: Request[Any, Any, Any]) -> Stream:
    """The payments as a file, as they are narrowed, by signed address."""
    actor, site = await downloader(request), site_of(request)
    viewer, query = site.viewer(actor), forms.read_query(request, PaymentsQuery)
    pieces = await site.services.payments.exports.payments(
        actor,
        method=query.method or None,
        status=query.status,
        user_id=UserId(query.person) if query.person else None,
        narrowed=query.narrowed(timezone(actor.timezone)),
        header=present.columns(viewer),
        status_of=lambda intent: part_screens.status_badge(intent, viewer).text,
        method_of=lambda method: method_title(method, viewer),
    )
    return csv_file(pieces, "souk-payments.csv")


@get(PAYMENTS + "/{intent_id:uuid}", name="admin:payment", guards=[_MONEY])
async def payment(request: SoukRequest, intent_id: FromPath[UUID]) -> Html:
    """One payment in full. Raises NotFound."""
    return await payment_page(request, IntentId(intent_id))


@post(PAYMENTS + "/{intent_id:uuid}/look", name="admin:look", guards=[_MONEY, limited(WRITE)], status_code=200)
async def look(request: SoukRequest, intent_id: FromPath[UUID]) -> Html:
    """Ask the provider now, also long after the payment has expired. Raises NotFound."""
    site, words = site_of(request), site_of(request).viewer(request.user).words
    try:
        await site.services.payments.intents.poll_now(request.user, IntentId(intent_id))
    except Unavailable:
        shown = to_app(await payment_page(request, IntentId(intent_id)))
        return toast(shown, words.gettext("The provider isn't responding. Try again shortly"), "bad")
    shown = to_app(await payment_page(request, IntentId(intent_id)))
    return toast(shown, words.gettext("Checked with the provider"))


async def payment_page(request: SoukRequest, intent_id: IntentId) -> Html:
    """The page of one payment; only its changing part when that asks for itself. Raises NotFound."""
    services, actor = site_of(request).services, request.user
    viewer = site_of(request).viewer(actor)
    detail, choice = await asyncio.gather(
        services.payments.inbox.payment(actor, intent_id), services.payments.refunds.choice(actor, intent_id)
    )
    intent = detail.intent
    names = await services.identity.people.names_of(actor, [intent.user_id])
    number = await order_number(request, intent.order_id)
    view = PaymentFilePage(
        payment=present.payment_row(intent, names, viewer),
        sums=present.sums(intent, viewer),
        facts=present.payment_facts(intent, viewer),
        person_href=f"/admin/people/{intent.user_id}" + ("" if actor.may(Permission.USERS) else "/wallet"),
        order_number=number,
        order_href=f"/admin/orders/{number}" if number and actor.may(Permission.ORDERS) else None,
        events=tuple(event_screens.event(row, viewer) for row in detail.events),
        refunds=tuple(
            refund_screens.refund(row, viewer, off=not services.payments.methods.is_enabled(row.method))
            for row in detail.refunds
        ),
        refundable=bool(choice.most),
        obstacle=refund_screens.obstacle(choice, viewer) if intent.credited else "",
        deposit=await _deposit(request, intent),
        checkable=intent.external_id is not None
        and intent.method != event_screens.DEPOSIT
        and services.payments.methods.is_enabled(intent.method),
        until=intent.expires_at if intent.is_open else None,
        live_url=live_url(request, f"payment:{intent.id}"),
        explorer_url=services.payments.methods.explorer_url(intent),
    )
    if asked_by(request, "payment"):
        return fragment(request, "payments/admin/_payment.html", view)
    return manage_page(request, "payments/admin/payment.html", view, "payments", back=PAYMENTS)


async def order_number(request: SoukRequest, order_id: OrderId | None) -> str:
    """The number of the order that a payment is for; empty for a top-up."""
    if order_id is None:
        return ""
    numbers = await site_of(request).services.orders.history.numbers_of(request.user, [order_id])
    return numbers.get(order_id, "")


async def _deposit(request: SoukRequest, intent: Intent) -> ManageDeposit | None:
    if intent.method != event_screens.DEPOSIT:
        return None
    services, actor = site_of(request).services, request.user
    proofs = await services.payments.deposits.receipts(actor, intent.id)
    first = await services.approvals.first(actor, ValueKind.DEPOSIT, str(intent.id))
    names = await services.identity.people.names_of(actor, [first.by]) if first else {}
    return event_screens.deposit(intent, proofs, lambda target: signed_url(request, target), first, names)


async def _person_chip(request: SoukRequest, query: PaymentsQuery) -> Chip | None:
    """The filter by person, as a chip that removes it."""
    if query.person is None:
        return None
    names = await site_of(request).services.identity.people.names_of(request.user, [UserId(query.person)])
    return Chip(
        href=query.href(person=None, cursor=""), active=True, label=names.get(UserId(query.person), "—"), icon="me"
    )


def _narrowed_chips(query: PaymentsQuery, viewer: Viewer) -> tuple[Chip, ...]:
    """A chip for each day and amount, which takes it off."""
    labels = range_labels(query.since, query.until, query.least, query.most, viewer)
    return tuple(
        Chip(query.href(PAYMENTS, **{name: None}, cursor=""), active=True, label=text) for name, text in labels
    )


async def _method_chips(request: SoukRequest, query: PaymentsQuery) -> tuple[Chip, ...]:
    site, actor = site_of(request), request.user
    names = [method.name for method in await site.services.payments.methods.enabled(actor)]
    if query.method and query.method not in names:  # disabled since
        names.append(query.method)
    chips = [Chip(href=query.href(method="", cursor=""), active=not query.method, key="all")]
    return tuple(
        chips
        + [
            Chip(
                href=query.href(method=name, cursor=""),
                active=name == query.method,
                label=method_title(name, site.viewer(actor)),
            )
            for name in names
        ]
    )


def _status_chips(query: PaymentsQuery, request: SoukRequest) -> tuple[Chip, ...]:
    viewer = site_of(request).viewer(request.user)
    chips = [Chip(href=query.href(status=None, cursor=""), active=query.status is None, key="all")]
    return tuple(
        chips
        + [
            Chip(
                href=query.href(status=status, cursor=""),
                active=status is query.status,
                label=part_screens.badge(words, viewer).text,
            )
            for status, words in part_screens.STATUSES.items()
            if status is not IntentStatus.CREATED
        ]
    )


HANDLERS: Final = (payments, filters, payments_csv, payment, look)
