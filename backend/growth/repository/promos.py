"""The SQL of promo codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.growth.models import Promo as PromoRow
from backend.growth.models import PromoCode as CodeRow
from backend.growth.models import PromoUse as UseRow
from backend.growth.types.promos import (
    NewPromo,
    Promo,
    PromoCode,
    PromoCodeId,
    PromoFigures,
    PromoId,
    PromoScope,
    PromoUse,
)
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money

_P = PromoRow.__table__.c
_C = CodeRow.__table__.c
_U = UseRow.__table__.c
_LISTED = 100
_WITH_PROMO = select(*_P, _C.id.label("code_id"), _C.code.label("text"), _C.used).join_from(
    CodeRow, PromoRow, _P.id == _C.promo_id
)


def _money(amount: int | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount, currency)


def _promo(row: Any) -> Promo:
    return Promo(
        id=PromoId(row.id),
        basis_points=row.basis_points,
        amount=_money(row.amount, row.currency),
        code=row.code,
        codes=row.codes,
        uses=row.uses,
        per_person=row.per_person,
        scope=PromoScope(row.scope),
        target=row.target,
        minimum=_money(row.minimum, row.currency),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        first_only=row.first_only,
        note=row.note,
        stopped_at=row.stopped_at,
        created_by=None if row.created_by is None else UserId(row.created_by),
        created_at=row.created_at,
    )


def _code(row: Any) -> PromoCode:
    return PromoCode(PromoCodeId(row.code_id), row.text, row.used, _promo(row))


async def add_promo(
    tx: Tx, new: NewPromo, currency: str, created_by: UserId | None, idempotency_key: str
) -> PromoId | None:
    """Add a promotion without its codes; None when its maker has used this idempotency key before."""
    added = (
        insert(PromoRow)
        .values(
            id=tx.new_id(),
            currency=currency,
            basis_points=new.basis_points,
            amount=new.amount.amount if new.amount else None,
            code=new.code,
            codes=new.codes,
            uses=new.uses,
            per_person=new.per_person,
            scope=new.scope.value,
            target=new.target,
            minimum=new.minimum.amount if new.minimum else None,
            starts_at=new.starts_at,
            ends_at=new.ends_at,
            first_only=new.first_only,
            note=new.note,
            created_by=created_by,
            idempotency_key=idempotency_key,
            created_at=tx.now,
        )
        .on_conflict_do_nothing(index_elements=["created_by", "idempotency_key"])
        .returning(_P.id)
    )
    promo_id = (await tx.execute(added)).scalar_one_or_none()
    return None if promo_id is None else PromoId(promo_id)


async def add_codes(tx: Tx, promo_id: PromoId, uses: int | None, codes: Iterable[tuple[str, str]]) -> int:
    """Add codes, each with the key that finds it; how many were added: those whose key is taken are not."""
    rows = [{"id": tx.new_id(), "promo_id": promo_id, "code": code, "key": key, "uses": uses} for code, key in codes]
    added = insert(CodeRow).values(rows).on_conflict_do_nothing(index_elements=["key"]).returning(_C.id)
    return len((await tx.execute(added)).all())


async def find_by_maker(tx: Tx, created_by: UserId | None, idempotency_key: str) -> Promo | None:
    """The promotion that was made with this idempotency key."""
    statement = select(*_P).where(_P.created_by.is_not_distinct_from(created_by), _P.idempotency_key == idempotency_key)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _promo(row)


async def get_promo(tx: Tx, promo_id: PromoId) -> Promo:
    """One promotion. Raises NotFound."""
    row = (await tx.execute(select(*_P).where(_P.id == promo_id))).one_or_none()
    if row is None:
        raise NotFound(f"promo {promo_id}")
    return _promo(row)


async def list_promos(tx: Tx) -> list[Promo]:
    """The latest promotions, the latest first, at most 100."""
    rows = await tx.execute(select(*_P).order_by(_P.id.desc()).limit(_LISTED))
    return [_promo(row) for row in rows]


async def list_figures(tx: Tx, promos: Iterable[Promo], currency: str) -> dict[PromoId, PromoFigures]:
    """The figures of each of the promotions."""
    ids = [promo.id for promo in promos]
    used = (
        select(_U.promo_id, func.count().label("used"), func.sum(_U.amount).label("saved"))
        .where(_U.promo_id.in_(ids), _U.released_at.is_(None))
        .group_by(_U.promo_id)
    )
    rows = {row.promo_id: row for row in await tx.execute(used)}
    first = select(_C.promo_id, func.min(_C.code).label("code")).where(_C.promo_id.in_(ids)).group_by(_C.promo_id)
    codes = {row.promo_id: row.code for row in await tx.execute(first)}
    return {
        one: PromoFigures(
            rows[one].used if one in rows else 0,
            Money(int(rows[one].saved) if one in rows else 0, currency),
            codes.get(one, ""),
        )
        for one in ids
    }


async def list_codes(tx: Tx, promo_id: PromoId) -> tuple[str, ...]:
    """The promotion's codes."""
    return tuple((await tx.execute(select(_C.code).where(_C.promo_id == promo_id).order_by(_C.code))).scalars())


async def list_uses(tx: Tx, promo_id: PromoId, currency: str) -> tuple[PromoUse, ...]:
    """The latest uses, the latest first, at most 100."""
    statement = (
        select(*_U, _C.code)
        .join_from(UseRow, CodeRow, _C.id == _U.code_id)
        .where(_U.promo_id == promo_id)
        .order_by(_U.at.desc(), _U.order_id.desc())
        .limit(_LISTED)
    )
    return tuple(
        PromoUse(
            order_number=row.reference,
            user_id=UserId(row.user_id),
            code=row.code,
            amount=Money(row.amount, currency),
            at=row.at,
            released=row.released_at is not None,
        )
        for row in await tx.execute(statement)
    )


async def stop_promo(tx: Tx, promo_id: PromoId) -> bool:
    """Stop a promotion; False when it was stopped before or does not exist."""
    stopped = update(PromoRow).where(_P.id == promo_id, _P.stopped_at.is_(None)).values(stopped_at=tx.now)
    return (await tx.execute(stopped.returning(_P.id))).one_or_none() is not None


async def find_code(tx: Tx, key: str) -> PromoCodeId | None:
    """The code with these signs."""
    code_id = (await tx.execute(select(_C.id).where(_C.key == key))).scalar_one_or_none()
    return None if code_id is None else PromoCodeId(code_id)


async def get_code(tx: Tx, code_id: PromoCodeId) -> PromoCode:
    """A code with its promotion. Raises NotFound."""
    row = (await tx.execute(_WITH_PROMO.where(_C.id == code_id))).one_or_none()
    if row is None:
        raise NotFound(f"promo code {code_id}")
    return _code(row)


async def find_released(tx: Tx, order_id: OrderId) -> PromoCode | None:
    """The code of the use that an order has released; None for an order without one."""
    statement = _WITH_PROMO.join(UseRow, _U.code_id == _C.id).where(
        _U.order_id == order_id, _U.released_at.is_not(None)
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _code(row)


async def count_by(tx: Tx, promo_id: PromoId, user_id: UserId, except_order: OrderId | None) -> int:
    """How many of the person's orders use the promotion, but for the named one."""
    theirs = select(func.count()).where(_U.promo_id == promo_id, _U.user_id == user_id)
    statement = theirs.where(_U.released_at.is_(None), _U.order_id.is_distinct_from(except_order))
    return int((await tx.execute(statement)).scalar_one())


async def count_use(tx: Tx, code_id: PromoCodeId) -> bool:
    """Count one use of a code that has a limit, which locks it until the transaction ends; False where none is left."""
    counted = update(CodeRow).where(_C.id == code_id, _C.used < _C.uses).values(used=_C.used + 1)
    return (await tx.execute(counted.returning(_C.id))).one_or_none() is not None


async def add_use(tx: Tx, code: PromoCode, order_id: OrderId, user_id: UserId, amount: Money, reference: str) -> None:
    """Record that an order uses the code."""
    await tx.execute(
        insert(UseRow).values(
            order_id=order_id,
            promo_id=code.promo.id,
            code_id=code.id,
            user_id=user_id,
            reference=reference,
            amount=amount.amount,
            at=tx.now,
        )
    )


async def release_use(tx: Tx, order_id: OrderId) -> None:
    """Release an order's use, if it has one that is not released, and count it off where the code has a limit."""
    released = update(UseRow).where(_U.order_id == order_id, _U.released_at.is_(None)).values(released_at=tx.now)
    code_id = (await tx.execute(released.returning(_U.code_id))).scalar_one_or_none()
    if code_id is not None:
        await tx.execute(update(CodeRow).where(_C.id == code_id, _C.uses.is_not(None)).values(used=_C.used - 1))


async def take_use_again(tx: Tx, order_id: OrderId) -> None:
    """Undo ``release_use`` of an order whose limits the caller has counted."""
    await tx.execute(update(UseRow).where(_U.order_id == order_id).values(released_at=None))
