"""Workbooks of Excel (XLSX) as rows. What Excel has changed beyond repair is told, and nothing in one ever runs.

Limits come before reading: a small ZIP can hold gigabytes. See decisions/0123.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from backend.catalog.rules.files import Number, RawRow
from backend.catalog.types.imports import Problem, ProblemCode
from backend.kernel.text import visible

MOST_ROWS: Final = 200_000
"""With something in them. More is a file for CSV, which costs no memory."""
_MOST_EMPTY: Final = 1_048_576  # all that a sheet has
_MOST_COLUMNS: Final = 16
_MOST_PARTS: Final = 1_000
_MOST_BYTES: Final = 256 << 20
_MOST_SHARED_BYTES: Final = 32 << 20  # these are in memory all at once
_EXACT_DIGITS: Final = 15


def read_workbook(file: BinaryIO, column: str = "key") -> Iterator[RawRow | Problem]:
    """The rows of the first sheet: under a header that names ``column``, or one column of values without a header."""
    problem = _inspect(file)
    if problem is not None:
        yield Problem(1, problem)
        return
    from openpyxl import load_workbook  # noqa: PLC0415 - heavy, and most imports are text

    try:
        workbook = load_workbook(file, read_only=True, keep_links=False)
        sheet = workbook.worksheets[0]
        sheet.reset_dimensions()
        yield from _rows(sheet.iter_rows(max_col=_MOST_COLUMNS), column)
    except Exception:  # openpyxl has no error of its own: a damaged file raises whatever it stumbled over
        yield Problem(1, ProblemCode.NOT_A_WORKBOOK)


def _inspect(file: BinaryIO) -> ProblemCode | None:
    """What forbids opening it."""
    try:
        parts = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return ProblemCode.NOT_A_WORKBOOK
    finally:
        file.seek(0)
    names = [part.filename.lower() for part in parts]
    if any(name.endswith("vbaproject.bin") for name in names):
        return ProblemCode.MACROS
    if not any(name.endswith("xl/workbook.xml") for name in names):
        return ProblemCode.NOT_A_WORKBOOK
    shared = sum(part.file_size for part in parts if part.filename.lower().endswith("sharedstrings.xml"))
    if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _MOST_BYTES or shared > _MOST_SHARED_BYTES:
        return ProblemCode.WORKBOOK_TOO_LARGE
    return None


def _rows(rows: Iterator[tuple[Any, ...]], column: str) -> Iterator[RawRow | Problem]:
    header: list[str] | None = None
    header_line = 0
    filled = 0
    blank: tuple[Any, ...] | None = None
    for line, cells in enumerate(rows, start=1):
        if line > _MOST_EMPTY or filled > MOST_ROWS:
            yield Problem(line, ProblemCode.TOO_MANY_ROWS)
            return
        if cells is blank or not any(cell.value is not None and str(cell.value).strip() for cell in cells):
            blank = cells  # openpyxl fills a gap with one and the same row
            continue
        filled += 1
        if header is None:
            names = [visible(str(cell.value or "")).strip().lower() for cell in cells]
            if column in names:
                twice = sorted({name for name in names if name and names.count(name) > 1})
                if twice:
                    yield Problem(line, ProblemCode.DUPLICATE_COLUMN, twice[0])
                    return
                header, header_line = names, line
                continue
            if sum(map(bool, names)) > 1:
                yield Problem(line, ProblemCode.MISSING_COLUMN, column)
                return
            header = [column] + [""] * (len(cells) - 1)
        yield _row(line, cells, header, header_line)
    if not filled:
        yield Problem(1, ProblemCode.EMPTY_FILE)


def _row(line: int, cells: tuple[Any, ...], header: list[str], header_line: int) -> RawRow | Problem:
    values: dict[str, Any] = {}
    for number, cell in enumerate(cells):
        if cell.value is None:
            continue
        name = header[number] if number < len(header) else ""
        if not name:
            if str(cell.value).strip():
                return Problem(line, ProblemCode.NAMELESS_COLUMN if header_line else ProblemCode.TOO_MANY_CELLS)
            continue
        value = _value(cell)
        if isinstance(value, ProblemCode):
            return Problem(line, value, name)
        values[name] = value
    return RawRow(line, values, header_line)


def _value(cell: Any) -> Any:
    """What the cell says, or what Excel has done to it."""
    match cell.data_type:
        case "f":
            return ProblemCode.FORMULA
        case "e":
            return ProblemCode.SPREADSHEET_ERROR
        case "n":
            return _number(cell.value)
        case "s" | "str" | "inlineStr":
            return str(cell.value)
        case _:
            return ProblemCode.NOT_TEXT  # a date, or yes and no


def _number(value: Any) -> Any:
    """A number's digits while Excel has kept them all."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**_EXACT_DIGITS:
        value = int(value)
    if isinstance(value, int):
        return ProblemCode.DIGITS_LOST if len(str(abs(value))) > _EXACT_DIGITS else Number(value)
    whole = isinstance(value, float) and abs(value) >= 10**_EXACT_DIGITS
    return ProblemCode.DIGITS_LOST if whole else ProblemCode.NOT_TEXT
