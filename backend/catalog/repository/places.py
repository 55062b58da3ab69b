"""SQL of how many more of a variant can be sold, where another slice counts who has them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Uuid, bindparam, insert, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.models import PlaceSale
from backend.catalog.types import VariantId
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderLineId, UserId

_ID: Final = bindparam("id", type_=Uuid())
_BUYER: Final = bindparam("buyer", type_=Uuid())
_TOOK: Final = """p.remaining AS left,
    EXISTS (SELECT FROM stock_waits w WHERE w.variant_id = p.variant_id AND w.user_id = :buyer) AS waits"""
_TAKE = text(
    f"""
    UPDATE variant_places p SET remaining = p.remaining - 1 WHERE p.variant_id = :id AND p.remaining > 0
    RETURNING {_TOOK}
    """  # noqa: S608 - a constant of ours
).bindparams(_ID, _BUYER)
_TAKE_ANY = text(
    "UPDATE variant_places SET remaining = remaining - 1 WHERE variant_id = :id RETURNING remaining"
).bindparams(_ID)
_PUT_BACK = text(
    "UPDATE variant_places SET remaining = remaining + 1 WHERE variant_id = :id RETURNING remaining"
).bindparams(_ID)
# Shared by all who take where there is any number; who sets a number waits for them, then counts them.
_TAKE_UNLIMITED = text(
    f"SELECT {_TOOK} FROM variant_places p WHERE p.variant_id = :id AND p.remaining IS NULL FOR SHARE OF p"  # noqa: S608
).bindparams(_ID, _BUYER)
_HELD = text(
    "SELECT coalesce(sum(quantity), 0) FROM stock_waits WHERE variant_id = :id AND kind IS NOT NULL"
).bindparams(_ID)
_LEFT = text(
    """
    SELECT p.variant_id, CASE WHEN p.remaining IS NOT NULL THEN greatest(p.remaining, 0) + coalesce(w.quantity, 0) END
        AS left FROM variant_places p
    LEFT JOIN stock_waits w ON w.variant_id = p.variant_id AND w.user_id = :buyer WHERE p.variant_id = ANY (:ids)
    """
).bindparams(_BUYER, bindparam("ids", type_=ARRAY(Uuid())))
_LOCK = text("SELECT FROM variant_places WHERE variant_id = :id FOR UPDATE").bindparams(_ID)
_ADD = text("INSERT INTO variant_places (variant_id, remaining) VALUES (:id, :remaining)").bindparams(
    _ID, bindparam("remaining", type_=BigInteger())
)
_ADD_MISSING = text(
    "INSERT INTO variant_places (variant_id, remaining) VALUES (:id, 0) ON CONFLICT DO NOTHING"
).bindparams(_ID)
_SET = text("UPDATE variant_places SET remaining = :remaining WHERE variant_id = :id").bindparams(
    _ID, bindparam("remaining", type_=BigInteger())
)
_DELETE = text("DELETE FROM variant_places WHERE variant_id = :id").bindparams(_ID)


class TakenPlace(msgspec.Struct, frozen=True):
    """A place that was taken; ``left`` None is any number, ``waits``: its buyer stands in line for one."""

    left: int | None
    waits: bool


async def add(tx: Tx, variant_id: VariantId, remaining: int | None) -> None:
    """Store how many of a new variant can be sold; None for any number."""
    await tx.execute(_ADD, {"id": variant_id, "remaining": remaining})


async def add_missing(tx: Tx, variant_id: VariantId) -> None:
    """Store that nothing of a variant can be sold yet, where no number is stored."""
    await tx.execute(_ADD_MISSING, {"id": variant_id})


async def take(tx: Tx, variant_id: VariantId, buyer: UserId) -> TakenPlace | None:
    """Take one place; None where none is left."""
    values = {"id": variant_id, "buyer": buyer}
    row = (await tx.execute(_TAKE, values)).mappings().first()
    if row is None:
        row = (await tx.execute(_TAKE_UNLIMITED, values)).mappings().first()
    return None if row is None else TakenPlace(**row)


async def take_any(tx: Tx, variant_id: VariantId) -> int | None:
    """Take one place though none may be left; how many are left then, None for any number."""
    row = (await tx.execute(_TAKE_ANY, {"id": variant_id})).first()
    return None if row is None else row.remaining


async def add_sale(tx: Tx, variant_id: VariantId, line_id: OrderLineId) -> None:
    """Note that a line has got its place."""
    await tx.execute(insert(PlaceSale), {"order_line_id": line_id, "variant_id": variant_id, "sold_at": tx.now})


async def put_back(tx: Tx, variant_id: VariantId) -> int | None:
    """Free one place; how many are left then, None for any number."""
    row = (await tx.execute(_PUT_BACK, {"id": variant_id})).first()
    return None if row is None else row.remaining


async def list_left(tx: Tx, variants: Collection[VariantId], buyer: UserId) -> dict[VariantId, int | None]:
    """How many places of each variant a person can buy, with what is held for them; None for any number."""
    rows = await tx.execute(_LEFT, {"ids": list(variants), "buyer": buyer})
    return {VariantId(row.variant_id): row.left for row in rows}


async def count_held(tx: Tx, variant_id: VariantId) -> int:
    """How many places are assigned to or held for people in line."""
    return int((await tx.execute(_HELD, {"id": variant_id})).scalar_one())


async def lock(tx: Tx, variant_id: VariantId) -> None:
    """Let nobody take or free a place until the transaction ends."""
    await tx.execute(_LOCK, {"id": variant_id})


async def set_remaining(tx: Tx, variant_id: VariantId, remaining: int | None) -> None:
    """Store how many are left; None for any number."""
    await tx.execute(_SET, {"id": variant_id, "remaining": remaining})


async def delete(tx: Tx, variant_id: VariantId) -> None:
    """Forget the places of a variant that is about to be deleted."""
    await tx.execute(_DELETE, {"id": variant_id})
