"""The SQL of trusted sellers."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from backend.identity.models import TrustedSeller, User
from backend.identity.repository import is_blocked
from backend.identity.types.sellers import Seller, SellerMark
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId


async def list_public(tx: Tx) -> list[Seller]:
    """The sellers who are not blocked, in their order."""
    columns = (User.id, User.telegram_id, User.first_name, User.last_name, User.username, TrustedSeller.about)
    statement = select(*columns).join(TrustedSeller, TrustedSeller.user_id == User.id).where(~is_blocked(tx.now))
    rows = await tx.execute(statement.order_by(TrustedSeller.position, TrustedSeller.added_at, TrustedSeller.user_id))
    return [
        Seller(
            id=UserId(row.id),
            telegram_id=row.telegram_id,
            name=" ".join(filter(None, (row.first_name, row.last_name))),
            username=row.username,
            about=row.about,
        )
        for row in rows
    ]


async def find(tx: Tx, user_id: UserId) -> SellerMark | None:
    """How a person is marked; None for who is no trusted seller."""
    statement = select(TrustedSeller.about, TrustedSeller.position).where(TrustedSeller.user_id == user_id)
    row = (await tx.execute(statement)).one_or_none()
    return SellerMark(row.about, row.position) if row else None


async def save(tx: Tx, user_id: UserId, mark: SellerMark, by: UserId | None) -> None:
    """Mark a person, or change how they are marked; who added them first, and when, stays."""
    said = {"about": dict(mark.about), "position": mark.position}
    added = insert(TrustedSeller).values(user_id=user_id, added_at=tx.now, added_by=by, **said)
    await tx.execute(added.on_conflict_do_update(index_elements=[TrustedSeller.user_id], set_=said))


async def remove(tx: Tx, user_id: UserId) -> None:
    """Take the mark from a person."""
    await tx.execute(delete(TrustedSeller).where(TrustedSeller.user_id == user_id))
