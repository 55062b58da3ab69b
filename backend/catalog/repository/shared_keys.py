"""SQL of shared keys: one key that many buyers get, a number of times or without a limit.

Who changes ``remaining`` locks the variant's row in ``shared_keys`` first, then the variant, then the product.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, DateTime, Uuid, bindparam, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.catalog.models import SharedKey, SharedKeyLine, StockBatch, StockKey
from backend.catalog.models.waiting import StockWait
from backend.catalog.repository.stock import Sealed
from backend.catalog.types import KeyState, ProductId, StockKeyId, StockKind, VariantId
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import DataKeyId, OrderLineId, UserId

_VARIANT = bindparam("variant_id", type_=Uuid())
_BUYER = bindparam("buyer", type_=Uuid())
_TOOK = """v.product_id, v.low_stock_at, v.low_stock_told, s.key_id,
    EXISTS (SELECT FROM stock_waits w WHERE w.variant_id = v.id AND w.user_id = :buyer) AS waits"""

# A number is checked and lowered by one statement. Two buyers wait for each other here, and the second one sees what
# the first has left.
_TAKE = text(
    f"""
    UPDATE shared_keys s SET remaining = s.remaining - :quantity FROM variants v
    WHERE s.variant_id = :variant_id AND v.id = s.variant_id AND s.remaining >= :quantity
    RETURNING {_TOOK}, s.remaining AS left
    """  # noqa: S608 - a constant of ours
).bindparams(_VARIANT, _BUYER, bindparam("quantity", type_=BigInteger()))
# Without a limit nothing is counted, and buyers don't wait for each other: the shared lock only holds up an import
# that would set a number.
_TAKE_UNLIMITED = text(
    f"""
    SELECT {_TOOK}, s.remaining AS left FROM shared_keys s JOIN variants v ON v.id = s.variant_id
    WHERE s.variant_id = :variant_id AND s.remaining IS NULL FOR SHARE OF s
    """  # noqa: S608 - a constant of ours
).bindparams(_VARIANT, _BUYER)
_REMAINING = select(SharedKey.remaining).where(SharedKey.variant_id == _VARIANT)

_SELL = text(
    """
    UPDATE shared_key_lines l SET state = 'sold', key_id = s.key_id, taken_at = :now
    FROM shared_keys s WHERE s.variant_id = l.variant_id AND l.order_line_id = ANY(:line_ids) AND l.state = 'reserved'
    RETURNING l.order_line_id, l.quantity
    """
).bindparams(bindparam("line_ids", type_=ARRAY(Uuid())), bindparam("now", type_=DateTime(timezone=True)))
# The reservation is deleted and its number returned by one statement, so that it returns once.
_RELEASE = text(
    """
    WITH released AS (
        DELETE FROM shared_key_lines WHERE order_line_id = :line_id AND state = 'reserved'
        RETURNING variant_id, quantity
    ), returned AS (
        UPDATE shared_keys s SET remaining = s.remaining + r.quantity FROM released r
        WHERE s.variant_id = r.variant_id AND s.remaining IS NOT NULL
    )
    SELECT v.product_id FROM released r JOIN variants v ON v.id = r.variant_id
    """
).bindparams(bindparam("line_id", type_=Uuid()))

# The number stays: the line was counted when it was sold.
_RENEW = text(
    """
    UPDATE shared_key_lines l SET key_id = s.key_id FROM shared_keys s
    WHERE s.variant_id = l.variant_id AND l.order_line_id = :line_id AND l.state = 'sold' AND l.key_id <> s.key_id
    RETURNING l.order_line_id
    """
).bindparams(bindparam("line_id", type_=Uuid()))

_LIST_SOLD = select(SharedKeyLine.order_line_id).where(
    SharedKeyLine.order_line_id.in_(bindparam("line_ids", expanding=True)), SharedKeyLine.state == KeyState.SOLD
)
_LIST_SEALED = (
    select(SharedKeyLine.order_line_id, StockKey.id, StockKey.ciphertext, StockBatch.data_key_id)
    .join(StockKey, StockKey.id == SharedKeyLine.key_id)
    .join(StockBatch, StockBatch.id == StockKey.batch_id)
    .where(SharedKeyLine.order_line_id.in_(bindparam("line_ids", expanding=True)))
)

_LOCK = select(SharedKey.key_id, SharedKey.remaining).where(SharedKey.variant_id == _VARIANT).with_for_update()
_RESERVED = select(
    select(func.coalesce(func.sum(SharedKeyLine.quantity), 0))
    .where(SharedKeyLine.variant_id == _VARIANT, SharedKeyLine.state == KeyState.RESERVED)
    .scalar_subquery()
    + select(func.coalesce(func.sum(StockWait.quantity), 0))
    .where(StockWait.variant_id == _VARIANT, StockWait.kind == StockKind.SHARED_KEY)
    .scalar_subquery()
)
_FIND_KEY = select(StockKey.id, StockKey.state).where(
    StockKey.variant_id == _VARIANT, StockKey.fingerprint == bindparam("fingerprint")
)
_SHARE_KEY = (
    update(StockKey)
    .where(StockKey.id == bindparam("key_id"), StockKey.state.in_((KeyState.AVAILABLE, KeyState.REMOVED)))
    .values(state=KeyState.SHARED)
    .returning(StockKey.id)
)


class TakenShared(msgspec.Struct, frozen=True):
    """The result of taking a shared key; ``left`` None is any number, ``waits``: the buyer stands in line for it."""

    product_id: ProductId
    low_stock_at: int
    low_stock_told: bool
    key_id: StockKeyId
    waits: bool
    left: int | None


class Current(msgspec.Struct, frozen=True):
    """What a variant sells now; ``remaining`` None is any number."""

    key_id: StockKeyId
    remaining: int | None


class KnownKey(msgspec.Struct, frozen=True):
    """A key that the stock has or had."""

    id: StockKeyId
    state: KeyState


async def take(tx: Tx, variant_id: VariantId, quantity: int, buyer: UserId) -> TakenShared | None:
    """Lower the variant's number by ``quantity``; None when less is left."""
    values = {"variant_id": variant_id, "buyer": buyer}
    row = (await tx.execute(_TAKE, values | {"quantity": quantity})).mappings().one_or_none()
    if row is None:
        row = (await tx.execute(_TAKE_UNLIMITED, values)).mappings().one_or_none()
    return None if row is None else TakenShared(**row)


async def count_remaining(tx: Tx, variant_id: VariantId) -> int:
    """How often the variant can still be sold, if it has a number; 0 without one."""
    return int((await tx.execute(_REMAINING, {"variant_id": variant_id})).scalar_one_or_none() or 0)


async def add_line(
    tx: Tx, line_id: OrderLineId, variant_id: VariantId, quantity: int, key_id: StockKeyId | None
) -> None:
    """Record what a line has: a reservation, or with ``key_id`` a sale."""
    state = KeyState.RESERVED if key_id is None else KeyState.SOLD
    row = {"order_line_id": line_id, "variant_id": variant_id, "key_id": key_id, "quantity": quantity}
    await tx.execute(insert(SharedKeyLine), {**row, "state": state, "taken_at": tx.now})


async def sell_reserved(tx: Tx, line_ids: Sequence[OrderLineId]) -> dict[OrderLineId, int]:
    """Sell what is reserved for the lines, with the key that the variant has now; their quantities."""
    rows = await tx.execute(_SELL, {"line_ids": list(line_ids), "now": tx.now})
    return {OrderLineId(row.order_line_id): row.quantity for row in rows}


async def release(tx: Tx, line_id: OrderLineId) -> ProductId | None:
    """Return what is reserved for a line; its product, or None when it had nothing reserved."""
    product = (await tx.execute(_RELEASE, {"line_id": line_id})).scalar_one_or_none()
    return None if product is None else ProductId(product)


async def renew(tx: Tx, line_id: OrderLineId) -> bool:
    """Give a sold line the key that its variant has now; False when it has that already."""
    return (await tx.execute(_RENEW, {"line_id": line_id})).one_or_none() is not None


async def list_sold(tx: Tx, line_ids: Sequence[OrderLineId]) -> set[OrderLineId]:
    """Those of the lines that are sold."""
    rows = await tx.execute(_LIST_SOLD, {"line_ids": list(line_ids)})
    return {OrderLineId(line_id) for line_id in rows.scalars()}


async def list_sealed(tx: Tx, line_ids: Sequence[UUID]) -> dict[UUID, Sealed]:
    """The keys of sold lines with what opens them, by line."""
    rows = await tx.execute(_LIST_SEALED, {"line_ids": list(line_ids)})
    return {r.order_line_id: Sealed(StockKeyId(r.id), r.ciphertext, DataKeyId(r.data_key_id)) for r in rows}


async def lock_current(tx: Tx, variant_id: VariantId) -> Current | None:
    """What the variant sells now, locked against buyers."""
    row = (await tx.execute(_LOCK, {"variant_id": variant_id})).mappings().one_or_none()
    return None if row is None else Current(**row)


async def count_reserved(tx: Tx, variant_id: VariantId) -> int:
    """How many of the variant unpaid orders have reserved or are held for people in line."""
    return int((await tx.execute(_RESERVED, {"variant_id": variant_id})).scalar_one())


async def find_key(tx: Tx, variant_id: VariantId, fingerprint: bytes) -> KnownKey | None:
    """The key of the variant with this fingerprint."""
    row = (await tx.execute(_FIND_KEY, {"variant_id": variant_id, "fingerprint": fingerprint})).one_or_none()
    return None if row is None else KnownKey(StockKeyId(row.id), KeyState(row.state))


async def share_key(tx: Tx, key_id: StockKeyId) -> bool:
    """Make a key that nobody has a shared one; False when somebody has got it."""
    return (await tx.execute(_SHARE_KEY, {"key_id": key_id})).one_or_none() is not None


async def add_key(
    tx: Tx, key_id: StockKeyId, variant_id: VariantId, batch_id: UUID, ciphertext: bytes, fingerprint: bytes
) -> None:
    """Insert an encrypted shared key."""
    row = {"id": key_id, "variant_id": variant_id, "batch_id": batch_id, "ciphertext": ciphertext}
    await tx.execute(insert(StockKey), {**row, "fingerprint": fingerprint, "state": KeyState.SHARED})


async def set_current(tx: Tx, variant_id: VariantId, key_id: StockKeyId, remaining: int | None) -> None:
    """Store what later buyers of the variant get, and how many of them can."""
    row = {"key_id": key_id, "remaining": remaining}
    statement = upsert(SharedKey).values(variant_id=variant_id, **row)
    await tx.execute(statement.on_conflict_do_update(index_elements=[SharedKey.variant_id], set_=row))
