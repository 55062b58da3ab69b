"""SQL of the stock: selling keys, reserving them, releasing them, counting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, DateTime, LargeBinary, Text, Uuid, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.models import Product, StockBatch, StockKey, Variant
from backend.catalog.repository import named
from backend.catalog.repository.availability import has_stock, of_variant, of_variant_for
from backend.catalog.rules.naming import Name
from backend.catalog.types import AVAILABILITY_CAP, KeyState, ProductId, StockKeyId, StockKind, StockSubject, VariantId
from backend.catalog.types.fulfilment import FulfilmentLine
from backend.infra.database import dump_json
from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import DataKeyId, OrderLineId, UserId

_MOST_LINES: Final = 200

# One statement takes the keys of all lines and counts what is left. The chosen rows arrive as one array, so that no
# plan, custom or generic, reads the whole table; rows that another buyer has locked are skipped, and when too few are
# left for one line nothing is taken for any. ``seen`` is counted as it was before, and only as far as the alert needs
# to know.
_TAKE = HotStatement(
    text(
        """
    WITH chosen AS MATERIALIZED (
        SELECT line.*, ARRAY(
            SELECT id FROM stock_keys WHERE variant_id = line.variant_id AND state = 'available'
              AND (expires_at IS NULL OR expires_at > :now)
            ORDER BY position LIMIT line.quantity FOR UPDATE SKIP LOCKED
        ) AS ids
        FROM json_to_recordset(CAST(:lines AS json)) AS line (id uuid, variant_id uuid, quantity bigint, buyer uuid)
    ), taken AS (
        UPDATE stock_keys k SET state = :state, taken_at = :now,
                                order_line_id = (SELECT c.id FROM chosen c WHERE c.variant_id = k.variant_id)
        WHERE k.id = ANY (ARRAY(SELECT unnest(ids) FROM chosen))
          AND NOT EXISTS (SELECT FROM chosen WHERE cardinality(ids) < quantity)
        RETURNING k.id, k.position, k.variant_id
    )
    SELECT v.id AS variant_id, v.product_id, v.low_stock_at, v.low_stock_told, cardinality(c.ids) AS available,
           (SELECT array_agg(t.id ORDER BY t.position) FROM taken t WHERE t.variant_id = v.id) AS ids,
           (SELECT count(*) FROM (
               SELECT FROM stock_keys k WHERE k.variant_id = v.id AND k.state = 'available'
                 AND (k.expires_at IS NULL OR k.expires_at > :now)
               LIMIT v.low_stock_at + c.quantity + 1
           ) counted) AS seen,
           coalesce((SELECT true FROM stock_waits w WHERE w.variant_id = v.id AND w.user_id = c.buyer), false) AS waits
    FROM chosen c JOIN variants v ON v.id = c.variant_id
    """
    ).bindparams(
        bindparam("lines", type_=Text()),
        bindparam("state", type_=Text()),
        bindparam("now", type_=DateTime(timezone=True)),
    )
)

_SELL = text(
    """
    UPDATE stock_keys SET state = 'sold', taken_at = :now
    WHERE order_line_id = ANY (:line_ids) AND state = 'reserved' RETURNING order_line_id, id, position
    """
).bindparams(bindparam("line_ids", type_=ARRAY(Uuid())), bindparam("now", type_=DateTime(timezone=True)))

_RELEASE = text(
    """
    WITH released AS (
        UPDATE stock_keys k SET order_line_id = NULL, taken_at = NULL,
               state = CASE WHEN b.stopped_at IS NULL THEN 'available' ELSE 'stopped' END
        FROM stock_batches b
        WHERE b.id = k.batch_id AND k.order_line_id = ANY (:line_ids) AND k.state = 'reserved' RETURNING k.variant_id
    )
    SELECT DISTINCT v.product_id FROM released r JOIN variants v ON v.id = r.variant_id ORDER BY v.product_id
    """
).bindparams(bindparam("line_ids", type_=ARRAY(Uuid())))

_TELL_LOW = (
    update(Variant)
    .where(Variant.id == bindparam("variant_id"), Variant.low_stock_told.is_(False))
    .values(low_stock_told=True)
    .returning(Variant.id)
)

_COUNT_FREE = text(
    f"""
    SELECT coalesce({of_variant_for(":buyer", ":at_most")}, :at_most)
    FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = :variant_id
    """  # noqa: S608 - constants of ours
).bindparams(
    bindparam("variant_id", type_=Uuid()), bindparam("at_most", type_=BigInteger()), bindparam("buyer", type_=Uuid())
)

_LEVEL = text(
    f"""
    SELECT v.product_id, v.low_stock_at, v.low_stock_told, {of_variant("v.low_stock_at + 1")} AS available
    FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = :variant_id
    """  # noqa: S608 - constants of ours
).bindparams(bindparam("variant_id", type_=Uuid()))

_EXPIRE = text(
    """
    WITH chosen AS (
        SELECT id FROM stock_keys WHERE expires_at <= :now AND state IN ('available', 'stopped')
        ORDER BY expires_at LIMIT :most FOR UPDATE SKIP LOCKED
    )
    UPDATE stock_keys k SET state = 'expired' FROM chosen c WHERE k.id = c.id RETURNING k.variant_id
    """
).bindparams(bindparam("now", type_=DateTime(timezone=True)), bindparam("most", type_=BigInteger()))

_HAS_STOCK = has_stock()
_UNLIST_EMPTY = text(
    f"UPDATE products p SET in_stock = false WHERE p.id = ANY(:ids) AND p.in_stock AND NOT ({_HAS_STOCK})"  # noqa: S608
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_LIST_STOCKED = text("UPDATE products p SET in_stock = true WHERE p.id = ANY(:ids) AND NOT p.in_stock").bindparams(
    bindparam("ids", type_=ARRAY(Uuid()))
)
_LIST_MARKED = select(Product.id).where(Product.in_stock, Product.id > bindparam("after")).order_by(Product.id)
_LIST_EMPTY = text(f"SELECT p.id FROM products p WHERE p.id = ANY(:ids) AND NOT ({_HAS_STOCK})").bindparams(  # noqa: S608
    bindparam("ids", type_=ARRAY(Uuid()))
)
_LIST_UNTOLD = text(
    f"""
    SELECT v.id, v.product_id, n.available FROM products p JOIN variants v ON v.product_id = p.id
    CROSS JOIN LATERAL (SELECT {of_variant("v.low_stock_at + 1")} AS available) n
    WHERE p.id = ANY(:ids) AND p.kind NOT IN ('by_hand', 'course', 'file')
      AND NOT v.low_stock_told AND n.available <= v.low_stock_at
    """  # noqa: S608 - constants of ours
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_LOCK_PRODUCTS = (
    select(Product.id)
    .where(Product.id.in_(bindparam("ids", expanding=True)))
    .order_by(Product.id)
    .with_for_update(key_share=True)
)
# Not FOR SHARE: two that share the row and then both change it would deadlock.
_LOCK_PRODUCT = select(Product.in_stock).where(Product.id == bindparam("id")).with_for_update(key_share=True)

_LIST_TAKEN = HotStatement(
    text("""
    SELECT order_line_id, id FROM stock_keys
    WHERE order_line_id = ANY (:line_ids) AND state = 'sold' ORDER BY position
""").bindparams(bindparam("line_ids", type_=ARRAY(Uuid())))
)
_LIST_SEALED = (
    select(StockKey.id, StockKey.ciphertext, StockBatch.data_key_id)
    .join(StockBatch, StockBatch.id == StockKey.batch_id)
    .where(StockKey.id.in_(bindparam("ids", expanding=True)), StockKey.state == KeyState.SOLD)
)
_SUBJECT = (
    select(
        Product.id, Product.slug, Product.name, Product.country, Product.kind, Product.picture,
        Variant.name.label("variant_name"),
    )
    .join(Product, Product.id == Variant.product_id)
    .where(Variant.id == bindparam("variant_id"))
)  # fmt: skip


class Sealed(msgspec.Struct, frozen=True):
    """An encrypted key, and the data key that decrypts it."""

    id: StockKeyId
    ciphertext: bytes
    data_key_id: DataKeyId


class StockLevel(msgspec.Struct, frozen=True):
    """What is left of a variant, up to one more than its threshold; None for any number."""

    product_id: ProductId
    low_stock_at: int
    low_stock_told: bool
    available: int | None


class LowVariant(msgspec.Struct, frozen=True):
    """A variant at its threshold or below; ``available`` is exact."""

    id: VariantId
    product_id: ProductId
    available: int


class Taken(msgspec.Struct, frozen=True):
    """The result of taking keys: ``ids`` is None when none were; ``available`` could be; ``seen`` were free before."""

    variant_id: VariantId
    product_id: ProductId
    low_stock_at: int
    low_stock_told: bool
    available: int
    ids: list[UUID] | None
    seen: int
    waits: bool


async def take(tx: Tx, lines: Sequence[FulfilmentLine], state: KeyState) -> dict[VariantId, Taken]:
    """Move keys to ``state`` for lines of a variant each: as many as all of them want, or none.

    Returns what there is of each variant that exists; no two lines may be of one variant.
    """
    values = {"lines": dump_json(lines), "state": state.value, "now": tx.now}
    return {VariantId(row["variant_id"]): Taken(**row) for row in await tx.fetch(_TAKE, values)}


async def sell_reserved(tx: Tx, line_ids: Sequence[OrderLineId]) -> dict[OrderLineId, list[StockKeyId]]:
    """Mark the lines' reserved keys as sold; returns their ids for each line, in the order of the stock."""
    keys: dict[OrderLineId, list[StockKeyId]] = {line_id: [] for line_id in line_ids}
    rows = (await tx.execute(_SELL, {"line_ids": list(line_ids), "now": tx.now})).all()
    for row in sorted(rows, key=lambda row: row.position):
        keys[OrderLineId(row.order_line_id)].append(StockKeyId(row.id))
    return keys


async def release_reserved(tx: Tx, line_ids: Sequence[OrderLineId]) -> list[ProductId]:
    """Release the lines' reserved keys; returns their products, by id."""
    rows = await tx.execute(_RELEASE, {"line_ids": list(line_ids)})
    return [ProductId(row.product_id) for row in rows]


async def mark_low_stock(tx: Tx, variant_id: VariantId) -> bool:
    """Record that the admins are told; False when that was recorded before."""
    return (await tx.execute(_TELL_LOW, {"variant_id": variant_id})).one_or_none() is not None


async def count_available(
    tx: Tx, variant_id: VariantId, at_most: int = AVAILABILITY_CAP, buyer: UserId | None = None
) -> int:
    """How many can be bought now, counted up to ``at_most``; ``at_most`` where any number can.

    With a ``buyer`` also what is held for them.
    """
    values = {"variant_id": variant_id, "at_most": at_most, "buyer": buyer}
    counted = await tx.execute(_COUNT_FREE, values)
    return int(counted.scalar_one_or_none() or 0)


async def get_level(tx: Tx, variant_id: VariantId) -> StockLevel:
    """How much of a variant is left, counted as far as an alert needs it."""
    return StockLevel(**(await tx.execute(_LEVEL, {"variant_id": variant_id})).mappings().one())


async def settle_in_stock(tx: Tx, product_ids: Sequence[UUID]) -> int:
    """Clear ``in_stock`` of products that have nothing left; returns how many.

    The products are locked first and checked in a second statement. Releasing goods locks the same row, so no
    released ones are missed.
    """
    await tx.execute(_LOCK_PRODUCTS, {"ids": list(product_ids)})
    return (await tx.execute(_UNLIST_EMPTY, {"ids": list(product_ids)})).rowcount


async def mark_in_stock(tx: Tx, product_id: ProductId) -> None:
    """Set ``in_stock`` of a product that has got stock; waits for a transaction that is clearing it."""
    if (await tx.execute(_LOCK_PRODUCT, {"id": product_id})).scalar_one_or_none() is False:
        await tx.execute(_LIST_STOCKED, {"ids": [product_id]})


async def lock_products(tx: Tx, product_ids: Sequence[ProductId]) -> None:
    """Lock products in their order, as one must who moves stock from one to another."""
    await tx.execute(_LOCK_PRODUCTS, {"ids": list(product_ids)})


async def expire(tx: Tx, most: int) -> list[VariantId]:
    """Take up to ``most`` keys whose time has ended out of the stock; the variant of each."""
    rows = await tx.execute(_EXPIRE, {"now": tx.now, "most": most})
    return [VariantId(variant_id) for variant_id in rows.scalars()]


async def list_marked(tx: Tx, after: UUID, limit: int) -> list[UUID]:
    """Products marked as in stock, by id."""
    return list((await tx.execute(_LIST_MARKED.limit(limit), {"after": after})).scalars())


async def list_empty(tx: Tx, product_ids: Sequence[UUID]) -> list[UUID]:
    """The products among these that have nothing left."""
    return list((await tx.execute(_LIST_EMPTY, {"ids": list(product_ids)})).scalars())


async def list_untold_low(tx: Tx, product_ids: Sequence[UUID]) -> list[LowVariant]:
    """Variants of the products that are low and that no admin was told of."""
    return [LowVariant(**row) for row in (await tx.execute(_LIST_UNTOLD, {"ids": list(product_ids)})).mappings()]


async def list_taken(tx: Tx, line_ids: Sequence[OrderLineId]) -> list[tuple[OrderLineId, StockKeyId]]:
    """The sold keys of the lines, in the order of the lines and of the stock."""
    rows = await tx.fetch(_LIST_TAKEN, {"line_ids": list(line_ids)})
    place = {line_id: number for number, line_id in enumerate(line_ids)}
    ordered = sorted(rows, key=lambda row: place[row["order_line_id"]])
    return [(OrderLineId(row["order_line_id"]), StockKeyId(row["id"])) for row in ordered]


async def list_sealed(tx: Tx, key_ids: Sequence[StockKeyId]) -> dict[UUID, Sealed]:
    """Sold keys with what opens them, by id."""
    rows = await tx.execute(_LIST_SEALED, {"ids": list(key_ids)})
    return {r.id: Sealed(StockKeyId(r.id), r.ciphertext, DataKeyId(r.data_key_id)) for r in rows}


async def find_subject(tx: Tx, variant_id: VariantId) -> StockSubject | None:
    """What an alert about the variant speaks of."""
    row = (await tx.execute(_SUBJECT, {"variant_id": variant_id})).one_or_none()
    if row is None:
        return None
    left = await count_available(tx, variant_id)
    kind = StockKind(row.kind)
    return StockSubject(ProductId(row.id), row.slug, row.name, row.variant_name, row.country, left, kind, row.picture)


# A variant that never had stock raises no alert: it is not for sale yet.
_LOW = (
    select(Variant.id)
    .join(Product, Product.id == Variant.product_id)
    .where(Variant.low_stock_told, Variant.hidden.is_(False), Product.listed, Product.kind != StockKind.BY_HAND)
    .where(select(StockBatch.id).where(StockBatch.variant_id == Variant.id).exists())
)
_COUNT_LOW = select(func.count().label("variants")).select_from(_LOW.subquery())


async def count_low(tx: Tx) -> int:
    """Listed variants that had stock and whose threshold was passed since."""
    return int((await tx.execute(_COUNT_LOW)).scalar_one())


async def find_low(tx: Tx) -> VariantId | None:
    """The one of them that sells best; None for none."""
    best = _LOW.order_by(Product.popularity.desc(), Variant.id).limit(1)
    variant_id = (await tx.execute(best)).scalar_one_or_none()
    return None if variant_id is None else VariantId(variant_id)


_FIND_VARIANTS = text(
    f"""
    SELECT v.id FROM variants v JOIN products p ON p.id = v.product_id
    WHERE p.id = {named.CHOSEN}
      AND lower(concat_ws(' ', p.slug, (SELECT string_agg(value, ' ') FROM jsonb_each_text(p.name)),
                          (SELECT string_agg(value, ' ') FROM jsonb_each_text(v.name)))) LIKE ALL (:patterns)
    ORDER BY p.recent_sales DESC, v.id DESC LIMIT :most
    """  # noqa: S608 - constants of ours
).bindparams(bindparam("patterns", type_=ARRAY(Text())))
_LIST_STOCKED_VARIANTS = select(StockBatch.variant_id).distinct()
_LIST_KEY_LINES = text(
    f"""
    SELECT coalesce(k.order_line_id, s.order_line_id) AS line_id
    FROM unnest(:variants, :fingerprints) n (variant_id, fingerprint)
    JOIN stock_keys k ON k.variant_id = n.variant_id AND k.fingerprint = n.fingerprint
    LEFT JOIN LATERAL (
        SELECT order_line_id FROM shared_key_lines WHERE key_id = k.id AND k.state = 'shared'
        ORDER BY order_line_id DESC LIMIT {_MOST_LINES}
    ) s ON true
    WHERE k.order_line_id IS NOT NULL OR s.order_line_id IS NOT NULL
    """  # noqa: S608 - a constant of ours
).bindparams(bindparam("variants", type_=ARRAY(Uuid())), bindparam("fingerprints", type_=ARRAY(LargeBinary())))


async def list_variants_named(tx: Tx, name: Name, patterns: Sequence[str], limit: int) -> list[VariantId]:
    """The variants of the name whose names, or product's slug, are like each of the patterns, in lower case."""
    values = {"words": name.text(anywhere=True), "patterns": list(patterns), "most": limit}
    rows = await tx.execute(_FIND_VARIANTS, values)
    return [VariantId(variant_id) for variant_id in rows.scalars()]


async def list_stocked_variants(tx: Tx) -> list[VariantId]:
    """The variants that ever had keys."""
    return [VariantId(variant_id) for variant_id in (await tx.execute(_LIST_STOCKED_VARIANTS)).scalars()]


async def list_key_lines(tx: Tx, variants: Sequence[VariantId], fingerprints: Sequence[bytes]) -> list[OrderLineId]:
    """The order lines that have a key with one of the fingerprints, each of the variant at its place.

    Of a shared key only its latest sales.
    """
    rows = await tx.execute(_LIST_KEY_LINES, {"variants": list(variants), "fingerprints": list(fingerprints)})
    return [OrderLineId(line_id) for line_id in rows.scalars()]


async def find_person_limit(tx: Tx, variant_id: VariantId) -> int | None:
    """How many of the variant one person may have; None for any number."""
    return (await tx.execute(select(Variant.per_person_limit).where(Variant.id == variant_id))).scalar_one_or_none()
