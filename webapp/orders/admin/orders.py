"""Orders, as an admin finds and sees them: never with their keys."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from litestar import get
from litestar.params import FromPath
from msgspec import Meta

from backend.approvals.types import ValueKind
from backend.identity.types import Permission
from backend.kernel.paging import Page
from backend.kernel.text import searched
from backend.orders.types import OrderStatus, OrderView
from backend.orders.types.refunds import Refundable
from backend.payments.types import Intent
from webapp.approvals.admin import first_of
from webapp.core import forms
from webapp.core.answers import asked_by, asked_for_more
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.parts import Chip, address
from webapp.core.responses import Html, fragment, pictures
from webapp.core.site import SoukRequest, site_of
from webapp.identity.admin.people import person_row_of
from webapp.orders.routes.orders import subscription_link
from webapp.orders.screens import admin as order_screens
from webapp.orders.screens import orders as order_views
from webapp.orders.screens.admin import ManageOrder, ManageOrders
from webapp.payments.screens import admin as money
from webapp.payments.screens import admin_refunds as refund_screens

_FILTERS: Final[dict[str, OrderStatus | None]] = {"all": None} | {status.value: status for status in OrderStatus}


class OrdersQuery(msgspec.Struct, frozen=True):
    """What is looked for, in words or by a state."""

    q: str = ""
    status: OrderStatus | None = None
    cursor: Annotated[str, Meta(max_length=200)] = ""


@get("/admin/orders", name="admin:orders", guards=[requires(Permission.ORDERS)])
async def orders(request: SoukRequest) -> Html:
    """Everybody's orders, newest first; a search or a next page comes as rows only."""
    query = forms.read_query(request, OrdersQuery)
    site, actor = site_of(request), request.user
    searched_for, named = searched(query.q), []
    if searched_for:
        listed = Page(await site.services.orders.search.find(actor, query.q))
        if actor.may(Permission.MONEY):
            named = await site.services.payments.inbox.find_named(actor, searched_for)
    else:
        listed = await site.services.orders.history.list_all(actor, query.status, query.cursor or None)
    people = [*(row.buyer_id for row in listed.items), *(intent.user_id for intent in named)]
    names = await site.services.identity.people.names_of(actor, people)
    viewer = site.viewer(actor)
    more = asked_for_more(request, query.cursor)
    view = ManageOrders(
        query=searched_for,
        payments=tuple(money.payment_row(intent, names, viewer) for intent in named),
        filters=tuple(
            Chip(href=address("/admin/orders", status=status), active=status == query.status, key=key)
            for key, status in _FILTERS.items()
        ),
        rows=tuple(order_screens.order_row(row, names, actor, viewer) for row in listed.items),
        next_url=address("/admin/orders", status=query.status, cursor=listed.next_cursor)
        if listed.next_cursor
        else None,
        more=more,
        claims=await site.services.orders.warranty.count_in_review(actor),
    )
    if more or asked_by(request, "results"):
        return fragment(request, "orders/admin/_order_rows.html", view)
    return manage_page(request, "orders/admin/orders.html", view, "orders")


@get("/admin/orders/{number:str}", name="admin:order", guards=[requires(Permission.ORDERS)])
async def order(request: SoukRequest, number: FromPath[str]) -> Html:
    """One order with its buyer, its payments and refunds. Raises NotFound."""
    return await order_page(request, number)


async def order_page(request: SoukRequest, number: str) -> Html:
    """The page of one order. Raises NotFound."""
    site, actor = site_of(request), request.user
    detail = await site.services.orders.history.admin_detail(actor, number)
    names = await site.services.identity.people.names_of(actor, [detail.user_id])
    person = await person_row_of(request, detail.user_id) if actor.may(Permission.USERS) else None
    back = await site.services.orders.refunds.refundable(actor, number)
    sent = await site.services.payments.refunds.list_for(actor, order_id=detail.id)
    off = {row.method for row in sent if not site.services.payments.methods.is_enabled(row.method)}
    payments = await _payments(request, detail)
    link = await subscription_link(request, detail, "/admin/subscriptions")
    viewer = site.viewer(actor)
    view = ManageOrder(
        order=order_views.of_subscription(order_views.detail(detail, actor, viewer, pictures(request)), link),
        buyer=names.get(detail.user_id, "—"),
        person=person,
        paid_with=order_screens.paid_with(detail, payments, viewer),
        payments=tuple(money.payment_row(intent, names, viewer) for intent in payments),
        refunds=refund_screens.order_refunds(back, sent, viewer, linked=actor.may(Permission.MONEY), off=off),
        can=_can(detail, back) if detail.user_id != actor.user_id else frozenset(),
        first=await first_of(request, ValueKind.REFUND, detail.id),
    )
    return manage_page(request, "orders/admin/order.html", view, "orders", back="/admin/orders")


async def _payments(request: SoukRequest, order: OrderView) -> list[Intent]:
    """The payments that were begun for an order, for an admin who may see money."""
    if not request.user.may(Permission.MONEY):
        return []
    return (await site_of(request).services.payments.inbox.list_payments(request.user, order_id=order.id)).items


def _can(order: OrderView, back: Refundable) -> frozenset[Literal["refund", "cancel"]]:
    if back.most:
        return frozenset({"refund"})
    return frozenset({"cancel"} if order.status is OrderStatus.AWAITING_PAYMENT else ())


HANDLERS: Final = (orders, order)
