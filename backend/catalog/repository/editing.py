"""SQL of the catalogue as the back office edits it: products in any state."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import DateTime, RowMapping, Uuid, bindparam, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.models import Category, Product, Variant
from backend.catalog.repository import named
from backend.catalog.repository.availability import of_product, of_variant
from backend.catalog.rules.naming import Name
from backend.catalog.types import AVAILABILITY_CAP, CategoryId, ProductId, StockKind
from backend.catalog.types.bin import BinPlace
from backend.catalog.types.editing import (
    EditedProduct,
    ManagedProduct,
    ProductDraft,
    ProductFilter,
    ProductState,
    StockState,
)
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound

_EDITED: Final = (
    "country", "choice", "name", "summary", "description", "icon", "hue", "tags", "premium_only", "hidden",
    "publish_at",
)  # fmt: skip
"""The columns of a draft beside its slug and its category."""
_LOW: Final = f"""
    (p.in_stock AND EXISTS (
        SELECT FROM variants v WHERE v.product_id = p.id AND v.low_stock_told AND NOT v.hidden
        AND {of_variant("v.low_stock_at + 1")} <= v.low_stock_at
    ))"""
_MISSING: Final = """
    (SELECT count(*) FROM (VALUES ('ar'), ('ru')) l (code) CROSS JOIN (VALUES (p.name), (p.description)) t (texts)
     WHERE NOT t.texts ? l.code AND t.texts ? 'en')"""
_NARROWED: Final[dict[ProductState | None, str]] = {
    None: "p.archived_at IS NULL",
    ProductState.SHOWN: "p.archived_at IS NULL AND NOT p.hidden",
    ProductState.HIDDEN: "p.archived_at IS NULL AND p.hidden AND p.publish_at IS NULL",
    ProductState.SCHEDULED: "p.archived_at IS NULL AND p.publish_at IS NOT NULL",
    ProductState.ARCHIVED: "p.archived_at IS NOT NULL",
}
_STOCKED: Final[dict[StockState | None, str]] = {
    None: "",
    StockState.LOW: f" AND {_LOW}",
    StockState.NONE: f" AND coalesce({of_product('1')}, 1) = 0",
}
_BELOW: Final = """
    WITH RECURSIVE below AS (
        SELECT id FROM categories WHERE slug = :category
        UNION SELECT c.id FROM categories c JOIN below b ON c.parent_id = b.id
    )"""
_DUE = text(
    "UPDATE products SET hidden = false WHERE publish_at <= :now AND archived_at IS NULL RETURNING id"
).bindparams(bindparam("now", type_=DateTime(timezone=True)))

_ARCHIVED = text(
    """
    SELECT p.id, p.name, p.archived_at, c.name AS category_name
    FROM products p JOIN categories c ON c.id = p.category_id
    WHERE p.archived_at IS NOT NULL AND (CAST(:at AS timestamptz) IS NULL OR (p.archived_at, p.id) < (:at, :id))
    ORDER BY p.archived_at DESC, p.id DESC LIMIT :most
    """
).bindparams(bindparam("at", type_=DateTime(timezone=True)), bindparam("id", type_=Uuid()))
_DELETE = (
    text("DELETE FROM product_questions WHERE product_id = :id").bindparams(bindparam("id", type_=Uuid())),
    text("DELETE FROM products WHERE id = :id AND archived_at IS NOT NULL").bindparams(bindparam("id", type_=Uuid())),
)
_SET_PLACES = text(
    """
    UPDATE products p SET position = n.place FROM unnest(:ids) WITH ORDINALITY n (id, place)
    WHERE p.id = n.id AND p.category_id = :category AND p.position IS DISTINCT FROM n.place
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("category", type_=Uuid()))


async def list_managed(
    tx: Tx,
    chosen: ProductFilter,
    name: Name | None,
    after: UUID | None,
    limit: int,
    *,
    only: Collection[ProductId] | None = None,
) -> list[ManagedProduct]:
    """Products in any state, or ``only`` these, the newest first; of any name, or of this one."""
    where = _NARROWED[chosen.state] + _STOCKED[chosen.stock]
    values: dict[str, Any] = {"limit": limit}
    if name is not None:
        where += f" AND {await named.condition(tx, name)}"
        values["words"] = name.text()
    if chosen.category:
        where += " AND p.category_id IN (SELECT id FROM below)"
        values["category"] = chosen.category
    if after is not None:
        where += " AND p.id < :after"
        values["after"] = after
    if only is not None:
        where += " AND p.id = ANY(:only)"
        values["only"] = list(only)
    statement = text(
        f"""
        {_BELOW if chosen.category else ""}
        SELECT p.id, p.slug, p.name, c.name AS category_name, p.kind, p.hue, p.icon, p.country, p.picture, p.hidden,
               p.publish_at, p.archived_at, p.listed, p.price_amount, p.prices_differ, {_MISSING} AS missing,
               (SELECT count(*) FROM variants v WHERE v.product_id = p.id) AS variants,
               {of_product(str(AVAILABILITY_CAP))} AS available, {_LOW} AS low
        FROM products p JOIN categories c ON c.id = p.category_id
        WHERE {where} ORDER BY p.id DESC LIMIT :limit
        """  # noqa: S608 - constants of ours
    )
    if only is not None:
        statement = statement.bindparams(bindparam("only", type_=ARRAY(Uuid())))
    if after is not None:
        statement = statement.bindparams(bindparam("after", type_=Uuid()))
    return [ManagedProduct(**row) for row in (await tx.execute(statement, values)).mappings()]


async def get(tx: Tx, product_id: ProductId, *, lock: bool = False) -> EditedProduct:
    """A product in any state; with ``lock`` nobody else changes it until the transaction ends. Raises NotFound."""
    columns = [Product.__table__.c[name] for name in _EDITED]
    more = (Product.id, Product.slug, Product.kind, Product.version, Product.picture, Product.archived_at)
    variants = select(func.count()).where(Variant.product_id == Product.id).scalar_subquery()
    statement = (
        select(*columns, *more, Product.listed, Category.slug.label("category"), variants.label("variants"))
        .join(Category, Category.id == Product.category_id)
        .where(Product.id == product_id)
    )
    if lock:
        statement = statement.with_for_update(of=Product.__table__)
    row = (await tx.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFound("no such product")
    return EditedProduct(
        id=row["id"],
        kind=StockKind(row["kind"]),
        version=row["version"],
        draft=ProductDraft(slug=row["slug"], category=row["category"], **{name: row[name] for name in _EDITED}),
        picture=row["picture"],
        archived_at=row["archived_at"],
        listed=row["listed"],
        variants=row["variants"],
    )


async def exists(tx: Tx, product_id: UUID) -> bool:
    """Whether there is a product with this id."""
    return (await tx.execute(select(Product.id).where(Product.id == product_id))).first() is not None


async def add(tx: Tx, product_id: ProductId, kind: StockKind, draft: ProductDraft, category: CategoryId) -> None:
    """Insert a product without variants."""
    row = {"id": product_id, "kind": kind.value, "category_id": category, "slug": draft.slug, "created_at": tx.now}
    await tx.execute(insert(Product), row | _columns(draft))


async def change(tx: Tx, product_id: ProductId, draft: ProductDraft, category: CategoryId) -> None:
    """Store what was edited of a product."""
    values = {"category_id": category, "slug": draft.slug, **_columns(draft)}
    await tx.execute(update(Product).where(Product.id == product_id).values(values))


async def set_archived(tx: Tx, product_id: ProductId, at: datetime | None) -> None:
    """Archive a product, or bring it back hidden (None)."""
    await tx.execute(update(Product).where(Product.id == product_id).values(archived_at=at, hidden=True))


async def list_archived(tx: Tx, before: BinPlace | None, most: int) -> list[RowMapping]:
    """Archived products, the latest first."""
    place = {"at": before.at if before else None, "id": before.id if before else None, "most": most}
    return list((await tx.execute(_ARCHIVED, place)).mappings())


async def delete(tx: Tx, product_id: ProductId) -> None:
    """Delete an archived product and its questions. Raises DBAPIError (23503) where something else refers to it."""
    for statement in _DELETE:
        await tx.execute(statement, {"id": product_id})


async def set_picture(tx: Tx, product_id: ProductId, picture: str | None) -> None:
    """Give a product a stored picture."""
    await tx.execute(update(Product).where(Product.id == product_id).values(picture=picture))


async def list_in_order(tx: Tx, category: CategoryId, limit: int) -> list[ProductId]:
    """The first products of a category, not of those below it, in the shop's order; archived ones have no place."""
    statement = (
        select(Product.id)
        .where(Product.category_id == category, Product.archived_at.is_(None))
        .order_by(Product.shop_order.desc(), Product.id.desc())
        .limit(limit)
    )
    return [ProductId(row.id) for row in await tx.execute(statement)]


async def set_places(tx: Tx, category: CategoryId, order: Sequence[ProductId]) -> None:
    """Number the first products of a category by this order, from 1."""
    await tx.execute(_SET_PLACES, {"category": category, "ids": list(order)})


async def publish_due(tx: Tx) -> list[ProductId]:
    """Show the products whose time has come; their ids."""
    return sorted(ProductId(row.id) for row in await tx.execute(_DUE, {"now": tx.now}))


async def count_due(tx: Tx) -> int:
    """How many products are to be shown by now."""
    due = select(func.count()).where(Product.publish_at <= tx.now)
    return int((await tx.execute(due)).scalar_one())


async def list_slugs_like(tx: Tx, stem: str) -> set[str]:
    """The slugs of products that begin with ``stem``."""
    statement = select(Product.slug).where(Product.slug.startswith(stem, autoescape=True))
    return set((await tx.execute(statement)).scalars())


def _columns(draft: ProductDraft) -> dict[str, Any]:
    fields = msgspec.structs.asdict(draft)
    return {name: fields[name] for name in _EDITED}
