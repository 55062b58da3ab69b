"""SQL of the products that people like."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, DateTime, Text, Uuid, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from backend.catalog.models import Product
from backend.catalog.models.waiting import Favourite as Row
from backend.catalog.repository.availability import of_product
from backend.catalog.types import AVAILABILITY_CAP, ProductId
from backend.catalog.types.favourites import WORTH_TELLING, Favourite
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.money import Money

_QUIET: Final = timedelta(days=1)
"""For how long nobody is told of one product's return again."""
_MOST: Final = 500
_PRICE: Final = "CASE WHEN f.reseller THEN p.reseller_amount ELSE p.price_amount END"
_WAITS: Final = """EXISTS (SELECT FROM stock_waits w JOIN variants v ON v.id = w.variant_id
                       WHERE v.product_id = f.product_id AND w.user_id = f.user_id)"""
_LIST = text(
    f"""
    SELECT f.product_id, p.slug, p.name, p.country, p.hue, p.icon, p.picture, p.listed AS for_sale,
           {_PRICE} AS price, p.prices_differ, f.seen_amount, f.currency,
           {of_product(str(AVAILABILITY_CAP))} AS available
    FROM favourites f JOIN products p ON p.id = f.product_id
    WHERE f.user_id = :user_id AND (:product_id IS NULL OR f.product_id = :product_id)
    ORDER BY p.listed DESC, f.added_at DESC, f.product_id
    """  # noqa: S608 - constants of ours
).bindparams(bindparam("user_id", type_=Uuid()), bindparam("product_id", type_=Uuid()))
# Who stands in line for a product is told by the line.
_NOTE_SOLD_OUT = text(
    f"""
    UPDATE favourites u SET was_out = NOT n.waits FROM (
        SELECT f.id, f.was_out, p.in_stock, {_WAITS} AS waits
        FROM favourites f JOIN products p ON p.id = f.product_id WHERE p.listed
    ) n WHERE n.id = u.id AND (n.was_out AND n.waits OR NOT (n.was_out OR n.waits OR n.in_stock))
    """  # noqa: S608 - constants of ours
)
_TAKE = text(
    f"""
    WITH due AS (
        SELECT f.id, f.lowest_amount, f.was_out, n.price FROM favourites f JOIN products p ON p.id = f.product_id
        CROSS JOIN LATERAL (SELECT {_PRICE} AS price) n
        WHERE p.listed AND p.in_stock AND f.currency = :currency AND NOT {_WAITS}
          AND (f.was_out AND (f.told_at IS NULL OR f.told_at <= :long_ago)
               OR n.price * 100 <= f.lowest_amount * (100 - :percent))
        ORDER BY f.id LIMIT :most FOR UPDATE OF f SKIP LOCKED
    )
    UPDATE favourites f SET was_out = false, told_at = :now, lowest_amount = least(f.lowest_amount, due.price)
    FROM due WHERE due.id = f.id RETURNING f.user_id, f.product_id, due.lowest_amount AS known,
              due.was_out AS returned
    """  # noqa: S608 - constants of ours
).bindparams(
    bindparam("currency", type_=Text()),
    bindparam("long_ago", type_=DateTime(timezone=True)),
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("percent", type_=BigInteger()),
    bindparam("most", type_=BigInteger()),
)


class Changed(msgspec.Struct, frozen=True):
    """Somebody who is to be told of a product; ``known`` is the lowest price that they know, in minor units.

    ``returned``: it was sold out.
    """

    user_id: UserId
    product_id: ProductId
    known: int
    returned: bool


async def add(tx: Tx, user_id: UserId, product_id: ProductId, price: Money, *, reseller: bool, out: bool) -> None:
    """Note that a person likes a product, at its price for them; who does already keeps what they know."""
    row = {
        "id": tx.new_id(), "user_id": user_id, "product_id": product_id, "added_at": tx.now, "reseller": reseller,
        "seen_amount": price.amount, "lowest_amount": price.amount, "currency": price.currency, "was_out": out,
    }  # fmt: skip
    await tx.execute(insert(Row).on_conflict_do_nothing(index_elements=["user_id", "product_id"]), row)


async def remove(tx: Tx, user_id: UserId, slug: str) -> None:
    """Note that a person no longer likes a product, listed or not."""
    product_id = select(Product.id).where(Product.slug == slug).scalar_subquery()
    await tx.execute(delete(Row).where(Row.user_id == user_id, Row.product_id == product_id))


async def count(tx: Tx, user_id: UserId) -> int:
    """How many products a person likes."""
    statement = select(func.count()).select_from(Row).where(Row.user_id == user_id)
    return int((await tx.execute(statement)).scalar_one())


async def list_liked(tx: Tx, user_id: UserId, slugs: Collection[str]) -> set[str]:
    """Those of the products that a person likes."""
    chosen = select(Product.slug).join(Row, Row.product_id == Product.id)
    rows = await tx.execute(chosen.where(Row.user_id == user_id, Product.slug.in_(list(slugs))))
    return set(rows.scalars())


async def list_own(tx: Tx, user_id: UserId, product_id: ProductId | None = None) -> list[Favourite]:
    """What a person likes (or one product of it): what is for sale first, the latest first."""
    rows = await tx.execute(_LIST, {"user_id": user_id, "product_id": product_id})
    return [_favourite(row) for row in rows.mappings()]


async def note_sold_out(tx: Tx) -> None:
    """Note which products that people like are sold out now."""
    await tx.execute(_NOTE_SOLD_OUT)


async def take_changed(tx: Tx, currency: str) -> list[Changed]:
    """People to be told of a product that is back or cheaper; nobody gets the same a second time."""
    values: dict[str, Any] = {"currency": currency, "now": tx.now, "long_ago": tx.now - _QUIET}
    rows = await tx.execute(_TAKE, values | {"percent": WORTH_TELLING, "most": _MOST})
    return [Changed(**row) for row in rows.mappings()]


def _favourite(row: Any) -> Favourite:
    facts = {name: value for name, value in row.items() if name not in {"price", "seen_amount", "currency"}}
    price, seen = (Money(row[name], row["currency"]) for name in ("price", "seen_amount"))
    return Favourite(**facts, price=price, seen=seen)
