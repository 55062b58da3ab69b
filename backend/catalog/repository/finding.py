"""The SQL by which admins find products, categories and keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import LargeBinary, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.repository import named
from backend.catalog.rules.naming import Name
from backend.catalog.types import KeyState, ProductId, VariantId
from backend.catalog.types.finding import CategoryHit, KeyHit, ProductHit
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderLineId

_PRODUCTS: Final = text(
    f"""
    SELECT p.id, p.slug, p.name, c.name AS category, p.country, p.picture, p.listed
    FROM products p JOIN categories c ON c.id = p.category_id
    WHERE p.id = {named.CHOSEN} ORDER BY p.popularity DESC, p.id DESC LIMIT :most
    """  # noqa: S608 - constants of ours
)
# Categories are few: all names are read, in every language.
_CATEGORIES: Final = text(
    """
    SELECT c.id, c.slug, c.name FROM categories c
    WHERE lower(concat_ws(' ', c.slug, (SELECT string_agg(value, ' ') FROM jsonb_each_text(c.name))))
          LIKE ALL (:patterns)
    ORDER BY c.position, c.id LIMIT :most
    """
).bindparams(bindparam("patterns", type_=ARRAY(Text())))
_KEYS: Final = text(
    """
    SELECT p.name AS product, v.name AS variant, k.state, k.batch_id, k.order_line_id
    FROM unnest(:variants, :fingerprints) n (variant_id, fingerprint)
    JOIN stock_keys k ON k.variant_id = n.variant_id AND k.fingerprint = n.fingerprint
    JOIN variants v ON v.id = k.variant_id JOIN products p ON p.id = v.product_id
    LIMIT :most
    """
).bindparams(bindparam("variants", type_=ARRAY(Uuid())), bindparam("fingerprints", type_=ARRAY(LargeBinary())))


async def list_products(tx: Tx, name: Name, limit: int) -> tuple[ProductHit, ...]:
    """The products of a name, in any language, those that sell best first."""
    rows = await tx.execute(_PRODUCTS, {"words": name.text(), "most": limit})
    return tuple(
        ProductHit(
            id=ProductId(row.id),
            slug=row.slug,
            name=row.name,
            category=row.category,
            country=row.country,
            picture=row.picture,
            listed=row.listed,
        )
        for row in rows
    )


async def list_categories(tx: Tx, patterns: Sequence[str], limit: int) -> tuple[CategoryHit, ...]:
    """The categories whose names or slug are like each of the patterns, in lower case."""
    rows = await tx.execute(_CATEGORIES, {"patterns": list(patterns), "most": limit})
    return tuple(CategoryHit(id=row.id, slug=row.slug, name=row.name) for row in rows)


async def list_keys(
    tx: Tx, variants: Sequence[VariantId], fingerprints: Sequence[bytes], limit: int
) -> tuple[KeyHit, ...]:
    """The keys with one of the fingerprints, each of the variant at its place."""
    values = {"variants": list(variants), "fingerprints": list(fingerprints), "most": limit}
    return tuple(
        KeyHit(
            product=row.product,
            variant=row.variant,
            state=KeyState(row.state),
            batch_id=row.batch_id,
            line_id=OrderLineId(row.order_line_id) if row.order_line_id else None,
        )
        for row in await tx.execute(_KEYS, values)
    )
