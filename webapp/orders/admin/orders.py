"""Orders, as an admin finds and sees them: never with their keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Stream

from backend.approvals.types import ValueKind
from backend.catalog.types import CategoryId, ProductId
from backend.identity.types import Permission
from backend.infra.formatting import timezone
from backend.kernel.ids import UserId
from backend.kernel.paging import Page
from backend.kernel.text import searched
from backend.orders.types import BALANCE, OrderStatus, OrderView
from backend.orders.types.criteria import OrderCriteria
from backend.orders.types.refunds import Refundable
from backend.payments.types import Intent
from webapp.approvals.admin import first_of
from webapp.core import forms
from webapp.core.answers import asked_by, asked_for_more, pushed, to_app
from webapp.core.back_office import manage_page
from webapp.core.downloads import csv_file, downloader
from webapp.core.guards import PUBLIC, requires
from webapp.core.parts import Chip, address
from webapp.core.responses import FORM_ERROR, Html, fragment, pictures, sheet, signed_url
from webapp.core.site import SoukRequest, site_of
from webapp.identity.admin.people import person_row_of
from webapp.orders.routes.asking import answered
from webapp.orders.routes.orders import subscription_link
from webapp.orders.screens import admin as order_screens
from webapp.orders.screens import filters as filter_screens
from webapp.orders.screens import orders as order_views
from webapp.orders.screens.admin import ManageOrder, ManageOrders
from webapp.orders.screens.filters import ORDERS, FiltersSheet, OrdersQuery
from webapp.payments.screens import admin as money
from webapp.payments.screens import admin_refunds as refund_screens
from webapp.payments.screens.ranges import reversed_range

_SECONDS: Final = 3600
"""How long the file's address is good for."""


@get(ORDERS, name="admin:orders", guards=[requires(Permission.ORDERS)])
async def orders(request: SoukRequest) -> Html:
    """Everybody's orders, newest first; a search or a next page comes as rows only."""
    query = forms.read_query(request, OrdersQuery)
    more = asked_for_more(request, query.cursor)
    view = await _view(request, query, more=more)
    if more or asked_by(request, "results"):
        return fragment(request, "orders/admin/_order_rows.html", view)
    return manage_page(request, "orders/admin/orders.html", view, "orders")


@get(ORDERS + "/filters", name="admin:orders-filters", guards=[requires(Permission.ORDERS)])
async def filters(request: SoukRequest) -> Html:
    """What the list can be narrowed to; with ``apply`` the list as it is then, or the sheet with what is wrong."""
    form = forms.read_typing(request, OrdersQuery)
    applied = "apply" in request.query_params
    if applied and form.value is not None and not reversed_range(form.value):
        query = msgspec.structs.replace(form.value, cursor="")
        view = await _view(request, query)
        return pushed(to_app(manage_page(request, "orders/admin/orders.html", view, "orders")), query.searched())
    site, actor = site_of(request), request.user
    viewer = site.viewer(actor)
    methods = [BALANCE, *(method.name for method in await site.services.payments.methods.enabled(actor))]
    chosen = form.text("method")
    if chosen and chosen not in methods:  # disabled since
        methods.append(chosen)
    view_of_sheet = FiltersSheet(
        form=form,
        methods=tuple((name, filter_screens.method_name(name, viewer)) for name in methods),
        categories=tuple(
            (str(one), name) for one, name in (await site.services.orders.managing.category_names(actor)).items()
        ),
        hidden=tuple((name, form.text(name)) for name in ("q", "person", "product", "select") if form.text(name)),
        reversed=reversed_range(form.value) if form.value else "",
    )
    return sheet(request, "orders/admin/_filters.html", view_of_sheet, status=FORM_ERROR if applied else 200)


async def _view(request: SoukRequest, query: OrdersQuery, *, more: bool = False) -> ManageOrders:
    """The list as it is searched or narrowed."""
    site, actor = site_of(request), request.user
    services, viewer, searched_for = site.services, site.viewer(actor), searched(query.q)
    chosen = query.criteria(timezone(actor.timezone))
    named: list[Intent] = []
    if searched_for:
        matches = await services.orders.search.find(actor, query.q, chosen)
        listed = Page(await services.orders.managing.list_by_id(actor, [row.id for row in matches]))
        if actor.may(Permission.MONEY) and not query.words():  # payments have filters of their own
            named = await services.payments.inbox.find_named(actor, searched_for)
    else:
        listed = await services.orders.managing.list_orders(actor, chosen, query.cursor or None)
    people = [*(row.order.buyer_id for row in listed.items), *(intent.user_id for intent in named)]
    names = await services.identity.people.names_of(actor, people + ([chosen.buyer] if chosen.buyer else []))
    picture = pictures(request)
    view = ManageOrders(
        query=searched_for,
        payments=tuple(money.payment_row(intent, names, viewer) for intent in named),
        filters=filter_screens.status_chips(query),
        rows=tuple(order_screens.managed_row(row, names, actor, viewer, picture) for row in listed.items),
        next_url=query.href(cursor=listed.next_cursor) if listed.next_cursor else None,
        more=more,
        select=query.select,
        hidden=tuple(query.words().items()),
        all_url=_everywhere(query) if searched_for and query.words() else "",
    )
    if more:
        return view
    narrowed = bool(query.words())
    return msgspec.structs.replace(
        view,
        narrowed=filter_screens.narrowed_chips(query, await _names(request, query, names), viewer),
        toggles=(
            Chip(query.href(hand=not query.hand, cursor=""), active=query.hand, key="hand"),
            Chip(query.href(refunded=not query.refunded, cursor=""), active=query.refunded, key="refunded"),
        ),
        choosing=Chip(query.href(select=not query.select, cursor=""), active=query.select, key="select"),
        filters_url=query.href(ORDERS + "/filters", cursor=""),
        export_url=signed_url(request, query.href(ORDERS + ".csv", cursor="", select=False), seconds=_SECONDS),
        count=None if searched_for else await services.orders.managing.count(actor, chosen),
        every=await services.orders.managing.count(actor, OrderCriteria()) if narrowed and not searched_for else None,
        claims=await services.orders.warranty.count_in_review(actor),
    )


def _everywhere(query: OrdersQuery) -> str:
    """The same search without the filters."""
    return address(ORDERS, q=query.q, select="1" if query.select else "")


async def _names(request: SoukRequest, query: OrdersQuery, people: Mapping[UserId, str]) -> dict[str, str]:
    """What the product, the category and the person are called that the list is narrowed to."""
    managing, actor = site_of(request).services.orders.managing, request.user
    names = {"person": people.get(UserId(query.person), "—") if query.person else ""}
    if query.product:
        names["product"] = await managing.product_name(actor, ProductId(query.product)) or "—"
    if query.category:
        names["category"] = (await managing.category_names(actor)).get(CategoryId(query.category), "—")
    return names


@get(ORDERS + ".csv", name="admin:orders-csv", opt=PUBLIC)
async def orders_csv(request: Request[Any, Any, Any]) -> Stream:
    """The orders as a file, as they are narrowed, by signed address."""
    actor, site = await downloader(request), site_of(request)
    viewer = site.viewer(actor)
    pieces = await site.services.orders.managing.export(
        actor,
        forms.read_query(request, OrdersQuery).criteria(timezone(actor.timezone)),
        status_of=lambda status: order_screens.status_title(status, viewer),
        method_of=lambda method: filter_screens.method_name(method, viewer),
        header=order_screens.columns(viewer),
    )
    return csv_file(pieces, "souk-orders.csv")


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
        order=msgspec.structs.replace(
            order_views.of_subscription(order_views.detail(detail, actor, viewer, pictures(request)), link),
            answered=await answered(request, detail),
        ),
        buyer=names.get(detail.user_id, "—"),
        person=person,
        paid_with=order_screens.paid_with(detail, payments, viewer),
        payments=tuple(money.payment_row(intent, names, viewer) for intent in payments),
        refunds=refund_screens.order_refunds(back, sent, viewer, linked=actor.may(Permission.MONEY), off=off),
        can=(_can(detail, back) if detail.user_id != actor.user_id else frozenset()) | _can_send(detail),
        intent=forms.new_intent(),
        message_url=address(f"/admin/people/{detail.user_id}/message", order=detail.number)
        if actor.may(Permission.TICKETS)
        else "",
        first=await first_of(request, ValueKind.REFUND, detail.id),
    )
    return manage_page(request, "orders/admin/order.html", view, "orders", back="/admin/orders")


async def _payments(request: SoukRequest, order: OrderView) -> list[Intent]:
    """The payments that were begun for an order, for an admin who may see money."""
    if not request.user.may(Permission.MONEY):
        return []
    return (await site_of(request).services.payments.inbox.list_payments(request.user, order_id=order.id)).items


def _can_send(order: OrderView) -> frozenset[Literal["refund", "cancel", "resend"]]:
    return frozenset({"resend"} if any(key.file is None for key in order.keys) else ())


def _can(order: OrderView, back: Refundable) -> frozenset[Literal["refund", "cancel", "resend"]]:
    if back.most:
        return frozenset({"refund"})
    return frozenset({"cancel"} if order.status is OrderStatus.AWAITING_PAYMENT else ())


HANDLERS: Final = (orders, filters, orders_csv, order)
