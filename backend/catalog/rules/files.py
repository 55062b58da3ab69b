"""Files of rows: CSV, JSON lines, plain lines. Read as a stream; what is wrong is told, not raised."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final, Protocol

import msgspec

from backend.catalog.types import Problem, ProblemCode

_MAX_LINE: Final = 1 << 20
_BOM: Final = b"\xef\xbb\xbf"
_DELIMITERS: Final = ",;\t"
# Numbers with a point stay text, so that 3.40 is never a float.
_DECODER: Final = msgspec.json.Decoder(Any, float_hook=str)


class Format(StrEnum):
    """How a file writes its rows."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    PLAIN = "plain"

    @classmethod
    def of(cls, file_name: str) -> Format | None:
        """The format that a file's name speaks of."""
        endings = {".csv": cls.CSV, ".tsv": cls.CSV, ".jsonl": cls.JSON_LINES, ".ndjson": cls.JSON_LINES}
        name = file_name.lower()
        endings[".txt"] = cls.PLAIN
        return next((found for ending, found in endings.items() if name.endswith(ending)), None)


class Source(Protocol):
    """Anything that gives bytes line by line, as files do."""

    def readline(self, limit: int, /) -> bytes:
        """The next line with its end, at most ``limit`` bytes of it; empty at the end of the file."""
        ...


class RawRow(msgspec.Struct, frozen=True):
    """A row as it was written: column -> value, from the line where it begins."""

    line: int
    values: dict[str, Any]
    header: int = 0
    """The line that names the columns, where there is one."""


class _Line(msgspec.Struct, frozen=True):
    number: int
    text: str
    problem: ProblemCode | None = None


def _lines(source: Source) -> Iterator[_Line]:
    number = 0
    while raw := source.readline(_MAX_LINE + 1):
        number += 1
        if number == 1:
            raw = raw.removeprefix(_BOM)
        if len(raw) > _MAX_LINE and not raw.endswith(b"\n"):
            while (rest := source.readline(_MAX_LINE)) and not rest.endswith(b"\n"):
                pass
            yield _Line(number, "\n", ProblemCode.LINE_TOO_LONG)
            continue
        try:
            yield _Line(number, raw.decode())
        except UnicodeDecodeError:
            # Quotes keep their meaning, so that only this row is lost and not all that follow.
            yield _Line(number, raw.decode(errors="replace"), ProblemCode.NOT_UTF8)


def read_plain(source: Source, column: str) -> Iterator[RawRow | Problem]:
    """One value a line, as ``column``; empty lines are passed over."""
    empty = True
    for line in _lines(source):
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
    for line in _lines(source):
        if not line.text.strip() and not line.problem:
            continue
        empty = False
        if line.problem:
            yield Problem(line.number, line.problem)
            continue
        try:
            value = _DECODER.decode(line.text)
        except (msgspec.DecodeError, RecursionError):
            yield Problem(line.number, ProblemCode.BROKEN_JSON)
            continue
        yield RawRow(line.number, value) if isinstance(value, dict) else Problem(line.number, ProblemCode.NOT_AN_OBJECT)
    if empty:
        yield Problem(1, ProblemCode.EMPTY_FILE)


class _Feed:
    """Hands lines to the csv reader and remembers which of them were bad."""

    def __init__(self, source: Source) -> None:
        self._lines = _lines(source)
        self.bad: list[_Line] = []
        self.first = ""

    def peek(self) -> str:
        """The first line, which stays to be read."""
        line = next(self._lines, None)
        if line is not None:
            self._keep(line)
            self.first = line.text
        return self.first

    def __iter__(self) -> Iterator[str]:
        if self.first:
            yield self.first
        for line in self._lines:
            self._keep(line)
            yield line.text

    def _keep(self, line: _Line) -> None:
        if line.problem:
            self.bad.append(line)


def read_csv(source: Source) -> Iterator[RawRow | Problem]:
    """Rows under a header line; the delimiter (comma, semicolon, tab) is the one that the header uses most.

    A bad header makes one problem and no rows.
    """
    feed = _Feed(source)
    first = feed.peek()
    delimiter = max(_DELIMITERS, key=first.count)
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
            header, header_line = [cell.strip().lower() for cell in cells], line
            twice = sorted({name for name in header if header.count(name) > 1})
            if twice:
                yield Problem(line, ProblemCode.DUPLICATE_COLUMN, twice[0])
                return
            continue
        empty = False
        if any(cell.strip() for cell in cells[len(header) :]):
            yield Problem(line, ProblemCode.TOO_MANY_CELLS)
            continue
        cells += [""] * (len(header) - len(cells))
        yield RawRow(line, dict(zip(header, cells, strict=False)), header_line)
    if empty:
        yield Problem(1, ProblemCode.EMPTY_FILE)


def read_rows(source: Source, written: Format, plain_column: str = "key") -> Iterator[RawRow | Problem]:
    """The rows of a file in the format in which it is ``written``."""
    if written is Format.CSV:
        return read_csv(source)
    return read_json_lines(source) if written is Format.JSON_LINES else read_plain(source, plain_column)
