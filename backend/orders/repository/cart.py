"""The SQL of carts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Boolean, DateTime, Uuid, bindparam, case, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from backend.catalog.types import VariantId
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders.models import Cart, CartLine
from backend.orders.types.cart import KeptLine

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
# A first thing starts the time, a later change restarts it; once reminded, or empty, nothing runs.
_PLAN = text(
    """
    UPDATE carts SET remind_at = CASE
        WHEN NOT EXISTS (SELECT FROM cart_lines WHERE user_id = :user_id AND removed_at IS NULL) THEN NULL
        WHEN :was_empty OR remind_at IS NOT NULL THEN :remind_at
    END
    WHERE user_id = :user_id
    """
).bindparams(
    bindparam("user_id", type_=Uuid()),
    bindparam("remind_at", type_=DateTime(timezone=True)),
    bindparam("was_empty", type_=Boolean()),
)
_TAKE_LEFT = text(
    """
    UPDATE carts SET remind_at = NULL
    WHERE user_id = (SELECT user_id FROM carts WHERE remind_at <= :now ORDER BY remind_at
                     LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING user_id, version
    """
).bindparams(bindparam("now", type_=DateTime(timezone=True)))


async def lock_cart(tx: Tx, user_id: UserId) -> int:
    """Lock the person's cart for a change, making it where there is none; its new version."""
    return int((await tx.execute(_OPEN, {"user_id": user_id})).scalar_one())


async def get_version(tx: Tx, user_id: UserId) -> int:
    """The version of the person's cart; 0 before its first change."""
    found = await tx.execute(select(Cart.version).where(Cart.user_id == user_id))
    return int(found.scalar_one_or_none() or 0)


async def plan_reminder(tx: Tx, user_id: UserId, at: datetime, *, was_empty: bool) -> None:
    """Have the person reminded ``at`` a moment, unless the cart is empty or they were reminded of it before."""
    await tx.execute(_PLAN, {"user_id": user_id, "remind_at": at, "was_empty": was_empty})


async def is_reminder_planned(tx: Tx, user_id: UserId) -> bool:
    """Whether the person will be reminded of their cart."""
    planned = select(Cart.user_id).where(Cart.user_id == user_id, Cart.remind_at.is_not(None))
    return (await tx.execute(planned)).first() is not None


async def take_left(tx: Tx) -> tuple[UserId, int] | None:
    """A cart whose time to be reminded of has come, and its version; nobody gets it a second time."""
    row = (await tx.execute(_TAKE_LEFT, {"now": tx.now})).one_or_none()
    return None if row is None else (UserId(row.user_id), row.version)


async def list_lines(tx: Tx, user_id: UserId) -> list[KeptLine]:
    """What is in the cart, in the order of adding."""
    statement = select(*_COLUMNS).where(CartLine.user_id == user_id, _IN_CART)
    return [_kept(row) for row in await tx.execute(statement.order_by(CartLine.added_at, CartLine.id))]


async def find_removed(tx: Tx, user_id: UserId, variant_id: VariantId) -> KeptLine | None:
    """A line that was removed a short while ago."""
    statement = select(*_COLUMNS).where(
        CartLine.user_id == user_id,
        CartLine.variant_id == variant_id,
        CartLine.removed_at > tx.now - _UNDO_FOR,
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _kept(row)


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


async def delete_lines(tx: Tx, user_id: UserId, variants: Collection[VariantId]) -> None:
    """Remove lines for good."""
    chosen = CartLine.variant_id.in_(list(variants))
    await tx.execute(delete(CartLine).where(CartLine.user_id == user_id, chosen))


async def count_lines(tx: Tx, user_id: UserId) -> int:
    """How many lines the cart has."""
    statement = select(func.count()).select_from(CartLine).where(CartLine.user_id == user_id, _IN_CART)
    return int((await tx.execute(statement)).scalar_one())


def _kept(row: Any) -> KeptLine:
    return KeptLine(VariantId(row.variant_id), row.quantity, Money(row.seen_amount, row.currency), row.added_at)
