"""SQL of what people see: offers, lists, products, categories, countries, the version."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import TextClause, Uuid, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.models import CatalogueVersion, Category, Product
from backend.catalog.repository.availability import of_product, of_variant
from backend.catalog.repository.offers import FILE_KIND, FILE_SIZE, PROMISED, WARRANTY
from backend.catalog.rules.fields import is_slug
from backend.catalog.types import (
    AVAILABILITY_CAP,
    CategoryFacts,
    CategoryId,
    CountryRow,
    NamedProduct,
    ProductId,
    Sort,
    VariantId,
)
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound

_CARD = """p.id, p.slug, p.name, p.summary, p.hue, p.icon, p.country, c.slug AS category, p.price_amount, p.shop_order,
    p.reseller_amount, p.prices_differ, p.premium_only, p.picture, p.popularity"""

LISTED: Final = f"""{_CARD}, {of_product(str(AVAILABILITY_CAP))} AS available,
    (SELECT CASE WHEN count(*) = 1 THEN (array_agg(v.id))[1] END
     FROM variants v WHERE v.product_id = p.id AND NOT v.hidden) AS only_variant"""  # noqa: S608 - constants of ours
"""The columns of a ListedProduct: of product ``p`` in category ``c``."""

_DETAIL = text(
    f"""
    SELECT {_CARD}, p.description, p.tags, p.kind, p.choice, p.category_id, c.name AS category_name
    FROM products p JOIN categories c ON c.id = p.category_id WHERE p.slug = :slug AND p.listed
    """  # noqa: S608 - constants of ours
)
_VARIANTS = text(
    f"""
    SELECT v.id, v.code, v.name, v.note, v.price_amount, v.reseller_amount, v.currency, v.min_quantity,
           v.max_quantity, v.per_person_limit, v.quantity_prices, v.subscription_days,
           {WARRANTY} AS warranty_days, {PROMISED} AS promised_hours,
           {FILE_KIND} AS file_kind, {FILE_SIZE} AS file_size,
           {of_variant(str(AVAILABILITY_CAP))} AS available
    FROM variants v JOIN products p ON p.id = v.product_id
    WHERE v.product_id = :product_id AND NOT v.hidden ORDER BY v.position, v.price_amount, v.id
    """  # noqa: S608 - constants of ours
).bindparams(bindparam("product_id", type_=Uuid()))

_CATEGORIES = text(
    """
    WITH RECURSIVE shown AS (
        SELECT id, parent_id, slug, name, icon, hue, position, 1 AS depth FROM categories
        WHERE parent_id IS NULL AND NOT hidden
        UNION ALL
        SELECT c.id, c.parent_id, c.slug, c.name, c.icon, c.hue, c.position, s.depth + 1
        FROM categories c JOIN shown s ON c.parent_id = s.id WHERE NOT c.hidden
    )
    SELECT * FROM shown ORDER BY depth, position, slug
    """
)
_IN_CATEGORIES = (
    select(Product.category_id, func.count().label("products")).where(Product.listed).group_by(Product.category_id)
)
# As PostgreSQL's own planner does: what the last look found on a page, on the pages that there are now.
_ABOUT = text(
    """
    SELECT CASE WHEN reltuples > 0
           THEN round(reltuples / relpages * (pg_relation_size(oid) / current_setting('block_size')::int)) END
    FROM pg_class WHERE oid = CAST('products' AS regclass)
    """
)
_CATEGORY_SLUGS = text(
    """
    WITH RECURSIVE above AS (
        SELECT p.id AS product_id, c.slug, c.parent_id FROM products p JOIN categories c ON c.id = p.category_id
        WHERE p.id = ANY(:products)
        UNION
        SELECT a.product_id, c.slug, c.parent_id FROM above a JOIN categories c ON c.id = a.parent_id
    )
    SELECT product_id, array_agg(slug) AS slugs FROM above GROUP BY product_id
    """
).bindparams(bindparam("products", type_=ARRAY(Uuid())))
_COUNTRIES = (
    select(Product.country, func.count().label("products"))
    .where(Product.listed, Product.country.is_not(None))
    .group_by(Product.country)
    .order_by(func.count().desc(), Product.country)
)
_VERSION = select(CatalogueVersion.version)

# Order of a list, and how a row is after another in it.
ORDER = {
    Sort.SHOP: ("shop_order DESC, id DESC", "(shop_order, id) < (CAST(:key AS bigint), CAST(:id AS uuid))"),
    Sort.POPULAR: ("popularity DESC, id DESC", "(popularity, id) < (CAST(:key AS bigint), CAST(:id AS uuid))"),
    Sort.NEW: ("id DESC", "id < CAST(:id AS uuid)"),
    Sort.PRICE: ("price_amount, id", "(price_amount, id) > (CAST(:key AS bigint), CAST(:id AS uuid))"),
}


class ProductFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A product as a list needs it: names by language, amounts in minor units of the shop's currency."""

    id: ProductId
    slug: str
    name: dict[str, str]
    summary: dict[str, str]
    hue: str
    icon: str
    country: str | None
    category: str
    """The slug of its category."""
    price_amount: int
    reseller_amount: int
    prices_differ: bool
    premium_only: bool
    picture: str | None
    popularity: int
    shop_order: int
    """Its place in the order that admins have set in its category; descending."""


class ListedProduct(ProductFacts, frozen=True, kw_only=True):
    """A product in a list; ``available`` counts all its variants, up to AVAILABILITY_CAP; None for any number."""

    available: int | None
    only_variant: VariantId | None
    """Its variant, where it has one only."""


class ProductText(ProductFacts, frozen=True, kw_only=True):
    """A product as its own page needs it."""

    description: dict[str, str]
    tags: list[str]
    kind: str
    choice: str
    category_id: UUID
    category_name: dict[str, str]


class VariantFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A variant of a product's page: names by language, amounts in minor units of ``currency``."""

    id: VariantId
    code: str
    name: dict[str, str]
    note: dict[str, str]
    price_amount: int
    reseller_amount: int | None
    currency: str
    min_quantity: int
    max_quantity: int | None
    per_person_limit: int | None
    quantity_prices: list[list[int]]
    subscription_days: int | None
    promised_hours: int | None
    file_kind: str | None
    file_size: int | None
    warranty_days: int
    available: int | None
    """How many can be bought now, counted up to AVAILABILITY_CAP; None for any number."""


class ListFilter(msgspec.Struct, frozen=True):
    """What a list shows; ``categories`` None is all of them, ``country`` None is everywhere."""

    categories: Sequence[UUID] | None
    country: str | None
    in_stock: bool
    sort: Sort


class ListKey(msgspec.Struct, frozen=True, array_like=True):
    """The place of a row in a list: its sort value (0 where the id is all) and its id."""

    key: int
    id: UUID


@functools.cache
def _list_statement(
    *, by_category: bool, by_country: bool, in_stock: bool, sort: Sort, after: bool, limit: int
) -> TextClause:
    """One sorted stretch from each category's own index, merged.

    Every branch (a category of the subtree, in stock or not) is read in the order of an index and ends after one
    page, so the cost goes by branches, not by products, and a deep page costs what the first one does. The limit is
    a part of the text: as a parameter it would let the planner fear a tenth of the table.
    """
    order, further = ORDER[sort]
    branches = ["(VALUES (true)) stocked (yes)" if in_stock else "(VALUES (true), (false)) stocked (yes)"]
    where = ["listed", "in_stock = stocked.yes"]
    if by_category:
        branches.append("unnest(CAST(:categories AS uuid[])) wanted (id)")
        where.append("category_id = wanted.id")
    if by_country:
        where.append("country = CAST(:country AS text)")
    if after:
        where.append(further)
    merged = ", ".join(f"s.{column}" for column in order.split(", "))
    return text(
        f"""
        WITH page AS MATERIALIZED (
            SELECT s.* FROM {" CROSS JOIN ".join(branches)}
            CROSS JOIN LATERAL (
                SELECT id, popularity, price_amount, shop_order FROM products WHERE {" AND ".join(where)}
                ORDER BY {order} LIMIT {limit}
            ) s ORDER BY {merged} LIMIT {limit}
        )
        SELECT {LISTED}
        FROM page s JOIN products p ON p.id = s.id JOIN categories c ON c.id = p.category_id
        ORDER BY {merged}
        """  # noqa: S608 - built of constants above
    )


async def list_products(tx: Tx, chosen: ListFilter, after: ListKey | None, limit: int) -> list[ListedProduct]:
    """Products of a list in its order, after a place in it."""
    values: dict[str, Any] = {}
    if chosen.categories is not None:
        values["categories"] = list(chosen.categories)
    if chosen.country is not None:
        values["country"] = chosen.country
    if after is not None:
        values["id"] = after.id
        if chosen.sort is not Sort.NEW:
            values["key"] = after.key
    statement = _list_statement(
        by_category=chosen.categories is not None,
        by_country=chosen.country is not None,
        in_stock=chosen.in_stock,
        sort=chosen.sort,
        after=after is not None,
        limit=limit,
    )
    return [ListedProduct(**row) for row in (await tx.execute(statement, values)).mappings()]


def place_of(row: ListedProduct, sort: Sort) -> ListKey:
    """The place of a listed row, for the cursor."""
    key = {
        Sort.SHOP: row.shop_order,
        Sort.POPULAR: row.popularity,
        Sort.NEW: 0,
        Sort.PRICE: row.price_amount,
    }[sort]
    return ListKey(key, row.id)


async def get_product(tx: Tx, slug: str) -> ProductText:
    """A listed product. Raises NotFound."""
    row = (await tx.execute(_DETAIL, {"slug": slug})).mappings().one_or_none() if is_slug(slug) else None
    if row is None:
        raise NotFound("no such product")
    return ProductText(**row)


async def get_listed(tx: Tx, product_id: ProductId) -> NamedProduct:
    """A listed product as a message names it. Raises NotFound."""
    columns = select(Product.slug, Product.name, Product.country, Product.picture)
    statement = columns.where(Product.id == product_id, Product.listed)
    row = (await tx.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFound("no such product")
    return NamedProduct(**row)


async def list_variants(tx: Tx, product_id: UUID) -> list[VariantFacts]:
    """The visible variants of a product, each with how many are left."""
    return [VariantFacts(**row) for row in (await tx.execute(_VARIANTS, {"product_id": product_id})).mappings()]


async def list_categories(tx: Tx) -> list[CategoryFacts]:
    """The categories that are shown, parents before children."""
    return [
        CategoryFacts(
            id=CategoryId(row.id),
            parent_id=CategoryId(row.parent_id) if row.parent_id else None,
            slug=row.slug,
            name=row.name,
            icon=row.icon,
            hue=row.hue,
        )
        for row in await tx.execute(_CATEGORIES)
    ]


async def count_in_categories(tx: Tx) -> dict[UUID, int]:
    """How many listed products each category has of its own."""
    return {row.category_id: row.products for row in await tx.execute(_IN_CATEGORIES)}


async def estimate_products(tx: Tx) -> int:
    """About how many products there are, without counting them; counted where nothing is known of them yet."""
    about = (await tx.execute(_ABOUT)).scalar_one()
    return int((await tx.execute(select(func.count()).select_from(Product))).scalar_one() if about is None else about)


async def list_category_slugs(tx: Tx, products: Collection[ProductId]) -> dict[ProductId, frozenset[str]]:
    """The slugs of each product's category and of all categories above it."""
    rows = await tx.execute(_CATEGORY_SLUGS, {"products": list(products)})
    return {ProductId(row.product_id): frozenset(row.slugs) for row in rows}


async def find_name(tx: Tx, *, category: str = "", product: str = "") -> dict[str, str] | None:
    """The name, by language, of the category or product with this slug; None for an unknown one."""
    model, slug = (Category, category) if category else (Product, product)
    name: dict[str, str] | None = (await tx.execute(select(model.name).where(model.slug == slug))).scalar_one_or_none()
    return name


async def list_countries(tx: Tx) -> list[CountryRow]:
    """Countries that have listed products, the fullest first."""
    return [CountryRow(row.country, row.products) for row in await tx.execute(_COUNTRIES)]


async def get_version(tx: Tx) -> int:
    """The version of the catalogue; 0 before its first change."""
    return int((await tx.execute(_VERSION)).scalar_one_or_none() or 0)
