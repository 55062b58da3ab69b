"""SQL of partners and of who was brought by them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.growth.models import Attribution
from backend.growth.models import Partner as Row
from backend.growth.types.attribution import Partner, PartnerId
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

_PEOPLE: Final = select(func.count()).where(Attribution.partner_id == Row.id).scalar_subquery()
_PARTNERS: Final = select(Row.id, Row.code, Row.name, Row.created_at, Row.stopped_at, _PEOPLE.label("people")).order_by(
    Row.id.desc()
)


async def add_partner(tx: Tx, code: str, name: str, by: UserId | None) -> PartnerId | None:
    """Insert a partner; None where the code is taken, in any case of its letters."""
    row: dict[str, Any] = {"id": tx.new_id(), "code": code, "name": name, "created_by": by, "created_at": tx.now}
    rows = await tx.execute(upsert(Row).values(row).on_conflict_do_nothing().returning(Row.id))
    partner_id = rows.scalar_one_or_none()
    return None if partner_id is None else PartnerId(partner_id)


async def list_partners(tx: Tx) -> list[Partner]:
    """Every partner, the latest first."""
    return [Partner(**row._mapping) for row in await tx.execute(_PARTNERS)]


async def find_partner(tx: Tx, code: str) -> PartnerId | None:
    """The partner with a code, in any case of its letters, whose link still brings people."""
    statement = select(Row.id).where(func.lower(Row.code) == code.lower(), Row.stopped_at.is_(None))
    partner_id = (await tx.execute(statement)).scalar_one_or_none()
    return None if partner_id is None else PartnerId(partner_id)


async def set_stopped(tx: Tx, partner_id: PartnerId, *, stopped: bool) -> bool:
    """Stop a partner's link or start it again; whether there is such a partner."""
    at = func.coalesce(Row.stopped_at, tx.now) if stopped else None
    return (await tx.execute(update(Row).where(Row.id == partner_id).values(stopped_at=at))).rowcount == 1


async def add_touch(tx: Tx, user_id: UserId, partner_id: PartnerId, start_param: str, at: datetime) -> None:
    """Store a touch, unless an earlier one is known: they may be stored in another order than they were seen."""
    statement = upsert(Attribution).values(user_id=user_id, partner_id=partner_id, start_param=start_param, seen_at=at)
    excluded = statement.excluded
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=[Attribution.user_id],
            set_={"partner_id": excluded.partner_id, "start_param": excluded.start_param, "seen_at": excluded.seen_at},
            where=Attribution.seen_at > excluded.seen_at,
        )
    )


def brought(partners: Collection[PartnerId] | None = None) -> Select[UUID, UUID, datetime]:
    """Whom partners brought, all or these: who, by which one, and when."""
    statement = select(Attribution.user_id, Attribution.partner_id, Attribution.seen_at)
    return statement if partners is None else statement.where(Attribution.partner_id.in_(partners))
