"""SQL of the categories as the back office edits them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Uuid, bindparam, delete, exists, insert, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from backend.catalog.models import Category, Product
from backend.catalog.types import CategoryId
from backend.catalog.types.editing import CategoryDraft, ManagedCategory
from backend.infra.unit_of_work import Tx

_ALL: Final = text(
    """
    WITH RECURSIVE tree AS (
        SELECT id, parent_id, 1 AS depth, ARRAY[(position, slug)] AS place FROM categories WHERE parent_id IS NULL
        UNION ALL
        SELECT c.id, c.parent_id, t.depth + 1, t.place || (c.position, c.slug)
        FROM categories c JOIN tree t ON c.parent_id = t.id
    ), counted AS (SELECT category_id, count(*) AS products FROM products GROUP BY category_id)
    SELECT c.id, c.slug, c.parent_id, t.depth, c.name, c.icon, c.hue, c.hidden, coalesce(n.products, 0) AS products,
           (SELECT count(*) FROM categories b WHERE b.parent_id = c.id) AS children
    FROM tree t JOIN categories c ON c.id = t.id LEFT JOIN counted n ON n.category_id = c.id ORDER BY t.place
    """
)

_SET_ORDER: Final = text(
    """
    UPDATE categories c SET position = n.place FROM unnest(:ids) WITH ORDINALITY n (id, place)
    WHERE c.id = n.id AND c.position <> n.place
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


async def list_managed(tx: Tx) -> list[ManagedCategory]:
    """Every category, hidden ones too, in the order of reading: each before what is in it."""
    return [ManagedCategory(**row) for row in (await tx.execute(_ALL)).mappings()]


async def add(tx: Tx, category_id: CategoryId, draft: CategoryDraft, parent: CategoryId | None, position: int) -> None:
    """Insert a category."""
    await tx.execute(insert(Category), {"id": category_id, **_columns(draft, parent, position)})


async def change(
    tx: Tx, category_id: CategoryId, draft: CategoryDraft, parent: CategoryId | None, position: int
) -> None:
    """Store what was edited of a category. At the end of the transaction CheckViolation where it is in itself."""
    await tx.execute(update(Category).where(Category.id == category_id).values(_columns(draft, parent, position)))


async def delete_empty(tx: Tx, category_id: CategoryId) -> bool:
    """Delete a category that nothing is in; whether that was so."""
    filled = exists().where(Product.category_id == category_id)
    child = aliased(Category)
    nested = exists().where(child.parent_id == category_id)
    statement = delete(Category).where(Category.id == category_id, ~filled, ~nested).returning(Category.id)
    return (await tx.execute(statement)).first() is not None


async def set_order(tx: Tx, order: Sequence[CategoryId]) -> None:
    """Number the categories by this order, from 1."""
    await tx.execute(_SET_ORDER, {"ids": list(order)})


def _columns(draft: CategoryDraft, parent: CategoryId | None, position: int) -> dict[str, Any]:
    return {
        "slug": draft.slug,
        "parent_id": parent,
        "name": draft.name,
        "icon": draft.icon,
        "hue": draft.hue,
        "hidden": draft.hidden,
        "position": position,
    }
