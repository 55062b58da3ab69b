"""The CSV writer: what it writes is read back as it was, and no cell is a formula."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from backend.infra import spreadsheets
from backend.kernel.money import Money
from tests.factories.wallet import usd

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@given(
    st.lists(st.lists(st.one_of(_TEXTS, st.sampled_from(_FORMULAS)), min_size=1, max_size=4), min_size=1, max_size=5)
)
def test_texts_come_back_and_never_begin_as_a_formula(rows: list[list[str]]) -> None:
    cells = read(spreadsheets.lines(rows))
    assert [[cell.removeprefix("'") if text.startswith(_FORMULAS) else cell for cell, text in zip(*both, strict=True)]
            for both in zip(cells, rows, strict=True)] == rows  # fmt: skip
    assert not any(cell.startswith(_FORMULAS) for row in cells for cell in row)


def test_figures_are_exact_and_times_have_their_offset() -> None:
    at = datetime(2027, 3, 1, 8, 30, tzinfo=UTC)
    amounts = (usd(-1999).decimal(), Money(1, "USDT").decimal(), Decimal("0E-12"), Decimal("1E+3"))
    line = spreadsheets.lines([(*amounts, -3, at, at.date(), None, date(2027, 3, 1))])
    assert read(line) == [
        [
            "-19.99",
            "0.000001",
            "0.000000000000",
            "1000",
            "-3",
            "2027-03-01T08:30:00+00:00",
            "2027-03-01",
            "",
            "2027-03-01",
        ]
    ]


def test_a_file_begins_with_the_mark_that_makes_arabic_readable() -> None:
    assert spreadsheets.first_line(["الاسم"]).encode() == b"\xef\xbb\xbf" + "الاسم\r\n".encode()
