"""One search for everything: each admin finds what their permissions let them see."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import msgspec
from litestar import get
from msgspec import Meta

from backend.identity.types import Permission
from backend.kernel.text import searched
from webapp.admin.screens import search as present
from webapp.admin.screens.search import LONGEST, SEARCH, CodeRow, GoodsRow, Group, KeyRow, Results
from webapp.core import forms
from webapp.core.answers import asked_by
from webapp.core.back_office import manage_page
from webapp.core.guards import admins_only
from webapp.core.limits import count_search
from webapp.core.responses import Html, fragment
from webapp.core.site import SoukRequest, site_of
from webapp.identity.screens import person as person_screens
from webapp.identity.screens.person import ManagePersonRow
from webapp.orders.screens import admin as order_screens
from webapp.orders.screens.admin import ManageOrderRow
from webapp.payments.screens import admin as payment_screens
from webapp.payments.screens.admin_parts import ManagePaymentRow
from webapp.support.screens import tickets as ticket_screens
from webapp.support.screens.tickets import TicketCell

_AT_ONCE: Final = 3
"""Connections that one search takes from the pool."""


class SearchQuery(msgspec.Struct, frozen=True):
    """What is looked for, and in which group."""

    q: Annotated[str, Meta(max_length=10_000)] = ""
    group: Group = Group.ALL


@get(SEARCH, name="admin:search", guards=[admins_only])
async def search(request: SoukRequest) -> Html:
    """What is found, group by group; while one types, the results only."""
    query = forms.read_query(request, SearchQuery)
    typed, plain = query.q[:LONGEST], searched(query.q)
    allowed, results = _allowed(request), Results()
    if plain:
        count_search(request)
        results = await _find(request, typed, plain, allowed)
    view = present.search_page(plain, query.group, allowed, results)
    if asked_by(request, "results"):
        return fragment(request, "admin/_results.html", view)
    return manage_page(request, "admin/search.html", view, "home", back="/admin")


def _allowed(request: SoukRequest) -> tuple[Group, ...]:
    may = request.user.may
    allowed = {
        Group.ORDERS: may(Permission.ORDERS),
        Group.PEOPLE: may(Permission.USERS),
        Group.PAYMENTS: may(Permission.MONEY),
        Group.TICKETS: may(Permission.TICKETS),
        Group.PRODUCTS: may(Permission.CATALOGUE) or may(Permission.STOCK),
        Group.KEYS: may(Permission.STOCK),
        Group.CODES: may(Permission.MONEY) or may(Permission.TEACHING),
    }
    return tuple(group for group, allows in allowed.items() if allows)


async def _find(request: SoukRequest, typed: str, plain: str, allowed: tuple[Group, ...]) -> Results:
    """Ask the slices side by side; each answers with a bounded number of rows."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def ask(group: Group) -> tuple[Any, ...]:
        async with room:
            return await _FINDERS[group](request, typed, plain)

    answers = await asyncio.gather(*(ask(group) for group in allowed))
    return Results(**{group.value: rows for group, rows in zip(allowed, answers, strict=True)})


async def _orders(request: SoukRequest, typed: str, _plain: str) -> tuple[ManageOrderRow, ...]:
    site, actor = site_of(request), request.user
    rows = await site.services.orders.search.find(actor, typed)
    names = await site.services.identity.people.names_of(actor, [row.buyer_id for row in rows])
    viewer = site.viewer(actor)
    return tuple(order_screens.order_row(row, names, actor, viewer) for row in rows)


async def _people(request: SoukRequest, _typed: str, plain: str) -> tuple[ManagePersonRow, ...]:
    site, actor = site_of(request), request.user
    services, name = site.services, plain.removeprefix("@")
    named = actor.may(Permission.ORDERS) or actor.may(Permission.MONEY)
    also = await services.orders.search.find_buyers(actor, name) if named else []
    rows = (await services.identity.people.find_users(actor, name, None, also)).items if name else []
    ids = [row.id for row in rows]
    balances = await services.wallet.statement.balances_of(actor, ids)
    figures = await services.orders.reports.figures_of(actor, ids)
    currency = site.settings.shop_currency
    return tuple(person_screens.person_row(row, balances, figures, currency) for row in rows)


async def _payments(request: SoukRequest, _typed: str, plain: str) -> tuple[ManagePaymentRow, ...]:
    site, actor = site_of(request), request.user
    rows = await site.services.payments.inbox.find(actor, plain)
    names = await site.services.identity.people.names_of(actor, [row.user_id for row in rows])
    return tuple(payment_screens.payment_row(row, names, site.viewer(actor)) for row in rows)


async def _tickets(request: SoukRequest, _typed: str, plain: str) -> tuple[TicketCell, ...]:
    site, actor = site_of(request), request.user
    rows = await site.services.support.tickets.find(actor, plain)
    names = await site.services.identity.people.names_of(actor, ticket_screens.people_of(rows))
    return tuple(ticket_screens.ticket_cell(row, names, actor) for row in rows)


async def _products(request: SoukRequest, _typed: str, plain: str) -> tuple[GoodsRow, ...]:
    hits = await site_of(request).services.catalog.finding.goods(request.user, plain)
    edits = request.user.may(Permission.CATALOGUE)
    return present.goods_rows(hits, request.user.language, edits=edits)


async def _keys(request: SoukRequest, typed: str, _plain: str) -> tuple[KeyRow, ...]:
    services, actor = site_of(request).services, request.user
    hits = await services.catalog.finding.keys(actor, typed)
    lines = [one.line_id for one in hits if one.line_id]
    numbers = await services.orders.search.numbers_of(actor, lines) if actor.may(Permission.ORDERS) else {}
    return present.key_rows(hits, numbers, actor.language)


async def _codes(request: SoukRequest, _typed: str, plain: str) -> tuple[CodeRow, ...]:
    services, actor = site_of(request).services, request.user
    rows: list[CodeRow] = []
    if actor.may(Permission.MONEY):
        hits = await services.growth.finding.find(actor, plain)
        names = await services.identity.people.names_of(actor, [one.user_id for one in hits if one.user_id])
        rows += [present.code_row(one, names, people=actor.may(Permission.USERS)) for one in hits]
    if actor.may(Permission.TEACHING):
        certificate = await services.certificates.office.find(actor, plain)
        rows += [present.certificate_row(certificate)] if certificate else []
    return tuple(rows)


_FINDERS: Final[dict[Group, Callable[[SoukRequest, str, str], Awaitable[tuple[Any, ...]]]]] = {
    Group.ORDERS: _orders,
    Group.PEOPLE: _people,
    Group.PAYMENTS: _payments,
    Group.TICKETS: _tickets,
    Group.PRODUCTS: _products,
    Group.KEYS: _keys,
    Group.CODES: _codes,
}

HANDLERS: Final = (search,)
