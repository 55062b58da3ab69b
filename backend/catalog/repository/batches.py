"""SQL of batches of keys: how good each is, stopping one, and a key of another one in place of a faulty key."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, DateTime, Text, Uuid, bindparam, select, text, update

from backend.catalog.models import StockBatch, StockKey
from backend.catalog.types import KeyState, StockKeyId, VariantId
from backend.catalog.types.batches import BatchId, BatchQuality
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderLineId

_MARK_FAULTY = (
    update(StockKey)
    .where(
        StockKey.id == bindparam("key_id"),
        StockKey.order_line_id == bindparam("line_id"),
        StockKey.state == KeyState.SOLD,
    )
    .values(state=KeyState.FAULTY)
)
_OTHER_BATCHES = text(
    """
    SELECT b.id FROM stock_batches b WHERE b.variant_id = :variant_id
      AND b.id <> (SELECT batch_id FROM stock_keys WHERE id = :key_id)
      AND EXISTS (SELECT FROM stock_keys k WHERE k.batch_id = b.id AND k.state = 'available'
                    AND (k.expires_at IS NULL OR k.expires_at > :now))
    ORDER BY b.imported_at, b.id
    """
).bindparams(
    bindparam("variant_id", type_=Uuid()),
    bindparam("key_id", type_=Uuid()),
    bindparam("now", type_=DateTime(timezone=True)),
)
_TAKE_OF_BATCH = text(
    """
    UPDATE stock_keys SET state = 'sold', order_line_id = :line_id, taken_at = :now
    WHERE id = (
        SELECT id FROM stock_keys WHERE batch_id = :batch_id AND state = 'available'
          AND (expires_at IS NULL OR expires_at > :now)
        ORDER BY position FOR UPDATE SKIP LOCKED LIMIT 1
    )
    RETURNING id
    """
).bindparams(
    *(bindparam(name, type_=Uuid()) for name in ("line_id", "batch_id")),
    bindparam("now", type_=DateTime(timezone=True)),
)
_LIST = text(
    """
    SELECT b.id, b.source, b.name AS label, b.imported_at, b.stopped_at, p.slug, p.name, p.country,
           v.name AS variant_name, n.*
    FROM stock_batches b JOIN variants v ON v.id = b.variant_id JOIN products p ON p.id = v.product_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS keys,
               count(*) FILTER (WHERE k.state IN ('sold', 'faulty')) AS sold,
               count(*) FILTER (WHERE k.state = 'faulty') AS faulty,
               count(*) FILTER (WHERE k.state IN ('available', 'stopped')) AS unsold
        FROM stock_keys k WHERE k.batch_id = b.id AND k.state <> 'shared'
    ) n
    WHERE (n.keys > 0 OR :empty) AND (CAST(:after AS uuid) IS NULL OR b.id < :after)
      AND (CAST(:only AS uuid) IS NULL OR b.id = :only)
    ORDER BY b.id DESC LIMIT :most
    """
).bindparams(
    *(bindparam(name, type_=Uuid()) for name in ("after", "only")),
    bindparam("most", type_=BigInteger()),
    bindparam("empty", type_=Boolean()),
)
_LOCK = (
    select(StockBatch.variant_id, StockBatch.stopped_at)
    .where(StockBatch.id == bindparam("id"))
    .with_for_update(key_share=True)
)
# Those that a purchase has locked are sold in a moment; the next call finds what a purchase has put back.
_MOVE = text(
    """
    WITH chosen AS (
        SELECT id FROM stock_keys WHERE batch_id = :batch_id AND state = :before
        ORDER BY position FOR UPDATE SKIP LOCKED LIMIT :most
    )
    UPDATE stock_keys k SET state = :after FROM chosen WHERE k.id = chosen.id RETURNING k.id
    """
).bindparams(
    bindparam("batch_id", type_=Uuid()),
    *(bindparam(name, type_=Text()) for name in ("before", "after")),
    bindparam("most", type_=BigInteger()),
)
_HALF_STOPPED = text(
    """
    SELECT b.id FROM stock_batches b WHERE b.stopped_at IS NOT NULL
      AND EXISTS (SELECT FROM stock_keys k WHERE k.batch_id = b.id AND k.state = 'available')
    """
)


async def mark_faulty(tx: Tx, key_id: StockKeyId, line_id: OrderLineId) -> None:
    """Mark a key that the line was sold as faulty."""
    await tx.execute(_MARK_FAULTY, {"key_id": key_id, "line_id": line_id})


async def take_elsewhere(
    tx: Tx, variant_id: VariantId, in_place_of: StockKeyId, line_id: OrderLineId
) -> StockKeyId | None:
    """Sell the line one key of the variant from another batch, the oldest first; None when no other has one."""
    others = await tx.execute(_OTHER_BATCHES, {"variant_id": variant_id, "key_id": in_place_of, "now": tx.now})
    for batch_id in others.scalars().all():
        taken = await tx.execute(_TAKE_OF_BATCH, {"batch_id": batch_id, "line_id": line_id, "now": tx.now})
        key_id = taken.scalar_one_or_none()
        if key_id is not None:
            return StockKeyId(key_id)
    return None


async def list_batches(
    tx: Tx, *, after: BatchId | None = None, only: BatchId | None = None, most: int = 1, empty: bool = False
) -> list[BatchQuality]:
    """Batches of unique keys, the latest first; with ``empty`` also those that have no keys any more."""
    rows = await tx.execute(_LIST, {"after": after, "only": only, "most": most, "empty": empty})
    return [_quality(row) for row in rows]


def _quality(row: Any) -> BatchQuality:
    return BatchQuality(
        id=BatchId(row.id),
        slug=row.slug,
        name=row.name,
        variant_name=row.variant_name,
        country=row.country,
        source=row.source,
        label=row.label or "",
        imported_at=row.imported_at,
        stopped_at=row.stopped_at,
        keys=row.keys,
        sold=row.sold,
        faulty=row.faulty,
        unsold=row.unsold,
    )


async def set_stopped(tx: Tx, batch_id: BatchId, *, stopped: bool) -> bool:
    """Record whether the batch is stopped, and lock it; False when that was so before. Raises NotFound."""
    row = (await tx.execute(_LOCK, {"id": batch_id})).one_or_none()
    if row is None:
        raise NotFound("no such batch")
    if (row.stopped_at is not None) == stopped:
        return False
    at = tx.now if stopped else None
    await tx.execute(update(StockBatch).where(StockBatch.id == batch_id).values(stopped_at=at))
    return True


async def is_stopped(tx: Tx, batch_id: BatchId) -> bool:
    """Whether the batch is stopped; locks it, so that this stays so."""
    row = (await tx.execute(_LOCK, {"id": batch_id})).one_or_none()
    return row is not None and row.stopped_at is not None


async def move_unsold(tx: Tx, batch_id: BatchId, before: KeyState, after: KeyState, most: int) -> int:
    """Move up to ``most`` of a batch's unsold keys to another state; how many it were."""
    values = {"batch_id": batch_id, "before": before.value, "after": after.value, "most": most}
    return len((await tx.execute(_MOVE, values)).all())


async def get_variant_id(tx: Tx, batch_id: BatchId) -> VariantId:
    """The variant whose keys a batch has."""
    rows = await tx.execute(select(StockBatch.variant_id).where(StockBatch.id == batch_id))
    return VariantId(rows.scalar_one())


async def list_half_stopped(tx: Tx) -> list[BatchId]:
    """Stopped batches that still have a key for sale."""
    return [BatchId(batch_id) for batch_id in (await tx.execute(_HALF_STOPPED)).scalars()]
