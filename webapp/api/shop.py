"""The shop as JSON, over the same services: products, orders, wallet."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from msgspec import Meta

from backend.catalog.types import ProductCard, ProductDetail, Sort
from backend.catalog.words import product_name
from backend.identity.types import Actor
from backend.kernel.ids import VariantId
from backend.kernel.money import Money
from backend.kernel.text import pick
from backend.orders.types import OrderFilter, OrderRow
from webapp.core.forms import strict_json
from webapp.core.limits import PURCHASE, limited
from webapp.core.refusals import refusals
from webapp.core.site import SoukRequest, site_of

_Cursor = Annotated[
    str | None,
    QueryParameter(description="The next_cursor of the page before", max_length=400, pattern="^[A-Za-z0-9_-]*$"),
]
_Country = Annotated[str | None, QueryParameter(pattern="^[A-Za-z]{2}$")]
_IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key", description="The caller's own", min_length=8, max_length=64, pattern="^[!-~]+$"
    ),
]


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product in a list; amounts in minor units; ``available`` counts up to 100, null is without end."""

    slug: str
    name: str
    summary: str
    country: str | None
    category: str
    price_from: Money
    available: int | None
    premium_only: bool


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One way to have a product."""

    id: UUID
    name: str
    note: str
    price: Money
    available: int | None
    min_quantity: int
    max_quantity: int | None
    per_person_limit: int | None


class ProductWithVariants(Product, frozen=True, kw_only=True):
    """A product by itself. ``description`` is Markdown."""

    description: str
    tags: list[str]
    variants: list[Variant]


class Products(msgspec.Struct, frozen=True):
    """A page of products."""

    items: list[Product]
    next_cursor: str | None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order of the caller."""

    number: str
    status: str
    title: str
    quantity: int
    total: Money
    created_at: datetime
    expires_at: datetime | None


class Orders(msgspec.Struct, frozen=True):
    """A page of orders, the newest first."""

    items: list[Order]
    next_cursor: str | None


class NewOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to buy from the balance. With ``total`` (minor units) it is bought for exactly that, or not at all."""

    variant_id: UUID
    quantity: Annotated[int, Meta(ge=1, le=1000)] = 1
    total: Annotated[int, Meta(ge=0, le=10**15)] | None = None


class Placed(msgspec.Struct, frozen=True):
    """The order that was made, or that the same idempotency key had made before."""

    number: str


class Wallet(msgspec.Struct, frozen=True):
    """What the caller can spend."""

    balance: Money
    credits: int


@get("/products", tags=["shop"], responses=refusals(404))
async def api_products(
    request: SoukRequest,
    actor: NamedDependency[Actor],
    category: FromQuery[str | None] = None,
    country: _Country = None,
    in_stock: FromQuery[bool] = False,
    sort: FromQuery[Sort] = Sort.POPULAR,
    cursor: _Cursor = None,
) -> Products:
    """Products, thirty a page, in the caller's language and at his price."""
    found = await site_of(request).services.catalog.browse(
        actor, category=category, country=country, in_stock=in_stock, sort=sort, cursor=cursor or None
    )
    return Products([_product(item) for item in found.items], found.next_cursor)


@get("/products/{slug:str}", tags=["shop"], responses=refusals(404))
async def api_product(request: SoukRequest, actor: NamedDependency[Actor], slug: FromPath[str]) -> ProductWithVariants:
    """One product with its variants."""
    found = await site_of(request).services.catalog.product(actor, slug)
    return ProductWithVariants(
        **msgspec.structs.asdict(_product(found)),
        description=found.description,
        tags=list(found.tags),
        variants=[
            Variant(
                id=item.id,
                name=item.name,
                note=item.note,
                price=item.price,
                available=item.available,
                min_quantity=item.min_quantity,
                max_quantity=item.max_quantity,
                per_person_limit=item.per_person_limit,
            )
            for item in found.variants
        ],
    )


@get("/orders", tags=["orders"], responses=refusals())
async def api_orders(
    request: SoukRequest,
    actor: NamedDependency[Actor],
    view: FromQuery[OrderFilter] = OrderFilter.ALL,
    cursor: _Cursor = None,
) -> Orders:
    """The caller's orders, the newest first."""
    found = await site_of(request).services.orders.list_mine(actor, view, cursor)
    return Orders([_order(item, actor) for item in found.items], found.next_cursor)


@post(
    "/orders",
    tags=["orders"],
    guards=[limited(PURCHASE)],
    before_request=strict_json(NewOrder),
    status_code=201,
    responses=refusals(402, 403, 404, 409, 413),
)
async def api_place(
    request: SoukRequest, actor: NamedDependency[Actor], data: JSONBody[NewOrder], idempotency_key: _IdempotencyKey
) -> Placed:
    """Buy from the balance. The header ``Idempotency-Key`` makes a second call the same order."""
    site = site_of(request)
    confirmed = None if data.total is None else Money(data.total, site.settings.shop_currency)
    ref = await site.services.orders.place(
        actor, VariantId(data.variant_id), data.quantity, idempotency_key, confirmed=confirmed
    )
    return Placed(ref.number)


@get("/wallet", tags=["wallet"], responses=refusals())
async def api_wallet(request: SoukRequest, actor: NamedDependency[Actor]) -> Wallet:
    """The caller's balance, in minor units of the shop's currency."""
    found = await site_of(request).services.wallet.overview(actor)
    return Wallet(found.balance, found.credits.amount)


def _product(item: ProductCard | ProductDetail) -> Product:
    return Product(
        slug=item.slug,
        name=item.name,
        summary=item.summary,
        country=item.country,
        category=item.category,
        price_from=item.price_from,
        available=item.available,
        premium_only=item.premium_only,
    )


def _order(row: OrderRow, actor: Actor) -> Order:
    return Order(
        number=row.number,
        status=row.status,
        title=product_name(pick(row.line.name, actor.language), row.line.country, actor.language),
        quantity=row.line.quantity,
        total=row.total,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


SHOP_API = (api_products, api_product, api_orders, api_place, api_wallet)
