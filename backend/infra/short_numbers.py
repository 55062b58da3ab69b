"""Rows whose short number has certain signs, found without an index of the numbers' texts.

A number is arithmetic on the row's sequence (``backend.kernel.ids``). Three signs or more leave few enough numbers that
all their sequences are worked out and looked up; one or two are in so many rows that the newest ones soon show enough.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import text

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import NUMBERS, Numbering, NumberPart

_FEW_SIGNS: Final = 2
_BITS: Final = 5

_BY_SEQUENCES: Final = """
    WITH newest AS MATERIALIZED (SELECT max({column}) AS last FROM {table}),
    candidates AS MATERIALIZED (
        SELECT ARRAY(
            SELECT DISTINCT made.sequence
            FROM unnest(CAST(:shifts AS integer[])) AS shift
            CROSS JOIN generate_series(0, CAST(:rest AS bigint)) AS other
            CROSS JOIN LATERAL (
                SELECT ((((other >> shift) << (shift + :width)) | (CAST(:bits AS bigint) << shift)
                         | (other & ((1::bigint << shift) - 1))) * CAST(:inverse AS bigint)) % {numbers} AS sequence
            ) made
            WHERE made.sequence <= (SELECT last FROM newest)
        ) AS sequences
    )
    SELECT id FROM {table} WHERE {column} = ANY ((SELECT sequences FROM candidates)::bigint[])
    ORDER BY id DESC LIMIT :most
"""
_BY_LOOKING: Final = """
    SELECT id FROM {table}
    WHERE EXISTS (
        SELECT FROM unnest(CAST(:shifts AS integer[])) AS shift
        WHERE ((({column} * CAST(:multiplier AS bigint)) % {numbers}) >> shift) & :mask = :bits
    )
    ORDER BY id DESC LIMIT :most
"""


async def list_numbered(
    tx: Tx, table: str, column: str, numbering: Numbering, part: NumberPart, limit: int
) -> list[UUID]:
    """The newest rows of ``table`` whose number, made of ``column``, has the signs of ``part``; at most ``limit``."""
    few = part.signs <= _FEW_SIGNS
    statement = (_BY_LOOKING if few else _BY_SEQUENCES).format(table=table, column=column, numbers=NUMBERS)
    width = part.signs * _BITS
    values = {"shifts": part.shifts, "bits": part.bits, "most": limit}
    if few:
        values |= {"multiplier": int(numbering), "mask": (1 << width) - 1}
    else:
        values |= {"inverse": numbering.inverse, "width": width, "rest": NUMBERS // (1 << width) - 1}
    return list((await tx.execute(text(statement), values)).scalars())
