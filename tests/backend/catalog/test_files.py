"""Files of keys as other programs write them: what is read, what is told, and that no key is changed or sold twice."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalog.rules import fields
from backend.catalog.rules.fields import FieldError
from backend.catalog.rules.files import Format, read_rows
from backend.catalog.rules.lines import read_lines
from backend.catalog.rules.rows import StockRow, read_stock
from backend.catalog.types.imports import Problem
from backend.catalog.types.imports import ProblemCode as P
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.text import code_signs, visible, whole_number
from tests.factories.catalog import add_variant, catalog_services


def read(data: bytes, written: Format = Format.CSV, *, as_is: bool = False) -> tuple[list[str], list[P]]:
    """The keys of a file for one variant, and what is wrong with its other rows."""
    rows = list(read_stock(read_rows(io.BytesIO(data), written), "probe/v1", as_is=as_is))
    keys = [row.key for row in rows if isinstance(row, StockRow)]
    return keys, [row.code for row in rows if isinstance(row, Problem)]


TWO = (["AAAA-0001", "AAAA-0002"], [])
LINES = "variant,key\nprobe/v1,AAAA-0001\nprobe/v1,AAAA-0002\n"


@pytest.mark.parametrize(
    "data",
    [
        LINES.encode(),
        LINES.encode("utf-8-sig"),
        LINES.encode("utf-16"),
        LINES.encode("utf-16-le"),
        LINES.encode("utf-16-be"),
        ("\ufeff" + LINES).encode("utf-16-be"),
        ("\ufeff" + LINES.replace(",", "\t").replace("\n", "\r\n")).encode("utf-16-le"),
        LINES.encode("utf-32"),
        LINES.replace("\n", "\r").encode(),
        LINES.replace("\n", "\r\n").encode(),
        LINES.replace("\n", "\r").rstrip("\r").encode(),
        b"sep=;\n" + LINES.replace(",", ";").encode(),
        b"\xef\xbb\xbfSEP=;\r\n" + LINES.replace(",", ";").encode(),
        b'"sep=|"\n' + LINES.replace(",", "|").encode(),
        b"\n\n" + LINES.replace(",", ";").encode(),
        LINES.replace("\n", ",,\n").encode(),
        LINES.replace("variant,key", "\u200eVariant ,KEY\u200b").encode(),
    ],
)
def test_two_keys_however_a_program_writes_them(data: bytes) -> None:
    assert read(data) == TWO


@pytest.mark.parametrize(
    ("data", "problems"),
    [
        ("probe/v1,AAAA-0001\nprobe/v1,AAAA-0002\n", [P.UNKNOWN_COLUMN, P.UNKNOWN_COLUMN, P.MISSING_COLUMN]),
        ("variant,code\nprobe/v1,AAAA-0001\n", [P.UNKNOWN_COLUMN, P.MISSING_COLUMN]),
        ("variant,key,\nprobe/v1,AAAA-0001,note\n", [P.NAMELESS_COLUMN]),
        ("sep=;\n", [P.EMPTY_FILE]),
        ("variant,key\nprobe/v1,\u200b\u200e\n", [P.REQUIRED]),
        ("variant,key\nprobe/v1,AAAA\ufffd0001\n", [P.SPREADSHEET_ERROR]),
    ],
)
def test_what_is_wrong_has_its_right_name(data: str, problems: list[P]) -> None:
    assert read(data.encode()) == ([], problems)


MARKED = ["AAAA\u200b-0001", "AAAA-0001", "\ufeffAAAA-0001", "AAAA-0001\u200e", "\u202dAAAA-0001\u202c",
          "AAAA\u00ad-0001", "AAAA-\u20610001", "AAAA\ufe0f-0001", "\u3164AAAA-0001",
          "\u00a0AAAA-0001\u2007"]  # fmt: skip


async def test_a_key_with_invisible_marks_is_one_key(uow: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(uow, ring)
    await add_variant(service)
    data = "variant,key\n" + "".join(f"card/one,{key}\n" for key in MARKED)
    for as_is, added in ((False, 1), (True, 0)):
        rows = read_stock(read_rows(io.BytesIO(data.encode()), Format.CSV), as_is=as_is)
        report = await service.imports.import_stock(Actor.system(), rows, apply=True, source="marks.csv")
        assert (report.added, report.duplicates) == (added, len(MARKED) - added)


def test_invisible_marks_are_removed_unless_they_are_meant() -> None:
    data = ("variant,key\n" + "".join(f"probe/v1,{key}\n" for key in MARKED)).encode()
    assert set(read(data)[0]) == {"AAAA-0001"}
    assert "AAAA\u200b-0001" in read(data, as_is=True)[0]
    assert read(b"key\n" + "كود-٧٧\u200c".encode())[0] == ["كود-٧٧"]


BROKEN = ["#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#N/A", "#ССЫЛКА!", "########", "1.23E+15", "8,93104E+19",
          "1E+15",          "-1.5e-3", "8931041010654370000", "=A1+1", '="0001"']  # fmt: skip
GOOD = ["1E5", "12E4", "8931041010654378930", "4000123412341230", "#1-A", "C#NAME?", "E+15", "A=B", "10/12", "0001",
        "TRUE", "00000000000000000", "AAAA AAAA"]  # fmt: skip


@pytest.mark.parametrize("cell", BROKEN)
def test_what_a_spreadsheet_broke_is_no_key(cell: str) -> None:
    data = ('variant,key\nprobe/v1,"' + cell.replace('"', '""') + '"\n').encode()
    assert read(data) == ([], [P.SPREADSHEET_ERROR])
    assert read(data, as_is=True) == ([cell], [])


@pytest.mark.parametrize("cell", GOOD)
def test_what_only_looks_odd_is_a_key(cell: str) -> None:
    assert read(f"variant,key\nprobe/v1,{cell}\n".encode()) == ([cell], [])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"AAAA-0001"', (["AAAA-0001"], [])),
        ("89310410106543789301", (["89310410106543789301"], [])),
        ("9223372036854775808", (["9223372036854775808"], [])),
        ("0", (["0"], [])),
        ("9" * 900, (["9" * 900], [])),
        ("1.5", ([], [P.NOT_TEXT])),
        ("1E5", ([], [P.NOT_TEXT])),
        ("-7", ([], [P.NOT_TEXT])),
        ("true", ([], [P.NOT_TEXT])),
        ("false", ([], [P.NOT_TEXT])),
        ("null", ([], [P.REQUIRED])),
        ('["a","b"]', ([], [P.NOT_TEXT])),
        ('{"a":1}', ([], [P.NOT_TEXT])),
        ("007", ([], [P.BROKEN_JSON])),
        ("Infinity", ([], [P.BROKEN_JSON])),
        ('"A","key":"B"', ([], [P.FIELD_TWICE])),
    ],
)
def test_keys_of_json_are_text_or_digits_as_written(value: str, expected: tuple[list[str], list[P]]) -> None:
    assert read(f'{{"key":{value}}}\n'.encode(), Format.JSON_LINES) == expected


@given(st.binary(max_size=300), st.sampled_from(Format))
def test_no_file_breaks_the_reader(data: bytes, written: Format) -> None:
    read(data, written)
    assert sum(1 for _ in read_lines(io.BytesIO(data))) <= len(data)


@given(st.text(max_size=40))
def test_a_key_is_recognised_as_it_is_stored(text: str) -> None:
    try:
        key = fields.key(text)
    except FieldError:
        return
    assert fields.canonical_key(key) == fields.canonical_key(text)
    assert visible(key) == key


def test_long_lines_and_line_ends_across_pieces() -> None:
    piece = 1 << 16
    data = b"a" * (piece - 1) + b"\r\n" + b"b\r" + b"c" * (1 << 21) + b"\nd\n\r\n" + b"e"
    lines = [(line.number, line.text[:1], line.problem) for line in read_lines(io.BytesIO(data))]
    assert lines == [
        (1, "a", None),
        (2, "b", None),
        (3, "\n", P.LINE_TOO_LONG),
        (4, "d", None),
        (5, "\r", None),
        (6, "e", None),
    ]


def test_codes_and_numbers_in_every_script() -> None:
    assert code_signs(" “k7qw–2m4n. 9xrt\u200f ۰abc” ") == "K7QW2M4N9XRT0ABC"
    assert code_signs("АВС-１２") == "ABC12"
    assert [whole_number(text) for text in ("7", " ٧ ", "-۷", "\u200e7", "007")] == [7, 7, -7, 7, 7]
    for text in ("1E2", "1.000", "5e0", "+5", "1_0", "²", "", "1 0", "9" * 19, "0x1"):
        with pytest.raises(ValueError, match="not a whole number"):
            whole_number(text)


def test_the_files_of_the_demo_are_read() -> None:
    folder = Path(__file__).parents[3] / "backend" / "demo"
    with (folder / "catalogue.jsonl").open("rb") as file:
        assert not [row for row in read_rows(file, Format.JSON_LINES) if isinstance(row, Problem)]


@pytest.mark.parametrize("code", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("keys", [["ABC-1", "ABC-2"], ["مفتاح", "ثاني ٢"], ["ключ-1", "КЛЮЧ"], ["K" * 300, "я" * 300]])
def test_utf16_without_its_mark_is_read_whatever_its_letters(code: str, keys: list[str]) -> None:
    assert read("\r\n".join(keys).encode(code), Format.PLAIN) == (keys, [])


@pytest.mark.parametrize("body", [b"A\0B\nC", b"AB\0C\nDE", b"AAA\0\nBBB\0\n", b"\0\0\0\0", b"AAAA\n\0BBBB\n\0"])
def test_a_nul_alone_makes_no_utf16(body: bytes) -> None:
    keys, problems = read(body, Format.PLAIN)
    assert problems
    assert all(key.isascii() for key in keys)
