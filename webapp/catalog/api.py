"""Products as JSON."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from backend.catalog.types import ProductCard, ProductDetail, Sort
from backend.catalog.types.quantity_prices import QuantityPrice
from backend.catalog.types.search import SearchFilters
from backend.identity.types import Actor
from backend.kernel.money import Money
from webapp.core.limits import count_search
from webapp.core.refusals import refusals
from webapp.core.site import SoukRequest, site_of

_Cursor = Annotated[
    str | None,
    QueryParameter(description="The next_cursor of the page before", max_length=400, pattern="^[A-Za-z0-9_-]*$"),
]


_Typed = Annotated[
    str,
    QueryParameter(
        description="Words in any of the shop's languages; typing errors are forgiven, the first 64 characters are read"
    ),
]
_Most = Annotated[int | None, QueryParameter(description="The highest price, in minor units", ge=0, le=2**62)]
_Country = Annotated[str | None, QueryParameter(pattern="^[A-Za-z]{2}$")]


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
    """A variant of a product; its ``price`` for the caller, its ``public_price`` for everybody.

    ``quantity_prices`` are what one costs the caller from a quantity on, where that is less.
    """

    id: UUID
    name: str
    note: str
    price: Money
    public_price: Money
    available: int | None
    min_quantity: int
    max_quantity: int | None
    per_person_limit: int | None
    quantity_prices: list[QuantityPrice]
    promised_hours: int | None
    """How long it takes at most; null where it is delivered at once."""


class ProductWithVariants(Product, frozen=True, kw_only=True):
    """A product by itself. ``description`` is Markdown."""

    description: str
    tags: list[str]
    variants: list[Variant]


class Products(msgspec.Struct, frozen=True):
    """A page of products."""

    items: list[Product]
    next_cursor: str | None


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
    """Products, thirty a page, in the caller's language and at their price."""
    page = await site_of(request).services.catalog.storefront.browse(
        actor, category=category, country=country, in_stock=in_stock, sort=sort, cursor=cursor or None
    )
    return Products([_product(item) for item in page.items], page.next_cursor)


class FoundProducts(Products, frozen=True):
    """A page of what a search finds; ``near`` is what comes closest where it finds nothing."""

    near: list[Product]


@get("/search", tags=["shop"], responses=refusals(404))
async def api_search(
    request: SoukRequest,
    actor: NamedDependency[Actor],
    q: _Typed,
    category: FromQuery[str | None] = None,
    country: _Country = None,
    most: _Most = None,
    in_stock: FromQuery[bool] = False,
    sort: FromQuery[Sort | None] = None,
    cursor: _Cursor = None,
) -> FoundProducts:
    """Products found by what somebody typed, twenty a page, the best match first unless sorted otherwise."""
    count_search(request)
    filters = SearchFilters(category=category, country=country, most=most, in_stock=in_stock, sort=sort)
    page = await site_of(request).services.catalog.search.search(actor, q, filters, cursor=cursor or None)
    items, near = ([_product(item) for item in items] for items in (page.items, page.near))
    return FoundProducts(items, page.next_cursor, near)


@get("/products/{slug:str}", tags=["shop"], responses=refusals(404))
async def api_product(request: SoukRequest, actor: NamedDependency[Actor], slug: FromPath[str]) -> ProductWithVariants:
    """One product with its variants."""
    product = await site_of(request).services.catalog.storefront.product(actor, slug)
    return ProductWithVariants(
        **msgspec.structs.asdict(_product(product)),
        description=product.description,
        tags=list(product.tags),
        variants=[
            Variant(
                id=item.id,
                name=item.name,
                note=item.note,
                price=item.price,
                public_price=item.public_price,
                available=item.available,
                min_quantity=item.min_quantity,
                max_quantity=item.max_quantity,
                per_person_limit=item.per_person_limit,
                quantity_prices=list(item.quantity_prices),
                promised_hours=item.promised_hours,
            )
            for item in product.variants
        ],
    )


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


HANDLERS = (
    api_products,
    api_search,
    api_product,
)
