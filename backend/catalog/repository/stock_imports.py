"""SQL of imports by screen, and of the keys that any import adds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, DateTime, LargeBinary, Text, Uuid, bindparam, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.models import StockBatch
from backend.catalog.models.stock_changes import StockImportRow
from backend.catalog.types import KeyState, StockKeyId, VariantId
from backend.catalog.types.stock_imports import ImportState, ImportTarget, StockImport, StockImportId
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import DataKeyId

_COLUMNS = select(*(StockImportRow.__table__.c[name] for name in StockImport.__struct_fields__))
_KNOWN = text(
    """
    SELECT k.variant_id, k.fingerprint, k.id, k.state, coalesce(k.taken_at, b.imported_at) AS since
    FROM unnest(:variants, :fingerprints) n (variant_id, fingerprint)
    JOIN stock_keys k ON k.variant_id = n.variant_id AND k.fingerprint = n.fingerprint
    JOIN stock_batches b ON b.id = k.batch_id
    """
).bindparams(bindparam("variants", type_=ARRAY(Uuid())), bindparam("fingerprints", type_=ARRAY(LargeBinary())))
# What was removed or has expired comes back with the new batch: it was never sold.
_REVIVE = text(
    """
    UPDATE stock_keys k SET batch_id = b.id, ciphertext = n.ciphertext, expires_at = b.expires_at, change_id = NULL,
        state = CASE WHEN b.stopped_at IS NULL THEN 'available' ELSE 'stopped' END
    FROM unnest(:ids, :batches, :ciphertexts) n (id, batch_id, ciphertext) JOIN stock_batches b ON b.id = n.batch_id
    WHERE k.id = n.id AND k.state IN ('removed', 'expired')
    """
).bindparams(
    *(bindparam(name, type_=ARRAY(Uuid())) for name in ("ids", "batches")),
    bindparam("ciphertexts", type_=ARRAY(LargeBinary())),
)
_BATCH = select(StockBatch.id, StockBatch.data_key_id).where(
    StockBatch.import_id == bindparam("import_id"), StockBatch.variant_id == bindparam("variant_id")
)
_TARGETS = text(
    """
    SELECT v.id, p.slug, v.code, p.name, v.name AS variant_name, p.country, p.kind,
           (SELECT count(*) FROM (
               SELECT FROM stock_keys k WHERE k.variant_id = v.id AND k.state = 'available' LIMIT 1000
           ) counted) AS "left",
           (SELECT count(*) FROM stock_waits w WHERE w.variant_id = v.id AND w.kind IS NULL) AS waiting
    FROM variants v JOIN products p ON p.id = v.product_id
    WHERE p.kind = 'unique_keys' AND (CAST(:only AS uuid) IS NULL OR v.id = :only)
      AND lower(concat_ws(' ', p.slug, v.code, (SELECT string_agg(value, ' ') FROM jsonb_each_text(p.name)),
                          (SELECT string_agg(value, ' ') FROM jsonb_each_text(v.name)))) LIKE ALL (:patterns)
    ORDER BY p.recent_sales DESC, p.id DESC, v.position, v.id LIMIT :most
    """
).bindparams(
    bindparam("only", type_=Uuid()), bindparam("patterns", type_=ARRAY(Text())), bindparam("most", type_=BigInteger())
)
_STALE = text(
    """
    SELECT id FROM stock_imports WHERE staged IS NOT NULL
      AND (state IN ('done', 'discarded') OR state IN ('uploading', 'checked') AND touched_at < :before)
    """
).bindparams(bindparam("before", type_=DateTime(timezone=True)))
_LATEST = _COLUMNS.where(StockImportRow.state.not_in((ImportState.UPLOADING, ImportState.DISCARDED)))


class KnownKey(msgspec.Struct, frozen=True):
    """A key that the stock has or had, and since when it is what it is."""

    id: StockKeyId
    state: KeyState
    since: datetime


class NewKey(msgspec.Struct, frozen=True):
    """A sealed key that comes back into the stock."""

    id: UUID
    batch_id: UUID
    ciphertext: bytes


async def add(tx: Tx, values: dict[str, Any]) -> None:
    """Insert an import."""
    await tx.execute(insert(StockImportRow), {**values, "created_at": tx.now, "touched_at": tx.now})


async def get(tx: Tx, import_id: StockImportId, *, lock: bool = False) -> StockImport:
    """One import; ``lock`` keeps it as it is until the transaction ends. Raises NotFound."""
    statement = _COLUMNS.where(StockImportRow.id == import_id)
    row = (await tx.execute(statement.with_for_update() if lock else statement)).mappings().one_or_none()
    if row is None:
        raise NotFound("no such import")
    return msgspec.convert(dict(row), StockImport)


async def change(tx: Tx, import_id: StockImportId, **values: Any) -> None:
    """Change some columns of an import."""
    statement = update(StockImportRow).where(StockImportRow.id == import_id)
    await tx.execute(statement.values(**values, touched_at=tx.now))


async def list_latest(tx: Tx, most: int) -> list[StockImport]:
    """The imports that were sent whole and not discarded, the latest first."""
    rows = await tx.execute(_LATEST.order_by(StockImportRow.id.desc()).limit(most))
    return [msgspec.convert(dict(row), StockImport) for row in rows.mappings()]


async def list_stale(tx: Tx, before: datetime) -> list[StockImportId]:
    """Imports whose staged file nobody needs: they have ended, or nobody went on with them since ``before``."""
    return [StockImportId(one) for one in (await tx.execute(_STALE, {"before": before})).scalars()]


async def list_targets(
    tx: Tx, patterns: Sequence[str] = (), *, only: VariantId | None = None, most: int = 30
) -> list[ImportTarget]:
    """Variants of unique keys whose names are like each of the patterns (in lower case), the best sold first."""
    rows = await tx.execute(_TARGETS, {"patterns": list(patterns), "only": only, "most": most})
    return [ImportTarget(**row) for row in rows.mappings()]


async def list_known(
    tx: Tx, variants: Sequence[UUID], fingerprints: Sequence[bytes]
) -> dict[tuple[UUID, bytes], KnownKey]:
    """Which of these keys the stock has or had, each of the variant at its place."""
    rows = await tx.execute(_KNOWN, {"variants": list(variants), "fingerprints": list(fingerprints)})
    return {
        (row.variant_id, row.fingerprint): KnownKey(StockKeyId(row.id), KeyState(row.state), row.since) for row in rows
    }


async def revive(tx: Tx, keys: Sequence[NewKey]) -> int:
    """Bring removed and expired keys back with another batch; how many came."""
    values = {
        "ids": [key.id for key in keys],
        "batches": [key.batch_id for key in keys],
        "ciphertexts": [key.ciphertext for key in keys],
    }
    return (await tx.execute(_REVIVE, values)).rowcount


async def find_batch(tx: Tx, import_id: StockImportId, variant_id: VariantId) -> tuple[UUID, DataKeyId] | None:
    """The batch that an import has made of a variant, and its data key."""
    row = (await tx.execute(_BATCH, {"import_id": import_id, "variant_id": variant_id})).one_or_none()
    return None if row is None else (row.id, DataKeyId(row.data_key_id))


async def describe_batch(tx: Tx, batch_id: UUID, values: StockImport) -> None:
    """Say of a new batch what the admin said of its import."""
    described = {"import_id": values.id, "name": values.batch_name, "expires_at": values.expires_at}
    await tx.execute(update(StockBatch).where(StockBatch.id == batch_id).values(described))
