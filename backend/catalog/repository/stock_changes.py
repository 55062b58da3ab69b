"""SQL of removing keys, moving them to another variant, and undoing either."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, DateTime, LargeBinary, Text, Uuid, bindparam, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.models import StockBatch, Variant
from backend.catalog.models.stock_changes import StockChangeRow
from backend.catalog.types import KeyState, ProductId, StockKeyId, VariantId
from backend.catalog.types.batches import BatchId
from backend.catalog.types.stock_changes import (
    BatchDetails,
    BatchKey,
    ChangeState,
    RemovedKeys,
    StockChange,
    StockChangeId,
)
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import DataKeyId

_CHANGE = select(*(StockChangeRow.__table__.c[name] for name in StockChange.__struct_fields__))
_OWNER = (
    select(
        StockBatch.id,
        StockBatch.variant_id,
        StockBatch.data_key_id,
        Variant.product_id,
    )
    .join(Variant, Variant.id == StockBatch.variant_id)
    .where(StockBatch.id == bindparam("id"))
)
# Keys that a purchase has locked at this moment are about to be sold: they are passed over, never waited for. A key
# that this change has looked at before is not looked at again.
_CHOOSE = text(
    """
    SELECT id, ciphertext, position FROM stock_keys
    WHERE batch_id = :batch_id AND state IN ('available', 'stopped') AND change_id IS DISTINCT FROM :change_id
      AND (CAST(:ids AS uuid[]) IS NULL OR id = ANY (:ids))
    ORDER BY position LIMIT :most FOR UPDATE SKIP LOCKED
    """
).bindparams(
    bindparam("batch_id", type_=Uuid()), bindparam("change_id", type_=Uuid()),
    bindparam("ids", type_=ARRAY(Uuid())), bindparam("most", type_=BigInteger()),
)  # fmt: skip
_CHOOSE_MOVED = text(
    """
    SELECT id, ciphertext, position FROM stock_keys
    WHERE change_id = :change_id AND batch_id = :batch_id AND state IN ('available', 'stopped')
    ORDER BY position LIMIT :most FOR UPDATE SKIP LOCKED
    """
).bindparams(
    *(bindparam(name, type_=Uuid()) for name in ("change_id", "batch_id")), bindparam("most", type_=BigInteger())
)
_REMOVE = text(
    """
    UPDATE stock_keys SET state = 'removed', change_id = :change_id
    WHERE id = ANY (:ids) AND state IN ('available', 'stopped')
    """
).bindparams(bindparam("change_id", type_=Uuid()), bindparam("ids", type_=ARRAY(Uuid())))
_MARK = text("UPDATE stock_keys SET change_id = :change_id WHERE id = ANY (:ids)").bindparams(
    bindparam("change_id", type_=Uuid()), bindparam("ids", type_=ARRAY(Uuid()))
)
_STATE = "CASE WHEN b.stopped_at IS NULL THEN 'available' ELSE 'stopped' END"
_RESTORE = text(
    f"""
    WITH chosen AS (
        SELECT id FROM stock_keys WHERE change_id = :change_id AND state = 'removed'
        ORDER BY position LIMIT :most FOR UPDATE
    )
    UPDATE stock_keys k SET change_id = NULL,
        state = CASE WHEN k.expires_at <= :now THEN 'expired' ELSE {_STATE} END
    FROM chosen c, stock_batches b WHERE k.id = c.id AND b.id = k.batch_id RETURNING k.id
    """  # noqa: S608 - a constant of ours
).bindparams(
    bindparam("change_id", type_=Uuid()), bindparam("most", type_=BigInteger()),
    bindparam("now", type_=DateTime(timezone=True)),
)  # fmt: skip
_MOVE = text(
    f"""
    UPDATE stock_keys k SET batch_id = b.id, variant_id = b.variant_id, ciphertext = n.ciphertext,
        fingerprint = n.fingerprint, change_id = :change_id, expires_at = b.expires_at, state = {_STATE}
    FROM unnest(:ids, :ciphertexts, :fingerprints) n (id, ciphertext, fingerprint), stock_batches b
    WHERE k.id = n.id AND b.id = :batch_id AND k.state IN ('available', 'stopped')
    """  # noqa: S608 - a constant of ours
).bindparams(
    bindparam("ids", type_=ARRAY(Uuid())),
    *(bindparam(name, type_=ARRAY(LargeBinary())) for name in ("ciphertexts", "fingerprints")),
    *(bindparam(name, type_=Uuid()) for name in ("change_id", "batch_id")),
)
_COPY = text(
    """
    INSERT INTO stock_batches (id, variant_id, data_key_id, source, unit_cost, currency, imported_at, imported_by,
                               stopped_at, name, expires_at)
    SELECT :id, :variant_id, :data_key_id, source, unit_cost, currency, :now, :by, stopped_at, name, expires_at
    FROM stock_batches WHERE id = :batch_id
    """
).bindparams(
    *(bindparam(name, type_=Uuid()) for name in ("id", "variant_id", "data_key_id", "by", "batch_id")),
    bindparam("now", type_=DateTime(timezone=True)),
)
_DETAILS = text(
    """
    SELECT b.id, b.variant_id, b.name, b.source, b.unit_cost, b.currency, b.expires_at, b.imported_at, b.imported_by,
           coalesce((SELECT jsonb_object_agg(n.state, n.keys) FROM (
               SELECT state, count(*) AS keys FROM stock_keys k WHERE k.batch_id = b.id GROUP BY state
           ) n), '{}') AS states
    FROM stock_batches b WHERE b.id = :id
    """
).bindparams(bindparam("id", type_=Uuid()))
_KEYS = text(
    """
    SELECT id, position, state, taken_at AS since, order_line_id AS line_id FROM stock_keys
    WHERE batch_id = :batch_id AND position > :after AND (CAST(:states AS text[]) IS NULL OR state = ANY (:states))
    ORDER BY position LIMIT :most
    """
).bindparams(
    bindparam("batch_id", type_=Uuid()), *(bindparam(name, type_=BigInteger()) for name in ("after", "most")),
    bindparam("states", type_=ARRAY(Text())),
)  # fmt: skip
_SEALED = text(
    """
    SELECT id, position, state, ciphertext FROM stock_keys
    WHERE batch_id = :batch_id AND position > :after AND state = ANY (:states) ORDER BY position LIMIT :most
    """
).bindparams(
    bindparam("batch_id", type_=Uuid()), *(bindparam(name, type_=BigInteger()) for name in ("after", "most")),
    bindparam("states", type_=ARRAY(Text())),
)  # fmt: skip
_REMOVED = text(
    """
    SELECT c.id, c.batch_id, n.keys, p.name, v.name AS variant_name, p.country, coalesce(b.name, b.source) AS source,
           c.made_by, c.made_at
    FROM stock_changes c JOIN stock_batches b ON b.id = c.batch_id JOIN variants v ON v.id = b.variant_id
    JOIN products p ON p.id = v.product_id
    CROSS JOIN LATERAL (SELECT count(*) AS keys FROM stock_keys k WHERE k.change_id = c.id AND k.state = 'removed') n
    WHERE c.kind = 'removal' AND c.state IN ('running', 'done') AND n.keys > 0
      AND (CAST(:before AS uuid) IS NULL OR c.id < :before)
    ORDER BY c.id DESC LIMIT :most
    """
).bindparams(bindparam("before", type_=Uuid()), bindparam("most", type_=BigInteger()))


class BatchOwner(msgspec.Struct, frozen=True):
    """A batch with what it is of, and what encrypts its keys."""

    id: BatchId
    variant_id: VariantId
    data_key_id: DataKeyId
    product_id: ProductId


class ChosenKey(msgspec.Struct, frozen=True):
    """A locked key, encrypted."""

    id: StockKeyId
    ciphertext: bytes
    position: int


class MovedKey(msgspec.Struct, frozen=True):
    """A key, encrypted and recognised for its new place."""

    id: StockKeyId
    ciphertext: bytes
    fingerprint: bytes


class SealedKey(msgspec.Struct, frozen=True):
    """A key to export."""

    id: UUID
    position: int
    state: str
    ciphertext: bytes


async def owner_of(tx: Tx, batch_id: BatchId, *, lock: bool = False) -> BatchOwner:
    """A batch; ``lock`` keeps others from changing it. Raises NotFound."""
    statement = _OWNER.with_for_update(of=StockBatch, key_share=True) if lock else _OWNER
    row = (await tx.execute(statement, {"id": batch_id})).mappings().one_or_none()
    if row is None:
        raise NotFound("no such batch")
    return BatchOwner(**row)


async def add(tx: Tx, values: dict[str, Any]) -> None:
    """Insert a change."""
    await tx.execute(insert(StockChangeRow), {**values, "made_at": tx.now})


async def get(tx: Tx, change_id: StockChangeId, *, lock: bool = False) -> StockChange:
    """One change; ``lock`` keeps it as it is. Raises NotFound."""
    statement = _CHANGE.where(StockChangeRow.id == change_id)
    row = (await tx.execute(statement.with_for_update() if lock else statement)).mappings().one_or_none()
    if row is None:
        raise NotFound("no such change of the stock")
    return msgspec.convert(dict(row), StockChange)


async def update_change(tx: Tx, change_id: StockChangeId, **values: Any) -> None:
    """Change some columns of a change."""
    await tx.execute(update(StockChangeRow).where(StockChangeRow.id == change_id).values(**values))


async def list_of_batch(tx: Tx, batch_id: BatchId, most: int) -> list[StockChange]:
    """What was done with a batch's keys, or brought them here, the latest first; without what moved nothing."""
    touched = (StockChangeRow.batch_id == batch_id) | (StockChangeRow.target_batch_id == batch_id)
    some = (StockChangeRow.keys > 0) | (StockChangeRow.state != ChangeState.DONE)
    rows = await tx.execute(_CHANGE.where(touched, some).order_by(StockChangeRow.id.desc()).limit(most))
    return [msgspec.convert(dict(row), StockChange) for row in rows.mappings()]


async def list_removed(tx: Tx, before: StockChangeId | None, most: int) -> list[RemovedKeys]:
    """Removals whose keys can come back, the latest first."""
    rows = await tx.execute(_REMOVED, {"before": before, "most": most})
    return [RemovedKeys(**row) for row in rows.mappings()]


async def choose(
    tx: Tx, batch_id: BatchId, change_id: StockChangeId, most: int, ids: Sequence[StockKeyId] | None = None
) -> list[ChosenKey]:
    """Lock unsold keys of a batch, the oldest first: all, or those among ``ids``."""
    values = {"batch_id": batch_id, "change_id": change_id, "most": most, "ids": None if ids is None else list(ids)}
    return [ChosenKey(**row) for row in (await tx.execute(_CHOOSE, values)).mappings()]


async def choose_moved(tx: Tx, batch_id: BatchId, change_id: StockChangeId, most: int) -> list[ChosenKey]:
    """Lock keys that a change has moved into a batch and that are unsold."""
    rows = await tx.execute(_CHOOSE_MOVED, {"batch_id": batch_id, "change_id": change_id, "most": most})
    return [ChosenKey(**row) for row in rows.mappings()]


async def remove(tx: Tx, change_id: StockChangeId, ids: Sequence[StockKeyId]) -> int:
    """Remove chosen keys; how many."""
    return (await tx.execute(_REMOVE, {"change_id": change_id, "ids": list(ids)})).rowcount


async def mark(tx: Tx, change_id: StockChangeId | None, ids: Sequence[StockKeyId]) -> None:
    """Record by which change keys were looked at; None: by none."""
    await tx.execute(_MARK, {"change_id": change_id, "ids": list(ids)})


async def restore(tx: Tx, change_id: StockChangeId, most: int) -> int:
    """Bring removed keys back into the state of their batch; how many."""
    return len((await tx.execute(_RESTORE, {"change_id": change_id, "most": most, "now": tx.now})).all())


async def move(tx: Tx, batch_id: BatchId, change_id: StockChangeId | None, keys: Sequence[MovedKey]) -> int:
    """Put chosen keys into another batch and its variant; how many."""
    values = {
        "ids": [key.id for key in keys],
        "ciphertexts": [key.ciphertext for key in keys],
        "fingerprints": [key.fingerprint for key in keys],
        "change_id": change_id,
        "batch_id": batch_id,
    }
    return (await tx.execute(_MOVE, values)).rowcount


async def copy_batch(
    tx: Tx, batch_id: BatchId, variant_id: VariantId, data_key_id: DataKeyId, by: UUID | None
) -> BatchId:
    """A batch of another variant, with all that was said of this one; its id."""
    new_id = BatchId(tx.new_id())
    values = {"id": new_id, "variant_id": variant_id, "data_key_id": data_key_id, "by": by}
    await tx.execute(_COPY, {**values, "batch_id": batch_id, "now": tx.now})
    return new_id


async def get_details(tx: Tx, batch_id: BatchId) -> BatchDetails:
    """One batch with its keys by state. Raises NotFound."""
    row = (await tx.execute(_DETAILS, {"id": batch_id})).mappings().one_or_none()
    if row is None:
        raise NotFound("no such batch")
    return msgspec.convert(dict(row), BatchDetails)


async def list_keys(
    tx: Tx, batch_id: BatchId, states: Sequence[KeyState] | None, after: int, most: int
) -> list[BatchKey]:
    """Keys of a batch in the order of the stock, those after a position."""
    chosen = None if states is None else [state.value for state in states]
    rows = await tx.execute(_KEYS, {"batch_id": batch_id, "states": chosen, "after": after, "most": most})
    return [msgspec.convert(dict(row), BatchKey) for row in rows.mappings()]


async def list_sealed(tx: Tx, batch_id: BatchId, states: Sequence[KeyState], after: int, most: int) -> list[SealedKey]:
    """Keys of a batch to be decrypted, those after a position."""
    values = {"batch_id": batch_id, "states": [state.value for state in states], "after": after, "most": most}
    return [SealedKey(**row) for row in (await tx.execute(_SEALED, values)).mappings()]


async def describe(tx: Tx, batch_id: BatchId, name: str | None, source: str, unit_cost: int | None) -> None:
    """Change what is said of a batch."""
    values = {"name": name, "source": source, "unit_cost": unit_cost}
    await tx.execute(update(StockBatch).where(StockBatch.id == batch_id).values(values))


async def set_expiry(tx: Tx, batch_id: BatchId, expires_at: datetime | None) -> None:
    """Change when a batch's keys expire: its unsold ones follow, expired ones come back if they may."""
    await tx.execute(update(StockBatch).where(StockBatch.id == batch_id).values(expires_at=expires_at))
    await tx.execute(_SET_EXPIRY, {"batch_id": batch_id, "now": tx.now})


_SET_EXPIRY = text(
    f"""
    UPDATE stock_keys k SET expires_at = b.expires_at,
        state = CASE WHEN k.state <> 'expired' OR b.expires_at <= :now THEN k.state ELSE {_STATE} END
    FROM stock_batches b
    WHERE b.id = :batch_id AND k.batch_id = b.id AND k.state IN ('available', 'stopped', 'expired', 'removed', 'held')
    """  # noqa: S608 - a constant of ours
).bindparams(bindparam("batch_id", type_=Uuid()), bindparam("now", type_=DateTime(timezone=True)))
