"""Files of keys as they really come: workbooks, good and hostile; cut keys; what a file is when its name is silent."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from backend.catalog.rules import workbooks
from backend.catalog.rules.files import Format
from backend.catalog.rules.rows import StockRow
from backend.catalog.rules.stock_files import Seen, flag_short, format_of, stock_rows
from backend.catalog.types.imports import Problem, ProblemCode

P = ProblemCode
EMPTY_ROWS = 1_000_000 if "SOUK_EXAMPLES" in os.environ else 5_000


def workbook(*rows: tuple[Any, ...]) -> io.BytesIO:
    """A file of Excel."""
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return file


def changed(change: Callable[[dict[str, bytes]], None]) -> io.BytesIO:
    """A workbook of one key, with its parts changed."""
    with zipfile.ZipFile(workbook(("key",), ("AAAA-1111",))) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    change(parts)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in parts.items():
            target.writestr(name, data)
    file.seek(0)
    return file


def sheet(rows: str) -> Callable[[dict[str, bytes]], None]:
    """Another sheet, written by hand."""
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    text = f"<worksheet {space}><sheetData>{rows}</sheetData></worksheet>".encode()
    return lambda parts: parts.update({"xl/worksheets/sheet1.xml": text})


def read(file: io.BytesIO, variant: str | None = "play/one") -> list[tuple[int, str]]:
    """The keys and the codes of the problems, with their lines."""
    rows = stock_rows(file, Format.WORKBOOK, variant)
    return [(row.line, row.code if isinstance(row, Problem) else row.key) for row in rows]


def test_with_a_header_and_without() -> None:
    assert read(workbook(("Variant", "KEY "), ("card/one", "AAAA-1"), (), (None, "AAAA-2"))) == [
        (2, "AAAA-1"), (4, "AAAA-2"),
    ]  # fmt: skip
    assert read(workbook(("AAAA-1",), ("AAAA-2",))) == [(1, "AAAA-1"), (2, "AAAA-2")]
    assert read(workbook(("AAAA-1", "AAAA-2"))) == [(1, P.MISSING_COLUMN)]
    assert read(workbook(("AAAA-1",), ("AAAA-2", "note"))) == [(1, "AAAA-1"), (2, P.TOO_MANY_CELLS)]
    assert read(workbook()) == [(1, P.EMPTY_FILE)]
    assert read(workbook(("key", "key"), ("A", "B"))) == [(1, P.DUPLICATE_COLUMN)]


@pytest.mark.parametrize(
    ("cell", "result"),
    [
        (123456789012345, "123456789012345"),
        (1234567890123456, P.DIGITS_LOST),
        (1.5e20, P.DIGITS_LOST),
        (12.0, "12"),
        (12.5, P.NOT_TEXT),
        ("1234567890123456", "1234567890123456"),
        ("=HYPERLINK(1)", P.FORMULA),
        (True, P.NOT_TEXT),
        (date(2026, 11, 3), P.NOT_TEXT),
        ("#N/A", P.SPREADSHEET_ERROR),
    ],
)
def test_what_excel_makes_of_a_key(cell: Any, result: str) -> None:
    assert read(workbook(("key",), (cell,), ("AAAA-2",))) == [(2, result), (3, "AAAA-2")]


def test_workbooks_that_are_none() -> None:
    macros = changed(lambda parts: parts.update({"xl/vbaProject.bin": b"x"}))
    assert read(macros) == [(1, P.MACROS)]
    assert read(io.BytesIO(b"PK\x03\x04 and no more")) == [(1, P.NOT_A_WORKBOOK)]
    assert read(io.BytesIO(b"\xd0\xcf\x11\xe0 an old one")) == [(1, P.NOT_A_WORKBOOK)]
    assert read(changed(lambda parts: parts.pop("xl/workbook.xml") and None)) == [(1, P.NOT_A_WORKBOOK)]
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>'
    assert read(changed(lambda parts: parts.update({"xl/worksheets/sheet1.xml": laughs}))) == [(1, P.NOT_A_WORKBOOK)]


def test_a_bomb_is_refused_before_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    large = b"<x/>" * (9 << 20)  # 36 MB that take 36 kB
    bomb = changed(lambda parts: parts.update({"xl/sharedStrings.xml": large}))
    assert len(bomb.getvalue()) < 200_000
    assert read(bomb) == [(1, P.WORKBOOK_TOO_LARGE)]
    monkeypatch.setattr(workbooks, "_MOST_BYTES", 1_000)
    assert read(workbook(("key",), ("AAAA-1",))) == [(1, P.WORKBOOK_TOO_LARGE)]


@pytest.mark.long("a million empty rows")
def test_empty_rows_cost_little() -> None:
    key = '<row r="1"><c r="A1" t="inlineStr"><is><t>AAAA-1</t></is></c></row>'
    empty = "".join(f'<row r="{number}"/>' for number in range(2, EMPTY_ROWS))
    assert read(changed(sheet(key + empty))) == [(1, "AAAA-1")]
    far = '<row r="999999999"><c r="A999999999" t="inlineStr"><is><t>AAAA-2</t></is></c></row>'
    assert read(changed(sheet(key + far)))[-1] == (1_048_577, P.TOO_MANY_ROWS)


def test_more_rows_than_a_workbook_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MOST_ROWS", 2)
    assert read(workbook(("A-1",), ("A-2",), ("A-3",), ("A-4",)))[-1] == (4, P.TOO_MANY_ROWS)


def test_a_key_that_was_cut() -> None:
    whole = [StockRow(number, "a/b", f"KEY-{number:04}") for number in range(10)]
    cut, other = StockRow(10, "a/b", "KEY-1"), StockRow(11, "c/d", "X")
    assert list(flag_short([*whole, cut, other])) == [*whole, Problem(10, P.TOO_SHORT, "key", "…"), other]
    few = [*whole[:9], cut]
    assert list(flag_short(few)) == few, "nine keys say nothing of the tenth"
    mixed = [*whole, *(StockRow(20 + number, "a/b", "K" * number) for number in range(1, 4))]
    assert list(flag_short(mixed)) == mixed, "these keys have no usual length"


@pytest.mark.parametrize(
    ("name", "start", "result"),
    [
        ("keys.csv", b"x", Format.CSV),
        ("Keys.XLSX", b"x", Format.WORKBOOK),
        ("keys", b"PK\x03\x04", Format.WORKBOOK),
        ("pasted", b'\n {"key": "A"}', Format.JSON_LINES),
        ("pasted", b"\xef\xbb\xbfvariant;Key\nx;y", Format.CSV),
        ("pasted", b"key-one\nkey-two", Format.PLAIN),
        ("pasted", b"", Format.PLAIN),
    ],
)
def test_what_a_file_is(name: str, start: bytes, result: Format) -> None:
    assert format_of(name, start) is result


@given(st.lists(st.integers(0, 300), max_size=400))
def test_what_was_seen_is_recognised(numbers: list[int]) -> None:
    seen, known = Seen(), set[int]()
    for number in numbers:
        assert seen.add((number * 2 + 1).to_bytes(8, "big") + b"rest") == (number in known)
        known.add(number)


def test_seen_grows() -> None:
    seen = Seen()
    marks = [(number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "big") for number in range(1, 10_001, 2)]
    assert sum(seen.add(mark) for mark in marks) == 0
    assert all(seen.add(mark) for mark in marks)
