"""Days in lists that are in the order of ids.

An id (UUIDv7) begins with its time, which is that of its row's ``created_at`` but for the length of a transaction. So
the first and the last row of a time, found by an index of ``created_at``, say between which ids the rows of that time
lie: a list in the order of ids skips what lies outside. Decision: backend/decisions/0126-lists-of-orders.md.
"""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import DateTime, bindparam, text

from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx

_SKEW: Final = 3_600_000
"""Milliseconds by which an id's time may differ from ``created_at``: no transaction lasts an hour."""
_TIME_BITS: Final = 80


@functools.cache
def _edge(table: str, sign: str, direction: str) -> HotStatement:
    sql = f"SELECT id FROM {table} WHERE created_at {sign} :at ORDER BY created_at {direction} LIMIT 1"  # noqa: S608
    return HotStatement(text(sql).bindparams(bindparam("at", type_=DateTime(timezone=True))))


async def first_id(tx: Tx, table: str, since: datetime) -> UUID | None:
    """An id below those of all rows of ``table`` from ``since`` on; None where there is no such row."""
    return await _shifted(tx, _edge(table, ">=", "ASC"), since, -_SKEW)


async def last_id(tx: Tx, table: str, until: datetime) -> UUID | None:
    """An id above those of all rows of ``table`` until ``until``; None where there is no such row."""
    return await _shifted(tx, _edge(table, "<=", "DESC"), until, _SKEW)


async def _shifted(tx: Tx, statement: HotStatement, at: datetime, by: int) -> UUID | None:
    rows = await tx.fetch(statement, {"at": at})
    return UUID(int=max((rows[0]["id"].int >> _TIME_BITS) + by, 0) << _TIME_BITS) if rows else None
