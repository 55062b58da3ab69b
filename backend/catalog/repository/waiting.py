"""SQL of the lines for what is sold out.

Goods are locked before the people in line: the variant's row in ``shared_keys`` or ``variant_places``, then its
product. People whom another transaction has locked are leaving or buying: they are passed over, never waited for.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, DateTime, Text, Uuid, bindparam, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from backend.catalog.models.waiting import StockWait
from backend.catalog.repository.availability import of_variant
from backend.catalog.types import ProductId, StockKind, VariantId
from backend.catalog.types.waiting import COUNTED_KINDS, QUEUED_KINDS, QueuedVariant, Wait, WaitId, WaitingCount
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

_AT_ONCE: Final = 500
_WAIT: Final = (
    StockWait.id, StockWait.user_id, StockWait.variant_id, StockWait.kind, StockWait.quantity, StockWait.held_until,
)  # fmt: skip
# Nobody is told of few places in a course: the seller has set their number.
_QUEUED: Final = """v.id, v.product_id, p.kind, v.min_quantity, v.low_stock_at,
    (v.low_stock_told OR p.kind = 'course') AS low_stock_told, (p.listed AND NOT v.hidden) AS for_sale"""
_IN_LINE: Final = "w.kind IS NULL AND (w.passed_until IS NULL OR w.passed_until <= :now)"
_NOW: Final = bindparam("now", type_=DateTime(timezone=True))
_VARIANT: Final = bindparam("variant_id", type_=Uuid())
_QUANTITY: Final = bindparam("quantity", type_=BigInteger())

_LIST_QUEUED = text(
    f"""
    SELECT {_QUEUED} FROM variants v JOIN products p ON p.id = v.product_id
    WHERE p.id = :product_id AND p.listed AND NOT v.hidden
      AND EXISTS (SELECT FROM stock_waits w WHERE w.variant_id = v.id AND {_IN_LINE})
    ORDER BY v.id
    """  # noqa: S608 - constants of ours
).bindparams(bindparam("product_id", type_=Uuid()), _NOW)
_LOCK_QUEUED = text(
    f"""
    SELECT {_QUEUED} FROM variants v JOIN products p ON p.id = v.product_id
    WHERE v.id = :variant_id FOR NO KEY UPDATE OF p
    """  # noqa: S608 - constants of ours
).bindparams(_VARIANT)
_LOCK_NUMBER = text(
    """
    WITH shared AS (SELECT remaining FROM shared_keys WHERE variant_id = :variant_id FOR UPDATE),
         places AS (SELECT remaining FROM variant_places WHERE variant_id = :variant_id FOR UPDATE)
    SELECT remaining FROM shared UNION ALL SELECT remaining FROM places
    """
).bindparams(_VARIANT)

_FIRST = f"""
    SELECT w.id, w.user_id, w.place FROM stock_waits w WHERE w.variant_id = :variant_id AND {_IN_LINE}
    ORDER BY w.place LIMIT :most FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - a constant of ours
# Keys and people are paired in their own orders. As when keys are sold, the chosen ones reach the update as an array.
_ASSIGN_KEYS = text(
    f"""
    WITH line AS MATERIALIZED (
        SELECT id, user_id, row_number() OVER (ORDER BY place) - 1 AS turn FROM ({_FIRST}) first
    ), free AS MATERIALIZED (
        SELECT id, row_number() OVER (ORDER BY position) - 1 AS turn FROM (
            SELECT id, position FROM stock_keys WHERE variant_id = :variant_id AND state = 'available'
              AND (expires_at IS NULL OR expires_at > :now)
            ORDER BY position LIMIT (SELECT count(*) FROM line) * :quantity FOR UPDATE SKIP LOCKED
        ) oldest
    ), pairs AS MATERIALIZED (
        SELECT f.id AS key_id, l.id, l.user_id FROM free f JOIN line l ON l.turn = f.turn / :quantity
        WHERE l.turn < (SELECT count(*) FROM free) / :quantity
    ), held AS (
        UPDATE stock_keys k SET state = 'held', taken_at = :now,
            held_for = (SELECT p.user_id FROM pairs p WHERE p.key_id = k.id)
        WHERE k.id = ANY (ARRAY(SELECT key_id FROM pairs))
    )
    UPDATE stock_waits SET kind = :kind, quantity = :quantity, passed_until = NULL
    WHERE id = ANY (ARRAY(SELECT id FROM pairs))
    """  # noqa: S608 - constants of ours
).bindparams(_VARIANT, _QUANTITY, _NOW, bindparam("most", type_=BigInteger()), bindparam("kind", type_=Text()))
_ASSIGN_NUMBER = text(
    f"""
    UPDATE stock_waits SET kind = :kind, quantity = :quantity, passed_until = NULL
    WHERE id = ANY (ARRAY(SELECT id FROM ({_FIRST}) first))
    """  # noqa: S608 - constants of ours
).bindparams(_VARIANT, _QUANTITY, _NOW, bindparam("most", type_=BigInteger()), bindparam("kind", type_=Text()))
_CHANGE_NUMBER: Final = {
    kind: text(
        f"UPDATE {table} SET remaining = remaining + :change WHERE variant_id = :variant_id AND remaining IS NOT NULL"  # noqa: S608
    ).bindparams(_VARIANT, bindparam("change", type_=BigInteger()))
    for kind, table in (
        (StockKind.SHARED_KEY.value, "shared_keys"),
        (StockKind.COURSE.value, "variant_places"),
        (StockKind.FILE.value, "variant_places"),
    )
}
_RELEASE_KEYS = text(
    """
    UPDATE stock_keys SET state = 'available', held_for = NULL, taken_at = NULL
    WHERE variant_id = :variant_id AND held_for = :user_id AND state = 'held'
    """
).bindparams(_VARIANT, bindparam("user_id", type_=Uuid()))
_PLACE = text(
    """
    SELECT count(*) FILTER (WHERE w.place <= (
               SELECT place FROM stock_waits WHERE variant_id = :variant_id AND user_id = :user_id AND kind IS NULL
           )) AS number, count(*) AS waiting
    FROM stock_waits w WHERE w.variant_id = :variant_id AND w.kind IS NULL
    """
).bindparams(_VARIANT, bindparam("user_id", type_=Uuid()))
_LIST_DUE = text(
    f"""
    SELECT v.id FROM (SELECT DISTINCT variant_id FROM stock_waits w WHERE held_until IS NULL
                      AND (w.kind IS NOT NULL OR {_IN_LINE})) n
    JOIN variants v ON v.id = n.variant_id JOIN products p ON p.id = v.product_id
    WHERE EXISTS (SELECT FROM stock_waits w WHERE w.variant_id = v.id AND w.kind IS NOT NULL AND w.held_until IS NULL)
       OR p.listed AND NOT v.hidden AND p.kind = ANY (:kinds)
          AND coalesce({of_variant("v.min_quantity")} >= v.min_quantity, true)
    ORDER BY v.id
    """  # noqa: S608 - constants of ours
).bindparams(_NOW, bindparam("kinds", type_=ARRAY(Text())))
_COUNTS = text(
    f"""
    SELECT p.slug, p.name, v.name AS variant_name, p.country, n.waiting, n.held, {of_variant("100")} AS available
    FROM (SELECT variant_id, count(*) FILTER (WHERE kind IS NULL) AS waiting,
                 count(*) FILTER (WHERE kind IS NOT NULL) AS held
          FROM stock_waits GROUP BY variant_id ORDER BY count(*) DESC, variant_id LIMIT :most) n
    JOIN variants v ON v.id = n.variant_id JOIN products p ON p.id = v.product_id
    ORDER BY n.waiting + n.held DESC, v.id
    """  # noqa: S608 - constants of ours
).bindparams(bindparam("most", type_=BigInteger()))


async def add(tx: Tx, variant_id: VariantId, user_id: UserId) -> bool:
    """Put a person at the end of the line; False where they are in it."""
    row = {"id": tx.new_id(), "variant_id": variant_id, "user_id": user_id, "joined_at": tx.now}
    new = insert(StockWait).on_conflict_do_nothing(index_elements=["variant_id", "user_id"]).returning(StockWait.id)
    return (await tx.execute(new, row)).one_or_none() is not None


async def remove(tx: Tx, variant_id: VariantId, user_id: UserId) -> Wait | None:
    """Take a person out of the line; how they stood in it. The caller returns their goods."""
    chosen = (StockWait.variant_id == variant_id, StockWait.user_id == user_id)
    row = (await tx.execute(delete(StockWait).where(*chosen).returning(*_WAIT))).mappings().one_or_none()
    return None if row is None else Wait(**row)


async def find(tx: Tx, variant_id: VariantId, user_id: UserId) -> Wait | None:
    """A person's wait for a variant."""
    chosen = select(*_WAIT).where(StockWait.variant_id == variant_id, StockWait.user_id == user_id)
    row = (await tx.execute(chosen)).mappings().one_or_none()
    return None if row is None else Wait(**row)


async def find_by_id(tx: Tx, wait_id: WaitId) -> Wait | None:
    """A wait by its id."""
    row = (await tx.execute(select(*_WAIT).where(StockWait.id == wait_id))).mappings().one_or_none()
    return None if row is None else Wait(**row)


async def list_own(tx: Tx, user_id: UserId) -> list[Wait]:
    """What a person waits for: what is held for them, then in the order of joining."""
    order = (StockWait.held_until.nulls_last(), StockWait.place)
    rows = await tx.execute(select(*_WAIT).where(StockWait.user_id == user_id).order_by(*order))
    return [Wait(**row) for row in rows.mappings()]


async def count_own(tx: Tx, user_id: UserId) -> int:
    """In how many lines a person stands."""
    counted = select(func.count()).select_from(StockWait).where(StockWait.user_id == user_id)
    return int((await tx.execute(counted)).scalar_one())


async def find_place(tx: Tx, variant_id: VariantId, user_id: UserId | None) -> tuple[int, int]:
    """The person's place in the line (0 outside of it), and how many people wait in it."""
    row = (await tx.execute(_PLACE, {"variant_id": variant_id, "user_id": user_id})).one()
    return row.number, row.waiting


async def list_queued(tx: Tx, product_id: ProductId) -> list[QueuedVariant]:
    """The variants of a product that are for sale and that people wait for."""
    rows = await tx.execute(_LIST_QUEUED, {"product_id": product_id, "now": tx.now})
    return [QueuedVariant(**row) for row in rows.mappings()]


async def lock_number(tx: Tx, variant_id: VariantId) -> None:
    """Lock a variant's number, where it has one: before anybody in its line is locked."""
    await tx.execute(_LOCK_NUMBER, {"variant_id": variant_id})


async def lock_queued(tx: Tx, variant_id: VariantId) -> QueuedVariant | None:
    """Lock a variant's goods against everything that changes its line; None for an unknown variant."""
    await lock_number(tx, variant_id)
    row = (await tx.execute(_LOCK_QUEUED, {"variant_id": variant_id})).mappings().one_or_none()
    return None if row is None else QueuedVariant(**row)


async def assign(tx: Tx, variant: QueuedVariant) -> int:
    """Assign free goods to the first people in line; returns for how many of them."""
    values = {"variant_id": variant.id, "quantity": variant.min_quantity, "now": tx.now, "most": _AT_ONCE}
    if variant.kind == StockKind.UNIQUE_KEYS:
        return (await tx.execute(_ASSIGN_KEYS, values | {"kind": variant.kind})).rowcount
    if variant.kind not in COUNTED_KINDS:
        return 0
    row = (await tx.execute(_LOCK_NUMBER, {"variant_id": variant.id})).one_or_none()
    if row is None:
        return 0
    if row.remaining is not None:
        # A gift may have taken a place that was not there.
        values["most"] = min(max(row.remaining, 0) // variant.min_quantity, _AT_ONCE)
    people = (await tx.execute(_ASSIGN_NUMBER, values | {"kind": variant.kind})).rowcount
    if people:
        change = {"variant_id": variant.id, "change": -people * variant.min_quantity}
        await tx.execute(_CHANGE_NUMBER[variant.kind], change)
    return people


async def return_goods(tx: Tx, wait: Wait) -> None:
    """Return what is assigned to or held for a person to the stock."""
    if wait.kind == StockKind.UNIQUE_KEYS:
        await tx.execute(_RELEASE_KEYS, {"variant_id": wait.variant_id, "user_id": wait.user_id})
    elif wait.kind is not None:
        await tx.execute(_CHANGE_NUMBER[wait.kind], {"variant_id": wait.variant_id, "change": wait.quantity})


async def list_assigned(tx: Tx, variant_id: VariantId) -> list[Wait]:
    """The people to whom what is assigned to them was not offered yet, locked, the first in line first."""
    chosen = select(*_WAIT).where(
        StockWait.variant_id == variant_id, StockWait.kind.is_not(None), StockWait.held_until.is_(None)
    )
    locked = chosen.order_by(StockWait.place).limit(_AT_ONCE).with_for_update(skip_locked=True)
    return [Wait(**row) for row in (await tx.execute(locked)).mappings()]


async def hold(tx: Tx, waits: Collection[WaitId], until: datetime) -> None:
    """Hold what is assigned to these people until then."""
    await tx.execute(update(StockWait).where(StockWait.id.in_(waits)).values(held_until=until))


async def pass_over(tx: Tx, wait: Wait, until: datetime) -> None:
    """Return a person's goods and pass them over until then; they keep their place."""
    await return_goods(tx, wait)
    values = {"kind": None, "quantity": None, "held_until": None, "passed_until": until}
    await tx.execute(update(StockWait).where(StockWait.id == wait.id).values(values))


async def list_lapsed(tx: Tx) -> list[VariantId]:
    """The variants of which something was held too long."""
    rows = await tx.execute(select(StockWait.variant_id).where(StockWait.held_until <= tx.now).distinct())
    return sorted(VariantId(variant_id) for variant_id in rows.scalars())


async def remove_lapsed(tx: Tx, variant_id: VariantId) -> list[Wait]:
    """Take the people who did not buy in time out of a line, whose goods are locked. The caller returns these."""
    lapsed = select(StockWait.id).where(StockWait.variant_id == variant_id, StockWait.held_until <= tx.now)
    chosen = StockWait.id.in_(lapsed.with_for_update(skip_locked=True))
    return [Wait(**row) for row in (await tx.execute(delete(StockWait).where(chosen).returning(*_WAIT))).mappings()]


async def list_due(tx: Tx) -> list[VariantId]:
    """The variants whose line can be served: goods are assigned, or free while somebody waits."""
    rows = await tx.execute(_LIST_DUE, {"now": tx.now, "kinds": sorted(QUEUED_KINDS)})
    return [VariantId(variant_id) for variant_id in rows.scalars()]


async def list_counts(tx: Tx, most: int) -> list[WaitingCount]:
    """The variants with the longest lines."""
    return [WaitingCount(**row) for row in (await tx.execute(_COUNTS, {"most": most})).mappings()]
