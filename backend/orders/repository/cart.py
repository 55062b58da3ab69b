"""The SQL of carts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, DateTime, Uuid, bindparam, case, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from backend.catalog.types import VariantId
from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders.models import Cart, CartLine
from backend.orders.types.cart import StoredLine

_UNDO_FOR: Final = timedelta(hours=1)
"""How long a removed line can be put back."""
_COLUMNS: Final = (
    CartLine.variant_id, CartLine.quantity, CartLine.seen_amount, CartLine.currency, CartLine.added_at,
)  # fmt: skip
_IN_CART = CartLine.removed_at.is_(None)
# A cart's row is the lock of its lines.
_OPEN = text(
    """
    INSERT INTO carts (user_id, version) VALUES (:user_id, 1)
    ON CONFLICT (user_id) DO UPDATE SET version = carts.version + 1
    RETURNING version
    """
).bindparams(bindparam("user_id", type_=Uuid()))
_PLAN = text(
    """
    UPDATE carts SET remind_at = CASE WHEN full_now THEN :remind_at END,
                     filled_version = CASE WHEN NOT full_now THEN NULL WHEN :was_empty THEN version
                                           ELSE filled_version END
    FROM (
        SELECT EXISTS (SELECT FROM cart_lines WHERE user_id = :user_id AND removed_at IS NULL) AS full_now
    ) lines
    WHERE user_id = :user_id
    RETURNING CASE WHEN filled_version = version THEN version END AS filled
    """
).bindparams(
    bindparam("user_id", type_=Uuid()),
    bindparam("remind_at", type_=DateTime(timezone=True)),
    bindparam("was_empty", type_=Boolean()),
)
# One statement, which begins with the row that is the lock: without the version that was seen nothing happens.
_CHECK_OUT = HotStatement(
    text(
        """
    WITH opened AS (
        UPDATE carts SET version = version + 1, filled_version = CASE
            WHEN EXISTS (
                SELECT FROM cart_lines WHERE user_id = :user_id AND removed_at IS NULL AND variant_id <> ALL(:variants)
            ) THEN filled_version END
        WHERE user_id = :user_id AND version = :version RETURNING user_id
    ), bought AS (
        DELETE FROM cart_lines USING opened
        WHERE cart_lines.user_id = opened.user_id AND cart_lines.variant_id = ANY(:variants)
    )
    SELECT user_id FROM opened
    """
    ).bindparams(
        bindparam("user_id", type_=Uuid()),
        bindparam("variants", type_=ARRAY(Uuid())),
        bindparam("version", type_=BigInteger()),
    )
)


async def lock_cart(tx: Tx, user_id: UserId) -> int:
    """Lock the person's cart for a change, making it where there is none; its new version."""
    return int((await tx.execute(_OPEN, {"user_id": user_id})).scalar_one())


async def get_version(tx: Tx, user_id: UserId) -> int:
    """The version of the person's cart; 0 before its first change."""
    rows = await tx.execute(select(Cart.version).where(Cart.user_id == user_id))
    return int(rows.scalar_one_or_none() or 0)


async def plan_reminder(tx: Tx, user_id: UserId, at: datetime | None, *, was_empty: bool) -> int | None:
    """Note that a cart was changed, of which its owner is to be reminded ``at`` a moment, unless it is empty.

    The version in which it got its first line; None where it had one, or has none.
    """
    filled = await tx.execute(_PLAN, {"user_id": user_id, "remind_at": at, "was_empty": was_empty})
    version: int | None = filled.scalar_one()
    return version


async def find_reminder(tx: Tx, user_id: UserId, filled: int) -> datetime | None:
    """When the person is to be reminded of the cart that they began in the version ``filled``, if they have it."""
    planned = select(Cart.remind_at).where(Cart.user_id == user_id, Cart.filled_version == filled)
    return (await tx.execute(planned)).scalar_one_or_none()


async def list_lines(tx: Tx, user_id: UserId) -> list[StoredLine]:
    """What is in the cart, in the order of adding."""
    statement = select(*_COLUMNS).where(CartLine.user_id == user_id, _IN_CART)
    return [_stored_line(row) for row in await tx.execute(statement.order_by(CartLine.added_at, CartLine.id))]


async def find_removed(tx: Tx, user_id: UserId, variant_id: VariantId) -> StoredLine | None:
    """A line that was removed a short while ago."""
    statement = select(*_COLUMNS).where(
        CartLine.user_id == user_id,
        CartLine.variant_id == variant_id,
        CartLine.removed_at > tx.now - _UNDO_FOR,
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _stored_line(row)


async def put_line(tx: Tx, user_id: UserId, variant_id: VariantId, quantity: int, seen: Money) -> None:
    """Store how many of a variant the cart has, and the price of one that was shown."""
    values = {"quantity": quantity, "seen_amount": seen.amount, "currency": seen.currency}
    new = insert(CartLine).values(
        id=tx.new_id(), user_id=user_id, variant_id=variant_id, added_at=tx.now, removed_at=None, **values
    )
    # A line that was removed comes to the end, as a new one does.
    added_at = case((CartLine.removed_at.is_not(None), tx.now), else_=CartLine.added_at)
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=["user_id", "variant_id"], set_={**values, "added_at": added_at, "removed_at": None}
        )
    )


async def mark_removed(tx: Tx, user_id: UserId, variant_id: VariantId) -> bool:
    """Remove a line, for now; False where the cart has none. Forgets lines that were removed long ago."""
    mine = CartLine.user_id == user_id
    await tx.execute(delete(CartLine).where(mine, CartLine.removed_at <= tx.now - _UNDO_FOR))
    removed = update(CartLine).where(mine, CartLine.variant_id == variant_id, _IN_CART).values(removed_at=tx.now)
    return bool((await tx.execute(removed)).rowcount)


async def put_back(tx: Tx, user_id: UserId, variant_id: VariantId) -> None:
    """Undo the removal of a line."""
    mine = (CartLine.user_id == user_id, CartLine.variant_id == variant_id)
    await tx.execute(update(CartLine).where(*mine).values(removed_at=None))


async def check_out(tx: Tx, user_id: UserId, version: int, variants: Collection[VariantId]) -> bool:
    """Change the cart that has this version by removing lines for good; False where it has another one."""
    values = {"user_id": user_id, "version": version, "variants": list(variants)}
    return bool(await tx.fetch(_CHECK_OUT, values))


async def count_lines(tx: Tx, user_id: UserId) -> int:
    """How many lines the cart has."""
    statement = select(func.count()).select_from(CartLine).where(CartLine.user_id == user_id, _IN_CART)
    return int((await tx.execute(statement)).scalar_one())


def _stored_line(row: Any) -> StoredLine:
    return StoredLine(VariantId(row.variant_id), row.quantity, Money(row.seen_amount, row.currency), row.added_at)
