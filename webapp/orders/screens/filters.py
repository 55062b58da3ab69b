"""The filters of the back office's orders, whose state is in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.catalog.types import CategoryId, ProductId
from backend.infra.i18n import mark as _
from backend.kernel.ids import UserId
from backend.orders.types import BALANCE, OrderStatus
from backend.orders.types.criteria import OrderCriteria
from webapp.core import forms
from webapp.core.parts import Chip, address
from webapp.core.rendering import Viewer
from webapp.payments.screens.methods import method_title
from webapp.payments.screens.ranges import range_labels

ORDERS: Final = "/admin/orders"
_BALANCE: Final = _("Balance")


class OrdersQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for in words, or what the list is narrowed to. Days are those of the admin's time zone."""

    q: str = ""
    status: OrderStatus | None = None
    method: Annotated[str, Meta(max_length=40)] = ""
    product: UUID | None = None
    category: UUID | None = None
    goods: Annotated[str, Meta(max_length=100)] = ""
    since: forms.Day | None = None
    until: forms.Day | None = None
    least: forms.Amount | None = None
    most: forms.Amount | None = None
    hand: bool = False
    refunded: bool = False
    person: UUID | None = None
    only: Annotated[str, Meta(max_length=2000)] = ""
    """Numbers of chosen orders, with commas between them."""
    select: bool = False
    """Rows can be chosen."""
    cursor: Annotated[str, Meta(max_length=200)] = ""

    def words(self) -> dict[str, str]:
        """What narrows the list, for an address."""
        values = {
            "status": self.status,
            "method": self.method,
            "product": self.product,
            "category": self.category,
            "goods": self.goods,
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "least": self.least and self.least.decimal(),
            "most": self.most and self.most.decimal(),
            "hand": "1" if self.hand else "",
            "refunded": "1" if self.refunded else "",
            "person": self.person,
        }
        return {name: str(value) for name, value in values.items() if value or (name in _ZEROS and value is not None)}

    def href(self, path: str = ORDERS, /, **change: object) -> str:
        """The list's address with these filters changed; rows stay choosable."""
        query = msgspec.structs.replace(self, **change)
        more = {"only": query.only, "select": "1" if query.select else "", "cursor": query.cursor}
        return address(path, **query.words(), **more)

    def searched(self) -> str:
        """The list's address with what is looked for; links of the page leave that out, for it changes as one types."""
        more = {"only": self.only, "select": "1" if self.select else "", "cursor": self.cursor, "q": self.q}
        return address(ORDERS, **self.words(), **more)

    def criteria(self, there: tzinfo) -> OrderCriteria:
        """The same for the service."""
        return OrderCriteria(
            status=self.status,
            method=self.method,
            product=ProductId(self.product) if self.product else None,
            category=CategoryId(self.category) if self.category else None,
            goods=self.goods,
            since=forms.day_starts(self.since, there) if self.since else None,
            until=forms.day_ends(self.until, there) if self.until else None,
            least=self.least,
            most=self.most,
            by_hand=self.hand,
            refunded=self.refunded,
            buyer=UserId(self.person) if self.person else None,
            only=tuple(self.only.split(",")) if self.only else None,
        )


_ZEROS: Final = frozenset({"least", "most"})


class FiltersSheet(msgspec.Struct, frozen=True):
    """orders/admin/_filters.html: what the list can be narrowed to, with what was typed and what is wrong with it."""

    form: forms.Form[OrdersQuery]
    methods: tuple[tuple[str, str], ...]
    categories: tuple[tuple[str, str], ...]
    statuses: tuple[OrderStatus, ...] = tuple(OrderStatus)
    hidden: tuple[tuple[str, str], ...] = ()
    """Filters that the sheet has no field for."""
    reversed: str = ""
    """The field whose end lies before its beginning."""


def status_chips(query: OrdersQuery) -> tuple[Chip, ...]:
    """Every status, and all of them."""
    chips = [Chip(query.href(status=None, cursor=""), active=query.status is None, key="all")]
    return tuple(
        chips
        + [
            Chip(query.href(status=status, cursor=""), active=status is query.status, key=status)
            for status in OrderStatus
        ]
    )


def narrowed_chips(query: OrdersQuery, names: Mapping[str, str], viewer: Viewer) -> tuple[Chip, ...]:
    """A chip for each filter that is on, which takes it off; ``names`` are of its product, category and person."""
    ranges = range_labels(query.since, query.until, query.least, query.most, viewer)
    labels: Sequence[tuple[str, object, str]] = (
        ("person", None, names.get("person", "") if query.person else ""),
        ("method", "", method_name(query.method, viewer) if query.method else ""),
        ("product", None, names.get("product", "") if query.product else ""),
        ("category", None, names.get("category", "") if query.category else ""),
        ("goods", "", query.goods),
        *((name, None, text) for name, text in ranges),
    )
    return tuple(
        Chip(
            query.href(ORDERS, **{name: nothing}, cursor=""),
            active=True,
            label=label,
            icon="me" if name == "person" else None,
        )
        for name, nothing, label in labels
        if label
    )


def method_name(name: str, viewer: Viewer) -> str:
    """A payment method, or the balance."""
    return viewer.words.gettext(_BALANCE) if name == BALANCE else method_title(name, viewer)
