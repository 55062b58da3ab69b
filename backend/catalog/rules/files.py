"""Files of rows: CSV, JSON lines, plain lines. Read as a stream; what is wrong is told, not raised."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final, NoReturn

import msgspec

from backend.catalog.rules.lines import Line, Source, read_lines
from backend.catalog.types.imports import Problem, ProblemCode
from backend.kernel.text import visible

_DELIMITERS: Final = ",;\t"
# How Excel is told the delimiter of a CSV file: ``sep=;`` as its first line.
_SEPARATOR: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


class Format(StrEnum):
    """How a file writes its rows."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    PLAIN = "plain"
    WORKBOOK = "xlsx"

    @classmethod
    def of(cls, file_name: str) -> Format | None:
        """The format that a file's name speaks of."""
        endings = {".csv": cls.CSV, ".tsv": cls.CSV, ".jsonl": cls.JSON_LINES, ".ndjson": cls.JSON_LINES}
        name = file_name.lower()
        endings |= {".txt": cls.PLAIN, ".xlsx": cls.WORKBOOK}
        return next((match for ending, match in endings.items() if name.endswith(ending)), None)


class Number(str):
    """A number of a JSON file, as it was written: no digit is lost, none is added."""

    __slots__ = ()


class RawRow(msgspec.Struct, frozen=True):
    """A row as it was written: column -> value, from the line where it begins."""

    line: int
    values: dict[str, Any]
    header: int = 0
    """The line that names the columns, where there is one."""


def read_plain(source: Source, column: str) -> Iterator[RawRow | Problem]:
    """One value a line, as ``column``; empty lines are passed over."""
    empty = True
    for line in read_lines(source):
        if line.problem:
            empty = False
            yield Problem(line.number, line.problem)
        elif value := line.text.strip():
            empty = False
            yield RawRow(line.number, {column: value})
    if empty:
        yield Problem(1, ProblemCode.EMPTY_FILE)


def read_json_lines(source: Source) -> Iterator[RawRow | Problem]:
    """One JSON object a line; empty lines are passed over."""
    empty = True
    for line in read_lines(source):
        if not line.text.strip() and not line.problem:
            continue
        empty = False
        if line.problem:
            yield Problem(line.number, line.problem)
            continue
        try:
            value = _decode(line.text)
        except _NamedTwice as error:
            yield Problem(line.number, ProblemCode.FIELD_TWICE, str(error)[:40])
            continue
        except (ValueError, RecursionError):
            yield Problem(line.number, ProblemCode.BROKEN_JSON)
            continue
        yield RawRow(line.number, value) if isinstance(value, dict) else Problem(line.number, ProblemCode.NOT_AN_OBJECT)
    if empty:
        yield Problem(1, ProblemCode.EMPTY_FILE)


class _NamedTwice(ValueError):
    """An object names a field twice: each reader would believe another of the two."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise _NamedTwice(next(name for name in names if names.count(name) > 1))
    return fields


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _decode(text: str) -> Any:
    """The value of a JSON text, its numbers as written. Raises ValueError, RecursionError."""
    value = json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_no_number, object_pairs_hook=_object)
    if _SURROGATE.search(text):
        # Half of a pair is no character: nothing could print or store it.
        json.dumps(value, ensure_ascii=False).encode()
    return value


class _Feed:
    """Hands lines to the csv reader and remembers which of them were bad."""

    def __init__(self, source: Source) -> None:
        self._lines = read_lines(source)
        self._ahead: list[str] = []
        self.bad: list[Line] = []

    def delimiter(self) -> str:
        """What parts the cells: what a line ``sep=`` says, else what the header (which stays to be read) uses most."""
        while (text := self._next()) is not None:
            if match := _SEPARATOR.fullmatch(text):
                self._ahead.append("\n")  # passed over, and still counted
                return match[1]
            self._ahead.append(text)
            if text.strip():
                return max(_DELIMITERS, key=text.count)
        return _DELIMITERS[0]

    def __iter__(self) -> Iterator[str]:
        yield from self._ahead
        while (text := self._next()) is not None:
            yield text

    def _next(self) -> str | None:
        line = next(self._lines, None)
        if line is None:
            return None
        if line.problem:
            self.bad.append(line)
        return line.text


def read_csv(source: Source) -> Iterator[RawRow | Problem]:
    """Rows under a header line; the delimiter is comma, semicolon, tab, or what a first line ``sep=`` says.

    A column without a name is passed over while it is empty. A bad header makes one problem and no rows.
    """
    feed = _Feed(source)
    delimiter = feed.delimiter()
    reader = csv.reader(iter(feed), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    header_line = 0
    empty = True
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error:
            empty = False
            feed.bad.clear()
            yield Problem(line, ProblemCode.BROKEN_CSV)
            continue
        if feed.bad:
            empty = False
            yield from (Problem(bad.number, bad.problem) for bad in feed.bad if bad.problem)
            feed.bad.clear()
            if header is None:
                return
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header, header_line = [visible(cell).strip().lower() for cell in cells], line
            twice = sorted({name for name in header if name and header.count(name) > 1})
            if twice:
                yield Problem(line, ProblemCode.DUPLICATE_COLUMN, twice[0])
                return
            continue
        empty = False
        yield _row(line, cells, header, header_line)
    if empty:
        yield Problem(1, ProblemCode.EMPTY_FILE)


def _row(line: int, cells: list[str], header: list[str], header_line: int) -> RawRow | Problem:
    if any(cell.strip() for cell in cells[len(header) :]):
        return Problem(line, ProblemCode.TOO_MANY_CELLS)
    cells += [""] * (len(header) - len(cells))
    if any(cell.strip() for name, cell in zip(header, cells, strict=False) if not name):
        return Problem(line, ProblemCode.NAMELESS_COLUMN)
    return RawRow(line, {name: cell for name, cell in zip(header, cells, strict=False) if name}, header_line)


def read_rows(source: Source, written: Format, plain_column: str = "key") -> Iterator[RawRow | Problem]:
    """The rows of a text file in the format in which it is ``written``; workbooks: see ``rules.workbooks``."""
    if written is Format.CSV:
        return read_csv(source)
    return read_json_lines(source) if written is Format.JSON_LINES else read_plain(source, plain_column)
