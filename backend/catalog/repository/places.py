"""SQL of how many more of a variant can be sold, where another slice counts who has them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Uuid, bindparam, text

from backend.catalog.types import VariantId
from backend.infra.unit_of_work import Tx

_ID: Final = bindparam("id", type_=Uuid())
_TAKE = text(
    "UPDATE variant_places SET remaining = remaining - 1 WHERE variant_id = :id AND remaining > 0 RETURNING remaining"
).bindparams(_ID)
_TAKE_ANY = text(
    "UPDATE variant_places SET remaining = remaining - 1 WHERE variant_id = :id RETURNING remaining"
).bindparams(_ID)
_PUT_BACK = text(
    "UPDATE variant_places SET remaining = remaining + 1 WHERE variant_id = :id RETURNING remaining"
).bindparams(_ID)
# Shared by all who take where there is any number; who sets a number waits for them, then counts them.
_SHARE = text("SELECT remaining FROM variant_places WHERE variant_id = :id FOR SHARE").bindparams(_ID)
_LOCK = text("SELECT FROM variant_places WHERE variant_id = :id FOR UPDATE").bindparams(_ID)
_ADD = text("INSERT INTO variant_places (variant_id, remaining) VALUES (:id, :remaining)").bindparams(
    _ID, bindparam("remaining", type_=BigInteger())
)
_SET = text("UPDATE variant_places SET remaining = :remaining WHERE variant_id = :id").bindparams(
    _ID, bindparam("remaining", type_=BigInteger())
)
_DELETE = text("DELETE FROM variant_places WHERE variant_id = :id").bindparams(_ID)


async def add(tx: Tx, variant_id: VariantId, remaining: int | None) -> None:
    """Store how many of a new variant can be sold; None for any number."""
    await tx.execute(_ADD, {"id": variant_id, "remaining": remaining})


async def take(tx: Tx, variant_id: VariantId) -> tuple[bool, int | None]:
    """Take one place if there is one; whether there was, and how many are left (None for any number)."""
    row = (await tx.execute(_TAKE, {"id": variant_id})).first()
    if row is not None:
        return True, row.remaining
    row = (await tx.execute(_SHARE, {"id": variant_id})).first()
    return row is not None and row.remaining is None, None


async def take_any(tx: Tx, variant_id: VariantId) -> int | None:
    """Take one place though none may be left; how many are left then, None for any number."""
    row = (await tx.execute(_TAKE_ANY, {"id": variant_id})).first()
    return None if row is None else row.remaining


async def put_back(tx: Tx, variant_id: VariantId) -> int | None:
    """Free one place; how many are left then, None for any number."""
    row = (await tx.execute(_PUT_BACK, {"id": variant_id})).first()
    return None if row is None else row.remaining


async def lock(tx: Tx, variant_id: VariantId) -> None:
    """Let nobody take or free a place until the transaction ends."""
    await tx.execute(_LOCK, {"id": variant_id})


async def set_remaining(tx: Tx, variant_id: VariantId, remaining: int | None) -> None:
    """Store how many are left; None for any number."""
    await tx.execute(_SET, {"id": variant_id, "remaining": remaining})


async def delete(tx: Tx, variant_id: VariantId) -> None:
    """Forget the places of a variant that is about to be deleted."""
    await tx.execute(_DELETE, {"id": variant_id})
