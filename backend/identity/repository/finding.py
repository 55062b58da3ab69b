"""SQL that finds people by what they are, with conditions of other slices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from backend.identity.models import Premium, User
from backend.identity.repository import ROW, is_blocked, matches, user_row
from backend.identity.types import Standing, UserRow
from backend.infra.unit_of_work import Tx
from backend.kernel.text import Locale


def is_(standing: Standing, now: datetime, grace: timedelta) -> ColumnElement[bool]:
    """Whether a person is this at a moment; premium lasts ``grace`` longer than its last day."""
    if standing is Standing.BLOCKED:
        return is_blocked(now)
    if standing is Standing.RESELLER:
        return User.is_reseller.is_(True)
    lasts = exists().where(Premium.user_id == User.id, Premium.until > now - grace)
    return or_(User.is_premium, lasts)


def people(
    *,
    text: str,
    also: Iterable[UUID],
    standings: Iterable[ColumnElement[bool]],
    language: Locale | None,
    source: str,
    among: Iterable[Select[Any]],
    besides: Iterable[Select[Any]],
) -> Select[Any]:
    """The ids of the people who fit everything that is given; ``also``: those whom ``text`` means by other names."""
    conditions = [*standings, *(User.id.in_(ids) for ids in among), *(User.id.not_in(ids) for ids in besides)]
    if text:
        conditions.append(or_(matches(text), User.id.in_(list(also))))
    if language is not None:
        conditions.append(User.language == language.value)
    if source:
        conditions.append(User.start_param == source)
    return select(User.id).where(and_(True, *conditions))


async def count(tx: Tx, ids: Select[Any]) -> int:
    """How many people those are."""
    return int((await tx.execute(select(func.count().label("people")).select_from(ids.subquery()))).scalar_one())


async def list_rows(tx: Tx, ids: Select[Any], before: UUID | None, limit: int) -> Sequence[UserRow]:
    """Those people, the newest first, from those created before the person ``before``."""
    page = ids.where(User.id < before) if before else ids
    page = page.order_by(User.id.desc()).limit(limit)
    statement = select(*ROW).where(User.id.in_(page)).order_by(User.id.desc())
    return [user_row(row) for row in await tx.execute(statement, {"now": tx.now})]
