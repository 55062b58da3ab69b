"""One search for everything: the groups of what it finds, each with its count, and what is behind each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from backend.catalog.types import KeyState
from backend.catalog.types.finding import GoodsHits, KeyHit
from backend.certificates.types import OfficeRow
from backend.growth.types.finding import CodeHit, CodeKind
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money
from backend.kernel.text import Locale, pick
from webapp.core.parts import Chip, Hue, address
from webapp.identity.screens.person import ManagePersonRow
from webapp.orders.screens.admin import ManageOrderRow
from webapp.payments.screens.admin_parts import ManagePaymentRow
from webapp.support.screens.tickets import TicketCell

SEARCH: Final = "/admin/search"
LONGEST: Final = 1000
_FEW: Final = 5
_FULL: Final = 30
"""What a group finds at most: then there may be more."""


class Group(StrEnum):
    """What is found, in the order of the page."""

    ALL = "all"
    ORDERS = "orders"
    PEOPLE = "people"
    PAYMENTS = "payments"
    TICKETS = "tickets"
    PRODUCTS = "products"
    KEYS = "keys"
    CODES = "codes"


class GoodsRow(msgspec.Struct, frozen=True, kw_only=True):
    """A product, or a category (``category`` is empty then)."""

    href: str
    name: str
    category: str = ""
    country: str | None = None
    hidden: bool = False


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was typed whole; ``order`` is the number of the order that has it."""

    href: str
    product: str
    variant: str
    state: KeyState
    order: str = ""


class CodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A code; ``kind`` is certificate too. ``sheet``: it opens over the page."""

    kind: str
    href: str
    name: str
    amount: Money | None = None
    stopped: bool = False
    sheet: bool = False
    icon: str
    hue: Hue


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What each group found."""

    orders: tuple[ManageOrderRow, ...] = ()
    people: tuple[ManagePersonRow, ...] = ()
    payments: tuple[ManagePaymentRow, ...] = ()
    tickets: tuple[TicketCell, ...] = ()
    products: tuple[GoodsRow, ...] = ()
    keys: tuple[KeyRow, ...] = ()
    codes: tuple[CodeRow, ...] = ()

    def count(self, group: Group) -> int:
        """How many rows a group has; of all, all."""
        if group is Group.ALL:
            return sum(self.count(one) for one in Group if one is not Group.ALL)
        return len(getattr(self, group.value))

    def full(self, group: Group) -> bool:
        """Whether a group, or any for all, may have more rows than it shows."""
        if group is Group.ALL:
            return any(self.full(one) for one in Group if one is not Group.ALL)
        return self.count(group) >= _FULL

    def only(self, group: Group) -> Results:
        """The rows of one group; of all groups, the first few of each."""
        if group is not Group.ALL:
            return Results(**{group.value: getattr(self, group.value)})
        return Results(**{one.value: getattr(self, one.value)[:_FEW] for one in Group if one is not Group.ALL})


class SearchPage(msgspec.Struct, frozen=True, kw_only=True):
    """admin/search.html; admin/_results.html takes the same while one types."""

    query: str
    group: Group
    chips: tuple[Chip, ...]
    results: Results
    more: frozenset[Group] = frozenset()
    """The groups of which only the first rows are shown."""
    empty: bool = True


def search_page(query: str, chosen: Group, allowed: Sequence[Group], results: Results) -> SearchPage:
    """The groups that have anything, and the rows of the chosen one."""
    shown = [one for one in allowed if results.count(one)]
    chips = [
        Chip(href=group_href(query, one), active=one is chosen, key=one.value, label=_count(results, one))
        for one in (Group.ALL, *shown)
    ]
    cut = {one for one in shown if results.count(one) > _FEW} if chosen is Group.ALL else set()
    return SearchPage(
        query=query,
        group=chosen,
        chips=tuple(chips) if shown else (),
        results=results.only(chosen),
        more=frozenset(cut),
        empty=not results.count(chosen),
    )


def group_href(query: str, group: Group) -> str:
    """The address of what a group finds."""
    return address(SEARCH, q=query, group=None if group is Group.ALL else group.value)


def goods_rows(hits: GoodsHits, locale: Locale, *, edits: bool) -> tuple[GoodsRow, ...]:
    """Products, then categories; for an admin who ``edits`` them they lead to the catalogue, else to stock."""
    products = tuple(
        GoodsRow(
            href=f"/admin/catalogue/products/{one.id}" if edits else "/admin/stock",
            name=pick(one.name, locale),
            category=pick(one.category, locale) or "—",
            country=one.country,
            hidden=not one.listed,
        )
        for one in hits.products
    )
    categories = tuple(
        GoodsRow(href=f"/admin/catalogue/categories/{one.id}" if edits else "/admin/stock", name=pick(one.name, locale))
        for one in hits.categories
    )
    return products + categories


def key_rows(hits: Sequence[KeyHit], numbers: Mapping[OrderLineId, str], locale: Locale) -> tuple[KeyRow, ...]:
    """Keys, by their orders for an admin who may see these, else by their batches."""
    rows = []
    for one in hits:
        number = numbers.get(one.line_id, "") if one.line_id else ""
        rows.append(
            KeyRow(
                href=f"/admin/orders/{number}" if number else "/admin/stock",
                product=pick(one.product, locale),
                variant=pick(one.variant, locale),
                state=one.state,
                order=number,
            )
        )
    return tuple(rows)


_LOOKS: Final[dict[CodeKind, tuple[str, Hue]]] = {
    CodeKind.VOUCHER: ("gift", "violet"),
    CodeKind.GIFT_CARD: ("gift", "pink"),
    CodeKind.PROMO: ("bolt", "green"),
    CodeKind.PARTNER: ("users", "teal"),
}


def code_row(hit: CodeHit, names: Mapping[UserId, str], *, people: bool) -> CodeRow:
    """A code; a gift card leads to its buyer, for an admin who may see ``people``."""
    name = names.get(hit.user_id, "") if hit.user_id else hit.name
    icon, hue = _LOOKS[hit.kind]
    hrefs = {
        CodeKind.VOUCHER: f"/admin/vouchers/{hit.id}",
        CodeKind.GIFT_CARD: f"/admin/people/{hit.user_id}" if people else "",
        CodeKind.PROMO: f"/admin/promos/{hit.id}",
        CodeKind.PARTNER: "/admin/partners",
    }
    return CodeRow(
        kind=hit.kind.value,
        href=hrefs[hit.kind],
        name=name,
        amount=hit.amount,
        stopped=hit.stopped,
        sheet=hit.kind is CodeKind.VOUCHER,
        icon=icon,
        hue=hue,
    )


def certificate_row(row: OfficeRow) -> CodeRow:
    """A certificate."""
    one = row.certificate
    return CodeRow(
        kind="certificate",
        href=f"/admin/courses/{one.course_id}/certificates/{one.id}",
        name=row.person,
        stopped=one.revoked_at is not None,
        icon="medal",
        hue="amber",
    )


def _count(results: Results, group: Group) -> str:
    many = results.count(group)
    return f"{many}+" if results.full(group) else str(many)
