"""The SQL of claims under the warranty."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from backend.catalog.types.fulfilment import ItemId
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderId, OrderLineId, UserId
from backend.orders.models import WarrantyClaim
from backend.orders.types.warranty import Claim, ClaimId, ClaimStatus, NewClaim

_COLUMNS = select(
    WarrantyClaim.id,
    WarrantyClaim.order_id,
    WarrantyClaim.line_id,
    WarrantyClaim.user_id,
    WarrantyClaim.item_id,
    WarrantyClaim.quantity,
    WarrantyClaim.status,
    WarrantyClaim.reason,
    WarrantyClaim.created_at,
    WarrantyClaim.decided_at,
)


def _claim(row: Any) -> Claim:
    return Claim(
        id=ClaimId(row.id),
        order_id=OrderId(row.order_id),
        line_id=OrderLineId(row.line_id),
        user_id=UserId(row.user_id),
        item_id=ItemId(row.item_id),
        quantity=row.quantity,
        status=ClaimStatus(row.status),
        reason=row.reason,
        created_at=row.created_at,
        decided_at=row.decided_at,
    )


async def find_claim(tx: Tx, order_id: OrderId, key: str) -> Claim | None:
    """The claim of the order that was made with this idempotency key."""
    mine = (WarrantyClaim.order_id == order_id, WarrantyClaim.idempotency_key == key)
    row = (await tx.execute(_COLUMNS.where(*mine))).one_or_none()
    return None if row is None else _claim(row)


async def add_claim(tx: Tx, new: NewClaim) -> ClaimId:
    """Store a claim; one that is not in review is decided now."""
    claim_id = ClaimId(tx.new_id())
    values = {
        "id": claim_id, "order_id": new.order_id, "line_id": new.line_id, "user_id": new.user_id,
        "item_id": new.item_id, "quantity": new.quantity, "status": new.status.value, "created_at": tx.now,
        "idempotency_key": new.idempotency_key,
        "decided_at": None if new.status is ClaimStatus.IN_REVIEW else tx.now,
    }  # fmt: skip
    await tx.execute(insert(WarrantyClaim).values(values))
    return claim_id


async def get_claim(tx: Tx, claim_id: ClaimId) -> Claim:
    """One claim. Raises NotFound."""
    row = (await tx.execute(_COLUMNS.where(WarrantyClaim.id == claim_id))).one_or_none()
    if row is None:
        raise NotFound("no such claim")
    return _claim(row)


async def list_of_order(tx: Tx, order_id: OrderId) -> list[Claim]:
    """The claims of an order, oldest first."""
    rows = await tx.execute(_COLUMNS.where(WarrantyClaim.order_id == order_id).order_by(WarrantyClaim.id))
    return [_claim(row) for row in rows]


async def list_in_review(tx: Tx, most: int) -> list[Claim]:
    """The claims that wait for an admin, oldest first."""
    waiting = _COLUMNS.where(WarrantyClaim.status == ClaimStatus.IN_REVIEW.value).order_by(WarrantyClaim.id)
    return [_claim(row) for row in await tx.execute(waiting.limit(most))]


async def count_in_review(tx: Tx) -> int:
    """How many claims wait for an admin."""
    waiting = select(func.count()).where(WarrantyClaim.status == ClaimStatus.IN_REVIEW.value)
    return int((await tx.execute(waiting)).scalar_one())


async def count_since(tx: Tx, people: Collection[UserId], since: datetime) -> dict[UserId, int]:
    """How many claims each of the people has made since then; those without any are left out."""
    statement = (
        select(WarrantyClaim.user_id, func.count().label("claims"))
        .where(WarrantyClaim.user_id.in_(people), WarrantyClaim.created_at > since)
        .group_by(WarrantyClaim.user_id)
    )
    return {UserId(row.user_id): row.claims for row in await tx.execute(statement)}


async def decide(tx: Tx, claim_id: ClaimId, status: ClaimStatus, by: UserId | None, reason: str | None) -> None:
    """Store what an admin decided."""
    decided = {"status": status.value, "decided_at": tx.now, "decided_by": by, "reason": reason}
    await tx.execute(update(WarrantyClaim).where(WarrantyClaim.id == claim_id).values(decided))
