"""SQL of what an admin should buy next: variants that run low, and keys that expire soon."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, bindparam, text

from backend.catalog.repository.availability import of_variant
from backend.catalog.types import AVAILABILITY_CAP
from backend.catalog.types.low_stock import ExpiringBatch, LowStock
from backend.infra.unit_of_work import Tx

# The same variants that ``stock.count_low`` counts.
_LOW = text(
    f"""
    SELECT v.id, p.slug, p.name, v.name AS variant_name, p.country, p.kind, v.low_stock_at,
           coalesce({of_variant(str(AVAILABILITY_CAP))}, {AVAILABILITY_CAP}) AS "left",
           CASE p.kind
           WHEN 'unique_keys' THEN (SELECT count(*) FROM stock_keys k WHERE k.variant_id = v.id
                                    AND k.state = 'sold' AND k.taken_at >= :since)
           WHEN 'shared_key' THEN (SELECT coalesce(sum(quantity), 0) FROM shared_key_lines s WHERE s.variant_id = v.id
                                   AND s.state = 'sold' AND s.taken_at >= :since)
           ELSE 0 END AS sold,
           (SELECT count(*) FROM stock_waits w WHERE w.variant_id = v.id AND w.kind IS NULL) AS waiting
    FROM variants v JOIN products p ON p.id = v.product_id
    WHERE v.low_stock_told AND NOT v.hidden AND p.listed AND p.kind <> 'by_hand'
      AND EXISTS (SELECT FROM stock_batches b WHERE b.variant_id = v.id)
    ORDER BY "left", sold DESC, v.id LIMIT :most
    """  # noqa: S608 - constants of ours
).bindparams(bindparam("since", type_=DateTime(timezone=True)), bindparam("most", type_=BigInteger()))
_EXPIRING = text(
    """
    SELECT b.id, p.name, v.name AS variant_name, p.country, b.expires_at, n.keys FROM (
        SELECT batch_id, count(*) AS keys FROM stock_keys
        WHERE expires_at < :until AND state IN ('available', 'stopped') GROUP BY batch_id
    ) n JOIN stock_batches b ON b.id = n.batch_id JOIN variants v ON v.id = b.variant_id
    JOIN products p ON p.id = v.product_id
    ORDER BY b.expires_at, b.id LIMIT :most
    """
).bindparams(bindparam("until", type_=DateTime(timezone=True)), bindparam("most", type_=BigInteger()))


async def list_low(tx: Tx, since: datetime, most: int) -> list[LowStock]:
    """Listed variants at their threshold or under it, the emptiest first, with what they sold since."""
    rows = await tx.execute(_LOW, {"since": since, "most": most})
    return [LowStock(**row) for row in rows.mappings()]


async def list_expiring(tx: Tx, until: datetime, most: int) -> list[ExpiringBatch]:
    """Batches with unsold keys that expire before ``until``, the first to expire first."""
    rows = await tx.execute(_EXPIRING, {"until": until, "most": most})
    return [ExpiringBatch(**row) for row in rows.mappings()]
