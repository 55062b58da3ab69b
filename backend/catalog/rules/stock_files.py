"""Files of keys: the command line and the back office read them by these rules alone."""

from __future__ import annotations

import itertools
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, cast

from backend.catalog.rules.fields import masked
from backend.catalog.rules.files import Format, read_rows
from backend.catalog.rules.lines import Source
from backend.catalog.rules.rows import SharedCount, StockRow, read_stock
from backend.catalog.rules.workbooks import read_workbook
from backend.catalog.types.imports import Problem, ProblemCode

MOST_ROWS: Final = 2_000_000
"""Of one file."""
_LOOKED_AT: Final = 5_000
_ENOUGH: Final = 10
_MOST_OF: Final = 0.9
_SEEN_AT_FIRST: Final = 1 << 12


def stock_rows(
    file: Source,
    written: Format,
    default_variant: str | None = None,
    *,
    as_is: bool = False,
    default_count: SharedCount | None = None,
) -> Iterator[StockRow | Problem]:
    """Every row of a file of keys, or what is wrong with it; ``as_is`` takes keys that look broken or cut, too.

    A workbook must be a file that can be read from anywhere.
    """
    raws = read_workbook(cast(BinaryIO, file)) if written is Format.WORKBOOK else read_rows(file, written)
    rows = read_stock(raws, default_variant, as_is=as_is, default_count=default_count)
    bounded = _bounded(rows)
    return bounded if as_is else flag_short(bounded)


def _bounded(rows: Iterable[StockRow | Problem]) -> Iterator[StockRow | Problem]:
    for number, row in enumerate(rows):
        if number == MOST_ROWS:
            yield Problem(row.line, ProblemCode.TOO_MANY_ROWS)
            return
        yield row


def flag_short(rows: Iterable[StockRow | Problem]) -> Iterator[StockRow | Problem]:
    """The rows, where a key shorter than those of its variant is a problem: something has cut it.

    Keys of a variant have a length only if nine of ten of them, and at least ten, in the first rows have the same.
    """
    rest = iter(rows)
    first = list(itertools.islice(rest, _LOOKED_AT))
    usual = usual_lengths(first)
    for row in itertools.chain(first, rest):
        if isinstance(row, StockRow) and len(row.key) < usual.get(row.variant, 0):
            yield Problem(row.line, ProblemCode.TOO_SHORT, "key", masked(row.key))
        else:
            yield row


def usual_lengths(rows: Iterable[StockRow | Problem]) -> dict[str, int]:
    """How long the keys of each variant are, where they are all alike."""
    lengths: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for row in rows:
        if isinstance(row, StockRow):
            lengths[row.variant][len(row.key)] += 1
    usual = {}
    for variant, counted in lengths.items():
        length, times = counted.most_common(1)[0]
        if times >= _ENOUGH and times >= sum(counted.values()) * _MOST_OF:
            usual[variant] = length
    return usual


def format_of(file_name: str, start: bytes) -> Format:
    """How a file is written: what its name says, else what its first bytes look like."""
    named = Format.of(file_name)
    if named is not None:
        return named
    if start.startswith(b"PK\x03\x04"):
        return Format.WORKBOOK
    first = next((line for line in start.decode(errors="replace").splitlines() if line.strip()), "").strip("\ufeff ")
    if first.startswith("{"):
        return Format.JSON_LINES
    names = {name.strip().strip('"').lower() for name in first.replace(";", ",").replace("\t", ",").split(",")}
    return Format.CSV if "key" in names else Format.PLAIN


class Seen:
    """Which keys a file has had: 8 bytes of each fingerprint, so that a million of them take 16 MB.

    Two different keys of a million look alike once in ten million files; then a dry run counts one too few.
    """

    def __init__(self) -> None:
        self._places = array("Q", bytes(8 * _SEEN_AT_FIRST))
        self._mask = _SEEN_AT_FIRST - 1
        self._count = 0

    def add(self, fingerprint: bytes) -> bool:
        """Remember it; whether it was there before."""
        mark = int.from_bytes(fingerprint[:8], "big") | 1
        if self._place(mark):
            return True
        self._count += 1
        if self._count * 2 > self._mask:
            self._grow()
        return False

    def _place(self, mark: int) -> bool:
        places, mask = self._places, self._mask
        at = (mark >> 1) & mask
        while places[at]:
            if places[at] == mark:
                return True
            at = (at + 1) & mask
        places[at] = mark
        return False

    def _grow(self) -> None:
        old = self._places
        self._mask = self._mask * 2 + 1
        self._places = array("Q", bytes(8 * (self._mask + 1)))
        for mark in old:
            if mark:
                self._place(mark)
