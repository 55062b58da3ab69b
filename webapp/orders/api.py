"""Orders as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from msgspec import Meta

from backend.catalog.types import VariantId
from backend.catalog.types.questions import Answer
from backend.catalog.words import product_name
from backend.identity.types import Actor
from backend.kernel.errors import Invalid
from backend.kernel.money import Money
from backend.kernel.text import pick
from backend.orders.types import MOST_LINES, OrderFilter, OrderLine, OrderRow, OrderView, RequestedLine
from backend.orders.types.lines import LineStatus
from backend.orders.types.prices import PricePart
from webapp.core.forms import strict_json
from webapp.core.limits import PURCHASE, limited
from webapp.core.refusals import refusals
from webapp.core.responses import signed_url
from webapp.core.site import SoukRequest, site_of
from webapp.orders.screens.keys import GOODS_SECONDS, file_path

_Cursor = Annotated[
    str | None,
    QueryParameter(description="The next_cursor of the page before", max_length=400, pattern="^[A-Za-z0-9_-]*$"),
]


IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key", description="The caller's own", min_length=8, max_length=64, pattern="^[!-~]+$"
    ),
]
Total = Annotated[int, Meta(ge=0, le=10**15)]
"""The most that an order may cost, in minor units."""
Answers = Annotated[
    dict[Annotated[str, Meta(max_length=40)], Annotated[str, Meta(max_length=2000)]], Meta(max_length=10)
]
PromoCodes = Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(max_length=5)]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order of the caller.

    ``title`` and ``quantity`` are of the first of its lines; ``parts`` are of what that cost: the price for everybody,
    and what was taken off.
    """

    number: str
    status: str
    title: str
    quantity: int
    line_count: int
    total: Money
    parts: list[PricePart]
    created_at: datetime
    expires_at: datetime | None


class Orders(msgspec.Struct, frozen=True):
    """A page of orders, the newest first."""

    items: list[Order]
    next_cursor: str | None


class File(msgspec.Struct, frozen=True):
    """A delivered file; ``url`` works for ten minutes, for anyone who has it."""

    name: str
    size: int
    url: str


class GivenAnswer(msgspec.Struct, frozen=True):
    """An answer of the buyer, with the question as it was asked."""

    question_id: str
    label: str
    text: str
    """Of a choice the words of the option."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an order: how far it is, and how much of it was refunded."""

    title: str
    variant: str
    quantity: int
    total: Money
    parts: list[PricePart]
    status: LineStatus
    failure: str | None
    """Why it was not delivered."""
    ready_by: datetime | None
    """Until when it is promised, where it takes its time."""
    refunded: Money
    refunded_quantity: int
    files: list[File]
    answers: list[GivenAnswer]
    """What the buyer was asked, and has answered."""


class OrderDetail(msgspec.Struct, frozen=True, kw_only=True):
    """An order of the caller with all its lines."""

    number: str
    status: str
    total: Money
    refunded: Money
    lines: list[Line]
    created_at: datetime
    expires_at: datetime | None
    warranty_until: datetime | None
    """Until when what doesn't work can be claimed; null for no warranty."""


_Quantity = Annotated[int, Meta(ge=1, le=1000)]


class NewLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of several things to buy; each variant once."""

    variant_id: UUID
    quantity: _Quantity = 1
    answers: Answers = {}
    """What the product's questions are answered, by their ids; of a choice the id of the option, or yes or no."""

    def requested(self) -> RequestedLine:
        """The line as it is ordered."""
        return RequestedLine(VariantId(self.variant_id), self.quantity, tuple(sorted(self.answers.items())))


class NewOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to buy from the balance, all or nothing: one variant, or several ``lines``.

    With ``total`` (minor units) it is bought for that or less, or not at all. Of several ``promo_codes`` the best one
    is used; if one of them can't be used, nothing is bought.
    """

    variant_id: UUID | None = None
    quantity: _Quantity = 1
    total: Total | None = None
    answers: Answers = {}
    """As in a line."""
    lines: Annotated[list[NewLine], Meta(min_length=1, max_length=MOST_LINES)] | None = None
    promo_codes: PromoCodes = []

    def requested(self) -> list[RequestedLine]:
        """The lines, whichever way they were said. Raises Invalid for neither and for both."""
        if self.lines is not None and self.variant_id is None and self.quantity == 1 and not self.answers:
            return [line.requested() for line in self.lines]
        if self.lines is None and self.variant_id is not None:
            return [NewLine(self.variant_id, self.quantity, self.answers).requested()]
        raise Invalid("either one variant or lines", fields={"lines": "required"})


class Placed(msgspec.Struct, frozen=True):
    """The order that was made, or that the same idempotency key had made before."""

    number: str


@get("/orders", tags=["orders"], responses=refusals())
async def api_orders(
    request: SoukRequest,
    actor: NamedDependency[Actor],
    view: FromQuery[OrderFilter] = OrderFilter.ALL,
    cursor: _Cursor = None,
) -> Orders:
    """The caller's orders, the newest first."""
    page = await site_of(request).services.orders.history.list_mine(actor, view, cursor)
    return Orders([_order(item, actor) for item in page.items], page.next_cursor)


@get("/orders/{number:str}", tags=["orders"], responses=refusals(404))
async def api_order(request: SoukRequest, actor: NamedDependency[Actor], number: FromPath[str]) -> OrderDetail:
    """One order of the caller, line by line; without its keys."""
    site = site_of(request)
    order = await site.services.orders.history.detail(actor, number)
    claims = await site.services.orders.warranty.list_claims(actor, order)
    answers = await site.services.orders.answers.of_order(actor, order)
    return OrderDetail(
        number=order.number,
        status=order.status,
        total=order.total,
        refunded=order.refunded,
        lines=[_line(line, actor, _files(request, order, line), answers.get(line.id, ())) for line in order.lines],
        created_at=order.created_at,
        expires_at=order.expires_at,
        warranty_until=site.services.orders.warranty.ends_at(order, claims, site.now()),
    )


@post(
    "/orders",
    tags=["orders"],
    guards=[limited(PURCHASE)],
    before_request=strict_json(NewOrder),
    status_code=201,
    responses=refusals(402, 403, 404, 409, 413),
)
async def api_place(
    request: SoukRequest, actor: NamedDependency[Actor], data: JSONBody[NewOrder], idempotency_key: IdempotencyKey
) -> Placed:
    """Buy from the balance. The header ``Idempotency-Key`` makes a second call the same order."""
    site = site_of(request)
    confirmed = None if data.total is None else Money(data.total, site.settings.shop_currency)
    requested, codes = data.requested(), await site.services.growth.promos.admit(actor, data.promo_codes)
    order = await site.services.orders.checkout.place_all(
        actor, requested, idempotency_key, confirmed=confirmed, codes=codes
    )
    return Placed(order.number)


def _files(request: SoukRequest, order: OrderView, line: OrderLine) -> list[File]:
    return [
        File(key.file.name, key.file.size, signed_url(request, file_path(order.number, key), seconds=GOODS_SECONDS))
        for key in order.keys
        if key.file and key.line_id == line.id
    ]


def _line(line: OrderLine, actor: Actor, files: list[File], answers: Sequence[Answer]) -> Line:
    return Line(
        title=product_name(pick(line.name, actor.language), line.country, actor.language),
        variant=pick(line.variant_name, actor.language),
        quantity=line.quantity,
        total=line.price.total,
        parts=list(line.price.parts),
        status=line.status,
        failure=line.failure,
        ready_by=line.ready_by,
        refunded=line.refunded,
        refunded_quantity=line.refunded_quantity,
        files=files,
        answers=[
            GivenAnswer(one.question_id, pick(one.label, actor.language), pick(one.shown, actor.language) or one.text)
            for one in answers
        ],
    )


def _order(row: OrderRow, actor: Actor) -> Order:
    return Order(
        number=row.number,
        status=row.status,
        title=product_name(pick(row.line.name, actor.language), row.line.country, actor.language),
        quantity=row.line.quantity,
        line_count=row.line_count,
        total=row.total,
        parts=list(row.line.price.parts),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


HANDLERS = (
    api_orders,
    api_order,
    api_place,
)
