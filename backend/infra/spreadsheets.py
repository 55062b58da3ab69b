"""CSV as spreadsheets open it: the one writer of the project.

UTF-8 with a byte order mark, without which Excel reads Arabic as Latin; times in ISO 8601 with their offset; amounts as
exact decimals; texts that a spreadsheet would take for a formula begin with an apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

Cell = str | int | Decimal | datetime | date | None
"""None for an empty cell. Amounts are decimals of major units, beside a cell with their currency."""
BYTE_ORDER_MARK: Final = "\ufeff"
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Source: OWASP, CSV Injection."""


def first_line(header: Sequence[str]) -> str:
    """How a file begins: the mark, and the names of its columns."""
    return BYTE_ORDER_MARK + lines([header])


def lines(rows: Iterable[Sequence[Cell]]) -> str:
    """Rows as CSV; what people wrote may be in any cell."""
    text = io.StringIO()
    csv.writer(text).writerows([_written(cell) for cell in row] for row in rows)
    return text.getvalue()


async def encoded(pieces: AsyncIterator[str]) -> AsyncIterator[bytes]:
    """The pieces of a file as bytes, one after the other."""
    async for piece in pieces:
        yield piece.encode()


def _written(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case str():
            return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
        case datetime():
            return cell.isoformat(timespec="seconds")
        case date():
            return cell.isoformat()
        case Decimal():
            return f"{cell:f}"
        case _:
            return str(cell)
